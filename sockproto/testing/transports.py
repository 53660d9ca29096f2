"""Twisted's TCP transport over a socket in memory, which records what a test may need.

::

    near, far = socket_pair()
    transport = Transport(near, protocol, Loop())
    protocol.makeConnection(transport)
"""

from functools import cached_property
from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure

from sockproto.reactor.memory import Loop, MemoryConnection
from sockproto.testing.faults import FaultNotes
from sockproto.testing.sockets import MemorySocket

HOST: Final = IPv4Address("TCP", "10.0.0.1", 12_345)
"""The default address of a protocol under test."""

PEER: Final = IPv4Address("TCP", "192.168.1.1", 54_321)
"""The default address of its peer."""


class Transport(MemoryConnection):
    """Twisted's TCP transport over a socket in memory; it records what a test may need.

    Made by ``connect`` and ``join``.

    Attributes:
        writes: Every write, in order.
        faults: The mistakes of the protocol, a sentence each: bytes written
            after the end, which are lost; a producer that is still registered at the close, which then waits
            for it; reading that is resumed after the end; an exception, even if it was caught and logged.
            Only an exception is always an error.
        most_held: The largest number of bytes that it held for a peer that didn't read them.
        reason: The reason that the protocol's ``connectionLost`` got; None before.
        half_closing: Whether the protocol has asked to end its half of the stream.
        aborted: Whether the protocol has cut the connection.
    """

    def __init__(
        self,
        socket: MemorySocket,
        protocol: Any,
        loop: Loop,
        host: IAddress = HOST,
        peer: IAddress = PEER,
    ) -> None:
        super().__init__(socket, protocol, loop)
        self._host, self._peer = host, peer
        self.writes: list[bytes] = []
        self.most_held = 0
        self.faults: list[str] = []
        self.reason: Failure | None = None

    # What the protocol calls.

    def getHost(self) -> Any:
        """Return the address of this end."""
        return self._host

    def getPeer(self) -> Any:
        """Return the address of the other end."""
        return self._peer

    def write(self, data: bytes) -> None:
        """Take bytes to send."""
        if self.disconnected or self.half_closing:
            self._note_late(data)
        self.writes.append(data)
        super().write(data)
        held = self.held
        if held > self.most_held:
            self.most_held = held

    def loseConnection(self) -> None:
        """Close, once all is sent."""
        if self.producer is not None and self.connected:
            self.faults.append("loseConnection: a producer is still registered")
        super().loseConnection()  # type: ignore[no-untyped-call]

    def loseWriteConnection(self) -> None:
        """End this half of the stream, once all is sent."""
        if self.producer is not None:
            self.faults.append("loseWriteConnection: a producer is still registered")
        super().loseWriteConnection()

    def resumeProducing(self) -> None:
        """Read on."""
        if self.disconnected:
            self.faults.append("resumeProducing: the connection is gone")
        super().resumeProducing()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone."""
        if self.reason is None:
            self.reason = reason
        super().connectionLost(reason)

    @cached_property
    def noted(self) -> FaultNotes:
        """Its faults, from when this is asked for: what is logged is noted then too."""
        return FaultNotes(self._is_below, lambda: self.reactor.running, self.protocol, self.faults)

    # What the loop calls.

    def note_exception(self, error: Exception) -> None:
        """Take note of what the protocol raised."""
        self.noted.note(error)

    # What is noted.

    def _is_below(self, carrier: Any) -> bool:
        """Tell whether a carrier of ours is on this transport, whatever is between them."""
        below = getattr(carrier, "transport", None)
        while below is not None and below is not self:
            below = getattr(below, "transport", None)
        return below is self

    def _note_late(self, data: bytes) -> None:
        when = "the connection was gone" if self.disconnected else "loseWriteConnection"
        self.faults.append(f"write: {len(data)} bytes after {when}: {data[:40]!r}")
