r"""What the remote side of a script does, step by step.

::

    script = [Send(b"a\n"), Expect(b"<a>\n"), HalfClose(), ExpectEnd()]
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol

from sockproto.testing.arguments import require_bytes, require_end
from sockproto.testing.assertions import assert_same
from sockproto.testing.cutting import Cut, pieces


class Line(Protocol):
    """What a step has of the connection, in memory or over a socket.

    Attributes:
        received: All that came.
    """

    received: bytearray

    @property
    def ended(self) -> Literal["orderly", "reset"] | None:
        """How the stream ended; None while it hasn't."""

    async def send(self, data: list[bytes], ending: bool) -> None:
        """Send pieces, each by itself; the half-close comes right behind the last if *ending*."""

    def half_close(self) -> None:
        """Send no more."""

    def reset(self) -> None:
        """Cut the connection."""

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""

    async def until(self, done: Callable[[], bool]) -> bool:
        """Read until *done*, the end, or the deadline; tell whether it is done."""
        raise NotImplementedError


class Course:
    """A script under way.

    Attributes:
        line: The connection.
        read: What the script has taken note of, of what came.
        sent: The lengths of the pieces that were sent.
        ending: Whether the half-close comes next, right behind the last piece.
    """

    def __init__(self, line: Line, cut: Cut) -> None:
        self.line = line
        self.cut = Random(cut) if isinstance(cut, int) else cut
        self.read, self.sent, self.ending = b"", list[int](), False

    @property
    def unread(self) -> bytes:
        """What came, and the script has not yet looked at."""
        return bytes(self.line.received[len(self.read) :])


class Step:
    """One thing that the remote side does, or waits for."""

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        raise NotImplementedError


@dataclass(frozen=True)
class Send(Step):
    """Send bytes, cut as the run says."""

    data: bytes

    def __post_init__(self) -> None:
        """Check what is given."""
        require_bytes(self.data, "Send")

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        chunks = pieces(self.data, course.cut)
        course.sent += map(len, chunks)
        await course.line.send(chunks, course.ending)


@dataclass(frozen=True)
class Expect(Step):
    """Wait for these bytes, exactly."""

    data: bytes

    def __post_init__(self) -> None:
        """Check what is given."""
        require_bytes(self.data, "Expect")

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        length = len(course.read) + len(self.data)
        await course.line.until(lambda: len(course.line.received) >= length)
        assert_same(course.unread[: len(self.data)], self.data)
        course.read += self.data


@dataclass(frozen=True)
class HalfClose(Step):
    """Send no more."""

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        course.line.half_close()


@dataclass(frozen=True)
class Reset(Step):
    """Cut the connection; no other step can follow."""

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        course.line.reset()


@dataclass(frozen=True)
class Pause(Step):
    """Let so many seconds pass."""

    seconds: float

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        await course.line.sleep(self.seconds)


@dataclass(frozen=True)
class ReadToEnd(Step):
    """Read all that comes until the stream ends; what it is shows in the outcome."""

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        if not await course.line.until(lambda: course.line.ended is not None):
            raise AssertionError(f"no end in time; {len(course.unread)} bytes came")
        course.read += course.unread


@dataclass(frozen=True)
class ExpectEnd(Step):
    """Wait for the end of the stream, with nothing more before it; *how* it ends is checked."""

    how: Literal["orderly", "reset"] = "orderly"

    def __post_init__(self) -> None:
        """Check what is given."""
        require_end(self.how, "ExpectEnd")

    async def take(self, course: Course) -> None:
        """Take this step of *course*, a run of the script."""
        before = len(course.read)
        await ReadToEnd().take(course)
        assert_same(course.read[before:], b"", "what comes before the end")
        if course.line.ended != self.how:
            raise AssertionError(f"the end is {course.line.ended}, not {self.how}")


def steps_of(script: Iterable[Step]) -> list[Step]:
    """Return the steps of a script, checked: what is none is said, and what can't come where it is."""
    if isinstance(script, Step):
        raise TypeError(f"a script is a list of steps: [{type(script).__name__}(…)]")
    steps, before = list(script), None
    for number, step in enumerate(steps):
        if isinstance(step, type) and issubclass(step, Step):
            raise TypeError(f"step {number} is a class: {step.__name__}(), not {step.__name__}")
        if not isinstance(step, Step):
            raise TypeError(f"step {number} is no step such as Send(b'…') or Expect(b'…'), but {step!r}")
        if isinstance(step, Send) and before:
            raise ValueError(f"step {number} sends after {before}")
        if isinstance(step, HalfClose | Reset):
            before = type(step).__name__
    return steps
