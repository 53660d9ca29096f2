"""Transports in memory, for tests of the carriers."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IHalfCloseableDescriptor
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IHalfCloseableDescriptor)
class PlainTransport(StringTransport):
    """A plain TCP transport whose peer reads when told to.

    What is written waits until ``deliver``; past 64 KiB the producer is paused, as by Twisted's.

    Attributes:
        writes: Every write since ``clear``.
        received: What the peer has read.
        half_closed: Whether the peer has seen the end of our half of the stream.
        lost: Whether the connection is gone.
        aborted: Whether it was cut.
    """

    buffer_size = 65_536

    def __init__(self, protocol: Any) -> None:
        StringTransport.__init__(self)
        self.protocol = protocol
        self.writes: list[bytes] = []
        self.received = b""
        self.half_closed = self.half_closing = self.lost = self.aborted = False
        self._unread = b""
        self._producer_paused = False

    @property
    def reading(self) -> bool:
        """Whether the protocol wants to read."""
        return bool(self.producerState == "producing")

    @property
    def dataBuffer(self) -> bytes:
        """As of a FileDescriptor: what the peer has not taken yet."""
        return self._unread

    def write(self, data: bytes) -> None:
        StringTransport.write(self, data)
        assert not self.lost, "written after the end"
        assert not self.half_closing, "written after the half-close"
        self.writes.append(data)
        self._unread += data
        if self.producer is not None and len(self._unread) > self.buffer_size:
            self._producer_paused = True
            self.producer.pauseProducing()

    def deliver(self) -> bytes:
        """Have the peer read all that was written; give it."""
        data, self._unread = self._unread, b""
        self.received += data
        if self._producer_paused and self.producer is not None:
            self._producer_paused = False
            self.producer.resumeProducing()
        elif self.disconnecting:
            self.lose()
        elif self.half_closing and not self.half_closed:
            self.half_closed = True
            self.protocol.writeConnectionLost()
        return data

    def getPeerCertificate(self) -> None:
        """Of one that is said to be of TLS: the peer has none."""

    def loseWriteConnection(self) -> None:
        assert self.producer is None, "a producer is still registered"
        self.half_closing = True

    def loseConnection(self) -> None:
        assert self.producer is None, "a producer is still registered"
        StringTransport.loseConnection(self)
        if self.half_closed:
            self.lose()

    def abortConnection(self) -> None:
        StringTransport.abortConnection(self)
        self.aborted = True
        self.lose(ConnectionAborted())

    def resumeProducing(self) -> None:
        assert not self.lost
        StringTransport.resumeProducing(self)

    # What the interface asks for besides, which only reactors call.

    def readConnectionLost(self, reason: Failure) -> None:
        raise NotImplementedError

    def writeConnectionLost(self, reason: Failure) -> None:
        raise NotImplementedError

    def half_close(self) -> None:
        """Have the peer end its half of the stream."""
        self.protocol.readConnectionLost()

    def lose(self, error: Exception | None = None) -> None:
        """End the connection."""
        if not self.lost:
            self.lost = True
            self.protocol.connectionLost(Failure(error or ConnectionDone()))


def connect(
    protocol: Any, make_transport: Callable[[Any], PlainTransport] = PlainTransport
) -> PlainTransport:
    """Connect a protocol to a peer that reads when told to."""
    transport = make_transport(protocol)
    protocol.makeConnection(transport)
    return transport


def converse(protocol: Any, clock: Clock, chunks: list[bytes]) -> bytes:
    """Hold a whole conversation with a peer that reads all; give what it read.

    The chunks come one right after the other, then the end of the peer's half.
    """
    transport = connect(protocol)
    for chunk in chunks:
        if not transport.half_closing:
            protocol.dataReceived(chunk)
        transport.deliver()
    transport.half_close()
    while not transport.lost:
        transport.deliver()
        clock.advance(0)
    return transport.received


class Endpoint:
    """A client endpoint in memory.

    Args:
        make_transport: Makes the transport.
        error: What connecting fails with; None: it succeeds at once.
        late: Whether connecting takes until ``connect_now``.

    Attributes:
        protocol: What was connected.
        transport: Its transport.
    """

    def __init__(
        self,
        make_transport: Callable[[Any], PlainTransport] = PlainTransport,
        error: Exception | None = None,
        late: bool = False,
    ) -> None:
        self._make_transport, self._error, self._late = make_transport, error, late
        self.connecting: Deferred[Any] = Deferred(lambda _: None)

    def connect(self, factory: Any) -> "Deferred[Any]":
        """Connect a protocol of *factory*."""
        self._factory = factory
        if self._error is not None:
            return fail(self._error)
        if not self._late:
            self.connect_now()
        return self.connecting

    def connect_now(self) -> None:
        """The connection is there."""
        self.protocol = self._factory.buildProtocol(None)
        self.transport = connect(self.protocol, self._make_transport)
        self.connecting.callback(self.protocol)

    def say(self, *pieces: bytes) -> bytes:
        """Have the server say something; give what the client has said."""
        for piece in pieces:
            self.protocol.dataReceived(piece)
        return self.transport.deliver()

    def end(self) -> None:
        """Have the server end its half of the stream, and let the client close."""
        self.transport.half_close()
        self.transport.deliver()
