"""Bytes that have arrived and wait to be understood (pure). Linear time, however they are split."""

from collections import deque


class Received:
    """A queue of bytes, taken line by line or in pieces.

    Attributes:
        ended: The peer has said that no more will come.
        clean: It has said so in a way that no one in between can forge.
        count: How many bytes have come.
    """

    def __init__(self) -> None:
        self.ended, self.clean, self.count = False, True, 0
        self._pieces: deque[bytes] = deque()
        self._at = 0  # bytes of the first piece that are taken
        self._line = bytearray()  # a line's beginning, from pieces that are gone

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        if data:
            self._pieces.append(bytes(data))
            self.count += len(data)

    def line(self, limit: int) -> bytes | None:
        """Take a line with its LF, or *limit* bytes if there is none in them; None: more is needed."""
        while self._pieces:
            piece, stop = self._pieces[0], self._at + limit - len(self._line)
            end = piece.find(b"\n", self._at, stop) + 1 or min(stop, len(piece))
            self._line += piece[self._at : end]
            self._take(end)
            if self._line.endswith(b"\n") or len(self._line) >= limit:
                line = bytes(self._line)
                self._line.clear()
                return line
        return None

    def some(self, limit: int | None = None) -> bytes:
        """Take what is there of the next *limit* bytes, one piece at most; empty: more is needed."""
        if not self._pieces:
            return b""
        piece, at = self._pieces[0], self._at
        end = len(piece) if limit is None else min(len(piece), at + limit)
        self._take(end)
        return piece[at:end]  # the piece itself, if that is all of it

    def whole(self) -> tuple[bytes, int]:
        """Show the piece that is next and where it goes on, without taking it; empty in a line's middle."""
        return (self._pieces[0], self._at) if self._pieces and not self._line else (b"", 0)

    def skip(self, end: int) -> None:
        """Take what :meth:`whole` has shown, up to *end*."""
        self._take(end)

    def _take(self, end: int) -> None:
        self._at = end
        if end == len(self._pieces[0]):
            self._pieces.popleft()
            self._at = 0
