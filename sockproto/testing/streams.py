"""Connections in memory, for any Twisted ``Protocol`` or ``Factory``.

Below the protocol is Twisted's own TCP transport; below that, sockets in memory. On the other side is a
``Remote`` that sends and reads when told to, or another protocol::

    remote = connect(EchoFactory())
    remote.send(b"hello")
    remote.half_close()
    assert remote.read() == b"hello"
"""

from typing import Any, Final, Literal

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.python.failure import Failure

from sockproto.reactor.memory import Loop
from sockproto.testing.arguments import require_bytes, require_subject
from sockproto.testing.sockets import KERNEL_BYTES, MemorySocket, socket_pair
from sockproto.testing.transports import HOST, PEER, Transport

MAX_STREAM_BYTES: Final = 64 * 1024 * 1024
"""After this many bytes in one read, a stream is assumed never to end."""


class Remote:
    """The other side of a connection: it sends, reads and ends when a test tells it to.

    Made by ``connect``. All that can happen at once, without time passing, has happened when one of its
    methods returns.

    Attributes:
        protocol: The protocol under test; None if the factory refused.
        transport: Its transport.
    """

    def __init__(self, protocol: Any, transport: Transport, socket: MemorySocket, loop: Loop) -> None:
        self.protocol, self.transport = protocol, transport
        self._socket, self._loop = socket, loop
        self._received, self._backlog = bytearray(), bytearray()
        self._ended: Literal["orderly", "reset"] | None = None
        self._ending = False
        self._silent = ""
        self._noted = transport.noted
        loop.feeds.append(self._feed)

    # What it does.

    def send(self, *pieces: bytes) -> None:
        """Send each piece separately; bytes that the protocol doesn't read now are sent when it reads.

        Raises:
            RuntimeError: This side has closed, or ended its half.
        """
        for piece in pieces:
            self._require_open(piece, "send")
            self._backlog += piece
            self._loop.run()

    def read(self, count: int | None = None) -> bytes:
        """Return the bytes that the protocol has sent.

        Args:
            count: How many bytes at most; None: all that the protocol has written up to now.

        Returns:
            The bytes; empty if there are none, or if the stream has ended.
        """
        inbound, taken = self._socket.inbound, bytearray()
        self._loop.run()
        left = len(inbound.data) + self.transport.held if count is None else count
        while left and not inbound.reset:
            inbound.demand = left
            self._loop.run()
            piece = inbound.take(left)
            if not piece:
                break
            taken += piece
            left -= len(piece)
        inbound.demand = 0
        if taken:
            self._received += taken
            self._loop.run()
        self._see_end()
        return bytes(taken)

    def read_to_end(self) -> bytes:
        """Read until nothing more comes without time passing; if a protocol never stops, use ``read``.

        Raises:
            AssertionError: It does not end.
        """
        before = len(self._received)
        while len(self._received) - before < MAX_STREAM_BYTES:
            if not self.read():
                return bytes(self._received[before:])
        raise AssertionError(f"no end after {len(self._received) - before:,} bytes")

    def half_close(self, last: bytes = b"") -> None:
        """Send no more; go on reading.

        Args:
            last: Bytes sent before it, so that the end follows them directly.
        """
        if last:
            self._require_open(last, "half_close")
        self._backlog += last
        self._ending, self._silent = True, self._silent or "half_close"
        self._loop.run()

    def close(self) -> None:
        """Close both halves; if unread bytes are left, this resets the connection."""
        self._backlog.clear()
        self._silent = "close"
        self._socket.close()
        self._look()

    def reset(self) -> None:
        """Cut the connection."""
        self._socket.cut()
        self.close()
        self._silent = "reset"

    def lose(self, error: Exception | None = None) -> None:
        """End the protocol's connection with *error*, at once, whatever led to it; None: an orderly end."""
        self._loop.run()
        if not self.transport.disconnected:
            self.transport.connectionLost(Failure(error or ConnectionDone()))

    def run(self) -> None:
        """Do everything that can happen without time passing, for example after a clock was advanced.

        The other methods do so themselves.

        Raises:
            AssertionError: It does not end.
        """
        self._loop.run()

    # What it sees.

    @property
    def received(self) -> bytes:
        """All bytes that it has read."""
        return bytes(self._received)

    @property
    def unsent(self) -> int:
        """How many bytes it could not send yet, because the protocol doesn't read."""
        self._loop.run()
        return len(self._backlog)

    @property
    def unread(self) -> int:
        """How many bytes it can read from the kernel now."""
        self._loop.run()
        return len(self._socket.inbound.data)

    @property
    def ended(self) -> Literal["orderly", "reset"] | None:
        """How the protocol's half of the stream ended, after all bytes were read; None while it hasn't."""
        self._look()
        return self._ended

    @property
    def ending(self) -> bool:
        """Whether the protocol's half of the stream ends after the unread bytes."""
        self._loop.run()
        return self._socket.inbound.ended or self._socket.inbound.reset

    @property
    def lost(self) -> bool:
        """Whether the protocol has lost the connection: its ``connectionLost`` was called."""
        self._loop.run()
        return bool(self.transport.disconnected)

    @property
    def faults(self) -> list[str]:
        """What the protocol did wrong: see ``Transport``."""
        self._loop.run()
        return self._noted.said()

    def _require_open(self, data: bytes, what: str) -> None:
        require_bytes(data, what)
        if self._silent:
            raise RuntimeError(f"nothing can be sent after {self._silent}()")

    def _look(self) -> None:
        self._loop.run()
        self._see_end()

    def _see_end(self) -> None:
        inbound = self._socket.inbound
        if self._ended is None and inbound.reset:
            self._ended = "reset"
        elif self._ended is None and inbound.ended and not inbound.data:
            self._ended = "orderly"

    def _feed(self) -> bool:
        """Send on what had no room; tell whether something was."""
        if not (self._backlog or self._ending):
            return False
        outbound, sent = self._socket.outbound, False
        if outbound.ended or outbound.reset:
            self._backlog.clear()
            return False
        if self._backlog and self._socket.writable:
            del self._backlog[: self._socket.send(self._backlog)]
            sent = True
        if self._ending and not self._backlog:
            outbound.ended = sent = True
        return sent


class Link:
    """Two protocols and what is between them. Made by ``join``.

    Attributes:
        client: The client; ``client_transport`` is its transport.
        server: The server; ``server_transport`` is its transport.
    """

    def __init__(self, client: Any, server: Any, kernel_bytes: int) -> None:
        self._loop = Loop()
        theirs, ours = socket_pair(kernel_bytes)
        self.server = _build(server, PEER)
        self.client = _build(client, HOST)
        self.server_transport = Transport(ours, self.server, self._loop, HOST, PEER)
        self.client_transport = Transport(theirs, self.client, self._loop, PEER, HOST)
        for transport in self.client_transport, self.server_transport:
            transport.noted  # noqa: B018  # from now on
        self.server.makeConnection(self.server_transport)
        self.client.makeConnection(self.client_transport)

    def run(self) -> None:
        """Run both until neither sends anything more.

        Raises:
            AssertionError: This never happens.
        """
        self._loop.run()

    def turn(self) -> bool:
        """Let each read and write once; return whether anything happened."""
        return self._loop.turn()

    @property
    def faults(self) -> list[str]:
        """The faults of both, the client's first: see ``Transport``."""
        return self.client_transport.noted.said() + self.server_transport.noted.said()


def connect(
    protocol: Any,
    *,
    kernel_bytes: int = KERNEL_BYTES,
    host: IAddress = HOST,
    peer: IAddress = PEER,
    transport: type[Transport] = Transport,
) -> Remote:
    """Connect a protocol to a remote side that does what the test says.

    Args:
        protocol: A Twisted protocol, or a factory of them, which is started if it isn't; one that refuses
            closes the connection.
        kernel_bytes: How many bytes the kernel holds in each direction: they leave the protocol's transport
            though nobody has read them. 0: all bytes stay with the transport until they are read.
        host: The address of the protocol.
        peer: The address of the remote side.
        transport: What makes the protocol's transport.

    Returns:
        The remote side.
    """
    require_subject(protocol, "connect")
    loop = Loop()
    near, far = socket_pair(kernel_bytes)
    protocol = _build(protocol, peer)
    made = transport(near, protocol, loop, host, peer)
    remote = Remote(protocol, made, far, loop)
    if protocol is None:
        made.protocol = _Refusal()
        made.loseConnection()
    else:
        protocol.makeConnection(made)
    loop.run()
    return remote


def join(client: Any, server: Any, *, kernel_bytes: int = KERNEL_BYTES) -> Link:
    """Connect two protocols, or factories of them, to one another.

    Args:
        client: The one that calls; its ``connectionMade`` comes second.
        server: The one that is called.
        kernel_bytes: How much the kernel holds in each direction; at least 1.

    Returns:
        Both, and what is between them.

    Raises:
        ValueError: *kernel_bytes* is less than 1.
    """
    if kernel_bytes < 1:
        raise ValueError("kernel_bytes must be at least 1 between two protocols")
    for protocol in client, server:
        require_subject(protocol, "join")
    return Link(client, server, kernel_bytes)


class _Refusal:
    """Stands for the protocol that a factory didn't make."""

    def dataReceived(self, data: bytes) -> None:
        """Nobody reads it."""

    def connectionLost(self, reason: Failure) -> None:
        """Nobody is told."""


def _build(protocol: Any, peer: IAddress) -> Any:
    if not IProtocolFactory.providedBy(protocol):
        return protocol
    if not getattr(protocol, "numPorts", 0):  # as by a port that listens
        protocol.doStart()
    return protocol.buildProtocol(peer)
