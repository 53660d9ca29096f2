"""The stream carrier: order, waiting, back-pressure, half-close, the end."""

import gc
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import TestCase
from zope.interface import directlyProvides, implementedBy
from zope.interface.verify import verifyClass, verifyObject

from sockproto.carriers.stream import ConversationFactory, ConversationProtocol
from sockproto.core.actions import ABORT, CLOSE, Sleep, Wait
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.limits import TURN_STEPS, Limits
from sockproto.errors import ActionError, SendRefused
from sockproto.protocols.greeting import GreetingFactory
from sockproto.protocols.welcome import WelcomeFactory
from sockproto.testing import Remote, Transport, assert_no_faults, connect
from tests.endpoints import TLSTransport


class Scripted(Conversation):
    """Does what the test says, and notes what happens to it."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.notes: list[Any] = []
        self.methods = methods

    def opened(self, peer: Peer) -> Any:
        return self.methods["opened"]() if "opened" in self.methods else None

    def received(self, message: bytes) -> Any:
        return self.methods["received"](message) if "received" in self.methods else b"<%b>" % message

    def ended(self) -> Any:
        self.notes.append("ended")
        return self.methods["ended"]() if "ended" in self.methods else None

    def closed(self, reason: CloseReason) -> None:
        self.notes.append(reason)


class CarrierTestCase(TestCase):
    """Has a connection whose conversation is scripted."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), [], "a timer was left behind"))

    def connect(
        self,
        framing: Callable[[int], Any] = Lines,
        limits: Limits | None = None,
        speaks_text: bool = True,
        transport: type[Transport] = Transport,
        **methods: Any,
    ) -> Remote:
        class ScriptedProtocol(ConversationProtocol):
            conversation = Scripted

        self.protocol = ScriptedProtocol(framing=framing, limits=limits, clock=self.clock, **methods)
        self.conversation: Any = self.protocol.session.conversation
        self.conversation.speaks_text = speaks_text
        self.remote = connect(self.protocol, kernel_bytes=0, transport=transport)
        self.addCleanup(assert_no_faults, self.remote)
        self.addCleanup(self.remote.lose)
        return self.remote

    def receive(self, data: bytes) -> None:
        self.remote.send(data)

    @property
    def notes(self) -> list[Any]:
        self.remote.run()
        notes: list[Any] = self.conversation.notes
        return notes


class OrderTests(CarrierTestCase):
    def test_one_read_one_write(self) -> None:
        remote = self.connect()
        self.receive(b"a\nb\nc\n")
        self.assertEqual(remote.transport.writes, [b"<a>\n<b>\n<c>\n"])

    def test_a_write_per_64_kib(self) -> None:
        remote = self.connect()
        remote.transport.bufferSize = 10**9
        self.protocol.dataReceived(b"".join(b"%04096d\n" % i for i in range(40)))
        self.assertEqual([len(data) // 4099 for data in remote.transport.writes], [16, 16, 8])

    def test_replies_in_order_though_one_sleeps(self) -> None:
        def received(message: bytes) -> Any:
            yield b"first " + message
            if message == b"slow":
                yield Sleep(3)
            yield b"then " + message

        remote = self.connect(received=received)
        self.receive(b"slow\nfast\n")
        self.assertEqual(remote.read(), b"first slow\n")
        self.receive(b"later\n")
        self.clock.advance(2.9)
        self.assertEqual(remote.read(), b"")
        self.clock.advance(0.1)
        self.assertEqual(remote.read(), b"then slow\nfirst fast\nthen fast\nfirst later\nthen later\n")

    def test_wait_gives_result_and_failure(self) -> None:
        waiting: Deferred[bytes] = Deferred()
        failing: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield (yield Wait(waiting))
            try:
                yield Wait(failing)
            except ZeroDivisionError:
                yield b"failed"

        remote = self.connect(received=received)
        self.receive(b"x\n")
        waiting.callback(b"result")
        self.assertEqual(remote.read(), b"result\n")
        failing.errback(ZeroDivisionError())
        self.assertEqual(remote.read(), b"failed\n")

    def test_wait_for_a_coroutine(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        async def answer() -> bytes:
            return b"%b!" % await waiting

        def received(message: bytes) -> Any:
            yield (yield Wait(answer()))

        remote = self.connect(received=received)
        self.receive(b"x\n")
        waiting.callback(b"coroutine")
        self.assertEqual(remote.read(), b"coroutine!\n")

    def test_ten_thousand_deferreds_that_have_fired_do_not_recurse(self) -> None:
        def received(message: bytes) -> Any:
            total = 0
            for _ in range(10_000):
                total += yield Wait(succeed(1))
                yield Sleep(0)
            yield b"%d" % total

        remote = self.connect(received=received)
        self.receive(b"x\n")
        self.clock.pump([0] * (20_000 // TURN_STEPS))
        self.assertEqual(remote.read(), b"10000\n")

    def test_what_never_waits_lets_the_others_have_their_turn(self) -> None:
        steps = 0

        def received(message: bytes) -> Any:
            nonlocal steps
            while steps < 1_000:
                yield Wait(succeed(None))
                steps += 1

        self.connect(received=received)
        self.receive(b"x\n")
        self.assertEqual(steps, TURN_STEPS - 1)
        self.clock.advance(0)
        self.assertEqual(steps, 1_000)

    def test_ten_thousand_messages_that_wait_do_not_recurse(self) -> None:
        remote = self.connect(received=lambda message: Wait(succeed(None)))
        for _ in range(20):
            self.receive(b"x\n" * 500)
        self.clock.pump([0] * 100)
        self.assertEqual((self.protocol.messages_in, remote.transport.writes), (10_000, []))

    def test_single_actions(self) -> None:
        for action, wire in [(None, b""), (b"bytes", b"bytes\n"), (Sleep(0), b"")]:
            remote = self.connect(received=lambda message, action=action: action)
            self.receive(b"x\n")
            self.assertEqual(remote.read(), wire)

    def test_data_that_comes_while_a_generator_runs_is_handled_after_it(self) -> None:
        def received(message: bytes) -> Any:
            if message == b"a":
                self.receive(b"b\n")
            yield b"begin " + message
            yield b"end " + message

        remote = self.connect(received=received)
        self.receive(b"a\n")
        self.assertEqual(remote.read(), b"begin a\nend a\nbegin b\nend b\n")


class BackPressureTests(CarrierTestCase):
    def test_pauses_between_two_messages_of_one_read(self) -> None:
        handled = []

        def received(message: bytes) -> bytes:
            handled.append(message)
            return b"x" * 60_000

        remote = self.connect(received=received)
        self.receive(b"1\n2\n3\n4\n5\n6\n")
        self.assertEqual(handled, [b"1", b"2"])
        self.assertFalse(remote.transport.reading)
        remote.read()
        self.assertEqual(handled, [b"1", b"2", b"3", b"4"])
        remote.read()
        self.assertEqual(handled[4:], [b"5", b"6"])
        self.assertFalse(remote.transport.reading)
        remote.read()
        self.assertTrue(remote.transport.reading)

    def test_pauses_inside_a_generator(self) -> None:
        def opened() -> Any:
            for _ in range(5):
                yield b"x" * 70_000

        remote = self.connect(Raw, opened=opened)
        for _ in range(5):
            self.assertEqual(len(remote.read()), 70_000)

    def test_a_wait_that_fires_while_the_transport_is_full_delivers_its_value(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield b"x" * 70_000
            yield (yield Wait(waiting))

        def first_pause_then_wait(message: bytes) -> Any:
            result = yield Wait(waiting)
            yield result

        remote = self.connect(Raw, received=first_pause_then_wait)
        self.receive(b"x")
        self.protocol.pauseProducing()
        waiting.callback(b"value")
        self.assertEqual(remote.read(), b"")
        self.protocol.resumeProducing()
        self.assertEqual(remote.read(), b"value")

    def test_a_wait_that_fires_in_the_write_that_ends_the_turn_delivers_its_value(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield b"x" * 250_000
            yield (yield Wait(waiting))

        remote = self.connect(Raw, received=received)
        remote.transport.bufferSize = 10**9  # never full
        write = remote.transport.write

        def fire_and_write(data: bytes) -> None:
            write(data)
            if not waiting.called:
                waiting.callback(b"value")

        self.patch(remote.transport, "write", fire_and_write)
        self.receive(b"x")
        self.clock.advance(0)
        self.assertEqual(remote.read()[250_000:], b"value")

    def test_data_that_comes_while_paused_is_held(self) -> None:
        remote = self.connect()
        self.protocol.pauseProducing()
        self.protocol.dataReceived(b"a\n")  # as TLS does
        self.assertEqual(remote.transport.writes, [])
        self.assertFalse(remote.transport.reading)
        self.protocol.resumeProducing()
        self.assertEqual(remote.transport.writes, [b"<a>\n"])
        self.assertTrue(remote.transport.reading)

    def test_reads_ahead_64_kib_while_an_action_is_pending(self) -> None:
        remote = self.connect(received=lambda message: Sleep(1))
        line = b"x" * 1_023 + b"\n"
        self.receive(line)
        for _ in range(64):
            self.receive(line)
            self.assertTrue(remote.transport.reading)
        self.receive(line)
        self.assertFalse(remote.transport.reading)
        self.clock.advance(1)
        self.assertTrue(remote.transport.reading)
        self.clock.pump([1] * 66)

    def test_a_message_longer_than_the_read_ahead_is_read_to_its_end(self) -> None:
        for limit, first in [(65_536, b"x" * 65_536 + b"\r"), (200_000, b"x" * 100_000), (0, b"x" * 100_000)]:
            remote = self.connect(limits=Limits(max_message_bytes=limit))
            self.receive(first)
            self.assertTrue(remote.transport.reading)
            self.receive(b"\n")
            self.assertIn(b"x>", remote.read())

    def test_an_endless_generator_yields_to_others_after_256_kib(self) -> None:
        def opened() -> Any:
            while True:
                yield b"x" * 7_000

        class NeverFull(Transport):
            bufferSize = 10**9

        remote = self.connect(Discard, transport=NeverFull, opened=opened)
        for _ in range(5):
            produced = len(remote.read())
            self.assertTrue(128 * 1024 < produced <= 256 * 1024, produced)
            # One turn of the reactor; advancing the clock would run what the turn schedules too.
            call = self.clock.calls.pop(0)
            call.called = 1
            call.func(*call.args)
        remote.lose()

    def test_discard_never_stops_reading(self) -> None:
        def opened() -> Any:
            while True:
                yield b"x" * 70_000

        remote = self.connect(Discard, opened=opened)
        for _ in range(3):
            self.receive(b"y" * 70_000)
            self.assertTrue(remote.transport.reading)
        remote.lose()


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
        self.receive(b"thrown away" * 1_000_000)
        self.assertTrue(remote.transport.reading)
        self.assertEqual(self.protocol.session.framing.held, 0)
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
        self.assertTrue(remote.transport.disconnecting)
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


class QuietTests(CarrierTestCase):
    def test_a_bare_send_is_a_message_after_the_quiet_period(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Mich")
        self.clock.advance(0.019)
        self.receive(b"ael")
        self.clock.advance(0.019)
        self.assertEqual(remote.read(), b"")
        self.clock.advance(0.001)
        self.assertEqual(remote.read(), b"<Michael>")

    def test_bytes_in_the_kernel_when_it_ends_belong_to_the_message(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Mich")
        # Timers run before reads: the period's end, then the read, in one turn of the reactor.
        self.clock.callLater(0.02, self.receive, b"ael")
        self.clock.advance(0.02)
        self.assertEqual(remote.read(), b"")
        self.clock.advance(0.02)
        self.assertEqual(remote.read(), b"<Michael>")

    def test_it_counts_while_an_action_is_pending(self) -> None:
        remote = self.connect(QuietLines, received=lambda message: (yield from (Sleep(1), b"<%b>" % message)))
        self.receive(b"a\nb")
        self.clock.advance(0.02)
        self.receive(b"c\n")
        self.clock.advance(1)
        self.clock.advance(1)
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"<a>\n<b><c>\n")

    def test_it_does_not_count_while_reading_is_paused(self) -> None:
        remote = self.connect(QuietLines)
        self.protocol.pauseProducing()
        self.receive(b"Mich")
        self.clock.advance(5)
        self.protocol.resumeProducing()
        self.receive(b"ael\n")
        self.assertEqual(remote.read(), b"<Michael>\n")

    def test_it_stops_when_reading_pauses_and_begins_anew(self) -> None:
        for pause_after in 0, 0.02:
            remote = self.connect(QuietLines)
            self.receive(b"Mich")
            self.clock.callLater(pause_after, self.protocol.pauseProducing)
            self.clock.advance(0.02)
            self.clock.advance(5)
            self.assertEqual(remote.read(), b"")
            self.protocol.resumeProducing()
            self.clock.advance(0.019)
            self.assertEqual(remote.read(), b"")
            self.clock.advance(0.001)
            self.assertEqual(remote.read(), b"<Mich>")

    def test_eof_ends_it(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Michael")
        remote.half_close()
        self.assertEqual(remote.read(), b"<Michael>")


class TooLongTests(CarrierTestCase):
    def test_earlier_messages_are_answered_then_an_error_line(self) -> None:
        for chunks in [b"a\nb\n" + b"x" * 11], [bytes([byte]) for byte in b"a\nb\n" + b"x" * 11]:
            remote = self.connect(limits=Limits(max_message_bytes=10))
            for chunk in chunks:
                self.receive(chunk)
            self.assertEqual(remote.read(), b"<a>\n<b>\nerror: message longer than 10 bytes\n")
            remote.half_close()
            self.assertEqual(self.notes, [CloseReason.TOO_LONG])

    def test_behind_a_pending_action(self) -> None:
        remote = self.connect(
            limits=Limits(max_message_bytes=10),
            received=lambda message: (yield from (Sleep(1), b"<%b>" % message)),
        )
        self.receive(b"a\n" + b"x" * 11)
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"<a>\nerror: message longer than 10 bytes\n")
        remote.half_close()


class ErrorTests(CarrierTestCase):
    def test_what_was_yielded_is_sent_then_an_error_line_then_the_close(self) -> None:
        def received(message: bytes) -> Any:
            yield b"before"
            raise ZeroDivisionError

        for speaks_text, wire in [(True, b"before\nerror: internal error\n"), (False, b"before\n")]:
            remote = self.connect(received=received, speaks_text=speaks_text)
            self.receive(b"x\ny\n")
            self.assertEqual(remote.read(), wire)
            remote.half_close()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
            [failure] = self.flushLoggedErrors(ZeroDivisionError)
            self.assertIn("ZeroDivisionError", failure.getTraceback())

    def test_what_the_framing_or_the_transport_raises(self) -> None:
        class Broken(Lines):
            def encode(self, *messages: bytes) -> Any:
                return "text"

        remote = self.connect(Broken)
        self.receive(b"x\n")
        self.assertEqual(remote.read(), b"error: internal error\n")
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_every_method_is_guarded(self) -> None:
        def fault(*args: object) -> Any:
            raise ZeroDivisionError

        methods: list[dict[str, Any]] = [{"opened": fault}, {"received": fault}, {"ended": fault}]
        for method in methods:
            remote = self.connect(**method)
            self.receive(b"x\n")
            remote.half_close()
            remote.read()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes[-1], CloseReason.CONVERSATION_ERROR)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_whatever_is_raised(self) -> None:
        for error in SystemExit, KeyboardInterrupt, GeneratorExit:

            def received(message: bytes, error: type[BaseException] = error) -> bytes:
                raise error

            remote = self.connect(received=received)
            self.receive(b"x\n")
            self.assertEqual(remote.read(), b"error: internal error\n")
            remote.half_close()
            self.assertEqual(len(self.flushLoggedErrors(error)), 1)

    def test_a_failed_wait_that_nobody_catches(self) -> None:
        remote = self.connect(received=lambda message: Wait(fail(ZeroDivisionError())))
        self.receive(b"x\n")
        self.assertEqual(remote.read(), b"error: internal error\n")
        remote.half_close()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_is_no_action(self) -> None:
        for wrong in "text", 7, [b"list"], bytearray(b"x"), Wait(7):  # type: ignore[arg-type]  # wrong on purpose
            remote = self.connect(received=lambda message, wrong=wrong: wrong)
            self.receive(b"x\n")
            self.assertEqual(remote.read(), b"error: internal error\n")
            remote.half_close()
            [failure] = self.flushLoggedErrors(TypeError)
            self.assertEqual(failure.check(ActionError) is ActionError, not isinstance(wrong, Wait))


class SendTests(CarrierTestCase):
    def test_between_two_replies(self) -> None:
        def received(message: bytes) -> Any:
            yield b"begin"
            yield Sleep(1)
            yield b"end"

        remote = self.connect(received=received)
        self.assertTrue(self.protocol.send(b"first"))
        self.assertEqual(remote.read(), b"first\r\n")
        self.receive(b"x\ny\n")
        self.assertTrue(self.protocol.send(b"pushed"))
        self.assertEqual(remote.read(), b"begin\n")
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"end\npushed\nbegin\n")
        remote.lose()

    def test_from_inside_a_message(self) -> None:
        def received(message: bytes) -> bytes:
            self.protocol.send(b"pushed by " + message)
            return b"reply to " + message

        remote = self.connect(received=received)
        self.receive(b"a\nb\n")
        self.assertEqual(remote.read(), b"reply to a\npushed by a\nreply to b\npushed by b\n")

    def test_says_whether_the_peer_keeps_up_and_refuses_past_64_kib(self) -> None:
        remote = self.connect()
        message = b"x" * 16_000
        said = [self.protocol.send(message) for _ in range(4)]
        self.assertEqual(said, [True] * 4)
        # The transport is full now; so much waits here.
        said = [self.protocol.send(message) for _ in range(5)]
        self.assertEqual(said, [False] * 5)
        self.assertRaises(SendRefused, self.protocol.send, message)
        self.assertRaises(TypeError, self.protocol.send, "text")
        for _ in range(3):
            remote.read()
        self.assertEqual(len(remote.received), 9 * 16_002)
        self.assertTrue(self.protocol.send(message))

    def test_what_was_taken_is_delivered_before_the_close(self) -> None:
        def received(message: bytes) -> Any:
            self.protocol.send(b"pushed")
            yield b"reply"
            if message == b"close":
                yield CLOSE
            yield Sleep(1)

        for line in b"close\n", b"x\n":
            remote = self.connect(received=received)
            self.receive(line)
            self.protocol.close()
            self.assertEqual(remote.read(), b"reply\npushed\n")
            remote.half_close()

    def test_what_waits_is_bounded(self) -> None:
        self.connect(received=lambda message: Sleep(1))
        self.receive(b"x\n")
        self.assertRaises(SendRefused, self.protocol.send, b"x" * 100_000)
        taken = 0
        while taken < 100_000:
            try:
                self.protocol.send(b"")
            except SendRefused:
                break
            taken += 1
        self.assertEqual(taken, 32_768)

    def test_refused_when_the_connection_is_not_open(self) -> None:
        self.connect(transport=TLSTransport)
        self.assertRaises(SendRefused, self.protocol.send, b"too early")
        remote = self.connect()
        self.protocol.close()
        self.assertRaises(SendRefused, self.protocol.send, b"too late")
        remote.lose()
        self.assertRaises(SendRefused, self.protocol.send, b"too late")


class HandshakeTests(CarrierTestCase):
    def test_opened_waits_for_it(self) -> None:
        remote = self.connect(transport=TLSTransport, opened=lambda: b"Welcome!")
        self.assertEqual((remote.transport.writes, remote.transport.producer), ([], None))
        self.protocol.handshakeCompleted()
        self.protocol.handshakeCompleted()  # a renegotiation
        self.assertEqual(remote.transport.writes, [b"Welcome!\r\n"])

    def test_a_wrapper_that_keeps_it_to_itself(self) -> None:
        class Wrapper(Transport):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                directlyProvides(self, ISSLTransport, IProtocol)

        remote = self.connect(transport=Wrapper, opened=lambda: b"Welcome!")
        self.assertEqual(remote.transport.writes, [b"Welcome!\r\n"])

    def test_data_says_that_it_is_done(self) -> None:
        remote = self.connect(transport=TLSTransport, opened=lambda: b"Welcome!")
        self.receive(b"a\n")
        self.assertEqual(remote.read(), b"Welcome!\r\n<a>\n")


class FactoryTests(TestCase):
    def test_wrong_arguments_show_at_once(self) -> None:
        class ScriptedProtocol(ConversationProtocol):
            def __init__(self, size: int, **kwargs: Any) -> None:
                super().__init__(**kwargs)

        class ScriptedFactory(ConversationFactory):
            protocol = ScriptedProtocol

        self.assertRaises(TypeError, ScriptedFactory)
        self.assertRaises(TypeError, ScriptedFactory, 1, colour="red")
        self.assertRaises(TypeError, ScriptedFactory, 1, framing="lines")
        self.assertRaises(TypeError, GreetingFactory, welcome="text")
        self.assertRaises(TypeError, WelcomeFactory, "text")
        ScriptedFactory(1)

    def test_serials_and_connections(self) -> None:
        factory = ConversationFactory(clock=Clock())
        protocols = [factory.buildProtocol(None) for _ in range(2)]
        remotes = [connect(protocol) for protocol in protocols]
        self.assertEqual([protocol.serial for protocol in protocols], [1, 2])
        self.assertEqual(list(factory.registry.connections), protocols)
        for remote in remotes:
            remote.lose()
        self.assertEqual(list(factory.registry.connections), [])

    def test_twisteds_own_ways_work(self) -> None:
        class Protocol(ConversationProtocol):
            conversation = Scripted

        factories: list[Any] = [Factory.forProtocol(Protocol), ConversationFactory()]
        factories[1].protocol = Protocol
        for factory in factories + [WrappingFactory(factory) for factory in factories]:
            remote = connect(factory)
            remote.send(b"a\n")
            self.assertEqual(remote.read(), b"<a>\n")
            remote.reset()

    def test_interfaces(self) -> None:
        for interface in IProtocol, IHalfCloseableProtocol, IHandshakeListener, IPushProducer:
            verifyObject(interface, ConversationProtocol())
            self.assertIn(interface, implementedBy(ConversationProtocol))  # type: ignore[no-untyped-call]  # Factory or ours
        verifyObject(IProtocolFactory, ConversationFactory())
        verifyClass(IProtocolFactory, ConversationFactory)
