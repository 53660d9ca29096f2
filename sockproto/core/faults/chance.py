"""The random choices of a spec, and which faults something has had.

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
from sockproto.core.faults.spec import FAULTS, FOR_GOOD_SECONDS, FaultSpec, Span

SEGMENT_SECONDS = 0.005
"""Between two segments: what comes at once may be read at once."""

DRIP_SECONDS = 0.01
"""Bytes that drip come one by one, or as many as there are in such a time."""

ENDS = ("close-after", "half-close-after", "reset-after")
"""The faults that end a connection, or a half of it, after so much."""


class FaultRecord:
    """Which faults a connection, or a datagram, has had.

    Args:
        counted: Where faults are counted: those of messages each time, the others once.
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
        """Which, in words; empty if none."""
        return f"faults: {', '.join(self._names)}" if self._names else ""


class Chance:
    """A spec, and the random choices that are made for it.

    Args:
        spec: The spec.
        random: Where they come from.
        had: Told of each fault.

    Attributes:
        faults: The value of each fault.
        left: How much is left until each of those that end the connection.
    """

    def __init__(self, spec: FaultSpec, random: Random, had: FaultRecord) -> None:
        self.faults, self._spec, self._random, self._had = spec.faults, spec, random, had
        self.left = {name: spec.faults[name].number for name in ENDS if name in spec.faults}
        self._applies = spec.of_messages or self._happens(spec.share)

    def concerns(self, message: bytes | None) -> bool:
        """Return whether the answer to a message has faults; None: what is said unasked."""
        if not self._applies or (self._spec.match and self._spec.match not in (message or b"")):
            return False
        return not self._spec.of_messages or self._happens(self._spec.share)

    def has(self, name: str) -> bool:
        """Return whether a fault is to be had now, and have it noted."""
        if name not in self.faults or not self._applies:
            return False
        self._had.note(name)
        return True

    def happens(self, name: str) -> bool:
        """The same, of a fault whose value is how often it is."""
        return name in self.faults and self._happens(self.faults[name]) and self.has(name)

    def pause(self, name: str) -> Script:
        """Wait for the time of a fault, if there is one."""
        if self.has(name):
            span: Span | None = self.faults[name]
            seconds = FOR_GOOD_SECONDS if span is None else self._random.uniform(*span)
            if seconds:
                yield Sleep(seconds)

    def truncated(self, data: bytes) -> bytes:
        """Return what is sent of a message."""
        most: int = self.faults.get("truncate", len(data))
        if len(data) > most:
            self._had.note("truncate")
        return data[:most]

    def garbled(self, data: bytes) -> bytes:
        """Return bytes of which some are wrong."""
        share = self.faults.get("garble", 0.0)
        if not share:
            return data
        change = self._random.randrange  # by 1 to 255, to another byte
        wrong = bytes(byte ^ change(1, 256) if self._happens(share) else byte for byte in data)
        if wrong != data:
            self._had.note("garble")
        return wrong

    def segments(self, parts: Iterable[tuple[bytes, float]]) -> Iterator[tuple[bytes, float]]:
        """Cut what is sent further, and slow it down.

        Args:
            parts: What is sent at once, and the seconds after each.
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
        run: Its number: the same choices are made for the same number.
        had: Told of each fault.
    """
    return [Chance(spec, Random(f"{spec.seed}/{place}/{run}"), had) for place, spec in enumerate(specs)]
