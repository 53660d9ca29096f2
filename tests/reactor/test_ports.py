"""What is written while a read is handled leaves when that is done, and nothing else is otherwise."""

import os
import socket
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    InvalidAddressError,
    MessageLengthError,
)
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import DatagramProtocol, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import alsoProvides, implementer

from sockproto.reactor.buffers import held_bytes
from sockproto.reactor.connections import TCPConnection, UNIXConnection
from sockproto.reactor.datagrams import READS, DatagramPort, listen_udp
from sockproto.reactor.ports import flush_after_reads

LOOPBACK = "127.0.0.1"


class Descriptors(Clock):
    """A reactor that only notes who wants to be told of what."""

    def __init__(self) -> None:
        Clock.__init__(self)
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.asked = 0  # how often to be told that a socket can be written to

    def addReader(self, reader: Any) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.discard(reader)

    def addWriter(self, writer: Any) -> None:
        self.asked += 1
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        self.writers.discard(writer)


@implementer(IPushProducer)
class Scripted(Protocol):
    """Does what a test says with what comes."""

    def __init__(self, received: Callable[[Any, bytes], object]) -> None:
        self.received = received
        self.lost: Failure | None = None
        self.log: list[str] = []

    def dataReceived(self, data: bytes) -> None:
        self.received(self.transport, data)

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = reason

    def pauseProducing(self) -> None:
        self.log.append("pause")

    def resumeProducing(self) -> None:
        self.log.append("resume")

    def stopProducing(self) -> None:
        self.log.append("stop")


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as a port's
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


class ConnectionTests(TestCase):
    """Over TCP and over UNIX sockets."""

    kinds = ((TCPConnection, tcp_pair, (LOOPBACK, 5)), (UNIXConnection, socket.socketpair, ""))

    def connect(self, received: Callable[[Any, bytes], object], kind: Any = kinds[0]) -> None:
        transport, pair, client = kind
        self.reactor = Descriptors()
        server, self.peer = pair()
        self.addCleanup(self.peer.close)
        self.peer.setblocking(False)
        self.protocol = Scripted(received)
        self.connection = transport(server, self.protocol, client, None, 1, self.reactor)
        connection = self.connection
        self.addCleanup(lambda: hasattr(connection, "socket") and server.close())
        self.protocol.makeConnection(self.connection)

    def say(self, data: bytes) -> Any:
        """Have the peer send, and the server read; return what the read gave the reactor."""
        self.peer.sendall(data)
        return self.connection.doRead()

    def heard(self) -> bytes | None:
        """Return what the peer can read at once, None if nothing."""
        try:
            return bytes(self.peer.recv(1 << 22))
        except BlockingIOError:
            return None

    def test_all_of_a_read_leaves_at_once_and_the_reactor_is_not_asked(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            for byte in data:
                transport.write(b"<%c>" % byte)
            self.assertIsNone(self.heard())
            transport.writeSequence([b"e", b"nd"])

        for kind in self.kinds:
            self.connect(received, kind)
            for _ in range(3):
                self.assertIsNone(self.say(b"abc"))
                self.assertEqual(self.heard(), b"<a><b><c>end")
            self.assertEqual(self.reactor.asked, 0)

    def test_what_is_written_at_another_time_waits_for_the_reactor(self) -> None:
        self.connect(lambda transport, data: transport.write(data.upper()))
        self.connection.write(b"first ")
        self.assertEqual((self.heard(), self.reactor.asked), (None, 1))
        self.say(b"second")
        self.assertEqual(self.heard(), b"first SECOND")
        self.connection.doWrite()
        self.assertEqual((self.heard(), self.reactor.writers), (None, set()))

    def test_what_does_not_fit_follows_in_order(self) -> None:
        data = bytes(range(256)) * 65_536
        self.connect(lambda transport, asked: transport.write(data if asked == b"x" else b"end"))
        self.assertIsNone(self.say(b"x"))
        self.assertEqual(self.reactor.writers, {self.connection})
        self.say(b"y")
        came = b""
        while self.reactor.writers:
            came += self.heard() or b""
            self.connection.doWrite()
        came += self.heard() or b""
        self.assertEqual(came, data + b"end")
        self.assertEqual(held_bytes(self.connection), 0)

    def test_a_producer_is_held_back_and_let_go(self) -> None:
        self.connect(lambda transport, data: transport.write(b"x" * int(data)))
        self.connection.registerProducer(self.protocol, True)
        self.say(b"65536")
        self.assertEqual(self.protocol.log, [])
        self.say(b"70000")  # more than the buffer, and gone at once
        self.assertEqual(self.protocol.log, [])
        self.heard()
        self.say(b"20000000")
        self.assertEqual(self.protocol.log, ["pause"])
        while self.reactor.writers:
            self.heard()
            self.connection.doWrite()
        self.assertEqual(self.protocol.log, ["pause", "resume"])

    def test_a_pull_producer_is_asked_for_more(self) -> None:
        self.connect(lambda transport, data: transport.write(data))
        self.connection.registerProducer(self.protocol, False)
        self.say(b"x")
        self.assertEqual(self.protocol.log, ["resume", "resume"])

    def test_last_words(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            transport.write(b"bye")
            getattr(transport, data.decode())()

        for method in "loseConnection", "loseWriteConnection":
            for kind in self.kinds:
                self.connect(received, kind)
                self.assertIsNone(self.say(method.encode()))
                self.assertEqual((self.heard(), self.heard()), (b"bye", b""))
                self.assertEqual(self.protocol.lost is not None, method == "loseConnection")
                self.assertEqual(self.reactor.asked, 0)

    def test_a_descriptor_goes_with_the_bytes_behind_it(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            transport.write(b"here: ")
            transport.sendFileDescriptor(passed.fileno())
            transport.write(data)

        with tempfile.TemporaryFile() as passed:
            self.connect(received, self.kinds[1])
            self.assertIsNone(self.say(b"take it"))
            self.connection.doWrite()
            data, [descriptor], *_ = socket.recv_fds(self.peer, 100, 1)
            self.addCleanup(os.close, descriptor)
            data += self.heard() or b""
            self.assertEqual((data, os.fstat(descriptor)), (b"here: take it", os.fstat(passed.fileno())))
            self.assertIsNone(self.say(b"x"))

    def test_an_abort_sends_nothing(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            transport.write(b"never")
            transport.abortConnection()
            transport.write(b"and never")

        self.connect(received)
        self.assertIsNone(self.say(b"x"))
        self.assertEqual((self.heard(), self.reactor.asked), (None, 0))
        self.reactor.advance(0)
        self.assertRaises(ConnectionResetError, self.heard)
        self.assertIsNotNone(self.protocol.lost)

    def test_closed_at_once_when_the_peer_has_ended_and_nothing_is_unsent(self) -> None:
        for kind in self.kinds:
            for unsent in b"", b"bye":
                self.connect(lambda transport, data: None, kind)
                alsoProvides(self.protocol, IHalfCloseableProtocol)
                self.protocol.readConnectionLost = lambda: None  # type: ignore[attr-defined]  # half-closeable now
                self.peer.shutdown(socket.SHUT_WR)
                if self.connection.doRead() is not None:  # the reactor's to see to
                    self.connection.readConnectionLost(Failure(ConnectionDone()))
                self.connection.write(unsent)
                self.assertIsNone(self.protocol.lost)
                self.connection.loseConnection()
                if unsent:
                    self.assertIsNone(self.protocol.lost)
                    self.assertIsInstance(self.connection.doWrite(), ConnectionDone)
                    self.assertEqual(self.heard(), b"bye")
                else:
                    self.assertIsNotNone(self.protocol.lost)
                    self.assertEqual((self.heard(), self.connection.fileno()), (b"", -1))
                    self.assertEqual(self.reactor.readers | self.reactor.writers, set())

    def test_a_producer_is_paused_while_a_read_is_handled(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            transport.write(b"x" * 65_536)
            self.assertIsNone(self.heard())
            transport.write(b"x")
            self.assertIsNotNone(self.heard())  # so much is sent before more is made
            self.assertEqual(self.protocol.log, [])
            while not self.protocol.log:
                transport.write(b"x" * 65_537)
            self.assertEqual(self.protocol.log, ["pause"])

        self.connect(received)
        self.connection.registerProducer(self.protocol, True)
        self.say(b"x")
        self.assertEqual(self.protocol.log, ["pause"])

    def test_an_answer_after_the_end_is_not_sent(self) -> None:
        class Answering(Scripted):
            def answer(self, data: bytes) -> bytes:
                self.received(self.transport, data)
                return b"answer"

            def dataReceived(self, data: bytes) -> None:
                raise AssertionError

            connectionLost = Scripted.connectionLost

        for method, rest in (
            ("abortConnection", None),
            ("loseWriteConnection", b""),
            ("loseConnection", b"answer"),
        ):
            self.connect(lambda transport, data: getattr(transport, data.decode(), str)())
            self.connection.protocol = self.protocol = Answering(self.protocol.received)
            self.protocol.makeConnection(self.connection)
            self.say(method.encode())
            if method == "loseWriteConnection":
                self.assertEqual(self.heard(), b"answer")  # it is not ended before what is written
                self.say(b"more")
                self.assertIsNone(self.protocol.lost)
            self.assertEqual(self.heard(), rest, method)
            self.reactor.advance(0)

    def test_a_long_write_after_the_end_is_whole(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            transport.loseConnection()
            transport.write(b"x" * 70_000)
            self.assertIsNone(self.protocol.lost)
            transport.write(b"tail")

        self.connect(received)
        self.say(b"x")
        came = b""
        while data := self.heard():
            came += data
        self.assertEqual(len(came), 70_004)

    def test_an_abort_is_one_though_the_peer_has_ended(self) -> None:
        for kind in self.kinds:
            self.connect(lambda transport, data: None, kind)
            alsoProvides(self.protocol, IHalfCloseableProtocol)

            def end() -> None:
                self.connection.abortConnection()
                self.connection.loseConnection()

            self.protocol.readConnectionLost = end  # type: ignore[attr-defined]
            self.peer.shutdown(socket.SHUT_WR)
            if self.connection.doRead() is not None:
                self.connection.readConnectionLost(Failure(ConnectionDone()))
            self.reactor.advance(0)
            self.assertTrue(self.protocol.lost and self.protocol.lost.check(ConnectionAborted))

    def test_a_peer_that_is_gone(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.peer.close()
            transport.write(b"anybody?")

        self.connect(received)
        self.assertIsInstance(self.say(b"x"), ConnectionLost)
        self.connect(lambda transport, data: None)
        self.peer.close()
        self.assertIsNone(self.connection.doRead())
        self.assertIsNotNone(self.protocol.lost)

    def test_a_reset_that_the_reactor_takes_for_an_end(self) -> None:
        for half_closeable in False, True:
            self.connect(lambda transport, data: None)
            if half_closeable:
                alsoProvides(self.protocol, IHalfCloseableProtocol)
                self.protocol.readConnectionLost = lambda: None  # type: ignore[attr-defined]  # half-closeable now
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.peer.close()
            self.connection.readConnectionLost(Failure(ConnectionDone()))  # epoll told of no bytes
            self.assertIsNotNone(self.protocol.lost)
            assert self.protocol.lost
            self.assertIsInstance(self.protocol.lost.value, ConnectionLost)
            self.assertEqual(self.reactor.readers | self.reactor.writers, set())

    def test_an_error_of_the_protocol_is_the_reactors(self) -> None:
        def received(transport: Any, data: bytes) -> None:
            transport.write(b"x")
            raise ValueError

        for kind in self.kinds:
            self.connect(received, kind)
            self.assertRaises(ValueError, self.say, b"x")
            self.connection.write(b"later")
            self.assertEqual(self.reactor.writers, {self.connection})

    def test_nothing_to_read(self) -> None:
        for kind in self.kinds:
            self.connect(lambda transport, data: None, kind)
            self.assertIsNone(self.connection.doRead())

    def test_reads_grow_when_they_are_full(self) -> None:
        self.connect(lambda transport, data: transport.write(b"%d " % len(data)))
        self.say(b"x")
        self.assertEqual(self.heard(), b"1 ")
        self.say(b"x" * 100_000)
        self.assertEqual(self.heard(), b"65536 ")
        self.say(b"x" * 60_000)
        self.assertGreater(int(self.heard() or b"0"), 65_536)

    def test_no_delay(self) -> None:
        self.connect(lambda transport, data: None)
        self.assertTrue(self.connection.getTcpNoDelay())


class PortTests(TestCase):
    def test_ports_of_twisted_accept_our_connections(self) -> None:
        for port, transport in (tcp.Port, TCPConnection), (unix.Port, UNIXConnection):
            made = port.__new__(port)
            self.assertIs(flush_after_reads(made), made)
            self.assertIs(made.transport, transport)
            self.assertIsNot(port.transport, transport)

    def test_others_keep_their_own(self) -> None:
        other, thing = tcp.Port.__new__(tcp.Port), object()
        other.transport = TCPConnection  # type: ignore[assignment]  # as applications may
        self.assertIs(flush_after_reads(other).transport, TCPConnection)
        self.assertIs(flush_after_reads(thing), thing)

    def test_a_reactor_without_descriptors_opens_its_own(self) -> None:
        class Reactor:
            def listenUDP(self, *arguments: Any) -> Any:
                return arguments

        self.assertEqual(listen_udp(Reactor(), 1, "p", LOOPBACK, 9), (1, "p", LOOPBACK, 9))


class Datagrams(DatagramProtocol):
    def __init__(self, received: Callable[[Any, bytes, Any], object]) -> None:
        self.received = received

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.received(self.transport, datagram, addr)


class DatagramTests(TestCase):
    def listen(self, received: Callable[[Any, bytes, Any], object], interface: str = LOOPBACK) -> None:
        self.port = DatagramPort(0, Datagrams(received), interface, 65_535, Descriptors())
        self.port.startListening()
        self.addCleanup(self.port.connectionLost)
        self.peer = socket.socket(socket.AF_INET6 if ":" in interface else socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.peer.close)
        self.peer.settimeout(5)
        self.peer.connect((interface, self.port.getHost().port))

    @staticmethod
    def answer(addresses: list[Any], transport: Any, data: bytes, addr: Any) -> None:
        addresses.append(addr)
        transport.write(data, addr)

    def test_answers(self) -> None:
        for interface in LOOPBACK, "::1":
            addresses: list[Any] = []

            self.listen(partial(self.answer, addresses), interface)
            for data in b"x", b"", b"y" * 65_507:
                self.peer.send(data)
                self.port.doRead()
                self.assertEqual(self.peer.recv(65_535), data)
            self.assertEqual(addresses, [self.peer.getsockname()[:2]] * 3)

    def test_an_error_of_the_protocol_stops_nothing(self) -> None:
        def received(transport: Any, data: bytes, addr: Any) -> None:
            if data == b"bad":
                raise ValueError
            transport.write(data, addr)

        self.listen(received)
        self.peer.send(b"bad")
        self.peer.send(b"good")
        self.port.doRead()
        self.assertEqual(self.peer.recv(9), b"good")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_answers_that_are_asked_for(self) -> None:
        class Asked(DatagramProtocol):
            unsendable = 0

            def answer(self, datagram: bytes, addr: Any) -> Any:
                return {b"text": "text", b"none": None, b"long": b"x" * 65_508}.get(datagram, datagram)

            def unsent(self, reply: bytes) -> None:
                self.unsendable += 1

        class Overriding(Asked):
            def datagramReceived(self, datagram: bytes, addr: Any) -> None:
                self.transport.write(datagram.upper(), addr)  # type: ignore[union-attr]

        self.listen(lambda *_: self.fail("somebody else is"))
        self.port.protocol = asked = Asked()
        for datagram in b"text", b"none", b"long", b"good":
            self.peer.send(datagram)
        self.port.doRead()
        self.assertEqual(self.peer.recv(9), b"good")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(asked.unsendable, 1)
        overriding = self.port.protocol = Overriding()
        overriding.makeConnection(self.port)
        self.peer.send(b"good")
        self.port.doRead()
        self.assertEqual(self.peer.recv(9), b"GOOD")

    def test_what_twisted_refuses_is_refused(self) -> None:
        self.listen(lambda transport, data, addr: transport.write(b"x" * 70_000, addr))
        self.peer.send(b"x")
        self.port.doRead()
        self.assertEqual(len(self.flushLoggedErrors(MessageLengthError)), 1)
        self.assertRaises(InvalidAddressError, self.port.write, b"x", ("localhost", 1))
        self.port.write(b"other", self.peer.getsockname())
        self.assertEqual(self.peer.recv(9), b"other")

    def test_an_error_that_stays_is_raised(self) -> None:
        for interface in LOOPBACK, "0.0.0.0":
            self.listen(lambda *_: None, interface)
            self.port.getHandle().close()
            self.assertRaises(OSError, self.port.doRead)

    def test_a_port_that_closes_while_it_reads(self) -> None:
        read: list[bytes] = []

        def received(transport: Any, data: bytes, addr: Any) -> None:
            read.append(data)
            transport.connectionLost()

        port = DatagramPort(0, Datagrams(received), "0.0.0.0", 65_535, Descriptors())
        port.startListening()
        with socket.socket(type=socket.SOCK_DGRAM) as peer:
            for data in b"1", b"2":
                peer.sendto(data, (LOOPBACK, port.getHost().port))
        self.assertIsNone(port.doRead())  # type: ignore[func-returns-value]
        self.assertEqual(read, [b"1"])

    def test_a_turn_has_an_end(self) -> None:
        read: list[bytes] = []
        self.listen(lambda transport, data, addr: read.append(data))
        self.port.maxThroughput = 10
        for _ in range(4):
            self.peer.send(b"x" * 6)
        self.port.doRead()
        self.assertEqual(len(read), 2)

    def test_a_turn_has_an_end_though_nothing_is_in_the_datagrams(self) -> None:
        read: list[bytes] = []

        def received(transport: Any, data: bytes, addr: Any) -> None:
            read.append(data)
            if len(read) < 2 * READS:
                self.peer.send(b"")

        self.listen(received)
        self.peer.send(b"")
        self.port.doRead()
        self.assertEqual(len(read), READS)

    def test_one_is_read_where_one_had_come_and_many_soon_after(self) -> None:
        read: list[bytes] = []
        self.listen(lambda transport, data, addr: read.append(data))
        self.peer.send(b"x")
        self.port.doRead()
        for _ in range(5):
            self.peer.send(b"x")
        self.port.doRead()
        self.assertEqual(len(read), 2)
        self.port.doRead()
        self.assertEqual(len(read), 6)
