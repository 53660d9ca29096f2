r"""Runs one script with a server in many ways: whole, in single bytes, cut at random, over real sockets.

A script is a list of steps of the remote side. However its bytes are cut, the same bytes must come back::

    script = [Send(b"a\nb\n"), Expect(b"<a>\n<b>\n"), HalfClose(), ExpectEnd()]
    play_every_way(MyFactory, script)         # in memory, at once
    await play_everywhere(MyFactory, script)  # and on 127.0.0.1
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python import log

from sockproto.testing.arguments import made
from sockproto.testing.assertions import assert_same
from sockproto.testing.clocks import to_next_call
from sockproto.testing.cutting import Cut
from sockproto.testing.live import Noted, SocketLine, on_socket
from sockproto.testing.steps import Course, ExpectEnd, HalfClose, ReadToEnd, Send, Step, steps_of
from sockproto.testing.streams import MAX_STREAM_BYTES, Remote, connect
from sockproto.testing.waiting import Awaited

SECONDS = 10.0
"""How many seconds a step may take: of the fake clock in memory, of real time over sockets."""

MAX_CALLS = 10_000
"""How many delayed calls there may be within a step in memory: some renew themselves without time passing."""

Make = Callable[..., Any]
"""Returns the factory or protocol under test. It gets the clock if it has a parameter ``clock`` or
``reactor``, or any other parameter without a default."""


class Outcome(NamedTuple):
    """The result of a script: what its steps have read, and how the stream ended (None: it has not).

    Bytes after the last step are not checked, so end a script with ``ExpectEnd`` or ``ReadToEnd``.
    """

    read: bytes
    ended: Literal["orderly", "reset"] | None


class Played(NamedTuple):
    """A script that was run.

    Attributes:
        outcome: Its result; empty if a step failed.
        way: How it was run.
        found: The error of the step that failed.
        raised: The exceptions of the protocol. Its other faults may be intended.
    """

    outcome: list[Outcome]
    way: str
    found: AssertionError | None
    raised: list[str]

    def judged(self) -> Outcome:
        """Return what came of it.

        Raises:
            AssertionError: A step has found something, or the protocol raised an error, its likely cause.
        """
        said = [str(self.found)] if self.found else []
        if said or self.raised:
            raise AssertionError(f"{self.way}{', ' if said else ': '}{'; '.join([*said, *self.raised[:1]])}")
        return self.outcome[0]


class MemoryLine:
    """A connection in memory and its fake clock; nothing here waits for anything."""

    def __init__(self, remote: Remote, clock: Clock) -> None:
        self.remote, self.clock = remote, clock
        self.received = bytearray()

    @property
    def ended(self) -> Literal["orderly", "reset"] | None:
        """How the stream ended."""
        return self.remote.ended

    def half_close(self) -> None:
        """Send no more."""
        self.remote.half_close()

    def reset(self) -> None:
        """Cut the connection."""
        self.remote.reset()

    def cut(self) -> None:
        """Be done with it: what is left is cut, as over a socket, and what that leads to is seen."""
        try:
            self.remote.reset()
        except Exception as error:  # of ``connectionLost``
            self.remote.transport.note_exception(error)
            log.err()

    async def send(self, data: list[bytes], ending: bool) -> None:
        """Send pieces, each in a turn of its own; read on meanwhile."""
        for number, piece in enumerate(data, 1):
            if ending and number == len(data):
                self.remote.half_close(piece)
            else:
                self.remote.send(piece)
            self.received += self.remote.read()

    async def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.clock.advance(seconds)

    async def until(self, done: Callable[[], bool]) -> bool:
        """Read until *done* or the end; tell whether it was in time."""
        deadline, most = self.clock.seconds() + SECONDS, len(self.received) + MAX_STREAM_BYTES
        for _ in range(MAX_CALLS):
            data = self.remote.read()
            while data and len(self.received) < most:
                self.received += data
                data = self.remote.read()
            if done():
                return True
            if data or self.ended or not to_next_call(self.clock, deadline - self.clock.seconds()):
                return False
        return False


def play(make: Make, script: Iterable[Step], cut: Cut = "whole", clock: Clock | None = None) -> Outcome:
    """Run a script in memory, with a fake clock that skips waits.

    Args:
        make: Returns the factory or protocol: see ``Make``.
        script: The steps.
        cut: How to cut what is sent.
        clock: The fake clock; a new one if None.

    Returns:
        What came of it.

    Raises:
        AssertionError: A step failed, or the protocol raised an error; the text says how the bytes were cut.
    """
    return attempt(make, script, cut, clock or Clock()).judged()


def attempt(make: Make, script: Iterable[Step], cut: Cut, clock: Clock) -> Played:
    """Run a script in memory and return what happened. Arguments as for :func:`play`."""
    steps = steps_of(script)
    line = MemoryLine(connect(made(make, clock)), clock)
    course, outcome, found = Course(line, cut), list[Outcome](), None

    async def hold() -> None:
        outcome.append(await _hold(course, steps))

    try:
        with suppress(StopIteration):  # nothing in memory waits: the coroutine ends at once
            hold().send(None)
    except AssertionError as error:
        found = error
    line.cut()
    return Played(outcome, _way("in memory", cut, course), found, line.remote.transport.noted.raised())


async def attempt_on_socket(make: Make, script: Iterable[Step], cut: Cut, reactor: Any = None) -> Played:
    """Run a script over a real connection and return what happened, as :func:`play_on_socket` does."""
    steps = steps_of(script)
    if reactor is None:
        from twisted.internet import reactor
    served, outcome, way, found = Noted(made(make, reactor)), list[Outcome](), "", None

    async def hold(line: SocketLine) -> None:
        nonlocal way, found
        course = Course(line, cut)
        try:
            outcome.append(await _hold(course, steps))
        except AssertionError as error:
            found = error
        way = _way("over a socket", cut, course)

    await on_socket(served, hold, SECONDS, reactor)
    return Played(outcome, way, found, served.faults.raised())


async def _hold(course: Course, script: list[Step]) -> Outcome:
    line = course.line
    for number, step in enumerate(script):
        course.ending = isinstance(step, Send) and script[number + 1 : number + 2] == [HalfClose()]
        try:
            await step.take(course)
        except AssertionError as error:
            raise AssertionError(f"step {number}: {error}") from None
    return Outcome(course.read, line.ended if script and _ends(script[-1]) else None)


def _ends(step: Step) -> bool:
    return isinstance(step, ReadToEnd | ExpectEnd)


def _way(where: str, cut: Cut, course: Course) -> str:
    lengths = ", ".join(map(str, course.sent[:20])) + (", …" if len(course.sent) > 20 else "")
    return f"{where}, cut={cut!r} (pieces of {lengths} bytes)" if course.sent else f"{where}, cut={cut!r}"


def ways(seeds: Iterable[int]) -> list[Cut]:
    """Return the ways of cutting: whole, in single bytes, and one at random for each seed."""
    return ["whole", "bytes", *seeds]


def play_every_way(make: Make, script: Iterable[Step], seeds: Iterable[int] = range(10)) -> Outcome:
    """Run a script in memory whole, byte by byte, and cut at random; check that the results are the same.

    Args:
        make: Returns a new factory or protocol for each run: see ``Make``.
        script: The steps.
        seeds: For each seed, one run with the bytes cut at random places.

    Returns:
        The result, which is the same each time.

    Raises:
        AssertionError: A result differs, or a step failed; the text says with which *cut* ``play`` shows it
            again.
    """
    (whole, *others), steps = ways(seeds), steps_of(script)
    expected = play(make, steps, whole)
    for cut in others:
        came = attempt(make, steps, cut, Clock())
        _compare(came.judged(), expected, came.way)
    return expected


def play_on_socket(
    make: Make, script: Iterable[Step], cut: Cut = "whole", reactor: Any = None
) -> "Deferred[Outcome]":
    """Run a script over a real connection on 127.0.0.1, on the running reactor.

    Args:
        make: Returns the factory: see ``Make``; its clock is the reactor.
        script: The steps.
        cut: How to cut what is sent.
        reactor: The reactor; the global one if None.

    Returns:
        A Deferred of the result; the script begins when the Deferred is waited for. It fails with an
        ``AssertionError`` at most ``SECONDS`` after a step began; the port and the connection are closed
        then.
    """
    steps = steps_of(script)

    async def held() -> Outcome:
        return (await attempt_on_socket(make, steps, cut, reactor)).judged()

    return Awaited(held())


def play_everywhere(
    make: Make, script: Iterable[Step], seeds: Iterable[int] = range(5), reactor: Any = None
) -> "Deferred[Outcome]":
    """Run a script in memory and over real sockets, cut in every way; check that the results are the same.

    Over sockets time is real: each ``Pause``, and each wait of the server, takes its full time in every run.

    Args:
        make: Returns a new factory for each run: see ``Make``.
        script: The steps.
        seeds: For each seed, one more run with the bytes cut at random places.
        reactor: The reactor; the global one if None.

    Returns:
        A Deferred of the result, which is the same each time; the part over sockets begins when it is
        waited for.

    Raises:
        AssertionError: A run in memory failed; if a run over sockets fails, the Deferred fails.
    """
    chosen, steps = list(seeds), steps_of(script)
    expected = play_every_way(make, steps, chosen)

    async def over_sockets() -> Outcome:
        for cut in ways(chosen):
            came = await play_on_socket(make, steps, cut, reactor)
            _compare(came, expected, f"over a socket, cut={cut!r}")
        return expected

    return Awaited(over_sockets())


def _compare(outcome: Outcome, expected: Outcome, way: str) -> None:
    assert_same(outcome.read, expected.read, f"{way}: what was read")
    if outcome.ended != expected.ended:
        raise AssertionError(f"{way}: the end is {outcome.ended}, not {expected.ended} as when whole")
