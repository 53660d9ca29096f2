"""The test kit against Twisted's real transports, and that it finds what it is for."""

from functools import partial
from typing import Any, NamedTuple

import trustme
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IPullProducer,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import ClientContextFactory, DefaultOpenSSLContextFactory
from twisted.internet.task import Clock
from twisted.protocols import wire
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from sockproto.protocols.echo import EchoFactory
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
    assert_bounded,
    assert_ended,
    assert_no_faults,
    assert_reads,
    assert_same,
    connect,
    join,
    play,
    play_on_socket,
    scripts,
    to_next_call,
)
from sockproto.testing.sockets import MemorySocket, Pipe
from sockproto.testing.transports import PEER, Transport

# What protocols meet, with Twisted's transports on real sockets as in memory.


class Noting(Protocol):
    """Notes what happens to it; echoes, without knowing of half-close."""

    transport: Any

    def __init__(self, notes: list[str], clock: IReactorTime) -> None:
        self.notes, self.clock = notes, clock

    def note(self, what: str) -> None:
        self.notes.append(what)

    def dataReceived(self, data: bytes) -> None:
        self.note(f"data {data.decode()}")
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.note(type(reason.value).__name__)
        self.transport.write(b"after the end")


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Noting):
    def readConnectionLost(self) -> None:
        self.note("read end")
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        self.note("write end")


class Flushes(Noting):
    def connectionMade(self) -> None:
        self.transport.writeSequence([b"x" * 1_000_000, b"y" * 1_000_000])
        self.transport.loseConnection()


class EndsItsHalf(HalfCloseable):
    def connectionMade(self) -> None:
        self.transport.write(b"last words")
        self.transport.loseWriteConnection()


class Aborts(HalfCloseable):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.abortConnection()
        self.note("not yet")


class Raises(Noting):
    def dataReceived(self, data: bytes) -> None:
        raise ZeroDivisionError


class ReadsLater(HalfCloseable):
    def connectionMade(self) -> None:
        self.transport.pauseProducing()
        self.clock.callLater(0.05, self.go_on)

    def go_on(self) -> None:
        self.note("go on")
        self.transport.resumeProducing()


@implementer(IPushProducer)
class Pushes(HalfCloseable):
    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        self.transport.write(b"x" * 65_536)
        self.note("not full")
        self.transport.write(b"x" * 10_000_000)
        self.note("full")

    def pauseProducing(self) -> None:
        self.note("pause")

    def resumeProducing(self) -> None:
        self.note("resume")
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def stopProducing(self) -> None:
        self.note("stop")


@implementer(IPullProducer)
class IsPulled(Noting):
    left = 3

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, False)
        try:
            self.transport.registerProducer(self, False)
        except RuntimeError:
            self.note("one at a time")

    def resumeProducing(self) -> None:
        self.note(f"resume {self.left}")
        self.transport.write(b"%d" % self.left)
        self.left -= 1
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def stopProducing(self) -> None:
        self.note("stop")


class ClosesBeforeItsProducer(IsPulled):
    def connectionMade(self) -> None:
        self.transport.registerProducer(self, False)
        self.transport.loseConnection()  # waits for the producer


class IsStopped(IsPulled):
    left = 10**9


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
    """Give what is to be compared."""
    return notes, outcome.read, outcome.ended


def in_memory(behaviour: Behaviour) -> tuple[list[str], Any, Any]:
    notes: list[str] = []
    # Not by play, which fails for an error of the protocol: on sockets nobody can do that.
    outcome, *_ = scripts.attempt(
        lambda clock: behaviour.protocol(notes, clock), behaviour.script, "whole", Clock()
    )
    return seen(behaviour, notes, outcome)


def differing() -> list[str]:
    """Give the behaviours that are not as they should be, in memory."""
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
                outcome = await play_on_socket(partial(behaviour.protocol, notes), behaviour.script)
                name = behaviour.protocol.__name__
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


# What the kit is for.


class EchoLossTests(TestCase):
    def test_stock_echo_loses_what_is_unsent_at_the_half_close(self) -> None:
        remote = connect(wire.Echo())
        remote.send(b"x" * 1_000_000)
        remote.half_close()
        with self.assertRaises(AssertionError) as raised:
            assert_reads(remote, b"x" * 1_000_000)
        self.assertIn("b'' came", str(raised.exception))
        self.assertIn("(65,536 bytes, not 1,000,000)", str(raised.exception))

    def test_and_one_byte_if_the_end_comes_right_behind_it(self) -> None:
        script = [Send(b"hello"), HalfClose(), ReadToEnd()]
        self.assertEqual(play(lambda clock: wire.Echo(), script).read, b"")
        self.assertEqual(play(lambda clock: EchoFactory(clock=clock), script).read, b"hello")

    def test_it_buffers_without_end(self) -> None:
        remote = connect(wire.Echo())
        remote.send(b"x" * 10_000_000)
        error = self.assertRaises(AssertionError, assert_bounded, remote, 1 << 20)
        self.assertIn("held 9,934,464 bytes", str(error))
        self.assertIn("register a push producer", str(error))

    def test_ours_does_neither(self) -> None:
        remote = connect(EchoFactory(clock=Clock()))
        remote.send(b"x" * 10_000_000)
        assert_bounded(remote, 256 * 1024)
        self.assertGreater(remote.unsent, 9_000_000)
        remote.half_close()
        assert_reads(remote, b"x" * 10_000_000)
        assert_ended(remote)
        assert_no_faults(remote)


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


class FaultTests(TestCase):
    def test_what_a_transport_does_not_take_well(self) -> None:
        def late(protocol: Any) -> None:
            protocol.transport.loseWriteConnection()
            protocol.transport.write(b"late")

        def with_producer(protocol: Any) -> None:
            protocol.transport.registerProducer(Pushes([], Clock()), True)
            protocol.transport.loseConnection()

        def after(protocol: Any) -> None:
            transport = protocol.transport
            transport.connectionLost(Failure(ConnectionLost()))
            transport.write(b"x\x1b[2J")
            transport.resumeProducing()

        for wrong, expected in [
            (late, ["write: 4 bytes after loseWriteConnection: b'late'"]),
            (with_producer, ["loseConnection: a producer is still registered"]),
            (
                after,
                [
                    "write: 5 bytes after the connection was gone: b'x\\x1b[2J'",
                    "resumeProducing: the connection is gone",
                ],
            ),
        ]:
            remote = connect(Deaf())
            wrong(remote.protocol)
            self.assertEqual(remote.faults, expected)
            self.assertIn(expected[0], str(self.assertRaises(AssertionError, assert_no_faults, remote)))
            assert_no_faults(connect(Deaf()))

    def test_an_exception(self) -> None:
        remote = connect(Raises([], Clock()))
        remote.send(b"x")
        line = Raises.dataReceived.__code__.co_firstlineno + 1
        self.assertEqual(remote.faults[0], f"Raises raised ZeroDivisionError (test_streams.py, line {line})")
        self.assertEqual((remote.lost, remote.ended), (True, "orderly"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class RemoteTests(TestCase):
    def test_a_reset_destroys_what_is_on_its_way(self) -> None:
        remote = connect(Noting([], Clock()))
        remote.send(b"x")
        remote.reset()
        self.assertEqual((remote.read(), remote.ended, remote.lost), (b"", "reset", True))
        self.assertTrue(remote.transport.reason and remote.transport.reason.check(ConnectionLost))

    def test_closing_with_something_unread_is_a_reset(self) -> None:
        for unread in True, False:
            remote = connect(notes := Noting([], Clock()))
            remote.send(b"x")
            if not unread:
                remote.read()
            remote.close()
            self.assertEqual(notes.notes[-1], "ConnectionLost" if unread else "ConnectionDone")

    def test_a_refusal(self) -> None:
        class Refuses(Factory):
            def buildProtocol(self, addr: Any) -> None:
                self.addr = addr

        remote = connect(factory := Refuses())
        self.assertEqual((remote.protocol, remote.ended), (None, "orderly"))
        self.assertEqual(factory.addr, PEER)

    def test_addresses(self) -> None:
        peer, host = IPv4Address("TCP", "192.0.2.7", 7), IPv4Address("TCP", "192.0.2.8", 8)
        transport = connect(Deaf(), peer=peer, host=host).transport
        self.assertEqual((transport.getPeer(), transport.getHost()), (peer, host))

    def test_lose_says_why(self) -> None:
        for error, kind in (None, ConnectionDone), (ConnectionAborted(), ConnectionAborted):
            remote = connect(notes := Noting([], Clock()))
            remote.lose(error)
            remote.lose()
            self.assertEqual(notes.notes, [kind.__name__])


class TLSTests(TestCase):
    def test_twisteds_own_runs_between_two_protocols(self) -> None:
        clock, notes, path = Clock(), list[str](), self.mktemp()
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
        client, server = ClientContextFactory(), DefaultOpenSSLContextFactory(path, path)
        speaks = Factory.forProtocol(lambda: Speaks(b"hello"))
        echoes = Factory.forProtocol(lambda: Noting(notes, clock))
        link = join(
            TLSMemoryBIOFactory(client, True, speaks, clock),
            TLSMemoryBIOFactory(server, False, echoes, clock),
        )
        link.run()
        while to_next_call(clock):
            link.run()
        self.assertEqual(notes, ["data hello"])


class Speaks(Protocol):
    """Says something; if it is endless, says all again that it hears."""

    transport: Any
    endless = False

    def __init__(self, said: bytes) -> None:
        self.said = said

    def connectionMade(self) -> None:
        self.transport.write(self.said)

    def dataReceived(self, data: bytes) -> None:
        if self.endless:
            self.transport.write(data)


class Deaf(Protocol):
    transport: Any

    def connectionMade(self) -> None:
        self.transport.pauseProducing()
