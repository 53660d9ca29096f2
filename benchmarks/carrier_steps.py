"""The process that measures one source tree's stream carrier for ``benchmarks.carrier``, in memory.

``PYTHONPATH`` says which tree's ``sockproto`` that is, so nothing of ``benchmarks`` is imported here. Each
line on standard input is a question, each line on standard output its answer in JSON::

    echo times | PYTHONPATH=../before python benchmarks/carrier_steps.py
"""

import gc
import itertools
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from statistics import median
from time import process_time_ns
from types import FrameType
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHalfCloseableDescriptor, ISystemHandle, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.logger import globalLogBeginner
from zope.interface import implementer

import sockproto
from sockproto import ConversationFactory, EchoFactory, GreetingFactory, Lines

HOST = IPv4Address("TCP", "127.0.0.1", 9999)
DATA, LINE, GREETED, WELCOME = b"x" * 64, b"Michael\n", b"Hello, Michael!\n", b"Welcome!\r\n"
READS, CONNECTIONS = 200, 30  # timed together
REPEATS = 5
IDLE_CONNECTIONS = 2_000
SOURCES = 100  # addresses of clients, so that none reaches its limit

Timed = Callable[[], float]
Rows = dict[str, float]


class ConstantClock(Clock):
    """A clock on which no time passes; asking it costs as little as asking the reactor."""

    seconds = staticmethod(itertools.repeat(1_000.0).__next__)


@implementer(ITCPTransport, IHalfCloseableDescriptor, ISystemHandle)
class Transport:
    """A plain TCP transport that counts what is written, and closes at once as sockproto's own does."""

    __slots__ = ("peer", "producer", "protocol", "written")
    disconnecting = False

    def __init__(self, number: int = 0) -> None:
        self.peer = IPv4Address("TCP", f"127.0.0.{2 + number % SOURCES}", 1_024 + number)
        self.protocol: Any = None
        self.producer: Any = None
        self.written = 0

    def write(self, data: bytes) -> None:
        """Count the bytes."""
        self.written += len(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Count the bytes."""
        self.written += sum(map(len, data))

    def loseConnection(self, reason: object = connectionDone) -> None:
        """End the connection now: nothing waits to be sent."""
        protocol, self.protocol = self.protocol, None  # the transport does not keep it alive
        protocol.connectionLost(connectionDone)

    abortConnection = loseConnection

    def registerProducer(self, producer: Any = None, streaming: bool = True) -> None:
        """Keep the producer, or none; it is never paused."""
        self.producer = producer

    unregisterProducer = registerProducer

    def getPeer(self) -> IPv4Address:
        """Return the peer's address."""
        return self.peer

    def getHost(self) -> IPv4Address:
        """Return our address."""
        return HOST

    def _nothing(self, enabled: object = None) -> Any:
        """Do nothing, return None: there is no socket."""

    pauseProducing = resumeProducing = stopProducing = getHandle = _nothing
    loseWriteConnection = readConnectionLost = writeConnectionLost = _nothing
    getTcpNoDelay = setTcpNoDelay = getTcpKeepAlive = setTcpKeepAlive = _nothing


def echo() -> ConversationFactory:
    """Make a factory of echo."""
    return EchoFactory(clock=ConstantClock())


def greeting() -> ConversationFactory:
    """Make a factory of greeting with lines."""
    return GreetingFactory(framing=Lines, clock=ConstantClock())


def accept(factory: ConversationFactory, transport: Transport) -> Any:
    """Make a connection as a port does; return its protocol."""
    protocol = transport.protocol = factory.buildProtocol(transport.peer)
    protocol.makeConnection(transport)
    return protocol


def reads(factory: ConversationFactory, data: bytes, reply: bytes) -> Timed:
    """Return what measures the nanoseconds of a read, on one connection."""
    transport = Transport()
    protocol = accept(factory, transport)

    def timed() -> float:
        before = transport.written
        began = process_time_ns()
        for _ in range(READS):
            protocol.dataReceived(data)
        took = process_time_ns() - began
        assert transport.written - before == READS * len(reply)
        return took / READS

    return timed


def connections(factory: ConversationFactory, data: bytes, reply: bytes) -> Timed:
    """Return what measures the nanoseconds of a connection, with a read if there is *data*."""
    accept(factory, Transport())  # as on a server in use: another connection is open all the time

    def timed() -> float:
        transports = [Transport(number) for number in range(CONNECTIONS)]
        began = process_time_ns()
        for transport in transports:
            protocol = accept(factory, transport)
            if data:
                protocol.dataReceived(data)
            protocol.readConnectionLost()
        took = process_time_ns() - began
        assert all(gone.protocol is None and gone.written == len(reply) for gone in transports)
        return took / CONNECTIONS

    return timed


def cases() -> dict[str, Timed]:
    """Make what is timed: the name of each, and what measures its nanoseconds."""
    return {
        "64-byte echo, ns": reads(echo(), DATA, DATA),
        "one line, ns": reads(greeting(), LINE, GREETED),
        "ten lines in one read, ns": reads(greeting(), LINE * 10, GREETED * 10),
        "echo: accept, close, ns": connections(echo(), b"", b""),
        "echo: accept, echo, close, ns": connections(echo(), DATA, DATA),
        "greeting: accept, close, ns": connections(greeting(), b"", WELCOME),
        "greeting: accept, line, close, ns": connections(greeting(), LINE, WELCOME + GREETED),
    }


def times(timers: dict[str, Timed]) -> Rows:
    """Measure each a few times; return the medians, without the first: the processor's caches are cold."""
    return {name: median([timed() for _ in range(1 + REPEATS)][1:]) for name, timed in timers.items()}


def calls(step: Callable[[], object]) -> int:
    """Return how many Python functions a step calls, without those of this file."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename != note.__code__.co_filename

    sys.setprofile(note)
    try:
        step()
    finally:
        sys.setprofile(None)
    return count


def slots(thing: object) -> set[str]:
    """Return the names of an object's slots and of what is in its ``__dict__``."""
    declared = (vars(each).get("__slots__", ()) for each in type(thing).__mro__)
    names = {name for each in declared for name in ((each,) if isinstance(each, str) else each)}
    return (names | set(getattr(thing, "__dict__", ()))) - {"__dict__", "__weakref__"}


def reachable(protocol: object) -> dict[int, object]:
    """Return sockproto's objects that a connection's protocol leads to by attributes, itself included."""
    found: dict[int, object] = {}
    left = [protocol]
    while left:
        thing = left.pop()
        if id(thing) not in found and type(thing).__module__.startswith("sockproto."):
            found[id(thing)] = thing
            left += [getattr(thing, name, None) for name in slots(thing)]
    return found


def idle_bytes(factory: ConversationFactory) -> float:
    """Return the bytes of memory that an idle connection takes, its transport left out."""
    transports = [Transport(number) for number in range(IDLE_CONNECTIONS)]
    tracemalloc.start()
    for transport in transports:
        accept(factory, transport)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / IDLE_CONNECTIONS


def figures(name: str, make: Callable[[], ConversationFactory], data: bytes) -> Rows:
    """Count the calls, slots and bytes of a protocol's connections."""
    factory = make()
    other, first = accept(factory, Transport()), accept(factory, Transport())
    first.readConnectionLost()  # so that what only the first connection does is done
    transport = Transport()
    to_accept = calls(lambda: accept(factory, transport))
    protocol = transport.protocol
    protocol.dataReceived(data)
    shared = reachable(other)
    alone = [thing for key, thing in reachable(protocol).items() if key not in shared]
    return {
        f"{name}: calls for an accept": to_accept,
        f"{name}: calls for a read": calls(lambda: protocol.dataReceived(data)),
        f"{name}: calls for a close": calls(protocol.readConnectionLost),
        f"{name}: slots of the protocol": len(slots(protocol)),
        f"{name}: slots with what it alone holds": sum(map(len, map(slots, alone))),
        f"{name}: bytes of an idle connection": idle_bytes(make()),
    }


def main() -> None:
    """Answer what is asked, until nothing more is."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    timers = cases()
    answers: dict[str, Callable[[], object]] = {
        "source": lambda: sockproto.__file__,
        "times": lambda: times(timers),
        "figures": lambda: figures("echo", echo, DATA) | figures("greeting", greeting, LINE),
    }
    for question in sys.stdin:
        print(json.dumps(answers[question.strip()]()), flush=True)


if __name__ == "__main__":
    main()
