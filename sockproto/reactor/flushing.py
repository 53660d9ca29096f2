"""Sending at the end of the read that is answered, for Twisted's transports of streams.

They only buffer what is written, and ask the reactor to tell when the socket can take it: two ``epoll_ctl``
calls and one ``epoll_wait`` more for each answer. Here all that is written while a read is handled leaves in
one ``send`` when that is done, and the reactor is asked only if something is left. Buffering, producers,
half-close, abort and TLS are Twisted's::

    class UNIXConnection(Flushing, unix.Server): ...
"""

from errno import ENOBUFS, EWOULDBLOCK
from socket import SO_ERROR, SOL_SOCKET
from typing import Any

from twisted.internet import tcp
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from sockproto.reactor.names import RelyingOn

RELIES_ON: RelyingOn = {
    tcp.Connection: (
        "TLS",
        "_aborting",
        "_isSendBufferFull",
        "_tempDataBuffer",
        "_tempDataLen",
        "_writeDisconnecting",
        "connected",
        "dataBuffer",
        "disconnecting",
        "offset",
        "producer",
        "producerPaused",
        "socket",
        "streamingProducer",
    ),
}

_CAN_WAIT = (EWOULDBLOCK, ENOBUFS)


class Flushing:
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
        return why or (self.flush() if self._due else None)

    def doWrite(self: Any) -> Any:
        """Send what is left, unless a read of the same event has closed it."""
        return super().doWrite() if self.connected else None  # type: ignore[misc]  # a mixin's

    def readConnectionLost(self: Any, reason: Failure) -> None:
        """Tell the protocol that the peer will send no more, or that the connection is lost.

        Twisted's reactors take an error that comes without anything to read for the end of the peer's half.
        Linux tells of one in a thousand resets like that: first of the error, then that reading will fail.
        """
        if not self._ended and self.socket.getsockopt(SOL_SOCKET, SO_ERROR):
            self.lose(CONNECTION_LOST)
            return
        self._ended = True
        super().readConnectionLost(reason)  # type: ignore[misc]  # a mixin's

    def loseConnection(self: Any) -> None:
        """Close: at once if the peer has ended its half and nothing is left to send, else as Twisted does."""
        unsent = self.disconnecting or self.producer or self.dataBuffer or self._tempDataBuffer
        if self._ended and self.connected and not (unsent or self.TLS or self._aborting):
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

    def flush(self: Any) -> Any:
        """Send what was written; return why the connection is lost, None if it is not."""
        self._due = False
        if self._aborting or self.dataBuffer:  # nothing waits to be sent, or the reactor will send it
            self.pause_if_full()
            return None
        if self.disconnecting or self._writeDisconnecting or not self._tempDataBuffer:
            why = self.doWrite()  # Twisted's way: there is more to it
            if why is None and (self.dataBuffer or self._tempDataBuffer):
                self.startWriting()
            return why and self.lose(why)
        pieces = self._tempDataBuffer
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = 0
        return self.send_now(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def send_now(self: Any, data: bytes) -> Any:
        """Send *data*, where nothing is before it; return why the connection is lost, None if it is not."""
        try:
            sent = self.socket.send(data)
        except OSError as error:
            if error.errno not in _CAN_WAIT:
                self._tempDataBuffer, self._tempDataLen = [data], len(data)  # for who tries again
                return CONNECTION_LOST
            sent = 0
        if sent < len(data):
            self.dataBuffer, self.offset = data, sent
            self.startWriting()
            self.pause_if_full()
        elif self.producer is not None and (self.producerPaused or not self.streamingProducer):
            self.producerPaused = False
            self.producer.resumeProducing()
        return None

    def lose(self: Any, why: BaseException) -> None:
        """The connection is lost, and no reactor is there to see to it."""
        self.stopReading()
        self.stopWriting()
        self.connectionLost(Failure(why))

    def pause_if_full(self: Any) -> None:
        """Have a streaming producer make no more, if more than its ``bufferSize`` is left to be sent."""
        streams = self.producer is not None and self.streamingProducer and not self.producerPaused
        if streams and self._isSendBufferFull():
            self.producerPaused = True
            self.producer.pauseProducing()
