"""The test kit's connections in memory behave as Twisted's on real sockets, the kernel's buffers included."""

from functools import partial
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.protocols import wire
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from sockproto.reactor import memory
from sockproto.reactor.memory import Loop
from sockproto.testing import (
    Expect,
    ExpectEnd,
    HalfClose,
    Pause,
    ReadToEnd,
    Reset,
    Send,
    Step,
    assert_same,
    connect,
    join,
    scripts,
)
from sockproto.testing.sockets import MemorySocket, Pipe
from sockproto.testing.transports import Transport
from tests.testing.protocols import (
    Aborts,
    ClosesBeforeItsProducer,
    Deaf,
    EndsItsHalf,
    Flushes,
    HalfCloseable,
    IsPulled,
    Noting,
    Pushes,
    Raises,
    ReadsLater,
    Speaks,
)


class Behaviour(NamedTuple):
    """A protocol, what is done with it, what it notes, and what is read."""

    protocol: type[Noting]
    script: list[Step]
    notes: list[str]
    read: bytes = b""
    ended: str | None = "orderly"


LATER = [Pause(0.1), HalfClose(), ReadToEnd()]
BEHAVIOURS = [
    Behaviour(
        Noting, [Send(b"a"), Expect(b"a"), HalfClose(), ReadToEnd()], ["data a", "ConnectionDone"], b"a"
    ),
    Behaviour(Noting, [Send(b"a"), HalfClose(), ReadToEnd()], ["data a", "ConnectionDone"]),
    Behaviour(
        HalfCloseable,
        [Send(b"a"), HalfClose(), ReadToEnd()],
        ["data a", "read end", "ConnectionDone"],
        b"a",
    ),
    Behaviour(HalfCloseable, [Send(b"a"), Expect(b"a"), Reset()], ["data a", "ConnectionLost"], b"a", None),
    Behaviour(Flushes, [ReadToEnd()], ["ConnectionDone"], b"x" * 1_000_000 + b"y" * 1_000_000),
    Behaviour(
        EndsItsHalf,
        [Expect(b"last words"), ExpectEnd(), Send(b"still heard"), *LATER],
        ["write end", "data still heard", "read end", "ConnectionDone"],
        b"last words",
    ),
    Behaviour(Aborts, [Send(b"a"), ReadToEnd()], ["not yet", "ConnectionAborted"], b"", "reset"),
    Behaviour(Raises, [Send(b"a"), ReadToEnd()], ["ZeroDivisionError"]),
    Behaviour(
        ReadsLater,
        [Send(b"a"), Expect(b"a"), HalfClose(), ReadToEnd()],
        ["go on", "data a", "read end", "ConnectionDone"],
        b"a",
    ),
    Behaviour(
        Pushes,
        [ReadToEnd()],
        ["not full", "pause", "full", "resume", "ConnectionDone"],
        b"x" * 10_065_536,
    ),
    Behaviour(
        IsPulled,
        [ReadToEnd()],
        ["resume 3", "one at a time", "resume 2", "resume 1", "ConnectionDone"],
        b"321",
    ),
    Behaviour(
        ClosesBeforeItsProducer,
        [ReadToEnd()],
        ["resume 3", "resume 2", "resume 1", "ConnectionDone"],
        b"321",
    ),
]


def seen(behaviour: Behaviour, notes: list[str], outcome: Any) -> tuple[list[str], Any, Any]:
    """Return what is to be compared."""
    return notes, outcome.read, outcome.ended


def in_memory(behaviour: Behaviour) -> tuple[list[str], Any, Any]:
    notes: list[str] = []
    # Not by play, which fails for an error of the protocol.
    made = scripts.attempt(lambda clock: behaviour.protocol(notes, clock), behaviour.script, "whole", Clock())
    if made.found:
        raise made.found
    return seen(behaviour, notes, made.outcome[0])


def differing() -> list[str]:
    """Return the behaviours that are not as they should be, in memory."""
    found = []
    for behaviour in BEHAVIOURS:
        expected = (behaviour.notes, behaviour.read, behaviour.ended)
        try:
            same = in_memory(behaviour) == expected
        except AssertionError:
            same = False
        if not same:
            found.append(behaviour.protocol.__name__)
    return found


class FidelityTests(TestCase):
    """The same table, in memory and with Twisted's transports on sockets."""

    def test_in_memory(self) -> None:
        self.assertEqual(differing(), [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_on_sockets(self) -> "Deferred[None]":
        async def compare() -> None:
            for behaviour in BEHAVIOURS:
                notes: list[str] = []
                make, name = partial(behaviour.protocol, notes), behaviour.protocol.__name__
                made = await scripts.attempt_on_socket(make, behaviour.script, "whole")
                self.assertIsNone(made.found)
                self.assertEqual(bool(made.raised), behaviour.protocol is Raises)
                [outcome] = made.outcome
                self.assertEqual(notes, behaviour.notes, name)
                assert_same(outcome.read, behaviour.read, name)
                self.assertEqual(outcome.ended, behaviour.ended, name)

        waiting = ensureDeferred(compare())
        waiting.addCallback(lambda _: self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1))
        return waiting

    test_on_sockets.timeout = 60  # type: ignore[attr-defined]  # trial's way to say it

    def test_each_part_that_is_ours_is_needed(self) -> None:
        def no_half_close(self: Any, transport: Any, call: Any, reading: bool) -> None:
            if transport.protocol.__class__ is Raises or call():
                self.removeReader(transport)
                self.removeWriter(transport)
                transport.connectionLost(Failure(ConnectionDone()))

        def writes_first(self: Any) -> bool:
            busy = bool(self.feed())
            for selected, name in (self.writers, "doWrite"), (self.readers, "doRead"):
                for transport in list(selected):
                    ready = transport.can_write if name == "doWrite" else transport.socket.readable
                    if ready:
                        busy = True
                        self.handle(transport, getattr(transport, name), name == "doRead")
            return busy

        broken: list[tuple[Any, str, Any, str]] = [
            (Loop, "handle", no_half_close, "HalfCloseable"),
            (Loop, "turn", writes_first, "Noting"),
            (MemorySocket, "shutdown", lambda self, how: None, "EndsItsHalf"),
            (MemorySocket, "setsockopt", lambda self, *option: None, "Aborts"),
            (MemorySocket, "recv", lambda self, count: self.inbound.take(count), "HalfCloseable"),
            (MemorySocket, "send", lambda self, data: len(data), "Flushes"),
            (Transport, "pauseProducing", lambda self: None, "ReadsLater"),
            (Transport, "loseWriteConnection", lambda self: None, "EndsItsHalf"),
            (Transport, "loseConnection", Transport.abortConnection, "Flushes"),
        ]
        for place, name, wrong, found in broken:
            patch = self.patch(place, name, wrong)
            self.assertIn(found, differing(), name)
            patch.restore()
        self.assertEqual(differing(), [])
        self.patch(Pipe, "room", 10**9)
        with self.assertRaises(AssertionError):
            BufferTests.check_the_kernel_is_bounded()
        self.flushLoggedErrors()


class BufferTests(TestCase):
    @staticmethod
    def check_the_kernel_is_bounded() -> None:
        for kernel_bytes in 0, 1, 1000:
            remote = connect(Speaks(b"x" * 5_000), kernel_bytes=kernel_bytes)
            assert remote.transport.held == 5_000 - kernel_bytes
            assert remote.read(10) == b"x" * 10
            assert remote.transport.held == 5_000 - kernel_bytes - 10
            assert len(remote.read()) == 4_990
            assert remote.read() == b""

    def test_so_much_is_with_the_kernel(self) -> None:
        self.check_the_kernel_is_bounded()
        self.assertEqual(connect(Speaks(b"x" * 5_000)).transport.most_held, 5_000)

    def test_who_does_not_read_is_sent_no_more_than_the_kernel_holds(self) -> None:
        remote = connect(Deaf(), kernel_bytes=1_000)
        remote.send(b"x" * 5_000)
        self.assertEqual(remote.unsent, 4_000)
        remote.transport.resumeProducing()
        self.assertEqual(remote.unsent, 0)

    def test_what_never_ends_is_told(self) -> None:
        remote = connect(wire.Chargen())  # a pull producer, held back by the kernel's buffer alone
        self.assertEqual(len(remote.read(100)), 100)
        self.patch(Speaks, "endless", True)
        link = join(Noting([], Clock()), Speaks(b"x"))
        self.assertTrue(all(link.turn() for _ in range(100)))
        self.patch(memory, "MAX_TURNS", 100)
        self.assertIn("never comes to rest", str(self.assertRaises(AssertionError, link.run)))
        self.assertRaises(ValueError, join, Deaf(), Deaf(), kernel_bytes=0)

    def test_two_protocols(self) -> None:
        notes: list[str] = []
        link = join(Speaks(b"hello"), Noting(notes, Clock()), kernel_bytes=3)
        link.turn()
        self.assertEqual(notes, [])
        link.run()
        self.assertEqual(notes, ["data hel", "data lo"])
        link.client.transport.loseConnection()
        link.run()
        self.assertEqual(notes[2:], ["ConnectionDone"])
