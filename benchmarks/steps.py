"""Where the time goes: one echo, and one connection, each with more of sockproto than the one before.

Client and server are in one process and take turns, as many as the reactor needs, so that nothing waits. In
CPU time; interleaved; medians of some rounds::

    python -m benchmarks.steps
    python -m benchmarks.steps --write docs/reference/measured/performance.md
"""

import argparse
import socket
from collections.abc import Callable
from pathlib import Path
from select import EPOLLIN, epoll
from statistics import median
from time import process_time
from typing import Any

from twisted.internet.protocol import Factory, Protocol

from benchmarks.pages import provenance, rows, write_section
from sockproto.protocols.echo import EchoFactory, EchoProtocol
from sockproto.reactor.epoll import LeanEPollReactor
from sockproto.reactor.ports import flush_after_reads

DATA = b"x" * 64
ECHOES, CONNECTIONS = 500, 40  # in each round
WAIT_SECONDS = 60.0

Timed = Callable[[], float]


class Bare(Protocol):
    """Writes what comes."""

    def dataReceived(self, data: bytes) -> None:
        """Write it."""
        self.transport.write(data)  # type: ignore[union-attr]  # it is connected


class Unconversing(EchoProtocol):
    """A connection of sockproto that leaves its conversation out."""

    def dataReceived(self, data: bytes) -> None:
        """Write it."""
        self.transport.write(data)


class Least(EchoProtocol):
    """The least that a carrier can do: count, note the time, cut, ask the conversation, join, write."""

    def dataReceived(self, data: bytes) -> None:
        """Answer it."""
        self.bytes_in += len(data)
        self.active = self.clock.seconds()
        framing, conversation = self.session.framing, self.session.conversation
        framing.feed(data)
        replies: list[Any] = [conversation.received(message) for message in framing.take()]
        joined = framing.encode(*replies)
        self.bytes_out += len(joined)
        self.transport.write(joined)


def factory_of(protocol: type[EchoProtocol]) -> EchoFactory:
    """Make a factory of a protocol."""
    factory = EchoFactory()
    factory.protocol = protocol
    return factory


SERVERS: dict[str, tuple[Callable[[], Any], bool]] = {
    "a bare Protocol, Twisted's transport": (lambda: Factory.forProtocol(Bare), False),
    "a bare Protocol, our transport": (lambda: Factory.forProtocol(Bare), True),
    "sockproto's connection, without a conversation": (lambda: factory_of(Unconversing), True),
    "the least that a carrier can do": (lambda: factory_of(Least), True),
    "sockproto": (EchoFactory, True),
}
"""What is measured under our reactor: what makes the factory, and whether on our transport."""


def listen(reactor: Any, make: Callable[[], Any], ours: bool) -> int:
    """Listen; return the port's number."""
    port = reactor.listenTCP(0, make(), interface="127.0.0.1")
    return int((flush_after_reads(port) if ours else port).getHost().port)


def call(port: int) -> socket.socket:
    """Connect."""
    return socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)


def bare_echoes() -> Timed:
    """Return what measures the system calls of an echo without Twisted: the floor for Python."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = call(listener.getsockname()[1])
        server, _ = listener.accept()
    server.setblocking(False)
    poller = epoll()
    poller.register(server, EPOLLIN)

    def timed() -> float:
        began = process_time()
        for _ in range(ECHOES):
            client.sendall(DATA)
            poller.poll(0)
            server.send(server.recv(65_536))
            client.recv(65_536)
        return (process_time() - began) / ECHOES

    return timed


def bare_connections() -> Timed:
    """Return what measures the system calls of a connection without Twisted."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    poller = epoll()

    def timed() -> float:
        began = process_time()
        for _ in range(CONNECTIONS):
            client = call(port)
            client.sendall(DATA)
            server, _ = listener.accept()
            server.setblocking(False)
            poller.register(server, EPOLLIN)
            server.send(server.recv(65_536))
            client.recv(65_536)
            client.close()
            poller.poll(0)
            server.recv(65_536)
            poller.unregister(server)
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        return (process_time() - began) / CONNECTIONS

    return timed


def turns_until(reactor: Any, done: Callable[[], object]) -> range:
    """Return the turns that a reactor needs to do something; it has done it then."""
    turns = 0
    while not done():
        reactor.doPoll(0)
        turns += 1
    return range(turns)


def answered(client: socket.socket) -> Callable[[], bool]:
    """Return what tells whether a client can read."""
    poller = epoll()
    poller.register(client, EPOLLIN)
    return lambda: bool(poller.poll(0))


def echoes(reactor: Any, port: int) -> Timed:
    """Return what measures the seconds that an echo takes, the client's part included."""
    client = call(port)
    for _ in range(2):  # the first comes with the connection
        client.sendall(DATA)
        turns = turns_until(reactor, answered(client))
        client.recv(65_536)

    def timed() -> float:
        began = process_time()
        for _ in range(ECHOES):
            client.sendall(DATA)
            for _ in turns:
                reactor.doPoll(0)
            client.recv(65_536)
        return (process_time() - began) / ECHOES

    return timed


def connections(reactor: Any, port: int) -> Timed:
    """Return what measures the seconds that a connection with one echo takes, the client's part included."""
    others = len(reactor.getReaders())
    client = call(port)
    client.sendall(DATA)
    to_answer = turns_until(reactor, answered(client))
    client.recv(65_536)
    client.close()
    to_end = turns_until(reactor, lambda: len(reactor.getReaders()) == others)

    def timed() -> float:
        began = process_time()
        for _ in range(CONNECTIONS):
            client = call(port)
            client.sendall(DATA)
            for _ in to_answer:
                reactor.doPoll(0)
            client.recv(65_536)
            client.close()
            for _ in to_end:
                reactor.doPoll(0)
        took = (process_time() - began) / CONNECTIONS
        reactor.runUntilCurrent()  # the timers' turn, once in a while
        return took

    return timed


def measure(timers: dict[str, Timed], rounds: int) -> dict[str, float]:
    """Return the median of each, measured in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timed in timers.items():
            seconds[name].append(timed())
    return {name: median(times) for name, times in seconds.items()}


def table(rounds: int) -> str:
    """Measure everything; return the table."""
    reactor = LeanEPollReactor()
    reactor.startRunning()
    ports = {name: listen(reactor, *server) for name, server in SERVERS.items()}
    kept = [call(port) for port in ports.values()]  # as on a server in use: some connections are always there
    floor = "the system calls alone"
    by_echo = {floor: bare_echoes()}
    by_echo |= {name: echoes(reactor, port) for name, port in ports.items()}
    each_echo = measure(by_echo, rounds)
    by_connection = {floor: bare_connections()}
    by_connection |= {name: connections(reactor, port) for name, port in ports.items()}
    each_connection = measure(by_connection, rounds)
    for client in kept:
        client.close()
    cells = []
    before = None
    for name, seconds in each_echo.items():
        more = "" if before is None else f"{(seconds - before) * 1e6:+.1f} µs"
        cells.append([name, f"{seconds * 1e6:.1f} µs", more, f"{each_connection[name] * 1e6:.0f} µs"])
        before = seconds
    return rows(["", "an echo", "more than the line above", "connect, echo, close"], cells)


def main() -> None:
    """Print the table; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="how often each is measured")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this document too")
    arguments = parser.parse_args()
    made_by = provenance(f"python -m benchmarks.steps --rounds {arguments.rounds}")
    text = "\n\n".join(["## Where the time goes", made_by, table(arguments.rounds)])
    print(text)
    if arguments.write:
        write_section(arguments.write, "steps", text)


if __name__ == "__main__":
    main()
