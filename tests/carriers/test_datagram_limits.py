"""Limits of datagrams: whom a port answers, how often and how much."""

from itertools import takewhile
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto.core.admission import MAX_SOURCES, SourceRate
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoDatagramProtocol
from sockproto.protocols.greeting import GreetingDatagramProtocol
from sockproto.protocols.qotd import QotdDatagramProtocol
from sockproto.testing import DatagramNetwork


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
