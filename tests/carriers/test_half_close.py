"""The action HALF_CLOSE: our half of the stream ends, the conversation goes on."""

from typing import Any

from sockproto.core.actions import CLOSE, HALF_CLOSE
from sockproto.core.conversation import CloseReason
from sockproto.errors import ActionError, SendRefused
from sockproto.testing import Remote
from tests.carriers.scripted import CarrierTestCase
from tests.endpoints import TLSTransport


class HalfCloseTests(CarrierTestCase):
    def half_closed(self, *before: bytes, **kwargs: Any) -> Remote:
        def opened() -> Any:
            yield from before
            yield HALF_CLOSE

        return self.connect(opened=opened, **kwargs)

    def test_what_was_said_before_is_sent_and_what_comes_is_handled(self) -> None:
        came: list[bytes] = []
        remote = self.half_closed(b"last words", received=came.append)
        self.assertEqual((remote.read(), remote.ended), (b"last words\r\n", "orderly"))
        self.receive(b"a\nb\n")
        self.assertEqual((came, remote.lost), ([b"a", b"b"], False))
        remote.half_close()
        self.assertEqual(self.notes[0], "ended")
        self.assertTrue(remote.lost)
        self.assertEqual(self.notes, ["ended", CloseReason.PEER_CLOSED])

    def test_behind_a_full_transport(self) -> None:
        came: list[bytes] = []
        remote = self.half_closed(b"x" * 200_000, received=came.append)
        self.receive(b"held\n")
        self.assertEqual((came, remote.transport.half_closing), ([], False))
        while not remote.transport.half_closing:
            remote.read()
        self.assertEqual(came, [b"held"])
        self.receive(b"next\n")
        self.assertEqual(came, [b"held", b"next"])

    def test_a_transport_that_fills_with_the_last_words_is_not_waited_for(self) -> None:
        came: list[bytes] = []

        def received(message: bytes) -> Any:
            came.append(message)
            if message == b"go":
                self.protocol.send(b"y" * 60_000)
                yield b"x" * 60_000
                yield HALF_CLOSE

        remote = self.connect(received=received)
        self.receive(b"go\nnext\n")
        while not remote.ended:
            remote.read()
        self.assertEqual(came, [b"go", b"next"])
        self.assertEqual(len(remote.received), 120_002)

    def test_nothing_can_be_sent_afterwards(self) -> None:
        remote = self.half_closed(received=lambda message: message)
        self.assertRaises(SendRefused, self.protocol.send, b"pushed")
        self.receive(b"x\n")
        self.assertEqual(len(self.flushLoggedErrors(ActionError)), 1)
        self.assertEqual(remote.read(), b"")
        remote.half_close()
        remote.read()
        self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])

    def test_a_later_close_waits_for_the_peer_as_any_other(self) -> None:
        remote = self.half_closed(b"last words", received=lambda message: CLOSE)
        remote.read()
        self.receive(b"x\n")
        self.receive(b"thrown away\n")
        self.assertEqual((remote.ended, remote.lost), ("orderly", False))
        remote.half_close()
        self.assertEqual((remote.lost, remote.ended), (True, "orderly"))
        self.assertEqual(self.notes, [CloseReason.CLOSED])

    def test_and_no_longer(self) -> None:
        remote = self.half_closed(b"last words", received=lambda message: CLOSE)
        remote.read()
        self.clock.advance(10)
        self.receive(b"x\n")
        self.clock.advance(1.75)
        self.assertFalse(remote.lost)
        self.clock.advance(0.25)
        self.assertTrue(remote.lost)
        self.assertEqual(self.notes, [CloseReason.CLOSED])

    def test_a_close_before_the_last_words_are_sent(self) -> None:
        remote = self.connect(received=lambda message: (yield from (b"x" * 60_000, HALF_CLOSE, CLOSE)))
        self.receive(b"x\n")
        self.clock.advance(20)
        self.receive(b"thrown away\n")
        self.assertEqual((len(remote.read()), remote.ended, remote.lost), (60_001, "orderly", False))
        remote.half_close()
        self.assertTrue(remote.lost)
        self.assertEqual(self.notes, [CloseReason.CLOSED])

    def test_tls_has_no_halves(self) -> None:
        came: list[bytes] = []
        remote = self.half_closed(transport=TLSTransport, received=came.append)
        self.protocol.handshakeCompleted()
        self.receive(b"a\n")
        self.assertEqual(
            (came, remote.transport.half_closing, remote.transport.disconnecting), ([b"a"], False, False)
        )
