"""The test kit's scripts, cuts, assertions and clock."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings, strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols import wire
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import TestCase

from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import (
    DatagramNetwork,
    Expect,
    ExpectEnd,
    HalfClose,
    Outcome,
    Pause,
    ReadToEnd,
    Reset,
    Send,
    assert_ended,
    assert_in_order,
    assert_reads,
    assert_same,
    connect,
    cuts,
    pieces,
    play,
    play_every_way,
    play_everywhere,
    play_on_socket,
    scripts,
    to_next_call,
)
from tests import example_count

ECHO: list[Any] = [Send(b"hello, " * 9), HalfClose(), ReadToEnd()]


def echo(clock: Any) -> EchoFactory:
    return EchoFactory(clock=clock)


class Started(Factory):
    """One that is of use only once it is started."""

    protocol = Protocol
    started = 0

    def startFactory(self) -> None:
        self.started += 1


class Restless(Protocol):
    """Calls itself again and again, without time passing."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock

    def connectionMade(self) -> None:
        self.clock.callLater(0, self.connectionMade)


class Failing(LineReceiver):
    """Raises an error at some lines."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        if line == b"bad":
            raise ZeroDivisionError
        self.sendLine(line)


class BoundTests(TestCase):
    def test_what_speaks_for_ever_is_told(self) -> None:
        error = self.assertRaises(
            AssertionError, play, lambda clock: ChargenFactory(clock=clock), [ReadToEnd()]
        )
        self.assertIn("no end in time; 67", str(error))
        remote = connect(ChargenFactory(clock=Clock()))
        self.assertIn("no end after 67,", str(self.assertRaises(AssertionError, assert_reads, remote, b"")))
        remote.reset()

    def test_what_calls_itself_for_ever_is_told(self) -> None:
        error = self.assertRaises(AssertionError, play, Restless, [Expect(b"x")])
        self.assertIn("the reply differs", str(error))

    def test_a_factory_is_started_once(self) -> None:
        factory = Started()
        for _ in range(3):
            connect(factory)
        self.assertEqual(factory.started, 1)

    def test_an_end_behind_unread_bytes_is_an_end(self) -> None:
        remote = connect(EchoFactory(clock=Clock()))
        assert_ended(remote, None)
        remote.half_close(b"bye")
        self.assertIn("behind 3 unread", str(self.assertRaises(AssertionError, assert_ended, remote, None)))

    def test_an_error_of_the_protocol_fails_a_script(self) -> None:
        script = [Send(b"a\n"), Expect(b"a\n"), Send(b"bad\n")]
        error = self.assertRaises(AssertionError, play, lambda _: Failing(), script)
        self.assertIn("Failing raised ZeroDivisionError", str(error))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_no_such_way_to_cut(self) -> None:
        self.assertRaises(ValueError, pieces, b"abc", "byte")

    def test_a_difference_says_how_it_was_cut(self) -> None:
        error = self.assertRaises(
            AssertionError, play_every_way, lambda _: CutShort(), [Send(b"ab"), HalfClose(), ReadToEnd()]
        )
        self.assertIn("cut='bytes' (pieces of 1, 1 bytes): what was read differs", str(error))

    def test_a_port_without_an_interface_is_on_all(self) -> None:
        network = DatagramNetwork()
        network.listenUDP(7, EchoDatagramProtocol(clock=Clock()))
        remote = network.remote()
        remote.send(b"x", ("192.0.2.1", 7))
        self.assertEqual(remote.read(), [b"x"])


class CutShort(Protocol):
    """Takes a read for a message: the mistake that cutting finds."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"<%b>" % data)


class ScriptTests(TestCase):
    timeout = 30

    def test_the_same_comes_every_way(self) -> None:
        self.assertEqual(play_every_way(echo, ECHO), Outcome(b"hello, " * 9, "orderly"))

    def test_and_everywhere(self) -> "Deferred[Any]":
        played = play_everywhere(
            lambda clock: GreetingFactory(clock=clock),
            [Expect(b"Welcome!"), Send(b"a\nb\nexit\n"), Expect(b"Hello, a!\nHello, b!\n"), ExpectEnd()],
            seeds=range(2),
        )
        return played.addCallback(self.assertEqual, Outcome(b"Welcome!Hello, a!\nHello, b!\n", "orderly"))

    def test_what_depends_on_the_cut_is_found_and_can_be_seen_again(self) -> None:
        script: list[Any] = [Send(b"ab" * 9), Expect(b"<" + b"ab" * 9 + b">")]
        play(lambda clock: CutShort(), script)
        error = self.assertRaises(AssertionError, play_every_way, lambda clock: CutShort(), script)
        self.assertIn("in memory, cut='bytes' (pieces of 1, 1, 1, ", str(error))
        self.assertIn("differs from byte 2 on: b'><b><a><b>", str(error))
        found = str(self.assertRaises(AssertionError, play, lambda clock: CutShort(), script, 3))
        again = str(self.assertRaises(AssertionError, play, lambda clock: CutShort(), script, 3))
        self.assertIn("cut=3 (pieces of ", found)
        self.assertEqual(found, again)

    def test_over_sockets_too(self) -> "Deferred[Any]":
        def told(failure: Any) -> None:
            failure.trap(AssertionError)
            self.assertIn("over a socket, cut='bytes' (pieces of 1, 1", str(failure.value))

        script: list[Any] = [Send(b"ab"), Expect(b"<ab>")]
        played = play_on_socket(lambda clock: Factory.forProtocol(CutShort), script, "bytes")
        return played.addCallbacks(lambda _: self.fail("not found"), told)

    def test_waiting_takes_no_time_in_memory_and_has_a_deadline(self) -> None:
        def thinking(clock: Any) -> GreetingFactory:
            return GreetingFactory(think_seconds=9, clock=clock)

        script: list[Any] = [Expect(b"Welcome!"), Send(b"a\n"), Expect(b"Hello, a!\n")]
        clock = Clock()
        play(thinking, script, clock=clock)
        self.assertEqual(clock.seconds(), 9)
        self.patch(scripts, "SECONDS", 8.0)
        error = self.assertRaises(AssertionError, play, thinking, script)
        self.assertIn("step 2: the reply differs from byte 0 on: b'' came, not b'Hello, a!", str(error))
        self.assertIn("step 1: no end in time; 0 bytes came", str(self.assertRaises(
            AssertionError, play, thinking, [Expect(b"Welcome!"), ReadToEnd()])))  # fmt: skip

    def test_a_server_that_never_answers_does_not_hang_a_script_over_sockets(self) -> "Deferred[Any]":
        self.patch(scripts, "SECONDS", 1.0)  # connecting, too, may take so long on a busy machine
        played = play_on_socket(lambda clock: Factory.forProtocol(wire.Discard), [Expect(b"x")])
        return self.assertFailure(played, AssertionError)

    def test_the_end(self) -> None:
        play(lambda clock: wire.QOTD(), [ReadToEnd()])
        error = self.assertRaises(AssertionError, play, lambda clock: wire.QOTD(), [ExpectEnd()])
        self.assertIn("what comes before the end differs from byte 0", str(error))
        error = self.assertRaises(
            AssertionError, play, lambda clock: wire.Echo(), [HalfClose(), ExpectEnd("reset")]
        )
        self.assertIn("the end is orderly, not reset", str(error))
        self.assertEqual(play(echo, [Send(b"x"), Pause(1), Reset()]), Outcome(b"", None))

    def test_a_different_end_is_a_difference(self) -> None:
        class Fickle(Protocol):
            """Ends otherwise when bytes come alone."""

            transport: Any

            def dataReceived(self, data: bytes) -> None:
                if len(data) == 1:
                    self.transport.abortConnection()
                self.transport.loseConnection()

        error = self.assertRaises(
            AssertionError, play_every_way, lambda clock: Fickle(), [Send(b"ab"), ReadToEnd()], []
        )
        self.assertIn("the end is reset, not orderly as when whole", str(error))

    def test_nothing_is_left_behind_by_one_that_does_not_read(self) -> "Deferred[Any]":
        class Deaf(Protocol):
            transport: Any

            def connectionMade(self) -> None:
                self.transport.pauseProducing()

            def connectionLost(self, reason: Any = None) -> None:
                lost.append(reason)

        lost: list[Any] = []
        played = play_on_socket(lambda clock: Deaf(), [Send(b"x"), Reset()])
        return played.addCallback(lambda _: self.assertEqual(len(lost), 1))


class CutTests(TestCase):
    def test_pieces(self) -> None:
        self.assertEqual(pieces(b"abc"), [b"abc"])
        self.assertEqual(pieces(b"abc", "bytes"), [b"a", b"b", b"c"])
        self.assertEqual([pieces(b"", cut) for cut in ("whole", "bytes", 1)], [[], [], []])
        self.assertEqual(pieces(b"abcdef", 4), pieces(b"abcdef", 4))
        found = {tuple(pieces(b"abcdef", seed)) for seed in range(50)}
        self.assertGreater(len(found), 10)

    @given(st.binary(max_size=20), st.integers())
    def test_nothing_is_lost_or_empty(self, data: bytes, seed: int) -> None:
        for chunks in pieces(data, seed), pieces(data, "bytes"):
            self.assertEqual(b"".join(chunks), data)
            self.assertNotIn(b"", chunks)

    @settings(max_examples=example_count(50))
    @given(cuts(b"one\r\ntwo\r\n"))
    def test_the_strategy(self, chunks: list[bytes]) -> None:
        class Lines(LineReceiver):
            transport: Any

            def lineReceived(self, line: bytes) -> None:
                self.sendLine(b"<%b>" % line)

        self.assertEqual(b"".join(chunks), b"one\r\ntwo\r\n")
        remote = connect(Lines())
        remote.send(*chunks)
        assert_reads(remote, b"<one>\r\n<two>\r\n")

    @given(cuts(b"a"), cuts(b""))
    def test_the_strategy_where_nothing_can_be_cut(self, one: list[bytes], none: list[bytes]) -> None:
        self.assertEqual((one, none), ([b"a"], []))


class AssertionTests(TestCase):
    def told(self, call: Callable[..., object], *args: Any) -> str:
        return str(self.assertRaises(AssertionError, call, *args))

    def test_the_first_difference_is_shown_escaped_and_cut(self) -> None:
        assert_same(b"same", b"same")
        self.assertEqual(
            self.told(assert_same, b"ab\x1b[2J" + b"x" * 99, b"abc"),
            "the reply differs from byte 2 on: b'\\x1b[2J"
            + "x" * 36
            + "'… came, not b'c' (105 bytes, not 3)",
        )

    def test_order(self) -> None:
        assert_in_order(b"one two one", [b"one", b"two", b"one"])
        error = self.told(assert_in_order, b"one two", [b"two", b"one"])
        self.assertIn("reply 1, b'one', does not come behind b'two'", error)
        self.assertIn("reply 0, b'x', does not come at all", self.told(assert_in_order, b"one", [b"x"]))

    def test_the_end(self) -> None:
        remote = connect(wire.QOTD())
        self.assertIn("not there, not orderly, 39 bytes are unread", self.told(assert_ended, remote))
        remote.read()
        assert_ended(remote, "orderly")
        self.assertIn("orderly, not not there", self.told(assert_ended, remote, None))
        self.assertIn("b'' came", self.told(assert_reads, remote, b"more"))


class ClockTests(TestCase):
    def test_to_the_next_call(self) -> None:
        clock = Clock()
        called: list[int] = []
        for seconds in 5, 2, 2:
            clock.callLater(seconds, called.append, seconds)
        self.assertFalse(to_next_call(clock, max_seconds=1))
        self.assertTrue(to_next_call(clock, max_seconds=2))
        self.assertEqual((clock.seconds(), called), (2, [2, 2]))
        self.assertTrue(to_next_call(clock))
        self.assertEqual((clock.seconds(), called, to_next_call(clock)), (5, [2, 2, 5], False))
