"""Twisted's TCP transport over a socket in memory, with notes of what a test may ask for.

::

    near, far = socket_pair()
    transport = Transport(near, protocol, Loop())
    protocol.makeConnection(transport)
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from sockproto.testing.sockets import Loop, MemorySocket

HOST: Final = IPv4Address("TCP", "10.0.0.1", 12_345)
"""The address of a protocol under test, if nothing else is said."""

PEER: Final = IPv4Address("TCP", "192.168.1.1", 54_321)
"""The address of its peer."""


class Transport(Connection):
    """Twisted's TCP transport over a socket in memory; notes what a test may ask for.

    Attributes:
        writes: Every write, in order.
        most_held: The most bytes that it ever held for a peer that didn't take them.
        faults: What the protocol did that a transport doesn't take well, a sentence each: bytes written
            after the end, which are lost; a producer that is still registered at the close, which then waits
            for it; reading that is resumed after the end; an exception. No fault is an error by itself.
        reason: What the protocol's ``connectionLost`` was told; None before.
    """

    socket: Any
    reactor: Any
    protocol: Any

    def __init__(
        self,
        socket: MemorySocket,
        protocol: Any,
        loop: Loop,
        host: IAddress = HOST,
        peer: IAddress = PEER,
    ) -> None:
        super().__init__(socket, protocol, loop)  # type: ignore[arg-type]  # as much of them as it asks for
        self._host, self._peer = host, peer
        self.writes: list[bytes] = []
        self.most_held = 0
        self.faults: list[str] = []
        self.reason: Failure | None = None
        self.connected = 1
        self.startReading()

    # What is to be known.

    @property
    def held(self) -> int:
        """How many bytes it holds that the kernel has not taken."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    @property
    def reading(self) -> bool:
        """Whether the protocol wants to read."""
        return self in self.reactor.readers

    @property
    def half_closing(self) -> bool:
        """Whether the protocol wants its half of the stream ended."""
        return self._writeDisconnecting

    @property
    def aborted(self) -> bool:
        """Whether the protocol has cut the connection."""
        return self._aborting

    @property
    def can_write(self) -> bool:
        """Whether writing does something now; the loop asks this."""
        return self.socket.writable or not (self.socket.outbound.capacity or self.held)

    # What the protocol calls.

    def getHost(self) -> Any:
        """Give the address of this end."""
        return self._host

    def getPeer(self) -> Any:
        """Give the address of the other end."""
        return self._peer

    def write(self, data: bytes) -> None:
        """Take bytes to send."""
        if self.disconnected or self._writeDisconnecting:
            self._note_late(data)
        self.writes.append(data)
        Connection.write(self, data)
        held = self.held
        if held > self.most_held:
            self.most_held = held

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Take bytes to send, in one write."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close, once all is sent."""
        if self.producer is not None and self.connected:
            self.faults.append("loseConnection: a producer is still registered")
        Connection.loseConnection(self)

    def loseWriteConnection(self) -> None:
        """End this half of the stream, once all is sent."""
        if self.producer is not None:
            self.faults.append("loseWriteConnection: a producer is still registered")
        Connection.loseWriteConnection(self)

    def resumeProducing(self) -> None:
        """Read on."""
        if self.disconnected:
            self.faults.append("resumeProducing: the connection is gone")
        Connection.resumeProducing(self)

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone."""
        if self.reason is None:
            self.reason = reason
        super().connectionLost(reason)

    # What the loop calls.

    def note_exception(self, error: Exception) -> None:
        """Take note of what the protocol raised: its text, escaped, and where in its file that was."""
        text = f": {repr(str(error))[1:-1][:200]}" if str(error) else ""
        home = getattr(sys.modules.get(type(self.protocol).__module__), "__file__", None)
        frames = extract_tb(error.__traceback__)
        place = ([frame for frame in frames if frame.filename == home] or frames)[-1]
        self.faults.append(
            f"{type(self.protocol).__name__} raised {type(error).__name__}{text}"
            f" ({Path(place.filename).name}, line {place.lineno})"
        )

    def _note_late(self, data: bytes) -> None:
        when = "the connection was gone" if self.disconnected else "loseWriteConnection"
        self.faults.append(f"write: {len(data)} bytes after {when}: {data[:40]!r}")
