"""Bytes that may be too many to be kept. Pure.

::

    Body(PATTERN, 32 << 20).part(70_000, 10)
"""

from sockproto.check.verdict import left_out

PART_BYTES = 65_536
"""The most that is given at once."""

EDGE_BYTES = 512
"""What is kept of either end of a long run."""


class Body:
    """A block of bytes, again and again.

    Args:
        block: The block.
        size: How many bytes there are in all; the block once if None.
    """

    def __init__(self, block: bytes, size: int | None = None) -> None:
        self.size = len(block) if size is None else size
        self._period = len(block) or 1
        times = 1 if self.size <= len(block) else PART_BYTES // self._period + 2
        self._ring = block * times

    def part(self, start: int, count: int = PART_BYTES) -> bytes:
        """Return at most *count* bytes from *start*; fewer at the end, or past 65,536."""
        count = min(count, PART_BYTES, self.size - start)
        if len(self._ring) > self._period:
            start %= self._period
        return self._ring[start : start + count]

    def until(self, size: int) -> "Body":
        """Return the first *size* bytes of it."""
        made = Body(b"")
        made.size, made._period, made._ring = min(size, self.size), self._period, self._ring
        return made

    def around(self, place: int) -> bytes:
        """Return the bytes about a place, for a report."""
        return self.part(max(0, place - 32), 64)

    def edges(self) -> bytes:
        """Return all, or the beginning and the end of a long body, for a report."""
        if self.size <= 2 * EDGE_BYTES:
            return self.part(0)
        head, tail = self.part(0, EDGE_BYTES), self.part(self.size - EDGE_BYTES, EDGE_BYTES)
        return head + left_out(self.size - 2 * EDGE_BYTES) + tail


class Edges:
    """The beginning and the end of what comes in pieces."""

    def __init__(self) -> None:
        self.size = 0
        self._head = self._tail = b""

    def add(self, data: bytes) -> None:
        """Take another piece."""
        self.size += len(data)
        room = EDGE_BYTES - len(self._head)
        self._head += data[:room]
        self._tail = (self._tail + data[room:])[-EDGE_BYTES:]

    def __bytes__(self) -> bytes:
        gap = self.size - len(self._head) - len(self._tail)
        return self._head + (left_out(gap) if gap else b"") + self._tail


def difference(expected: bytes, received: bytes) -> int:
    """Return the place where two runs of bytes differ first; the length of the shorter one if that is all."""
    low, high = 0, min(len(expected), len(received))
    while low < high:  # the slices are compared in C
        middle = (low + high + 1) // 2
        if expected[:middle] == received[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
