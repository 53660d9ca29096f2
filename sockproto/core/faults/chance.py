"""The random choices of a fault spec, and which faults a connection or datagram has had.

::

    had = FaultRecord(Counter())
    chance = Chance(FaultSpec.parsed("garble=0.01,share=0.5"), Random("0/1/7"), had)
    if chance.concerns(b"PING"):
        data = chance.garbled(b"PONG")
    had.detail          # "faults: garble"
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from sockproto.core.actions import Script, Sleep
from sockproto.core.faults.catalog import FAULTS, FOR_GOOD_SECONDS
from sockproto.core.faults.spec import FaultSpec
from sockproto.core.faults.values import Span

SEGMENT_SECONDS = 0.005
"""Seconds between two segments: without them the peer could read both at once."""

DRIP_SECONDS = 0.01
"""``drip`` sends single bytes, or as many as it sends in this many seconds."""

ENDS = ("close-after", "half-close-after", "reset-after")
"""The faults that end a connection, or one half of it, after an amount of bytes or messages."""


class FaultRecord:
    """Which faults a connection, or a datagram, has had.

    Args:
        counted: Where faults are counted: faults of messages each time, the others once.
    """

    def __init__(self, counted: Counter[str]) -> None:
        self._counted = counted
        self._names: dict[str, None] = {}  # in order

    def note(self, name: str) -> None:
        """It has this one."""
        if name not in self._names or FAULTS[name].of_messages:
            self._counted[name] += 1
        self._names[name] = None

    @property
    def detail(self) -> str:
        """The faults in words; empty if there were none."""
        return f"faults: {', '.join(self._names)}" if self._names else ""


class Chance:
    """A fault spec, and the random choices that are made for it.

    Args:
        spec: The spec.
        random: The source of the choices.
        had: Records each fault.

    Attributes:
        faults: The value of each fault.
        left: For each fault that ends the connection, how much is left until it does.
    """

    def __init__(self, spec: FaultSpec, random: Random, had: FaultRecord) -> None:
        self.faults, self._spec, self._random, self._had = spec.faults, spec, random, had
        self.left = {name: spec.faults[name].number for name in ENDS if name in spec.faults}
        self._applies = spec.of_messages or self._happens(spec.share)

    def concerns(self, message: bytes | None) -> bool:
        """Return whether the answer to *message* has faults; None: for what is sent without a message."""
        if not self._applies or (self._spec.match and self._spec.match not in (message or b"")):
            return False
        return not self._spec.of_messages or self._happens(self._spec.share)

    def has(self, name: str) -> bool:
        """Return whether this fault happens now, and record it if so."""
        if name not in self.faults or not self._applies:
            return False
        self._had.note(name)
        return True

    def happens(self, name: str) -> bool:
        """Return the same for a fault whose value is its probability."""
        return name in self.faults and self._happens(self.faults[name]) and self.has(name)

    def pause(self, name: str) -> Script:
        """Wait for the time of a fault, if the spec has this fault."""
        if self.has(name):
            span: Span | None = self.faults[name]
            seconds = FOR_GOOD_SECONDS if span is None else self._random.uniform(*span)
            if seconds:
                yield Sleep(seconds)

    def truncated(self, data: bytes) -> bytes:
        """Return the part of a message that is sent."""
        most: int = self.faults.get("truncate", len(data))
        if len(data) > most:
            self._had.note("truncate")
        return data[:most]

    def garbled(self, data: bytes) -> bytes:
        """Return the bytes with some of them changed."""
        share = self.faults.get("garble", 0.0)
        if not share:
            return data
        change = self._random.randrange  # by 1 to 255, to another byte
        wrong = bytes(byte ^ change(1, 256) if self._happens(share) else byte for byte in data)
        if wrong != data:
            self._had.note("garble")
        return wrong

    def segments(self, parts: Iterable[tuple[bytes, float]]) -> Iterator[tuple[bytes, float]]:
        """Cut the output into smaller segments, and slow it down.

        Args:
            parts: Each part is bytes that are sent at once, and the seconds to wait after them.
        """
        rate, size = self.faults.get("drip", 0), self.faults.get("split")
        if rate:
            size = min(size or 1 << 16, max(1, int(rate * DRIP_SECONDS)))
        for data, after in parts:
            self._had.note("drip" if rate else "split")
            while data:
                cut = size or self._random.randint(1, (len(data) + 1) // 2)
                part, data = data[:cut], data[cut:]
                pause = len(part) / rate if rate else SEGMENT_SECONDS if data else 0.0
                yield part, pause if data else max(pause, after)

    def _happens(self, share: float) -> bool:
        return share >= 1 or self._random.random() < share


def chances(specs: Sequence[FaultSpec], run: int, had: FaultRecord) -> list[Chance]:
    """Return the chances of a connection or a datagram.

    Args:
        specs: What is to go wrong.
        run: Its number. The same number makes the same choices.
        had: Records each fault.
    """
    return [Chance(spec, Random(f"{spec.seed}/{place}/{run}"), had) for place, spec in enumerate(specs)]
