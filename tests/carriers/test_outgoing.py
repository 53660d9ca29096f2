"""What is sent: its order and its bounds, whatever else happens meanwhile."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import connectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import CLOSE, Until, Wait
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.prefixed import Int8Prefixed, Int32Prefixed
from sockproto.core.framing.raw import Raw
from sockproto.core.limits import TURN_BYTES, WRITE_BYTES
from sockproto.errors import MessageUnsendable
from tests.carriers.scripted import CarrierTestCase

DUE = b"<a>\n"


class NewlineTests(CarrierTestCase):
    def test_replies_end_as_their_message_though_a_wait_looks_ahead(self) -> None:
        def received(message: bytes) -> Any:
            if message != b"wait":
                return b"<%b>" % message
            return iter_until()

        def iter_until() -> Any:
            yield Until(Deferred(), lambda message: message == b"stop")

        remote = self.connect(lambda _: Lines(20), received=received)
        self.receive(b"a\nwait\n" + b"x" * 12 + b"\nb\r\n")
        self.assertEqual(remote.read(), DUE)


class BoundTests(CarrierTestCase):
    def assert_yields(self, framing: Any, reply: bytes) -> None:
        """Have a generator reply without end: each turn must have one, and the other connections theirs."""
        made = 0

        def received(message: bytes) -> Any:
            nonlocal made
            while made < 10**6:
                made += 1
                yield reply
            raise AssertionError("it never left its turn")

        remote = self.connect(framing, received=received)
        remote.transport.bufferSize = 10**9
        self.receive(b"x\n")
        self.assertLess(made, TURN_BYTES)
        self.assertLessEqual(sum(map(len, remote.transport.writes)), 1.2 * TURN_BYTES)
        self.assertLessEqual(max(map(len, remote.transport.writes), default=0), 2 * WRITE_BYTES)
        self.protocol.abort()
        remote.run()

    def test_empty_and_short_replies_without_end(self) -> None:
        for framing in Lines, Raw:
            for reply in b"", b"ab":
                self.assert_yields(framing, reply)

    def test_short_replies_with_a_long_prefix(self) -> None:
        def received(message: bytes) -> Any:
            while True:
                yield b"ab"

        remote = self.connect(Int32Prefixed, received=received)
        remote.transport.bufferSize = 10**9
        self.receive(b"\0\0\0\1x")
        self.assertLessEqual(sum(map(len, remote.transport.writes)), TURN_BYTES + WRITE_BYTES)
        self.protocol.abort()
        remote.run()


class ErrorTests(CarrierTestCase):
    def flush_errors(self, kind: Any, count: int = 1) -> None:
        self.assertEqual(len(self.flushLoggedErrors(kind)), count)

    def test_what_cannot_be_sent_is_told_though_close_follows(self) -> None:
        def received(message: bytes) -> Any:
            yield b"ok"
            yield b"x" * 300
            raise AssertionError("it went on")

        for received_, last in (received, b""), (lambda m: {b"l": b"x" * 300, b"c": CLOSE}.get(m, m), b"\1c"):
            remote = self.connect(Int8Prefixed, received=received_)
            self.receive(b"\1l" + last)
            self.assertIn(b"error: internal error", remote.read())
            self.assertIs(self.protocol.reason, CloseReason.CONVERSATION_ERROR)
            self.flush_errors(MessageUnsendable)
            remote.half_close()

    def test_replies_before_one_that_the_framing_fails_at(self) -> None:
        class Picky(Lines):
            def encode(self, *messages: bytes) -> bytes:
                if b"bad" in messages:
                    raise ValueError("bad")
                return super().encode(*messages)

        remote = self.connect(Picky, received=lambda message: message)
        self.receive(b"one\ntwo\nbad\nfour\n")
        self.assertEqual(remote.read(), b"one\ntwo\nerror: internal error\n")
        self.flush_errors(ValueError)
        remote.half_close()

    def test_framings_that_encode_one_message_at_a_time(self) -> None:
        class Older(Lines):
            def encode(self, message: bytes) -> bytes:  # type: ignore[override]  # of the older interface
                return b"%b." % message

        remote = self.connect(Older, received=lambda message: message)
        self.receive(b"one\ntwo\n")
        self.assertEqual(remote.read(), b"one.two.")

    def test_an_error_after_an_abort_leaves_nothing_running(self) -> None:
        waiting: Deferred[None] = Deferred()

        def received(message: bytes) -> Any:
            yield Wait(waiting)
            yield b"x"
            self.protocol.abort()
            raise ZeroDivisionError

        class Broken(Int8Prefixed):
            def encode(self, *messages: bytes) -> bytes:
                raise OSError

        self.connect(Broken, speaks_text=False, received=received)
        self.receive(b"\1a")
        waiting.callback(None)
        self.remote.run()
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.notes, [CloseReason.ABORTED])
        self.flush_errors(ZeroDivisionError)
        self.flushLoggedErrors(OSError)  # whether what is not to be delivered is encoded is nobody's concern


class LossTests(CarrierTestCase):
    def test_the_end_is_not_told_once_the_connection_is_lost(self) -> None:
        notes: list[Any] = []

        class Noting(Conversation):
            def received(self, message: bytes) -> bytes:
                return message

            def ended(self) -> None:
                notes.append("ended")

            def closed(self, reason: CloseReason) -> None:
                notes.append(reason)

        class NotingProtocol(ConversationProtocol):
            conversation = Noting

        class Losing(StringTransport):
            def write(self, data: bytes) -> None:
                protocol.connectionLost(Failure(ConnectionLost()))

        protocol = NotingProtocol(clock=self.clock)
        protocol.makeConnection(Losing())
        protocol.dataReceived(b"half")
        protocol.readConnectionLost()
        self.assertEqual(notes, [CloseReason.PEER_RESET])


class EmptyReadTests(CarrierTestCase):
    def test_no_bytes_are_no_message(self) -> None:
        self.connect(Raw, received=lambda message: self.fail("a message"))
        self.protocol.dataReceived(b"")
        self.assertEqual((self.protocol.messages_in, self.protocol.bytes_in), (0, 0))

    def test_bytes_that_come_while_the_producer_is_registered(self) -> None:
        class Eager(StringTransport):
            def registerProducer(self, producer: Any, streaming: bool) -> None:
                StringTransport.registerProducer(self, producer, streaming)
                producer.dataReceived(b"x\n")

        class Noting(Conversation):
            def opened(self, peer: Peer) -> bytes:
                return b"opened"

            def received(self, message: bytes) -> bytes:
                return message

        class NotingProtocol(ConversationProtocol):
            conversation = Noting

        protocol = NotingProtocol(framing=lambda _: Lines(newline=b"\n"), clock=self.clock)
        transport = Eager()
        protocol.makeConnection(transport)
        self.assertEqual(transport.value(), b"opened\nx\n")
        protocol.connectionLost(connectionDone)
