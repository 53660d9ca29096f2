"""Sockets in memory, and as much of a reactor as Twisted's own transports ask for.

What is under test runs on Twisted's transports; only the system below them is played. Doesn't know any
protocol::

    loop = Loop()
    near, far = socket_pair(kernel_bytes=65_536)
    transport = Transport(near, protocol, loop)
    loop.run()
"""

import errno
import socket
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableDescriptor
from twisted.internet.task import Clock
from twisted.python import log
from twisted.python.failure import Failure

KERNEL_BYTES: Final = 65_536
"""What the kernel holds of each direction of a connection, if nothing else is said; Linux has more."""

MAX_TURNS: Final = 100_000
"""After so many turns without rest, a connection is taken for one that never rests."""


class Pipe:
    """One direction of a connection: what is with the kernel.

    Attributes:
        data: What was sent and not yet read.
        demand: For how many bytes its reader waits, beyond what there is room for.
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
        """Read so many bytes, or what there is."""
        data = bytes(self.data[:count])
        del self.data[:count]
        return data


class MemorySocket:
    """One end of a connection.

    Closing it with unread input resets the connection, and a reset destroys what is on its way: systems may
    do so (RFC 1122, section 4.2.2.13), and a server that relies on the contrary loses its last words.
    """

    def __init__(self, inbound: Pipe, outbound: Pipe) -> None:
        self.inbound, self.outbound = inbound, outbound
        self._closed = self._cutting = False

    @property
    def readable(self) -> bool:
        """Whether reading gives something: bytes, the end, or an error."""
        inbound = self.inbound
        return bool(inbound.data) or inbound.ended or inbound.reset

    @property
    def writable(self) -> bool:
        """Whether sending does something: it takes a byte, or fails."""
        outbound = self.outbound
        return outbound.room > 0 or outbound.deaf or outbound.reset

    # What Twisted calls.

    def send(self, data: "bytes | bytearray | memoryview") -> int:
        """Send what there is room for."""
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
        """Read up to so many bytes; none is the end."""
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
        """Give an option: no error, no delay."""
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

    def _reset(self) -> None:
        for pipe in (self.inbound, self.outbound):
            pipe.data.clear()
            pipe.reset = True


def socket_pair(kernel_bytes: int = KERNEL_BYTES) -> tuple[MemorySocket, MemorySocket]:
    """Make the two ends of a connection.

    Args:
        kernel_bytes: What the kernel holds of what the first end sends, and the other, at most. 0: what the
            first sends stays with it until the other reads.
    """
    there, back = Pipe(kernel_bytes), Pipe(kernel_bytes or KERNEL_BYTES)
    return MemorySocket(back, there), MemorySocket(there, back)


class Loop:
    """As much of a reactor as Twisted's transports ask for, without time or files.

    Attributes:
        feeds: What else is to be done in each turn; each tells whether it did something.
    """

    def __init__(self) -> None:
        self.readers: dict[Any, None] = {}
        self.writers: dict[Any, None] = {}
        self.feeds: list[Callable[[], bool]] = []
        self._clock = Clock()
        self._running = False

    # What Twisted calls.

    def addReader(self, reader: Any) -> None:
        """Have *reader* told when there is something to read."""
        self.readers[reader] = None

    def removeReader(self, reader: Any) -> None:
        """Have it told no more."""
        self.readers.pop(reader, None)

    def addWriter(self, writer: Any) -> None:
        """Have *writer* told when there is room to write."""
        self.writers[writer] = None

    def removeWriter(self, writer: Any) -> None:
        """Have it told no more."""
        self.writers.pop(writer, None)

    def callLater(self, delay: float, call: Callable[..., object], *args: Any, **kwargs: Any) -> IDelayedCall:
        """Call in a later turn: transports ask for no other delay than none."""
        return self._clock.callLater(delay, call, *args, **kwargs)

    # What tests call.

    def run(self) -> None:
        """Take turns until nothing is left to do.

        Raises:
            AssertionError: There is no end to it.
        """
        if self._running:  # asked from inside a turn
            return
        self._running, turns = True, 0
        try:
            while self.turn():
                turns += 1
                if turns == MAX_TURNS:
                    raise AssertionError(f"it never comes to rest: {MAX_TURNS:,} turns were not enough")
        finally:
            self._running = False

    def turn(self) -> bool:
        """Take one turn; tell whether anything happened."""
        busy = False
        for feed in self.feeds:
            if feed():
                busy = True
        if self._clock.calls:
            self._clock.advance(0)
            busy = True
        # Who can write is asked first, as by poll(): what is written in this turn is sent in the next.
        writable = [writer for writer in self.writers if writer.can_write] if self.writers else ()
        for reader in [reader for reader in self.readers if reader.socket.readable]:
            if reader in self.readers:
                busy = True
                self._call(reader, reader.doRead, True)
        for writer in writable:
            if writer in self.writers:
                busy = True
                self._call(writer, writer.doWrite, False)
        return busy

    def _call(self, transport: Any, call: Callable[[], Any], reading: bool) -> None:
        """Have a transport read or write, and end it if it says so, as Twisted's reactors do."""
        try:
            why = call()
        except Exception as error:
            log.err()
            why = error
            transport.note_exception(error)
        if not why:
            return
        self.removeReader(transport)
        if reading and isinstance(why, ConnectionDone) and IHalfCloseableDescriptor.providedBy(transport):
            transport.readConnectionLost(Failure(ConnectionDone()))
        else:
            self.removeWriter(transport)
            known = isinstance(why, ConnectionDone | ConnectionLost)
            transport.connectionLost(Failure(type(why)() if known else why))
