"""What a connection and a read cost, counted: calls of Python functions and bytes, not time.

Speed is measured by ``benchmarks``; these bounds see that what was gained is not lost unnoticed. They are a
little above what is counted, and are to be lowered with it.
"""

import gc
import select
import socket
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase

from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.server.listeners import tcp, udp

HOST = "127.0.0.1"
TURNS = 100  # after so many nothing comes any more
CONNECTIONS = 50
BATCHES = 8


class Bare(Protocol):
    """Any protocol."""

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]


class CostTests(TestCase):
    def setUp(self) -> None:
        if not hasattr(select, "epoll"):
            raise SkipTest("there is no epoll")
        from sockproto.reactor.epoll import LeanEPollReactor

        self.reactor: Any = LeanEPollReactor()
        self.addCleanup(self.close)

    def close(self) -> None:
        for selectable in self.reactor.removeAll():
            selectable.connectionLost(Failure(ConnectionDone()))

    def listen(self, factory: Any) -> tuple[str, int]:
        """Listen as the service does; return the address."""
        ports: list[Any] = []
        tcp("test", factory, HOST, 0).listen(self.reactor, 0).addCallback(ports.append)
        return HOST, ports[0].getHost().port

    def client(self, address: tuple[str, int]) -> socket.socket:
        """Connect."""
        client = socket.create_connection(address)
        self.addCleanup(client.close)
        client.setblocking(False)
        return client

    def until(self, client: socket.socket, count: int) -> bytes:
        """Take turns of the reactor until so many bytes have come, or the end."""
        came = b""
        for _ in range(TURNS):
            self.reactor.doIteration(0.1)
            try:
                data = client.recv(1 << 16)
            except BlockingIOError:
                continue
            came += data
            if not data or len(came) >= count:
                return came
        raise AssertionError(f"only {came!r} came")

    def calls(self, function: Callable[[], object]) -> int:
        """Count the functions of ours and Twisted's that a call of *function* calls, the fewest of some.

        The first fills what is kept; and one may be logged, as one of a second is.
        """
        counted = 0

        def count(frame: Any, event: str, argument: Any) -> None:
            nonlocal counted
            counted += event == "call" and frame.f_globals["__name__"].startswith(("sockproto.", "twisted."))

        fewest = sys.maxsize
        for _ in range(6):
            counted = 0
            sys.setprofile(count)
            try:
                function()
            finally:
                sys.setprofile(None)
            fewest = min(fewest, counted)
        return fewest

    def connection(self, address: tuple[str, int], said: bytes = b"x" * 64, heard: bytes = b"x" * 64) -> None:
        """Connect, say something, be answered, close."""
        client = self.client(address)
        client.send(said)
        self.assertEqual(self.until(client, len(heard)), heard)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.until(client, 1), b"")
        client.close()

    def test_calls_for_a_connection(self) -> None:
        limits = Limits(log_rate=1)
        echoed, greeted = (b"x" * 64,) * 2, (b"Michael\n", b"Welcome!\r\nHello, Michael!\n")
        for factory, words, most in (
            (EchoFactory(limits=limits, clock=self.reactor), echoed, 65),
            (GreetingFactory(framing=Lines, limits=limits, clock=self.reactor), greeted, 73),
            (Factory.forProtocol(Bare), echoed, 46),
        ):
            address = self.listen(factory)
            self.client(address)  # one that stays, so that timers do
            self.reactor.doIteration(0.1)
            self.assertLessEqual(self.calls(partial(self.connection, address, *words)), most)

    def test_calls_for_a_read(self) -> None:
        greeting = GreetingFactory(framing=Lines, clock=self.reactor)
        for factory, said, most in (
            (EchoFactory(clock=self.reactor), b"x" * 64, 11),
            (greeting, b"Michael\n", 11),
            (greeting, b"Michael\n" * 16, 27),
            (Factory.forProtocol(Bare), b"x" * 64, 8),
        ):
            address = self.listen(factory)
            client = self.client(address)
            if factory is greeting:
                self.until(client, len("Welcome!\r\n"))

            def read(client: socket.socket = client, said: bytes = said) -> None:
                client.send(said)
                self.until(client, len(said))

            self.assertLessEqual(self.calls(read), most)

    def test_calls_for_a_datagram(self) -> None:
        for interface, most in ((HOST, 9), ("0.0.0.0", 12)):  # a wildcard tells which address was asked
            ports: list[Any] = []
            protocol = EchoDatagramProtocol(limits=Limits(udp_rate=0), clock=self.reactor)
            listener = udp("test", protocol, interface, 0)
            listener.listen(self.reactor, 0).addCallback(ports.append)
            client = socket.socket(type=socket.SOCK_DGRAM)
            self.addCleanup(client.close)
            client.connect((HOST, ports[0].getHost().port))
            client.setblocking(False)

            def ask(client: socket.socket = client) -> None:
                client.send(b"x" * 64)
                self.until(client, 64)

            self.assertLessEqual(self.calls(ask), most)

    def test_bytes_of_an_idle_connection(self) -> None:
        unlimited = Limits(max_connections=0, max_connections_per_peer=0)
        address = self.listen(EchoFactory(limits=unlimited, clock=self.reactor))
        clients = [self.client(address) for _ in range(20)]
        while len(self.reactor.getReaders()) < len(clients) + 1:
            self.reactor.doIteration(0.1)
        taken = []
        for _ in range(BATCHES):  # in most of them some table of many connections grows
            clients = [socket.socket() for _ in range(CONNECTIONS)]
            for client in clients:
                self.addCleanup(client.close)
            taken.append(self.bytes_kept(partial(self.accept, clients, address)) / CONNECTIONS)
        self.assertLess(min(taken), 1_650)

    def accept(self, clients: list[socket.socket], address: tuple[str, int]) -> None:
        """Connect them, and wait until the reactor reads all."""
        most = len(self.reactor.getReaders()) + len(clients)
        for client in clients:
            client.connect(address)
            self.reactor.doIteration(0.1)
        while len(self.reactor.getReaders()) < most:
            self.reactor.doIteration(0.1)

    def bytes_kept(self, act: Callable[[], None]) -> int:
        """Return how many bytes are held after ``act`` that were not before."""
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            act()
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()

    def test_bytes_that_a_read_keeps(self) -> None:
        client = self.client(self.listen(EchoFactory(clock=self.reactor)))

        def read() -> None:
            client.send(b"x" * 64)
            self.until(client, 64)

        for _ in range(3):
            read()
        gc.collect()
        tracemalloc.start()
        try:
            read()
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            for _ in range(10):
                read()
            now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess((now - before) / 10, 500)
        self.assertLess(peak - before, 2 * 65_536 + 5_000)  # the server's buffer, and the client's

    def test_a_connection_leaves_nothing_to_be_collected(self) -> None:
        for faults in None, "split=64,delay=0":
            self.require_nothing_left(EchoFactory(clock=self.reactor, faults=faults))

    def require_nothing_left(self, factory: EchoFactory) -> None:
        address = self.listen(factory)
        for _ in range(3):
            self.connection(address)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                self.connection(address)
            left = []
            for _ in range(3):
                for _ in range(20):
                    self.connection(address)
                left.append(gc.collect())
            self.assertLess(min(left), 20)  # more may be of the tests before
        finally:
            gc.enable()
