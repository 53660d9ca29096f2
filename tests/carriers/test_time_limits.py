"""Limits of time: a connection ends when one is reached, and for no other reason."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from sockproto.carriers import closing, timeouts
from sockproto.core.actions import Sleep, Wait
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.limits import Limits
from sockproto.testing import Remote
from tests.carriers.scripted import CarrierTestCase
from tests.endpoints import KernelTransport, TLSTransport

NONE = Limits(**dict.fromkeys(vars(Limits()), 0))


class TimeTests(CarrierTestCase):
    """No limit but the one that the test names."""

    def limited(self, framing: Callable[[int], Any] = Lines, **kwargs: Any) -> Remote:
        names = vars(NONE)
        limits = Limits(**{name: kwargs.pop(name, 0) for name in names})
        return self.connect(framing, limits=limits, **kwargs)

    def assert_ends(self, remote: Remote, reason: CloseReason, after: float) -> None:
        """The connection ends so many seconds from now, not earlier."""
        self.clock.advance(after - 0.25)
        self.assertFalse(remote.transport.half_closing or remote.lost, "too early")
        self.clock.advance(0.25)
        self.assertTrue(remote.transport.half_closing or remote.lost, "not in time")
        remote.read()
        if not remote.lost:
            remote.half_close()
        self.assertEqual(self.notes, [reason])

    def test_no_limits_no_timer(self) -> None:
        self.limited()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle(self) -> None:
        remote = self.limited(idle_seconds=10)
        for data in b"a\n", b"b":
            self.clock.advance(9)
            self.receive(data)
        self.assert_ends(remote, CloseReason.IDLE, 10)

    def test_what_we_send_is_no_silence(self) -> None:
        remote = self.limited(idle_seconds=10)
        self.clock.advance(9)
        self.protocol.send(b"x")
        self.assert_ends(remote, CloseReason.IDLE, 10)

    def test_a_pending_action_is_not_idle(self) -> None:
        waiting: Deferred[None] = Deferred()
        remote = self.limited(idle_seconds=10, received=lambda message: Wait(waiting))
        self.receive(b"x\n")
        for _ in range(100):
            self.clock.advance(1)
        self.assertFalse(remote.transport.half_closing)
        waiting.callback(None)
        for _ in range(10):
            self.clock.advance(1)
        self.assertTrue(remote.transport.half_closing)

    def test_first_message(self) -> None:
        remote = self.limited(first_message_seconds=10)
        self.clock.advance(5)
        self.receive(b"unfinished")
        self.assert_ends(remote, CloseReason.NO_MESSAGE, 5)

    def test_the_clients_time_begins_when_it_may_speak(self) -> None:
        remote = self.limited(first_message_seconds=10, opened=lambda: (yield from (Sleep(19), b"welcome")))
        for _ in range(19):
            self.clock.advance(1)
        self.assertEqual(remote.read(), b"welcome\r\n")
        self.assert_ends(remote, CloseReason.NO_MESSAGE, 10)

    def test_a_message_is_not_slow_while_we_do_not_read(self) -> None:
        remote = self.limited(message_seconds=10)
        self.receive(b"begin")
        self.protocol.pauseProducing()
        for _ in range(30):
            self.clock.advance(1)
        self.protocol.resumeProducing()
        self.assert_ends(remote, CloseReason.SLOW_MESSAGE, 10)

    def test_a_terminal_that_keeps_its_connection_alive(self) -> None:
        """PuTTY's keepalive is IAC NOP, which belongs to no message."""
        for began, step in (b"", b"\xff\xf1"), (b"", b"c\xff\xf7"), (b"x\xff\xf8", b"\xff\xf1"):
            remote = self.limited(message_seconds=10)
            self.receive(b"\xff\xf1a\r\n" + began + b"b")
            for _ in range(3):
                self.clock.advance(3)
                self.receive(step)
            self.assert_ends(remote, CloseReason.SLOW_MESSAGE, 1)

    def test_a_terminal_that_begins_anew(self) -> None:
        remote = self.limited(message_seconds=10)
        self.receive(b"\xff\xf1a")
        self.clock.advance(9)
        self.receive(b"\xff\xf8b")
        self.assert_ends(remote, CloseReason.SLOW_MESSAGE, 10)

    def test_after_the_first_message(self) -> None:
        remote = self.limited(first_message_seconds=10)
        self.receive(b"x\n")
        self.clock.advance(1000)
        self.assertFalse(remote.transport.half_closing)

    def test_a_client_that_need_not_speak(self) -> None:
        remote = self.limited(Discard, first_message_seconds=10)
        self.clock.advance(1000)
        self.assertFalse(remote.transport.half_closing)

    def test_a_handshake_that_never_ends(self) -> None:
        remote = self.limited(first_message_seconds=10, transport=TLSTransport)
        self.clock.advance(10)
        self.assertTrue(remote.transport.disconnecting)
        self.assertEqual(self.protocol.reason, CloseReason.NO_HANDSHAKE)

    def test_a_handshake_that_never_ends_is_idle_at_the_least(self) -> None:
        remote = self.limited(idle_seconds=10, transport=TLSTransport)
        self.clock.advance(10)
        self.assertTrue(remote.transport.disconnecting)

    def test_slow_message(self) -> None:
        remote = self.limited(message_seconds=10)
        self.clock.advance(100)
        self.receive(b"a\nb")
        for _ in range(9):
            self.clock.advance(1)
            self.receive(b"b")
        self.assert_ends(remote, CloseReason.SLOW_MESSAGE, 1)

    def test_each_message_has_its_time(self) -> None:
        remote = self.limited(message_seconds=10)
        for _ in range(20):
            self.receive(b"end\nbegin")
            self.clock.advance(9)
        self.assertFalse(remote.transport.half_closing)

    def test_lifetime(self) -> None:
        remote = self.limited(lifetime_seconds=10)
        for _ in range(9):
            self.clock.advance(1)
            self.receive(b"x\n")
        self.assert_ends(remote, CloseReason.LIFETIME, 1)

    def test_a_peer_that_reads_slowly_does_not_outlive_the_close(self) -> None:
        for close_at in 1, 10:
            remote = self.limited(Raw, lifetime_seconds=10, write_stall_seconds=4, close_seconds=2)
            for second in range(16):
                if second == close_at:
                    self.protocol.close()
                self.receive(b"x" * 20_000 if second == 0 else b"x")
                self.assertFalse(remote.lost)
                self.clock.advance(1)
                remote.read(10)
            self.assertTrue(remote.transport.aborted)
            self.assertEqual(self.notes, [CloseReason.CLOSED if close_at == 1 else CloseReason.LIFETIME])

    def test_but_the_close_itself_has_no_end_where_a_limit_has_none(self) -> None:
        for given in {"write_stall_seconds": 4}, {"close_seconds": 2}:
            remote = self.limited(Raw, lifetime_seconds=10, **given)
            self.receive(b"x" * 20_000)
            for _ in range(50):
                self.clock.advance(1)
                remote.read(10)
            self.assertFalse(remote.lost)

    def test_a_peer_that_reads_nothing_is_aborted(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=8)
        self.receive(b"x" * 100_000)
        self.clock.advance(8)
        self.assertTrue(remote.transport.aborted)
        self.assertEqual(self.notes, [CloseReason.WRITE_STALL])

    def test_the_stall_counts_from_its_beginning(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=8)
        self.clock.advance(5)
        self.receive(b"x" * 100_000)
        for _ in range(9):
            self.clock.advance(1)
        self.assertTrue(remote.transport.aborted)

    def test_the_close_counts_from_when_all_is_sent(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=100, close_seconds=2)
        self.receive(b"x" * 100)
        self.protocol.close()
        self.clock.advance(20)
        remote.read()
        self.clock.advance(1.75)
        self.assertFalse(remote.lost)
        self.clock.advance(0.25)
        self.assertTrue(remote.transport.aborted)

    def test_bytes_that_only_the_kernel_has_are_not_delivered(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=30, close_seconds=2, transport=KernelTransport)
        transport: Any = remote.transport
        transport.kernel.send(b"x" * 1000)
        self.receive(b"x" * 1000)
        self.protocol.close()
        remote.read()
        self.assertEqual(remote.ended, "orderly")
        for _ in range(29):
            self.clock.advance(1)
        self.assertFalse(remote.lost)
        for _ in range(4):
            self.clock.advance(1)
        self.assertEqual(self.notes, [CloseReason.WRITE_STALL])

    def test_the_end_of_our_half_that_only_the_kernel_has(self) -> None:
        # Linux counts it as a byte, of which none was written.
        for module in timeouts, closing:
            self.patch(module, "unsent_bytes", lambda transport: 1)
        remote = self.limited(write_stall_seconds=8, close_seconds=2)
        self.clock.advance(100)
        self.protocol.close()
        remote.read()
        self.assertEqual(remote.ended, "orderly")
        self.clock.advance(7)
        self.assertFalse(remote.lost)
        self.clock.advance(1)
        self.assertEqual(self.notes, [CloseReason.WRITE_STALL])

    def test_a_slow_reader_is_not_a_stalled_one(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=8)
        self.receive(b"x" * 100_000)
        for _ in range(100):
            self.clock.advance(1)
            remote.read(10)
        self.assertFalse(remote.lost)
        for _ in range(9):
            self.clock.advance(1)
        self.assertTrue(remote.transport.aborted)

    def test_one_that_reads_again_has_not_stalled(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=8)
        for _ in range(2):  # and it counts anew
            self.receive(b"x" * 100_000)
            self.clock.advance(1)
            remote.read()
            for _ in range(20):
                self.clock.advance(1)
            self.assertFalse(remote.lost)
        self.receive(b"x" * 100_000)
        for _ in range(9):
            self.clock.advance(1)
        self.assertTrue(remote.transport.aborted)

    def test_a_close_that_the_peer_does_not_read_stalls_too(self) -> None:
        remote = self.limited(Raw, write_stall_seconds=8, close_seconds=2)
        self.receive(b"x" * 100)
        self.protocol.close()
        self.clock.advance(7)
        self.assertFalse(remote.lost)
        self.clock.advance(1)
        self.assertEqual(self.notes, [CloseReason.WRITE_STALL])

    def test_a_tls_peer_that_never_answers_the_close(self) -> None:
        class Unanswered(TLSTransport):
            def loseConnection(self) -> None:
                """The close_notify is sent, and that is all."""
                self.disconnecting = True

        remote = self.limited(Raw, close_seconds=2, transport=Unanswered)
        self.protocol.handshakeCompleted()
        self.protocol.close()
        self.clock.advance(1.9)
        self.assertFalse(remote.lost)
        self.clock.advance(0.1)
        self.assertTrue(remote.transport.aborted)
        self.assertEqual(self.notes, [CloseReason.CLOSED])
