r"""What a server says that misbehaves: scripts, actions one after the other. Pure.

Long answers are made in pieces, as far as the reader has room for them::

    list(dripped(3, 1.5))       # [Sleep(0.5), b"0", Sleep(0.5), b"1", Sleep(0.5), b"2"]
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sockproto.core.actions import ABORT, Action, Script, Sleep

LF = b"\n"

PIECE_BYTES = 32_000
"""So much of a long answer is made at a time; a multiple of ten."""

DIGITS = b"0123456789" * (PIECE_BYTES // 10 + 1)

PAUSE_SECONDS = 0.02
"""What keeps two segments apart, for readers that are busy too."""

STEP_SECONDS = 0.01
"""The least time between pieces of a drip, and between two checks whether all has been delivered."""

DELIVERY_SECONDS = 30.0
"""So long a reset waits until what was said before is delivered: as long as ``write_stall_seconds``."""


class Misbehaving(Protocol):
    """What the commands know of their connection.

    Attributes:
        ignores: Whether what comes is thrown away.
        stopped: Whether nothing is read.
    """

    ignores: bool
    stopped: bool

    @property
    def has_halves(self) -> bool:
        """Whether it can be half-closed."""

    @property
    def undelivered(self) -> int:
        """How many bytes the peer's system has not taken yet, as far as can be told."""

    @property
    def pushes(self) -> Sequence[bytes]:
        """What waits to be pushed."""

    def push_later(self, seconds: float, message: bytes) -> None:
        """Schedule a message after that many seconds, between two answers."""

    def take_pushes(self) -> list[tuple[float, bytes]]:
        """Push no more; return what was to be, in its order, and in how many seconds each."""


def digits(begin: int, end: int) -> Script:
    """Send a part of the digits 0 to 9 over and over, in pieces: the reader sets the pace."""
    while begin < end:
        size, offset = min(end - begin, PIECE_BYTES), begin % 10
        yield DIGITS[offset : offset + size]
        begin += size


def joined(actions: Iterable[Action], *more: Action) -> Script:
    """Do a script, or nothing, and then more actions."""
    yield from actions
    yield from more


def delayed(seconds: float, said: bytes) -> Script:
    """Say something later."""
    yield Sleep(seconds)
    yield said


def dripped(n: int, seconds: float) -> Script:
    """Send *n* digits at even intervals; the last is sent when the time is over."""
    steps = max(1, min(n, int(seconds / STEP_SECONDS)))
    for step in range(steps):
        yield Sleep(seconds / steps)
        yield from digits(n * step // steps, n * (step + 1) // steps)


def counted(n: int) -> Script:
    """Send that many lines."""
    for number in range(1, n + 1):
        yield b"line %d\n" % number


def apart(segments: Sequence[bytes]) -> Script:
    """Send segments: the pause between them keeps each one for itself."""
    for number, segment in enumerate(segments):
        if number:
            yield Sleep(PAUSE_SECONDS)
        yield segment


def late(pushes: Sequence[tuple[float, bytes]]) -> Script:
    """Say each message when its time has come; they are in order."""
    waited = 0.0
    for seconds, message in pushes:
        yield Sleep(seconds - waited)
        yield message
        waited = seconds


def unread(connection: Misbehaving, seconds: float) -> Script:
    """Say ok, then stop reading for that long."""
    yield b"ok\n"
    connection.stopped = True
    try:
        yield Sleep(seconds)
    finally:
        connection.stopped = False


def delivered(connection: Misbehaving) -> Script:
    """Reset when the peer's system has all: a reset throws away what was not sent."""
    for _ in range(int(DELIVERY_SECONDS / STEP_SECONDS)):
        yield Sleep(STEP_SECONDS)
        if not connection.undelivered:
            break
    yield ABORT
