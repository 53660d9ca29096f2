"""Sockets in memory, for Twisted's own transports.

The protocol under test runs on Twisted's transports; only the operating system below them is simulated.
Knows no protocol and nothing of Twisted::

    near, far = socket_pair(kernel_bytes=65_536)
    near.send(b"hello")
    assert far.recv(100) == b"hello"
"""

import errno
import socket
from typing import Final

KERNEL_BYTES: Final = 65_536
"""The default size in bytes of the kernel's buffer for each direction; Linux has larger ones."""


class Pipe:
    """One direction of a connection: the bytes in the kernel.

    Attributes:
        data: The bytes that were sent and not read yet.
        demand: How many bytes its reader waits for, beyond the room in the buffer.
        ended: Whether its writer has ended it.
        deaf: Whether its reader has closed its socket.
        reset: Whether the connection was cut.
    """

    __slots__ = ("capacity", "data", "deaf", "demand", "ended", "reset")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.data = bytearray()
        self.demand = 0
        self.ended = self.deaf = self.reset = False

    @property
    def room(self) -> int:
        """How many bytes can be sent now."""
        return self.capacity + self.demand - len(self.data)

    def take(self, count: int) -> bytes:
        """Return up to *count* bytes."""
        data = bytes(self.data[:count])
        del self.data[:count]
        return data


class MemorySocket:
    """One end of a connection.

    Closing it with unread input resets the connection, and a reset destroys bytes still on their way.
    Systems may do so (RFC 1122, section 4.2.2.13); a server that relies on the opposite loses its last bytes.
    """

    def __init__(self, inbound: Pipe, outbound: Pipe) -> None:
        self.inbound, self.outbound = inbound, outbound
        self._closed = self._cutting = False

    @property
    def readable(self) -> bool:
        """Whether reading returns something: bytes, the end, or an error."""
        inbound = self.inbound
        return bool(inbound.data) or inbound.ended or inbound.reset

    @property
    def writable(self) -> bool:
        """Whether sending does something: it takes a byte, or fails."""
        outbound = self.outbound
        return outbound.room > 0 or outbound.deaf or outbound.reset

    @property
    def takes_when_asked(self) -> bool:
        """Whether it takes bytes only while its reader waits for some."""
        return not self.outbound.capacity

    # What Twisted calls.

    def send(self, data: "bytes | bytearray | memoryview") -> int:
        """Send the bytes for which there is room; return how many."""
        outbound = self.outbound
        if outbound.reset or outbound.ended:
            raise BrokenPipeError(errno.EPIPE, "broken pipe")
        if outbound.deaf:
            self._reset()
            return len(data)
        count = min(outbound.room, len(data))
        if count <= 0 and data:
            raise BlockingIOError(errno.EWOULDBLOCK, "no room")
        outbound.data += data[:count]
        return count

    def recv(self, count: int) -> bytes:
        """Return up to *count* bytes; empty at the end."""
        inbound = self.inbound
        if inbound.reset:
            raise ConnectionResetError(errno.ECONNRESET, "connection reset by peer")
        if not inbound.data and not inbound.ended:
            raise BlockingIOError(errno.EWOULDBLOCK, "nothing to read")
        return inbound.take(count)

    def shutdown(self, how: int) -> None:
        """End what we send."""
        if how != socket.SHUT_RD:
            self.outbound.ended = True

    def setsockopt(self, level: int, option: int, value: object) -> None:
        """Take note of an option: lingering for no time means that closing cuts."""
        self._cutting = self._cutting or (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER)

    def getsockopt(self, level: int, option: int) -> int:
        """Return an option: no error, no delay."""
        return 0

    def setblocking(self, blocking: bool) -> None:
        """Nothing here blocks."""

    def fileno(self) -> int:
        """Nothing here is a file."""
        return -1

    def close(self) -> None:
        """End both directions."""
        if self._closed:
            return
        self._closed = True
        if self._cutting or self.inbound.data:
            self._reset()
        self.outbound.ended = self.inbound.deaf = True

    # What tests call.

    def cut(self) -> None:
        """Close it so that the connection is reset."""
        self._cutting = True
        self.close()

    def _reset(self) -> None:
        for pipe in (self.inbound, self.outbound):
            pipe.data.clear()
            pipe.reset = True


def socket_pair(kernel_bytes: int = KERNEL_BYTES) -> tuple[MemorySocket, MemorySocket]:
    """Return the two ends of a new connection.

    Args:
        kernel_bytes: How many bytes the kernel holds at most in each direction. 0: what the first end sends
            stays with it until the other end reads.
    """
    there, back = Pipe(kernel_bytes), Pipe(kernel_bytes or KERNEL_BYTES)
    return MemorySocket(back, there), MemorySocket(there, back)
