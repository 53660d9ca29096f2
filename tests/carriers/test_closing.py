"""The end of a connection: the peer's half, our close, a loss."""

import gc
import tracemalloc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IProtocol,
)
from zope.interface import directlyProvides

from sockproto.core.actions import ABORT, CLOSE, Sleep, Wait
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.raw import Raw
from sockproto.core.limits import Limits
from tests.carriers.scripted import CarrierTestCase
from tests.endpoints import TLSTransport


class HalfCloseTests(CarrierTestCase):
    def test_ended_runs_after_the_last_message_and_its_bytes_are_sent(self) -> None:
        remote = self.connect(ended=lambda: b"bye")
        self.receive(b"a\nunterminated")
        remote.half_close()
        self.assertEqual(remote.read(), b"<a>\n<unterminated>\nbye\n")
        self.assertTrue(remote.lost)
        self.assertEqual(self.notes, ["ended", CloseReason.PEER_CLOSED])

    def test_an_eof_cancels_nothing(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield (yield Wait(waiting))

        remote = self.connect(received=received)
        self.receive(b"x\ny\n")
        remote.half_close()
        self.assertEqual(self.notes, [])
        waiting.callback(b"late")
        self.assertEqual(remote.read(), b"late\nlate\n")
        self.assertTrue(remote.lost)

    def test_all_is_sent_to_a_peer_that_reads_late(self) -> None:
        remote = self.connect(Raw, received=lambda data: data)
        for _ in range(3):
            self.receive(b"x" * 60_000)
        remote.half_close()
        while not remote.lost:
            remote.read()
        self.assertEqual(len(remote.received), 180_000)

    def test_reading_is_not_resumed_after_the_eof(self) -> None:
        remote = self.connect()
        self.protocol.pauseProducing()
        self.protocol.dataReceived(b"a\n")
        self.protocol.readConnectionLost()
        resumed: list[None] = []
        self.patch(remote.transport, "resumeProducing", lambda: resumed.append(None))
        self.protocol.resumeProducing()
        self.assertEqual((remote.read(), resumed), (b"<a>\n", []))


class CloseTests(CarrierTestCase):
    def test_close_flushes_then_half_closes_then_waits_for_the_peer(self) -> None:
        remote = self.connect(received=lambda message: (yield from (b"bye", CLOSE, b"never")))
        self.receive(b"exit\nmore\n")
        self.assertEqual(remote.read(), b"bye\n")
        self.assertEqual(remote.ended, "orderly")
        self.addCleanup(tracemalloc.stop)
        tracemalloc.start()
        self.receive(b"thrown away" * 1_000_000)
        kept_bytes, _ = tracemalloc.get_traced_memory()
        self.assertLess(kept_bytes, 100_000)
        self.assertTrue(remote.transport.reading)
        self.assertFalse(remote.transport.disconnecting)
        remote.half_close()
        self.assertTrue(remote.lost)
        self.assertEqual(remote.ended, "orderly")
        self.assertEqual(self.notes, [CloseReason.CLOSED])

    def test_the_deadline_is_absolute(self) -> None:
        remote = self.connect(limits=Limits(close_seconds=2), received=lambda message: CLOSE)
        self.receive(b"x\n")
        remote.read()
        for _ in range(19):
            self.receive(b"still talking\n")
            self.clock.advance(0.1)
            self.assertFalse(remote.lost)
        self.clock.advance(0.1)
        self.assertTrue(remote.lost and remote.transport.aborted)
        self.assertEqual(self.notes, [CloseReason.CLOSED])

    def test_close_behind_a_full_transport_waits_for_the_reader(self) -> None:
        remote = self.connect(Raw, received=lambda data: (yield from (b"x" * 70_000, b"bye", CLOSE)))
        self.receive(b"x")
        self.assertFalse(remote.transport.reading)
        self.clock.advance(29)
        self.assertFalse(remote.transport.half_closing)
        remote.read()
        self.assertEqual(remote.read(), b"bye")
        self.assertTrue(remote.transport.reading)
        remote.half_close()
        self.assertTrue(remote.lost)

    def test_after_the_peers_eof_it_closes_at_once(self) -> None:
        remote = self.connect(ended=lambda: CLOSE)
        remote.half_close()
        self.assertTrue(remote.transport.disconnecting or remote.lost)
        self.assertFalse(remote.transport.half_closing)

    def test_over_tls_and_wrappers_it_closes_at_once(self) -> None:
        class Wrapper(TLSTransport):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                directlyProvides(self, IProtocol)  # and still what the transport below it does

        for transport in TLSTransport, Wrapper:
            remote = self.connect(transport=transport, received=lambda message: CLOSE)
            self.protocol.handshakeCompleted()
            self.receive(b"x\n")
            self.assertEqual((remote.transport.disconnecting, remote.transport.half_closing), (True, False))

    def test_abort_drops_what_was_not_sent(self) -> None:
        remote = self.connect(received=lambda message: ABORT)
        self.receive(b"x\n")
        self.assertEqual(remote.ended, "reset")
        self.assertEqual(self.notes, [CloseReason.ABORTED])

    def test_the_first_reason_counts(self) -> None:
        remote = self.connect(received=lambda message: CLOSE)
        self.receive(b"x\n")
        self.protocol.close(CloseReason.IDLE)
        remote.read()
        remote.lose(ConnectionLost())
        self.assertEqual(self.notes, [CloseReason.CLOSED])

    def test_the_application_closes(self) -> None:
        remote = self.connect()
        self.receive(b"a\n")
        self.protocol.close()
        self.assertEqual(remote.read(), b"<a>\n")
        remote.half_close()
        self.assertTrue(remote.lost)
        self.assertEqual(self.notes, [CloseReason.CLOSED])


class LossTests(CarrierTestCase):
    def test_order_of_the_end(self) -> None:
        notes: list[Any] = []
        waiting: Deferred[None] = Deferred(lambda _: notes.append("cancelled"))

        def received(message: bytes) -> Any:
            try:
                yield Wait(waiting)
                notes.append("went on")
            finally:
                notes.append("finally")

        remote = self.connect(received=received)
        self.conversation.notes = notes
        self.receive(b"x\ny\n")
        remote.lose(ConnectionLost())
        self.assertEqual(notes, ["finally", "cancelled", CloseReason.PEER_RESET])

    def test_a_sleep_is_cancelled_and_the_generator_closed(self) -> None:
        notes = []

        def received(message: bytes) -> Any:
            try:
                yield Sleep(5)
            finally:
                notes.append("finally")

        remote = self.connect(received=received)
        self.receive(b"x\n")
        remote.lose()
        self.assertEqual(notes, ["finally"])
        self.assertEqual(self.notes, [CloseReason.PEER_CLOSED])

    def test_a_late_failure_is_dropped(self) -> None:
        def wait(message: bytes) -> Wait:
            return Wait(Deferred(lambda deferred: deferred.errback(CancelledError())))

        remote = self.connect(received=wait)
        self.receive(b"x\n")
        remote.lose()
        gc.collect()  # a Deferred that nobody dealt with is logged when it goes
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_no_action_runs_once_the_conversation_has_ended_the_connection(self) -> None:
        awaited = []

        async def answer() -> None:
            awaited.append("ran")

        def generator(message: bytes) -> Any:
            self.protocol.close()
            yield b"after close"

        def waits(message: bytes) -> Any:
            remote.lose()
            coroutine = answer()
            try:
                yield Wait(coroutine)
            finally:
                coroutine.close()

        def returns(message: bytes) -> bytes:
            self.protocol.close()
            return b"after close"

        for received in generator, returns:
            remote = self.connect(received=received)
            self.receive(b"x\ny\n")
            self.assertEqual(remote.read(), b"")
            remote.half_close()
        remote = self.connect(received=waits)
        self.receive(b"x\n")
        self.assertEqual((remote.transport.writes, self.protocol.messages_out, awaited), ([], 0, []))

    def test_a_connection_lost_inside_a_generator(self) -> None:
        notes: list[Any] = []

        def received(message: bytes) -> Any:
            try:
                yield b"before"
                remote.lose()
                notes.append(list(self.notes))
                yield b"after"
                notes.append("went on")
            finally:
                notes.append("finally")

        remote = self.connect(received=received)
        self.receive(b"x\ny\n")
        self.assertEqual(notes, [[], "finally"])
        self.assertEqual(self.notes, [CloseReason.PEER_CLOSED])

    def test_closed_is_called_once_and_only_if_opened_was(self) -> None:
        remote = self.connect()
        remote.lose()
        self.protocol.connectionLost()
        self.assertEqual(self.notes, [CloseReason.PEER_CLOSED])

        self.connect(transport=TLSTransport).lose()
        self.assertEqual(self.notes, [])

    def test_errors_at_the_end_are_logged_and_stop_nothing(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield Sleep(1)
            finally:
                raise ZeroDivisionError

        remote = self.connect(received=received)
        self.receive(b"x\n")
        remote.lose()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.notes, [CloseReason.PEER_CLOSED])
