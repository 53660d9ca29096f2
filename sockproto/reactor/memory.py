"""Twisted's TCP transport and UDP port over sockets in memory, and as much of a reactor as they ask for.

Where the sockets come from is left to the caller; ``Socket`` says what they must tell::

    loop = Loop()
    transport = MemoryConnection(near, protocol, loop)
    loop.run()
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableDescriptor
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.internet.udp import Port
from twisted.python import log
from twisted.python.failure import Failure

from sockproto.reactor.buffers import held_bytes

MAX_TURNS: Final = 100_000
"""After this many turns in one run, a connection is assumed never to become idle."""


class Socket(Protocol):
    """What is asked of a socket in memory, beside what Twisted calls."""

    @property
    def readable(self) -> bool:
        """Whether a read returns something: bytes, the end, or an error."""

    @property
    def writable(self) -> bool:
        """Whether sending does something: it takes a byte, or fails."""

    @property
    def takes_when_asked(self) -> bool:
        """Whether it takes bytes only while its reader waits for some."""


class Loop:
    """As much of a reactor as Twisted's transports ask for, without time or files.

    Attributes:
        feeds: Functions to call in each turn as well; each returns whether it did something.
        running: Whether turns are being taken.
    """

    def __init__(self) -> None:
        self.readers: dict[Any, None] = {}
        self.writers: dict[Any, None] = {}
        self.feeds: list[Callable[[], bool]] = []
        self._clock = Clock()
        self.running = False

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
        if self.running:  # asked from inside a turn
            return
        self.running, turns = True, 0
        try:
            while self.turn():
                turns += 1
                if turns == MAX_TURNS:
                    raise AssertionError(f"it never comes to rest: {MAX_TURNS:,} turns were not enough")
        finally:
            self.running = False

    def turn(self) -> bool:
        """Take one turn; tell whether anything happened."""
        busy = self.feed()
        # Who can write is asked first, as by poll(): what is written in this turn is sent in the next.
        writable = [writer for writer in self.writers if writer.can_write] if self.writers else ()
        for reader in [reader for reader in self.readers if reader.socket.readable]:
            if reader in self.readers:
                busy = True
                self.handle(reader, reader.doRead, True)
        for writer in writable:
            if writer in self.writers:
                busy = True
                self.handle(writer, writer.doWrite, False)
        return busy

    def feed(self) -> bool:
        """Begin a turn: do what comes before reading and writing; tell whether anything happened."""
        busy = False
        for feed in self.feeds:
            if feed():
                busy = True
        if self._clock.getDelayedCalls():
            self._clock.advance(0)
            busy = True
        return busy

    def handle(self, transport: Any, call: Callable[[], Any], reading: bool) -> None:
        """Have a transport read or write, and end it if it says so, as Twisted's reactors do."""
        try:
            why = call()
        except Exception as error:
            transport.note_exception(error)
            log.err()
            why = error
        if not why:
            return
        self.removeReader(transport)
        if reading and isinstance(why, ConnectionDone) and IHalfCloseableDescriptor.providedBy(transport):
            transport.readConnectionLost(Failure(ConnectionDone()))
        else:
            self.removeWriter(transport)
            known = isinstance(why, ConnectionDone | ConnectionLost)
            transport.connectionLost(Failure(type(why)() if known else why))


class MemoryConnection(Connection):
    """Twisted's TCP transport over a socket in memory.

    Attributes:
        half_closing: Whether the protocol wants its half of the stream ended.
        aborted: Whether the protocol has cut the connection.
    """

    socket: Any
    reactor: Any
    protocol: Any

    def __init__(self, socket: Socket, protocol: Any, loop: Loop) -> None:
        super().__init__(socket, protocol, loop)  # type: ignore[arg-type]  # as much of them as it asks for
        self.half_closing = self.aborted = False
        self._unsent = 0
        self.connected = 1
        self.startReading()

    @property
    def held(self) -> int:
        """How many bytes it holds that the kernel has not taken."""
        held = held_bytes(self)
        return max(0, self._unsent) if held is None else held

    @property
    def reading(self) -> bool:
        """Whether the protocol wants to read."""
        return self in self.reactor.readers

    @property
    def can_write(self) -> bool:
        """Whether writing does something now; the loop asks this."""
        return self.socket.writable or (self.socket.takes_when_asked and not self.held)

    def write(self, data: bytes) -> None:
        """Take bytes to send."""
        if self.connected and not self.half_closing:
            self._unsent += len(data)
        super().write(data)  # type: ignore[no-untyped-call]

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Take bytes to send, in one write."""
        self.write(b"".join(iovec))

    def writeSomeData(self, data: Any) -> Any:
        """Send what the socket takes."""
        sent = super().writeSomeData(data)
        if isinstance(sent, int):
            self._unsent -= sent
        return sent

    def loseWriteConnection(self) -> None:
        """End this half of the stream, once all is sent."""
        self.half_closing = True
        super().loseWriteConnection()  # type: ignore[no-untyped-call]

    def abortConnection(self) -> None:
        """Cut the connection."""
        self.aborted = not self.disconnected or self.aborted
        super().abortConnection()  # type: ignore[no-untyped-call]

    def note_exception(self, error: Exception) -> None:
        """Hear what the protocol raised; the loop says it, for subclasses that want to know."""


class MemoryPort(Port):
    """Twisted's UDP port, with a socket in memory.

    Args:
        make_socket: Makes the socket; its ``readable`` tells whether a read returns something.
        arguments: Those of Twisted's.
    """

    def __init__(self, make_socket: Callable[[], Any], *arguments: Any) -> None:
        super().__init__(*arguments)  # type: ignore[no-untyped-call]
        self._make_socket = make_socket

    def createInternetSocket(self) -> Any:
        """Make the socket."""
        return self._make_socket()
