"""Ports that are bound to all addresses of the machine: an answer leaves from the one that was asked."""

import errno
import socket
import sys
from typing import Any

from twisted.internet.error import CannotListenError, InvalidAddressError, MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SkipTest, TestCase

from sockproto import EchoDatagramProtocol, GreetingDatagramProtocol, Limits
from sockproto.reactor import senders
from sockproto.reactor.datagrams import DatagramPort, adopt_udp, listen_udp
from sockproto.reactor.senders import IN6_PKTINFO, IN_PKTINFO, IP_PKTINFO, PacketExchange, sender_at, way_back
from sockproto.server.listeners import udp
from tests.reactor.test_ports import Datagrams, Descriptors

SECOND = "127.0.0.2"
ASKED = [
    ("0.0.0.0", "127.0.0.1"),
    ("0.0.0.0", SECOND),
    ("::", "::1"),
    ("::", "127.0.0.1"),  # mapped: ::ffff:127.0.0.1
    ("::", SECOND),
]
"""What a port is bound to, and which address of it is asked."""

IP_RECVERR = 11  # Linux's number: has the errors of ICMP told to a socket that is not connected


def peer(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """Make a client's socket."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.settimeout(5)
    return made


def in_pktinfo(link: int, ours: str, asked: str) -> bytes:
    return IN_PKTINFO.pack(link, socket.inet_aton(ours), socket.inet_aton(asked))


def in6_pktinfo(asked: str, link: int) -> bytes:
    return IN6_PKTINFO.pack(socket.inet_pton(socket.AF_INET6, asked), link)


class Heard(Datagrams):
    """Has what came noted, and answers nothing yet."""

    def __init__(self) -> None:
        self.notes: list[tuple[bytes, Any]] = []
        super().__init__(lambda transport, data, addr: self.notes.append((data, addr)))


class AskedTests(TestCase):
    def setUp(self) -> None:
        if sys.platform != "linux":
            raise SkipTest("only Linux has 127.0.0.2 without further ado")

    def listen(self, protocol: DatagramProtocol, interface: str = "0.0.0.0") -> DatagramPort:
        try:
            port = DatagramPort(0, protocol, interface, 65_535, Descriptors())
            port.startListening()
        except CannotListenError:
            raise SkipTest("this machine has no IPv6") from None
        self.addCleanup(port.connectionLost)
        return port

    def client(self, port: Any, host: str = SECOND) -> socket.socket:
        """Connect a socket to one of the port's addresses: it hears nobody else."""
        client = peer(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.addCleanup(client.close)
        client.connect((host, port.getHost().port))
        return client

    def test_told_and_asked(self) -> None:
        def told(transport: Any, data: bytes, addr: Any) -> None:
            transport.write(data, addr)

        unlimited = Limits(udp_rate=0)
        for bound, host in ASKED:
            for protocol in Datagrams(told), EchoDatagramProtocol(limits=unlimited, clock=Clock()):
                port = self.listen(protocol, bound)
                client = self.client(port, host)
                for data in b"x", b"", b"y" * 65_507:
                    client.send(data)
                    port.doRead()
                    self.assertEqual(client.recv(65_535), data, (bound, host))

    def test_a_socket_that_is_asked_to_tell_more(self) -> None:
        for bound, host in ASKED:
            port = self.listen(EchoDatagramProtocol(clock=Clock()), bound)
            port.getHandle().setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            if ":" in bound:
                port.getHandle().setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
            client = self.client(port, host)
            client.send(b"x")
            port.doRead()
            self.assertEqual(client.recv(9), b"x", (bound, host))

    def test_the_address_is_what_twisted_gives(self) -> None:
        for bound, host in ASKED:
            heard = Heard()
            port = self.listen(heard, bound)
            client = self.client(port, host)
            client.send(b"x")
            port.doRead()
            own = client.getsockname()
            mapped = f"::ffff:{own[0]}" if ":" in bound and "." in own[0] else own[0]
            [(_, addr)] = heard.notes
            self.assertEqual(addr, (mapped, own[1]))

    def test_however_late(self) -> None:
        clock = Clock()
        port = self.listen(GreetingDatagramProtocol(think_seconds=1, clock=clock))
        first, second = self.client(port, SECOND), self.client(port, "127.0.0.3")
        first.send(b"first")
        second.send(b"second")
        port.doRead()
        clock.advance(1)
        self.assertEqual([first.recv(99), second.recv(99)], [b"Hello, first!", b"Hello, second!"])

    def test_one_who_asks_at_several_addresses(self) -> None:
        heard = Heard()
        port = self.listen(heard)
        client = peer()
        self.addCleanup(client.close)
        hosts = ["127.0.0.1", SECOND, "127.0.0.3"]
        for host in hosts:
            client.sendto(host.encode(), (host, port.getHost().port))
        port.doRead()
        for data, addr in heard.notes:
            port.write(data, addr)
        answers = [client.recvfrom(99) for _ in hosts]
        self.assertEqual(
            [(data.decode(), address[0]) for data, address in answers], [(host, host) for host in hosts]
        )

    def test_a_copy_of_the_address(self) -> None:
        port = self.listen(Datagrams(lambda transport, data, addr: transport.write(data, (addr[0], addr[1]))))
        client = self.client(port)
        client.send(b"x")
        port.doRead()
        self.assertEqual(client.recv(9), b"x")

    def test_through_the_listener_of_the_service(self) -> None:
        class Reactor(Descriptors):
            def listenUDP(self, *arguments: Any) -> Any:
                raise AssertionError("it is our own port")

        from twisted.internet.posixbase import PosixReactorBase

        class Posix(Reactor, PosixReactorBase):  # type: ignore[misc]
            def __init__(self) -> None:
                Reactor.__init__(self)

        ports: list[Any] = []
        listener = udp("echo", EchoDatagramProtocol(clock=Clock()), "0.0.0.0", 0)
        listener.listen(Posix(), 0).addCallback(ports.append)
        [port] = ports
        self.addCleanup(port.connectionLost)
        client = self.client(port)
        client.send(b"x")
        port.doRead()
        self.assertEqual(client.recv(9), b"x")

    def test_a_socket_that_was_bound_before(self) -> None:
        for bound, host in ASKED:
            given = peer(socket.AF_INET6 if ":" in bound else socket.AF_INET)
            given.bind((bound, 0))
            given.setblocking(False)
            client = peer(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.addCleanup(client.close)
            client.connect((host, given.getsockname()[1]))
            client.send(b"before")  # as what starts a service by its socket
            port = self.adopt(given)
            client.send(b"after")
            port.doRead()
            self.assertEqual([client.recv(9), client.recv(9)], [b"before", b"after"], (bound, host))

    def adopt(self, given: socket.socket) -> Any:
        from twisted.internet.selectreactor import SelectReactor

        reactor: Any = SelectReactor()
        port = adopt_udp(reactor, given, EchoDatagramProtocol(clock=Clock()), 65_535)
        self.addCleanup(port.connectionLost)
        for selectable in reactor.removeAll():
            if selectable is not port:
                selectable.connectionLost(None)
        return port

    def test_an_address_that_the_machine_has_no_more(self) -> None:
        port = self.listen(EchoDatagramProtocol(clock=Clock()))
        client = self.client(port)
        gone = sender_at(client.getsockname(), way_back(in_pktinfo(1, "192.0.2.77", "192.0.2.77")))
        self.assertRaises(OSError, port.write, b"x", gone)
        greeting = GreetingDatagramProtocol(think_seconds=1, clock=(clock := Clock()))
        greeting.makeConnection(port)
        greeting.datagramReceived(b"late", gone)
        clock.advance(1)
        self.assertEqual(greeting.statistics.dropped, {"unsendable": 1})
        client.send(b"x")
        port.doRead()
        self.assertEqual(client.recv(9), b"x")

    def test_errors_of_icmp(self) -> None:
        protocol = EchoDatagramProtocol(clock=Clock())
        port = self.listen(protocol)
        port.getHandle().setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        client = self.client(port)
        for _ in range(3):
            gone = peer()
            gone.connect(client.getpeername())
            gone.send(b"x")
            gone.close()
        client.send(b"1")
        port.doRead()  # nobody is there for the first answers any more
        client.send(b"2")
        port.doRead()
        self.assertEqual([client.recv(9), client.recv(9)], [b"1", b"2"])
        self.assertEqual(protocol.statistics.dropped, {})

    def test_what_twisted_refuses_is_refused(self) -> None:
        for bound, host in ASKED:
            port = self.listen(
                Datagrams(lambda transport, data, addr: transport.write(b"x" * 70_000, addr)), bound
            )
            client = self.client(port, host)
            client.send(b"x")
            port.doRead()
            self.assertEqual(len(self.flushLoggedErrors(MessageLengthError)), 1)
            self.assertRaises(InvalidAddressError, port.write, b"x", ("localhost", 1))
            self.assertRaises(
                InvalidAddressError, port.write, b"x", ("fe80::1%lo" if "." in bound else "10.0.0.1", 1)
            )

    def test_from_its_own_port_nobody_asks(self) -> None:
        for bound, host in ASKED:
            protocol = EchoDatagramProtocol(clock=Clock())
            port = self.listen(protocol, bound)
            target = f"::ffff:{host}" if ":" in bound and "." in host else host
            port.getHandle().sendto(b"x", (target, port.getHost().port))
            port.doRead()
            self.assertEqual(
                (protocol.statistics.messages_out, protocol.statistics.dropped), (0, {"own port": 1})
            )

    def test_what_one_address_alone_costs(self) -> None:
        port = self.listen(EchoDatagramProtocol(clock=Clock()), "127.0.0.1")
        self.assertFalse(port.getHandle().getsockopt(socket.IPPROTO_IP, IP_PKTINFO))
        self.assertTrue(self.listen(Heard()).getHandle().getsockopt(socket.IPPROTO_IP, IP_PKTINFO))


class WayBackTests(TestCase):
    """What an answer is sent with."""

    def test_ipv4(self) -> None:
        def asked(host: str) -> Any:
            return [(socket.IPPROTO_IP, IP_PKTINFO, in_pktinfo(0, host, "0.0.0.0"))]

        self.assertEqual(way_back(in_pktinfo(2, "192.0.2.1", "192.0.2.1")), asked("192.0.2.1"))
        self.assertEqual(way_back(in_pktinfo(2, "192.0.2.1", "192.0.2.255")), asked("192.0.2.1"))
        self.assertEqual(way_back(in_pktinfo(2, "0.0.0.0", "192.0.2.9")), asked("192.0.2.9"))

    def test_ipv6(self) -> None:
        def asked(host: str, link: int) -> Any:
            return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, in6_pktinfo(host, link))]

        self.assertEqual(way_back(in6_pktinfo("2001:db8::1", 2)), asked("2001:db8::1", 0))
        for host in "fe80::1", "febf::1":
            self.assertEqual(way_back(in6_pktinfo(host, 2)), asked(host, 2))
        self.assertEqual(way_back(in6_pktinfo("fec0::1", 2)), asked("fec0::1", 0))
        self.assertEqual(way_back(in6_pktinfo("ff02::1", 2)), [])

    def test_nothing_is_told(self) -> None:
        self.assertEqual(way_back(b""), [])

    def test_what_is_kept_is_bounded(self) -> None:
        made: list[bytes] = []

        def noted(info: bytes) -> Any:
            made.append(info)
            return way_back(info)

        class Socket:
            info = b""
            sendmsg = None

            def recvmsg(self, size: int, space: int) -> Any:
                return b"x", [(0, IP_PKTINFO, self.info)], 0, ("192.0.2.2", 5000)

        self.patch(senders, "way_back", noted)
        self.patch(senders, "MAX_KEPT", 2)
        fake: Any = Socket()
        exchange = PacketExchange(fake)
        for host in (1, 1, 2, 2, 1, 3, 1):
            fake.info = in_pktinfo(1, f"192.0.2.{host}", "0.0.0.0")
            _, sender = exchange.receive(9)
            self.assertEqual(sender.ancillary, way_back(fake.info))
        self.assertEqual([info[7] for info in made], [1, 2, 3, 1])


class ZoneTests(TestCase):
    def test_a_zone_that_the_machine_does_not_have(self) -> None:
        error = self.assertRaises(
            CannotListenError, listen_udp, None, 0, DatagramProtocol(), "fe80::1%nonesuch", 99
        )
        self.assertIsInstance(error.socketError, OSError)

    def test_an_address_that_the_machine_does_not_have(self) -> None:
        _, name = socket.if_nameindex()[0]
        error = self.assertRaises(
            CannotListenError, listen_udp, None, 0, DatagramProtocol(), f"fe80::dead:beef%{name}", 99
        )
        self.assertIn(error.socketError.errno, (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL))

    def test_a_sender_has_a_zone(self) -> None:
        index, name = socket.if_nameindex()[0]
        for host, where in [
            (f"fe80::1%{name}", ("fe80::1", 5000, 0, index)),
            ("2001:db8::1", ("2001:db8::1", 5000, 0, 0)),
            ("192.0.2.1", ("192.0.2.1", 5000)),
        ]:
            sender = sender_at(where, [])
            self.assertEqual((sender, sender.where), ((host, 5000), where))
