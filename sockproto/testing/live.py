"""The remote side of a real connection, for scripts: on the running reactor, with a deadline for everything.

::

    await on_socket(Noted(MyFactory()), hold, 10, reactor)
"""

from collections.abc import Awaitable, Callable
from socket import SO_ERROR, SOL_SOCKET
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.testing.faults import FaultNotes

TURNS = 5
"""How many reactor turns a server has to see the last action of its client, before it is cut."""


@implementer(IHalfCloseableProtocol)
class SocketLine(Protocol):
    """A client that does what a script says, and keeps the bytes that come.

    Attributes:
        received: The bytes that came.
        ended: How the server's half ended; None while it hasn't.
    """

    transport: Any

    def __init__(self, reactor: Any, seconds: float) -> None:
        self._reactor, self._seconds = reactor, seconds
        self._half_closed = False
        self.received = bytearray()
        self.ended: Literal["orderly", "reset"] | None = None
        self.gone: Deferred[None] = Deferred()
        self._news: Deferred[None] | None = None

    # What scripts call.

    async def send(self, data: list[bytes], ending: bool) -> None:
        """Send pieces, each in a separate reactor turn."""
        self.transport.setTcpNoDelay(True)
        for number, piece in enumerate(data, 1):
            self.transport.write(piece)
            if ending and number == len(data):
                self.half_close()
            await self.turns(2)  # one to send, one for the server to read it by itself

    def half_close(self) -> None:
        """Send no more; a second time does nothing, where Twisted's transport would lose the connection."""
        if not self._half_closed:
            self._half_closed = True
            self.transport.loseWriteConnection()

    def reset(self) -> None:
        """Cut the connection."""
        self.transport.abortConnection()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        waiting: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, waiting.callback, None)
        await waiting

    async def turns(self, count: int = TURNS) -> None:
        """Let the reactor take some turns."""
        for _ in range(count):
            await self.sleep(0)

    async def until(self, done: Callable[[], bool]) -> bool:
        """Wait until *done* or the end; tell whether it was in time."""
        late = self._reactor.callLater(self._seconds, self._tell)
        while late.active() and not done() and self.ended is None:
            self._news = Deferred()
            await self._news
        if late.active():
            late.cancel()
        return done()

    # What Twisted calls.

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        self.received += data
        self._tell()

    def readConnectionLost(self) -> None:
        """The server has ended its half."""
        # The epoll reactor may call a reset the end of the server's half.
        cut = self.transport.getHandle().getsockopt(SOL_SOCKET, SO_ERROR)
        self.ended = self.ended or ("reset" if cut else "orderly")
        self._tell()

    def writeConnectionLost(self) -> None:
        """Our half is ended."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.ended = self.ended or ("orderly" if reason.check(ConnectionDone) else "reset")
        self._tell()
        self.gone.callback(None)

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.callback(None)


class Noted(Factory):
    """A factory that remembers what it made, so that nothing of it is left behind, and what that raised.

    Attributes:
        faults: What is logged of it, or of nobody, from now on.
    """

    noisy = False

    def __init__(self, inner: Any) -> None:
        self._inner: Any = inner if IProtocolFactory.providedBy(inner) else Factory.forProtocol(lambda: inner)
        self._made: list[Any] = []
        self.faults = FaultNotes(self._has, lambda: True)

    def doStart(self) -> None:
        """Listening begins."""
        self._inner.doStart()

    def doStop(self) -> None:
        """Listening has ended."""
        self._inner.doStop()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make the protocol of a connection."""
        made = self._inner.buildProtocol(addr)
        if made is not None:
            self._made.append(made)
        return made

    def _has(self, carrier: Any) -> bool:
        """Tell whether it made a carrier of ours, or what is below it."""
        while carrier is not None and all(carrier is not made for made in self._made):
            carrier = getattr(carrier, "transport", None)
        return carrier is not None

    def abort(self) -> None:
        """Cut what is left: who doesn't read doesn't see that its peer is gone."""
        for protocol in self._made:
            if not protocol.transport.disconnected:
                protocol.transport.abortConnection()


async def on_socket(
    served: Noted,
    hold: Callable[[SocketLine], Awaitable[None]],
    seconds: float,
    reactor: Any,
) -> None:
    """Serve on a free port of 127.0.0.1 while one client does what *hold* says.

    Args:
        served: What to serve.
        hold: What to do with the connection.
        seconds: How long each wait may take.
        reactor: The reactor.
    """
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(served)
    try:
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port, timeout=seconds)
        line: Any = await client.connect(Factory.forProtocol(lambda: SocketLine(reactor, seconds)))
        try:
            await line.turns()  # for the server to have the connection too
            await hold(line)
        finally:
            await line.turns()  # for the server to see what the script did last
            line.transport.abortConnection()
            await line.gone
            await line.turns()
            served.abort()
            await line.turns()
    finally:
        await port.stopListening()
