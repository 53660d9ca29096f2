r"""The steps of a script, which the remote side takes one after the other.

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
    """The connection as a step sees it, in memory or over a socket.

    Attributes:
        received: All bytes that came.
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
    """A script in progress.

    Attributes:
        line: The connection.
        read: The bytes that the script has read, of those that came.
        sent: The lengths of the pieces that were sent.
        ending: Whether the half-close comes next, right behind the last piece.
    """

    def __init__(self, line: Line, cut: Cut) -> None:
        self.line = line
        self.cut = Random(cut) if isinstance(cut, int) else cut
        self.read, self.sent, self.ending = b"", list[int](), False

    @property
    def unread(self) -> bytes:
        """The bytes that came and that the script has not read yet."""
        return bytes(self.line.received[len(self.read) :])


class Step:
    """One action or wait of the remote side."""

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
    """Read all bytes until the stream ends; the outcome has them."""

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
    """Return the steps of a script; raise an error for anything that is not a step or is in a wrong place."""
    if isinstance(script, Step):
        raise TypeError(f"a script is a list of steps: [{type(script).__name__}(…)]")
    steps, before = list(script), None
    for number, step in enumerate(steps):
        if isinstance(step, type) and issubclass(step, Step):
            raise TypeError(f"step {number} is a class: {step.__name__}(), not {step.__name__}")
        if not isinstance(step, Step):
            raise TypeError(f"step {number} is not a step such as Send(b'…') or Expect(b'…'): {step!r}")
        if isinstance(step, Send) and before:
            raise ValueError(f"step {number} sends after {before}")
        if isinstance(step, HalfClose | Reset):
            before = type(step).__name__
    return steps
