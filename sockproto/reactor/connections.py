"""Connections whose answers cost less: sent at the end of the read that they answer.

Twisted's transports only buffer what is written, and ask the reactor to tell when the socket can take it:
two ``epoll_ctl`` calls and one ``epoll_wait`` more for each answer. Here all that is written while a read is
handled leaves in one ``send`` when that is done, and the reactor is asked only if something is left.
Buffering, producers, half-close, abort and TLS are Twisted's. Reading and writing are written out where that
saves time. Knows no protocol and no reactor::

    port.transport = TCPConnection      # of a tcp.Port: what it accepts from now on is one
"""

from errno import ENOBUFS, EWOULDBLOCK
from socket import socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {
    tcp.Connection: (
        "TLS",
        "_isSendBufferFull",
        "_tempDataBuffer",
        "_tempDataLen",
        "_writeDisconnected",
        "_writeDisconnecting",
        "bufferSize",
        "connected",
        "dataBuffer",
        "disconnecting",
        "offset",
        "producer",
        "producerPaused",
        "protocol",
        "socket",
        "streamingProducer",
    ),
}

BULK_BYTES = 262_144
"""What is read at a time once a read was full: as much as asyncio's transports take."""

_CAN_WAIT = (EWOULDBLOCK, ENOBUFS)


class _Flushing:
    """Sends at the end of a read; to be mixed into a ``tcp.Server``."""

    _handling = False  # a read
    _due = False  # something was written meanwhile
    _ended = False  # the peer's half of the stream

    def doRead(self: Any) -> Any:
        """Have the protocol handle what came, then send what it wrote."""
        self._handling = True
        try:
            why = super().doRead()  # type: ignore[misc]  # a mixin's
        finally:
            self._handling = False
        return why or (self._flush() if self._due else None)

    def readConnectionLost(self: Any, reason: Failure) -> None:
        """Tell the protocol that the peer will send no more."""
        self._ended = True
        super().readConnectionLost(reason)  # type: ignore[misc]  # a mixin's

    def loseConnection(self: Any) -> None:
        """Close: at once if the peer has ended its half and nothing is left to send, else as Twisted does."""
        busy = self.disconnecting or self.TLS or self.producer or self.dataBuffer or self._tempDataBuffer
        if self._ended and self.connected and not busy:
            self.stopReading()
            self.stopWriting()
            self.connectionLost(connectionDone)
            return
        super().loseConnection()  # type: ignore[misc]  # a mixin's

    def startWriting(self: Any) -> None:
        """Send when the read is handled, or when the reactor says that it can be."""
        if self._handling:
            self._due = True
        else:
            super().startWriting()  # type: ignore[misc]  # a mixin's

    def stopWriting(self: Any) -> None:
        """Send no more."""
        self._due = False
        super().stopWriting()  # type: ignore[misc]  # a mixin's

    def _flush(self: Any) -> Any:
        """Send what was written; give why the connection is lost, None if it is not."""
        self._due = False
        if self.dataBuffer or self.disconnecting or self._writeDisconnecting or not self._tempDataBuffer:
            self.startWriting()  # there is more to it: Twisted's way
            return None
        pieces = self._tempDataBuffer
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = 0
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        try:
            sent = self.socket.send(data)
        except OSError as error:
            if error.errno not in _CAN_WAIT:
                return CONNECTION_LOST
            sent = 0
        if sent < len(data):
            self.dataBuffer, self.offset = data, sent
            self.startWriting()
        elif self.producer is not None and (self.producerPaused or not self.streamingProducer):
            self.producerPaused = False
            self.producer.resumeProducing()
        return None


class TCPConnection(_Flushing, tcp.Server):
    """A TCP connection that sends at the end of a read, without Nagle's delay."""

    # What every connection has; a dictionary of it would take 500 bytes more.
    __slots__ = (
        "_tempDataBuffer",
        "_tempDataLen",
        "client",
        "connected",
        "fileno",
        "hostname",
        "logstr",
        "producer",
        "producerPaused",
        "protocol",
        "reactor",
        "repstr",
        "server",
        "sessionno",
        "socket",
        "streamingProducer",
    )

    def __init__(self, *args: Any) -> None:
        self.connected = 0
        self.producer = None
        self.producerPaused = self.streamingProducer = False
        super().__init__(*args)
        self.setTcpNoDelay(True)

    def __getattr__(self, name: str) -> Any:
        """Give what a slot hides once Twisted has deleted its own: the number of no descriptor."""
        if name == "fileno":
            return super().fileno
        raise AttributeError(name)

    def write(self, data: bytes) -> None:
        """Send when the read is handled, or as Twisted does."""
        if not self._handling or self.TLS or type(data) is not bytes:
            super().write(data)  # type: ignore[no-untyped-call]
        elif data and self.connected and not self._writeDisconnected:
            self._tempDataBuffer.append(data)
            self._tempDataLen += len(data)
            self._due = True
            producer: Any = self.producer
            if producer is not None and self.streamingProducer and self._isSendBufferFull():
                self.producerPaused = True
                producer.pauseProducing()

    def doRead(self) -> Any:
        """Have the protocol handle what came, then send what it wrote."""
        try:
            data = self.socket.recv(self.bufferSize)
        except OSError as error:
            return None if error.errno == EWOULDBLOCK else CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        if len(data) == self.bufferSize:
            self.bufferSize = BULK_BYTES
        self._handling = True
        try:
            self.protocol.dataReceived(data)
        finally:
            self._handling = False
        return self._flush() if self._due else None


class UNIXConnection(_Flushing, unix.Server):
    """A connection of a UNIX socket that sends at the end of a read, until descriptors are sent over it."""

    _passing = False

    def sendFileDescriptor(self, fileno: int) -> None:
        """Send a descriptor along with the next bytes; from now on all is sent as Twisted does."""
        self._passing = True
        super().sendFileDescriptor(fileno)  # type: ignore[no-untyped-call]

    def _flush(self) -> Any:
        if self._passing:
            self._due = False
            self.startWriting()
            return None
        return super()._flush()


def has_known_buffers() -> bool:
    """Tell whether Twisted's connections have all that ours rely on; most of it only an instance has."""
    with socket() as unconnected:
        connection: Any = tcp.Connection(unconnected, None, object())  # type: ignore[arg-type]  # not to be used
        return has_all(connection, RELIES_ON[tcp.Connection])
