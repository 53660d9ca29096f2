"""Peers that may not come in are refused at once, counted, and told nothing."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver, FakeDatagramTransport
from twisted.logger import Logger, LogPublisher, formatEvent
from twisted.trial.unittest import TestCase

from sockproto.carriers.log import EventLog
from sockproto.core.access import Access
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoDatagramProtocol
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import connect
from tests.carriers.proxied import THE_PROXY, ProxiedTestCase
from tests.core.proxy_headers import LOCAL, PROXY, TCP4, v2

ACCESS = Access(allow=["192.0.2.0/24", "2001:db8::/32"], deny=["192.0.2.66"])
ADMITTED = "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"
REFUSED = "192.0.2.66", "::ffff:192.0.2.66", "198.51.100.1", "::1"
WELCOME = b"Welcome!"


def address(host: str) -> Any:
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, 5_000)


class StreamTests(TestCase):
    def setUp(self) -> None:
        self.limits = Limits(max_connections=1)
        self.factory = GreetingFactory(access=ACCESS, clock=Clock(), limits=self.limits)

    def test_by_the_address(self) -> None:
        for host in ADMITTED:
            remote = connect(self.factory, peer=address(host))
            self.assertEqual(remote.read(), WELCOME)
            remote.lose()
        for host in REFUSED:
            remote = connect(self.factory, peer=address(host))
            self.assertTrue(remote.lost)
            self.assertEqual(remote.transport.writes, [])
        closed = self.factory.statistics.closed
        self.assertEqual(closed, {CloseReason.PEER_CLOSED: len(ADMITTED), CloseReason.DENIED: len(REFUSED)})
        self.assertEqual(self.factory.statistics.open, 0)

    def test_unix_sockets_have_no_address(self) -> None:
        for name in None, b"/run/client":
            remote = connect(self.factory, peer=UNIXAddress(name))
            self.assertEqual(remote.read(), WELCOME)
            remote.lose()

    def test_where_there_is_no_place_either(self) -> None:
        inside = connect(self.factory, peer=address(ADMITTED[0]))
        for host, reason in (REFUSED[0], CloseReason.DENIED), (ADMITTED[0], CloseReason.TOO_MANY):
            connect(self.factory, peer=address(host))
            self.assertEqual(self.factory.statistics.closed[reason], 1)
        self.assertEqual(inside.read(), WELCOME)
        inside.lose()

    def test_the_log(self) -> None:
        events = EventLoggingObserver()
        self.factory.registry.log = EventLog(log=Logger("test", observer=LogPublisher(events)))
        connect(self.factory, peer=address("192.0.2.66"))
        [event] = events
        self.assertIn("from 192.0.2.66:5000 closed: denied; 0 bytes", formatEvent(event))

    def test_no_access(self) -> None:
        for kind in GreetingFactory, EchoDatagramProtocol:
            self.assertIn("access", str(self.assertRaises(TypeError, kind, access=["10.0.0.0/8"])))


class ProxiedTests(ProxiedTestCase):
    def client(self, *pieces: bytes, access: Access = ACCESS) -> Any:
        """Connect through the proxy and send so many pieces."""
        self.made = self.factory(access=access)
        remote = self.connect(self.made)
        for piece in pieces:
            remote.protocol.dataReceived(piece)
        return remote

    def test_the_client_is_asked_for_not_the_proxy(self) -> None:
        for host in ADMITTED[:1]:
            remote = self.client(f"PROXY TCP4 {host} 192.0.2.9 5000 80\r\n".encode())
            self.assertEqual(remote.transport.writes, [WELCOME])
        for host in "192.0.2.66", "198.51.100.1", THE_PROXY.host:
            remote = self.client(f"PROXY TCP4 {host} 192.0.2.9 5000 80\r\nMichael\n".encode(), b"Tracy\n")
            self.assert_refused(self.made, remote, CloseReason.DENIED)

    def test_before_the_tls_handshake(self) -> None:
        factory = self.factory(access=ACCESS, proxy_from=None)
        remote = self.connect(factory, proxy=address("192.0.2.66"), tls=True)
        self.assert_refused(factory, remote, CloseReason.DENIED)

    def test_a_header_that_tells_no_client_means_the_proxy(self) -> None:
        headers = b"PROXY UNKNOWN\r\n", v2(TCP4, bytes(12), LOCAL), v2(0, b"", PROXY)
        for header in headers:
            remote = self.client(header)
            self.assert_refused(self.made, remote, CloseReason.DENIED)
            remote = self.client(header, access=Access(allow=[THE_PROXY.host]))
            self.assertEqual(remote.transport.writes, [WELCOME])

    def test_places_are_given_back(self) -> None:
        factory = self.factory(access=ACCESS, limits=Limits(max_connections=1))
        for _ in range(3):
            remote = self.connect(factory)
            remote.protocol.dataReceived(b"PROXY TCP4 192.0.2.66 192.0.2.9 5000 80\r\n")
            remote.read()
        remote = self.connect(factory)
        remote.protocol.dataReceived(b"PROXY TCP4 192.0.2.1 192.0.2.9 5000 80\r\n")
        self.assertEqual(remote.transport.writes, [WELCOME])


class DatagramTests(TestCase):
    def test_by_the_address(self) -> None:
        protocol = EchoDatagramProtocol(access=ACCESS, clock=Clock())
        transport = FakeDatagramTransport()
        protocol.makeConnection(transport)
        hosts = (*ADMITTED, *REFUSED)
        for host in hosts:
            protocol.datagramReceived(b"x", (host, 5_000))
        self.assertEqual([host for _, (host, _) in transport.written], list(ADMITTED))
        self.assertEqual(protocol.statistics.dropped, {"denied": len(REFUSED)})

    def test_unix_sockets_have_no_address(self) -> None:
        protocol = EchoDatagramProtocol(access=ACCESS, clock=Clock())
        transport = FakeDatagramTransport()
        protocol.makeConnection(transport)
        protocol.datagramReceived(b"x", "/run/client")
        self.assertEqual(len(transport.written), 1)
