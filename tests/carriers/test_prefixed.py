"""Connections with netstrings and length-prefixed messages, and with Twisted's receivers at the other end."""

from typing import Any, ClassVar

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols import basic
from twisted.trial.unittest import TestCase

from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import Sleep
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.prefixed import Int8Prefixed, Int16Prefixed, Int32Prefixed, Netstrings
from sockproto.core.framing.raw import Raw
from sockproto.core.limits import Limits
from sockproto.errors import MessageUnsendable, SendRefused
from sockproto.testing import Remote, connect
from tests.carriers.scripted import CarrierTestCase, Scripted
from tests.core.framing.prefixed import FRAMINGS, MALFORMED


class CarrierTests(CarrierTestCase):
    def test_the_peer_is_told_in_a_message_of_its_own(self) -> None:
        for make in FRAMINGS:
            encode = make().encode
            remote = self.connect(make, limits=Limits(max_message_bytes=10))
            self.receive(encode(b"a") + encode(b"x" * 11))
            self.assertEqual(remote.read(), encode(b"<a>") + encode(b"error: message longer than 10 bytes"))
            remote.half_close()
            self.assertEqual(self.notes, [CloseReason.TOO_LONG])

    def test_malformed(self) -> None:
        for speaks_text in True, False:
            remote = self.connect(Netstrings, speaks_text=speaks_text)
            self.receive(b"1:a,hello")
            told = Netstrings().encode(b"error: malformed message: it doesn't begin with its length")
            self.assertEqual(remote.read(), b"3:<a>," + (told if speaks_text else b""))
            remote.half_close()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes, [CloseReason.MALFORMED])

    def test_malformed_behind_a_pending_action(self) -> None:
        remote = self.connect(Netstrings, received=lambda message: (yield from (Sleep(1), b"<a>")))
        self.receive(b"1:a,1:ab")
        self.assertEqual(remote.read(), b"")
        self.clock.advance(1)
        self.assertTrue(remote.read().startswith(b"3:<a>,56:error: malformed"))
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.MALFORMED])

    def test_a_reply_longer_than_the_prefix_can_say(self) -> None:
        remote = self.connect(Int8Prefixed, received=lambda message: message * 200)
        self.receive(b"\1a\2ab")
        wire = b"\xc8" + b"a" * 200 + Int8Prefixed().encode(b"error: internal error")
        self.assertEqual(remote.read(), wire)
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(MessageUnsendable)), 1)

    def test_what_is_pushed_is_refused_at_once(self) -> None:
        remote = self.connect(Int8Prefixed, received=lambda message: Sleep(9))
        self.receive(b"\1a")
        error = self.assertRaises(SendRefused, self.protocol.send, b"x" * 256)
        self.assertRegex(str(error), "256 bytes .* 255")
        self.protocol.send(b"x" * 255)
        self.protocol.close()
        self.assertEqual(remote.read(), b"\xff" + b"x" * 255)
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.CLOSED])
        self.assertEqual(self.protocol.messages_out, 1)

    def test_other_framings_push_any_length(self) -> None:
        for make in Raw, Lines, Netstrings, Int32Prefixed:
            remote = self.connect(make)
            self.protocol.send(b"x" * 65_000)
            self.assertIn(b"x" * 65_000, remote.read())

    def test_the_end_stands_a_framing_that_fails(self) -> None:
        class Broken(Lines):
            def encode(self, *messages: bytes) -> bytes:
                raise ZeroDivisionError

            def encode_error(self, text: bytes) -> bytes:
                raise ZeroDivisionError

        remote = self.connect(Broken, received=lambda message: Sleep(9))
        self.receive(b"x\n")
        self.protocol.send(b"pushed")
        self.protocol.close()
        remote.half_close()
        self.assertEqual((remote.read(), self.notes), (b"", [CloseReason.CLOSED]))
        remote = self.connect(Broken)
        self.receive(b"x\n")
        remote.half_close()
        self.assertEqual((remote.read(), self.notes), (b"", [CloseReason.CONVERSATION_ERROR]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)


class Shout(Conversation):
    """Says everything louder, after a greeting."""

    def opened(self, peer: Any) -> bytes:
        return b"Welcome!"

    def received(self, message: bytes) -> bytes:
        return message.upper()


class TwistedTests(TestCase):
    """Against Twisted's receivers, whose side of the wire is a transport of its own."""

    RECEIVERS: ClassVar[dict[Any, Any]] = {
        Netstrings: basic.NetstringReceiver,
        Int8Prefixed: basic.Int8StringReceiver,
        Int16Prefixed: basic.Int16StringReceiver,
        Int32Prefixed: basic.Int32StringReceiver,
    }
    MESSAGES = (b"Michael", b"", b"3:abc,", bytes(range(255)), b"\0" * 255)

    def setUp(self) -> None:
        self.clock = Clock()

    def pair(self, make: Any, conversation: type[Conversation]) -> tuple[Remote, StringTransport, Any]:
        """Return our remote side, the receiver's transport and the receiver, which notes what it gets."""

        class Ours(ConversationProtocol):
            framing = make

        class Receiver(self.RECEIVERS[make]):  # type: ignore[misc,name-defined]  # one of four
            def stringReceived(self, string: bytes) -> None:
                self.got.append(string)

        Ours.conversation = conversation
        theirs = StringTransport()
        receiver = Receiver()
        receiver.got = []
        receiver.makeConnection(theirs)
        ours = connect(Ours(clock=self.clock))
        self.addCleanup(ours.lose)
        return ours, theirs, receiver

    def test_both_directions_however_split(self) -> None:
        for make in FRAMINGS:
            for step in 1, 3, 10_000:
                ours, theirs, receiver = self.pair(make, Shout)
                for message in self.MESSAGES:
                    receiver.sendString(message)
                wire = theirs.value()
                for i in range(0, len(wire), step):
                    ours.protocol.dataReceived(wire[i : i + step])
                wire = ours.read()
                for i in range(0, len(wire), step):
                    receiver.dataReceived(wire[i : i + step])
                self.assertEqual(receiver.got, [b"Welcome!", *(m.upper() for m in self.MESSAGES)])
                self.assertFalse(theirs.disconnecting)

    def test_the_same_bytes(self) -> None:
        for make in FRAMINGS:
            for message in self.MESSAGES:
                _, theirs, receiver = self.pair(make, Scripted)
                receiver.sendString(message)
                self.assertEqual(theirs.value(), make().encode(message))

    def test_both_refuse_the_same_netstrings(self) -> None:
        for wrong in MALFORMED:
            ours, theirs, receiver = self.pair(Netstrings, Scripted)
            ours.protocol.dataReceived(wrong)
            receiver.dataReceived(wrong)
            self.assertIs(ours.protocol.reason, CloseReason.MALFORMED, wrong)
            self.assertTrue(theirs.disconnecting, wrong)
