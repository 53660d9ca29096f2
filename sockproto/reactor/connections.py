"""Connections that cost less: made in one piece, answered at the end of the read, ended at once.

What happens for every connection and every read is written out in one piece, since each call more would cost
a hundredth of it. Knows no protocol and no reactor::

    connection = TCPConnection(sock, protocol, ("127.0.0.1", 40000), port, 1, reactor)
    protocol.makeConnection(connection)
"""

from socket import SHUT_RDWR, socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import connectionDone
from twisted.python import log
from twisted.python.failure import Failure

from sockproto.reactor import flushing
from sockproto.reactor.answering import asks_for_answers
from sockproto.reactor.flushing import Flushing
from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {
    tcp.Connection: (
        "TLS",
        "_aborting",
        "_closeSocket",
        "_isSendBufferFull",
        "_tempDataBuffer",
        "_tempDataLen",
        "_writeDisconnected",
        "_writeDisconnecting",
        "connected",
        "dataBuffer",
        "disconnected",
        "disconnecting",
        "offset",
        "producer",
        "producerPaused",
        "protocol",
        "reactor",
        "socket",
        "streamingProducer",
    ),
    tcp.Server: ("_addressType",),
    tcp.Port: ("_realPortNumber",),
}

READ_BYTES = 65_536
"""What is read at a time at first, and written before it is sent while a read is handled."""

BULK_BYTES = 262_144
"""What is read at a time once a read was full: as much as asyncio's transports take."""


class TCPConnection(Flushing, tcp.Server):
    """A TCP connection that was accepted.

    It sends at the end of a read, asks a protocol that provides ``IAnsweringProtocol`` for its answer, and
    sees the end of the peer's half itself. Its arguments are those of ``tcp.Server``.

    Attributes:
        reading: Whether the reactor tells what comes.
        host: The address of this end, where it is known without asking the system.
    """

    # What every connection has, and what is a class's attribute in Twisted's but looked up for each read: a
    # slot is faster, and a dictionary of all would take 500 bytes more.
    __slots__ = (
        "TLS",
        "_aborting",
        "_addressType",
        "_answers",
        "_blocked",
        "_due",
        "_ended",
        "_fd",
        "_handling",
        "_protocol",
        "_read_bytes",
        "_tempDataBuffer",
        "_tempDataLen",
        "_writeDisconnected",
        "_writeDisconnecting",
        "_writing",
        "client",
        "connected",
        "dataBuffer",
        "disconnected",
        "disconnecting",
        "host",
        "logstr",
        "offset",
        "producer",
        "producerPaused",
        "reactor",
        "reading",
        "server",
        "sessionno",
        "socket",
        "streamingProducer",
    )

    def __init__(
        self, skt: socket, protocol: Any, client: Any, server: Any, sessionno: int, reactor: Any
    ) -> None:
        # In one piece: Twisted's constructors make some calls, and a text more, here made when asked for.
        skt.setblocking(False)
        self.socket, self._fd, self.reactor = skt, skt.fileno(), reactor
        self.client, self.server, self.sessionno = client, server, sessionno
        self._protocol, self._answers = protocol, asks_for_answers(protocol, "dataReceived")
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = self.offset = self.disconnected = 0
        self._read_bytes = READ_BYTES
        self.producer = None
        self.host: Any = None
        self.producerPaused = self.streamingProducer = False
        self._due = self._handling = self._ended = self._writing = self.disconnecting = False
        self.TLS = self._writeDisconnecting = self._writeDisconnected = self._aborting = False
        self.dataBuffer = b""
        self._addressType = IPv4Address if len(client) == 2 else IPv6Address
        try:
            name = protocol.logPrefix()
        except Exception:  # it has none, or that fails
            name = type(protocol).__name__
        self.logstr = f"{name},{sessionno},{client[0]}"
        self.connected = self.reading = True
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return its descriptor, -1 once it is closed."""
        return self._fd

    # Made when asked for. No ``__getattr__`` does so: it would make each attribute of a connection slow.

    @property
    def hostname(self) -> str:  # type: ignore[override]  # Twisted sets it, once
        """The host of the other end."""
        return str(self.client[0])

    @property
    def repstr(self) -> str:  # type: ignore[override]  # as above
        """What ``repr`` says."""
        port = getattr(self.server, "_realPortNumber", None)
        return f"<{type(getattr(self, '_protocol', None)).__name__} #{self.sessionno} on {port}>"

    @property
    def protocol(self) -> Any:
        """Whom it tells what comes."""
        return self._protocol

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self._protocol = protocol
        self._answers = asks_for_answers(protocol, "dataReceived")

    @protocol.deleter
    def protocol(self) -> None:
        del self._protocol
        self._answers = False

    def getHost(self) -> Any:
        """Return the address of this end."""
        return self.host or super().getHost()  # type: ignore[no-untyped-call]

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Tell *producer* to pause and to resume."""
        if self.TLS or self.producer is not None or not self.connected or not streaming:
            super().registerProducer(producer, streaming)  # type: ignore[no-untyped-call]
        else:
            self.producer, self.streamingProducer = producer, True

    def startReading(self) -> None:
        """Have the reactor tell what comes."""
        if not self.reading:
            self.reading = True
            self.reactor.addReader(self)

    def stopReading(self) -> None:
        """Have it tell no more."""
        if self.reading:
            self.reading = False
            self.reactor.removeReader(self)

    def startWriting(self) -> None:
        """Send when the read is handled, or when the reactor says that it can be."""
        if self._handling:
            self._due = True
        elif not self._writing:
            self._writing = True
            self.reactor.addWriter(self)

    def stopWriting(self) -> None:
        """Send no more."""
        self._due = False
        if self._writing:
            self._writing = False
            self.reactor.removeWriter(self)

    def write(self, data: bytes) -> None:
        """Send when the read is handled, or as Twisted does."""
        if not self._handling or self.TLS or type(data) is not bytes:
            super().write(data)  # type: ignore[no-untyped-call]
        elif data and self.connected and not self._writeDisconnected:
            self._tempDataBuffer.append(data)
            self._tempDataLen += len(data)
            self._due = True
            if self._tempDataLen > READ_BYTES and not (self.disconnecting or self._writeDisconnecting):
                self._flush_early()

    def doRead(self) -> Any:
        """Have the protocol handle what came, then send its answer; return why the connection is lost."""
        try:
            data = self.socket.recv(self._read_bytes)
        except BlockingIOError:
            self._blocked = True
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return self._end_of_stream()
        if len(data) == self._read_bytes:
            self._read_bytes = BULK_BYTES
        self._handling = True
        try:
            if self._answers:
                answer: bytes = self._protocol.answer(data)
                if answer:
                    unsent = self._due or self._tempDataLen or self.dataBuffer
                    if self._answers and not (unsent or self._aborting or self._writeDisconnected):
                        self._handling = False
                        return self.send_now(answer)
                    self.write(answer)
            else:
                self._protocol.dataReceived(data)
        finally:
            self._handling = False
        return self.flush() if self._due else None

    def begin(self) -> None:
        """Tell the protocol; what it says first leaves by ``read_at_once``.

        What the protocol's ``makeConnection`` raises is raised.
        """
        self._handling = True
        try:
            self._protocol.makeConnection(self)
        except BaseException:
            self._handling = False
            if self._due:
                self.startWriting()
            raise
        self._handling = False

    def read_at_once(self, read: bool) -> bool:
        """Maybe read, just after ``begin``: who connects to say something has mostly said it.

        What the protocol has said first leaves with its first answer then. Errors, else the reactor's, are
        seen to here.

        Args:
            read: Whether to read; else only what the protocol has said is sent.

        Returns:
            Whether something had come.
        """
        self._blocked = not (read and self.reading)
        why: Any = None
        try:
            if not self._blocked:
                why = self.doRead()
            if self._blocked and self._due and self.connected:
                why = self.flush()
        except BaseException as error:
            log.err()
            why = error
        if why is not None:
            self.lose(why)
        return not self._blocked

    def _flush_early(self) -> None:
        """Send what was written, though more may follow; whether the peer keeps up is known then."""
        self._handling = False
        try:
            if not self._writing and self.flush() is not None:
                # Nothing more is taken; at the end of the read what there is meets an error again.
                self._writeDisconnected = self._due = True
            self.pause_if_full()
        finally:
            self._handling = True

    def _end_of_stream(self) -> Any:
        """The peer will send no more: what the reactor would do in some calls more."""
        if self._due:  # what was said first, before any read
            why = self.flush()
            if why is not None or not self.connected:
                return why
        self._ended = True
        if self._answers or IHalfCloseableProtocol.providedBy(self._protocol):
            try:
                self._protocol.readConnectionLost()
            except BaseException:
                log.err()
                self.connectionLost(Failure())
        else:
            self.readConnectionLost(connectionDone)  # for what can be adapted; else it is lost
        if self.connected:
            self.stopReading()
        return None

    def close_ended(self) -> bool:
        """Close at once, without telling the protocol, if both halves have ended.

        The peer has ended its half, and nothing is left to be sent.

        Returns:
            Whether it is closed.
        """
        unsent = self._writing or self._due or self._tempDataLen
        if unsent or self.TLS or self._writeDisconnecting or self._aborting or not self._ended:
            return False
        self.producer = None
        self._close()
        return True

    def _close(self) -> None:
        """Close, where both ends have ended."""
        if self.reading:
            self.reading = False
            self.reactor.removeReader(self)
        self.connected, self.disconnected = False, 1
        closed = self.socket
        del self._protocol, self.socket
        self._answers, self._fd = False, -1
        try:
            closed.shutdown(SHUT_RDWR)  # a child may hold it too
            closed.close()
        except OSError:
            closed.close()

    def connectionLost(self, reason: Failure) -> None:
        """The connection is closed; usually both ends have ended it, and only the protocol must be told."""
        if not hasattr(self, "socket"):  # once
            return
        protocol = self._protocol
        busy = self.producer is not None or self._writing or self.TLS
        if reason is not connectionDone or busy or not self._ended or not self.connected:
            # As tcp.Connection has it, which deletes a ``fileno`` of the object's own too.
            FileDescriptor.connectionLost(self, reason)
            self._closeSocket(not reason.check(ConnectionAborted))
            del self.protocol, self.socket
            self._fd = -1
        else:
            self._due = False
            self._close()
        protocol.connectionLost(reason)


class UNIXConnection(Flushing, unix.Server):
    """A connection of a UNIX socket that sends at the end of a read, until descriptors are sent over it."""

    _passing = False

    def sendFileDescriptor(self, fileno: int) -> None:
        """Send a descriptor along with the next bytes; from now on all is sent as Twisted does."""
        self._passing = True
        super().sendFileDescriptor(fileno)  # type: ignore[no-untyped-call]

    def flush(self) -> Any:
        """Send what was written, or have Twisted send it."""
        if self._passing:
            self._due = False
            self.startWriting()
            return None
        return super().flush()


def has_known_buffers() -> bool:
    """Tell whether Twisted's connections have all that ours rely on; most of it only an instance has."""
    with socket() as unconnected:
        connection: Any = tcp.Connection(unconnected, None, object())  # type: ignore[arg-type]  # not to be used
        names = (*flushing.RELIES_ON[tcp.Connection], *RELIES_ON[tcp.Connection])
        known = has_all(connection, names) and has_all(tcp.Server, RELIES_ON[tcp.Server])
        return known and has_all(tcp.Port, RELIES_ON[tcp.Port])
