"""Limits: of connections, of time, of datagrams; what they are counted as; the drain."""

from collections.abc import Callable
from itertools import takewhile
from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto.core.actions import Sleep, Wait
from sockproto.core.admission import MAX_SOURCES, Admission, SourceRate, site_of
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.limits import Limits
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.protocols.greeting import GreetingDatagramProtocol, GreetingFactory
from sockproto.protocols.qotd import QotdDatagramProtocol
from sockproto.testing import DatagramNetwork, Remote, connect
from tests.carriers.scripted import CarrierTestCase
from tests.endpoints import KernelTransport, TLSTransport

NONE = Limits(**dict.fromkeys(vars(Limits()), 0))


class LimitsTests(TestCase):
    def test_they_are_checked_and_frozen(self) -> None:
        self.assertRaises(ValueError, Limits, max_message_bytes=1.5)
        for wrong in -1, float("nan"), float("inf"), "5", None, True:
            self.assertRaises(ValueError, Limits, idle_seconds=wrong)
        self.assertRaises(AttributeError, setattr, Limits(), "close_seconds", 1)

    def test_the_defaults(self) -> None:
        self.assertEqual(
            list(vars(Limits()).values()), [4096, 1024, 300, 60, 60, 30, 0, 65_536, 2, 10, 2000, 100]
        )

    def test_every_default_has_a_line_of_documentation(self) -> None:
        for name in vars(Limits()):
            self.assertIn(f"        {name}: ", Limits.__doc__ or "")


class AdmissionTests(TestCase):
    def test_what_counts_as_one_peer(self) -> None:
        for hosts, same in [
            (["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"], True),
            (["2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:db8:0:1::1%eth0"], True),
            (["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"], False),
        ]:
            sites = {site_of(Peer(host, 1)) for host in hosts}
            self.assertEqual(len(sites), 1 if same else len(hosts))

    def test_peers_on_unix_sockets_are_many(self) -> None:
        admission = Admission(Limits(max_connections_per_peer=1))
        self.assertEqual([admission.identify(Peer("", None)) for _ in range(3)], [None] * 3)

    @given(st.lists(st.integers(0, 3), max_size=60))
    def test_places_are_given_back(self, peers: list[int]) -> None:
        limits = Limits(max_connections=6, max_connections_per_peer=3)
        admission = Admission(limits)
        inside: list[Peer] = []
        for number in peers:
            peer = Peer(f"192.0.2.{number}", 1)
            if number == 0 and inside:
                admission.forget(inside[0])
                admission.leave()
                inside.pop(0)
            elif admission.enter() is not None:
                self.assertEqual(len(inside), 6)
            elif admission.identify(peer) is not None:
                self.assertEqual(inside.count(peer), 3)
                admission.leave()
            else:
                inside.append(peer)
            self.assertLessEqual(len(inside), 6)


class RefusalTests(TestCase):
    def connect(self, factory: Any, host: str = "192.0.2.1") -> Remote:
        return connect(factory, peer=IPv4Address("TCP", host, 5000))

    def test_past_max_connections(self) -> None:
        factory = GreetingFactory(limits=Limits(max_connections=2), clock=Clock())
        first, second, third = (self.connect(factory) for _ in range(3))
        self.assertTrue(third.lost)
        self.assertFalse(third.transport.half_closing)
        self.assertEqual((third.transport.writes, first.transport.writes), ([], [b"Welcome!"]))
        third.read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY: 1})
        second.lose()
        self.assertEqual(self.connect(factory).read(), b"Welcome!")

    def test_past_max_connections_per_peer(self) -> None:
        factory = GreetingFactory(limits=Limits(max_connections_per_peer=1), clock=Clock())
        first = self.connect(factory)
        self.connect(factory).read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY_OF_PEER: 1})
        self.assertEqual(self.connect(factory, "192.0.2.2").read(), b"Welcome!")
        first.lose()
        self.assertEqual(self.connect(factory).read(), b"Welcome!")

    def test_a_protocol_that_is_never_connected_takes_no_place(self) -> None:
        factory = GreetingFactory(limits=Limits(max_connections=1), clock=Clock())
        for _ in range(10):
            factory.buildProtocol(None)
        self.assertEqual(self.connect(factory).read(), b"Welcome!")

    @given(st.lists(st.tuples(st.sampled_from("olrdx"), st.integers(0, 9)), max_size=40))
    def test_counted_is_open_whatever_happens(self, steps: list[tuple[str, int]]) -> None:
        clock = Clock()
        limits = Limits(max_connections=5, max_connections_per_peer=3)
        factory = GreetingFactory(limits=limits, clock=clock)
        open_: list[Remote] = []
        for step, number in steps:
            if step == "o":
                open_.append(self.connect(factory, f"192.0.2.{number % 3}"))
            elif open_:
                remote = open_[number % len(open_)]
                if step == "l":
                    remote.lose(ConnectionLost())
                elif step == "r":
                    remote.read()
                elif step == "d" and not remote.lost and not remote.transport.half_closing:
                    remote.protocol.dataReceived(b"exit\n")
                elif step == "x" and not remote.lost:
                    remote.half_close()
            open_ = [remote for remote in open_ if not remote.lost]
            self.assertEqual(factory.statistics.open, len(open_))
        self.assertEqual(factory.abort(), len(open_))
        self.assertEqual([remote.lost for remote in open_], [True] * len(open_))
        self.assertEqual((factory.statistics.open, clock.getDelayedCalls()), (0, []))
        places = [self.connect(factory, f"192.0.2.{number}") for number in (0, 0, 0, 1, 1)]
        self.assertEqual([remote.read() for remote in places], [b"Welcome!"] * 5)
        self.assertEqual(factory.abort(), 5)


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


class DrainTests(CarrierTestCase):
    def test_an_idle_connection_closes_at_once(self) -> None:
        remote = self.connect()
        self.receive(b"a\nincomplete")
        remote.read()
        self.protocol.drain()
        self.assertEqual((remote.transport.disconnecting, remote.transport.half_closing), (True, False))
        remote.read()
        self.assertEqual(self.notes, [CloseReason.DRAINED])

    def test_unless_there_is_something_unread_that_a_reset_would_follow(self) -> None:
        remote = self.connect(transport=KernelTransport)
        transport: Any = remote.transport
        transport.kernel_peer.send(b"still")
        self.protocol.drain()
        self.assertTrue(remote.transport.half_closing)

    def test_what_has_come_whole_is_answered(self) -> None:
        remote = self.connect(received=lambda message: (yield from (Sleep(1), b"<%b>" % message)))
        self.receive(b"a\nb\nincomplete")
        self.protocol.drain()
        self.protocol.dataReceived(b" line\nnew\n")
        for _ in range(3):
            self.clock.advance(1)
        self.assertEqual(remote.read(), b"<a>\n<b>\n")
        self.assertEqual(remote.ended, "orderly")  # busy when it began: its last words are seen out
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.DRAINED])

    def test_messages_behind_the_opening_are_answered(self) -> None:
        remote = self.connect(opened=lambda: (yield from (Sleep(1), b"welcome")))
        self.receive(b"a\nb\n")
        self.protocol.drain()
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"welcome\r\n<a>\n<b>\n")
        remote.half_close()

    def test_an_incomplete_auto_message_is_cut(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Michael")
        self.protocol.drain()
        self.assertEqual(remote.read(), b"<Michael>")
        remote.half_close()

    def test_an_endless_generator_ends_at_once(self) -> None:
        clock = Clock()
        factory = ChargenFactory(clock=clock)
        remote = connect(factory.buildProtocol(None))
        drained = factory.drain()
        remote.read()
        remote.read()
        self.assertTrue(remote.lost)
        self.successResultOf(drained)

    def test_behind_a_peer_that_does_not_read(self) -> None:
        remote = self.connect(received=lambda message: b"x" * 70_000)
        self.receive(b"1\n2\n3\n")
        self.protocol.drain()
        for _ in range(3):
            remote.read()
        self.assertEqual(len(remote.received), 3 * 70_001)
        remote.half_close()
        remote.read()
        self.assertEqual(self.notes, [CloseReason.DRAINED])

    def test_the_factory_knows_when_all_are_gone_and_can_cut_them(self) -> None:
        clock = Clock()
        factory = GreetingFactory(think_seconds=100, clock=clock)
        remotes = [connect(factory) for _ in range(3)]
        for remote in remotes[1:]:
            remote.protocol.dataReceived(b"x\n")
        drained = factory.drain()
        remotes[0].read()
        self.assertNoResult(drained)
        self.assertEqual(factory.abort(), 2)
        self.assertEqual([remote.ended for remote in remotes[1:]], ["reset", "reset"])
        self.successResultOf(drained)
        self.assertEqual(factory.statistics.closed, {CloseReason.DRAINED: 1, CloseReason.DRAIN_ABORTED: 2})
        self.assertEqual(clock.getDelayedCalls(), [])
        self.successResultOf(GreetingFactory(clock=clock).drain())

    def test_asked_twice(self) -> None:
        factory = GreetingFactory(think_seconds=1, clock=(clock := Clock()))
        remote = connect(factory.buildProtocol(None))
        remote.protocol.dataReceived(b"x\n")
        drained = [factory.drain(), factory.drain()]
        clock.advance(1)
        remote.read()
        remote.half_close()
        for each in drained:
            self.successResultOf(each)


class UdpTests(TestCase):
    """Promise 7: nobody can drive a port into a loop, or amplify with it."""

    def listen(self, port: Any) -> None:
        class Transport(FakeDatagramTransport):
            def getHost(self) -> IPv4Address:
                return IPv4Address("UDP", "127.0.0.1", 9999)

        self.port = port
        self.transport = Transport()
        port.makeConnection(self.transport)

    def ask(self, datagram: bytes, port: int = 5000) -> bool:
        """Tell whether a datagram is answered."""
        before = len(self.transport.written)
        self.port.datagramReceived(datagram, ("127.0.0.1", port))
        return len(self.transport.written) > before

    @property
    def dropped(self) -> dict[str, int]:
        return dict(self.port.statistics.dropped)

    def test_ports_that_nobody_asks_from(self) -> None:
        self.listen(EchoDatagramProtocol(clock=Clock()))
        answered = [self.ask(b"x", port) for port in (0, 7, 19, 1023, 9999, 1024, 65535)]
        self.assertEqual(answered, [False] * 5 + [True] * 2)
        self.assertEqual(self.dropped, {"low port": 4, "own port": 1})

    def test_what_looks_like_a_reply(self) -> None:
        self.listen(GreetingDatagramProtocol(clock=Clock()))
        self.assertFalse(self.ask(b"Hello, Michael!"))
        self.assertTrue(self.ask(b"Hello"))
        self.assertEqual(self.dropped, {"looks like a reply": 1})

    def test_replies_are_at_most_4_times_the_request_and_32_bytes(self) -> None:
        for length, size, answered in [(32, 0, True), (33, 0, False), (72, 10, True), (73, 10, False)]:
            self.listen(QotdDatagramProtocol(b"q" * length, clock=Clock()))
            self.assertEqual(self.ask(b"x" * size), answered)
            self.assertEqual(self.dropped, {} if answered else {"amplification": 1})

    def test_the_rate_of_one_address(self) -> None:
        clock = Clock()
        self.listen(EchoDatagramProtocol(limits=Limits(udp_rate=3), clock=clock))
        self.assertEqual([self.ask(b"x") for _ in range(5)], [True] * 3 + [False] * 2)
        self.assertEqual(self.dropped, {"rate": 2})
        clock.advance(1)
        self.assertTrue(self.ask(b"x"))

    def test_sources_are_bounded_and_the_least_recent_goes_first(self) -> None:
        rate = SourceRate(1)
        self.assertTrue(rate.allows("first", 0))
        for number in range(MAX_SOURCES + 10):
            self.assertTrue(rate.allows(str(number), 0))
            if number == 100:
                self.assertFalse(rate.allows("first", 0))
        self.assertFalse(rate.allows("first", 0))
        # From the last to the first: one that is forgotten is counted anew, and then others are forgotten.
        numbers = reversed(range(MAX_SOURCES + 10))
        remembered = list(takewhile(lambda number: not rate.allows(str(number), 0), numbers))
        self.assertEqual(len(remembered), MAX_SOURCES - 1)

    def test_two_ports_aimed_at_each_other_stop(self) -> None:
        """The loop of RFC 862: two echo servers, and a forged datagram."""
        clock = Clock()
        ports = [EchoDatagramProtocol(limits=Limits(udp_rate=50), clock=clock) for _ in range(2)]
        network = DatagramNetwork()
        for number, port in enumerate(ports):
            network.listenUDP(5000 + number, port, "192.0.2.1")
        network.remote().send(b"x", ("192.0.2.1", 5001), sender=("192.0.2.1", 5000))
        network.run()
        exchanged = sum(port.statistics.messages_in for port in ports)
        self.assertTrue(50 < exchanged < 110, exchanged)

    def test_drain_finishes_what_waits_and_takes_no_more(self) -> None:
        clock = Clock()
        self.listen(GreetingDatagramProtocol(think_seconds=1, clock=clock))
        self.ask(b"Michael")
        drained = self.port.drain()
        self.assertFalse(self.ask(b"Tracy"))
        self.assertNoResult(drained)
        clock.advance(1)
        self.successResultOf(drained)
        self.assertEqual([reply for reply, _ in self.transport.written], [b"Hello, Michael!"])
        self.assertEqual(self.dropped, {"draining": 1})


class StatisticsTests(TestCase):
    def test_statistics_of_a_listener(self) -> None:
        factory = EchoFactory(clock=Clock())
        remote = connect(factory.buildProtocol(None))
        remote.protocol.dataReceived(b"abc")
        counted = factory.statistics
        self.assertEqual((counted.opened, counted.open, counted.bytes_in), (1, 1, 0))
        remote.lose()
        self.assertEqual((counted.opened, counted.open), (1, 0))
        self.assertEqual((counted.bytes_in, counted.bytes_out), (3, 3))
        self.assertEqual((counted.messages_in, counted.messages_out), (1, 1))
        self.assertEqual(counted.closed, {CloseReason.PEER_CLOSED: 1})

    def test_an_empty_one_is_drained(self) -> None:
        self.successResultOf(EchoFactory(clock=Clock()).drain())
