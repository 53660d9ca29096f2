"""The admin site at its own port, with limits on memory and time.

::

    reactor.listenTCP(9990, AdminSite(service), interface="127.0.0.1")
"""

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.web.http import HTTPChannel
from twisted.web.server import Request, Site

from sockproto.admin.resource import AdminResource

MAX_CONNECTIONS = 64
"""So many are open at once; more are closed at once."""

IDLE_SECONDS = 10.0
"""The idle time-out, in seconds."""

LIFETIME_SECONDS = 60.0
"""How many seconds a connection may last: Prometheus asks every 15 to 60 seconds."""

MAX_BODY_BYTES = 4_096
"""The longest body of a request, in bytes; no request here needs one."""


class AdminRequest(Request):
    """A request, with a bound for its body."""

    _left = MAX_BODY_BYTES

    def gotLength(self, length: int | None) -> None:
        """The headers are read; a body of *length* bytes follows, or one in chunks."""
        super().gotLength(min(length or 0, MAX_BODY_BYTES) if length is not None else length)  # type: ignore[no-untyped-call]  # twisted.web has few types
        if length is not None and length > MAX_BODY_BYTES:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body came."""
        self._left -= len(data)
        if self._left < 0:
            self._refuse()
        else:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]  # twisted.web has few types

    def _refuse(self) -> None:
        self.channel.transport.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n")  # type: ignore[union-attr]  # twisted.web has few types
        self.channel.loseConnection()


class AdminChannel(HTTPChannel):
    """A connection for one request, with an end.

    Twisted answers all pipelined requests it has read, although nobody reads the answers: one client's 64 KiB
    of requests would make hundreds of megabytes of them.
    """

    requestFactory = AdminRequest
    _end: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Begin."""
        super().connectionMade()  # type: ignore[no-untyped-call]  # twisted.web has few types
        self.factory.connections.add(self)
        self._end = self.callLater(LIFETIME_SECONDS, self.forceAbortClient)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether another request may follow: none may."""
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]  # twisted.web has few types
        """It is gone."""
        self.factory.connections.discard(self)
        if self._end is not None and self._end.active():
            self._end.cancel()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # twisted.web has few types


class AdminSite(Site):
    """Serves ``AdminResource``.

    Args:
        service: As of ``AdminResource``.
        reactor: For its timers.

    Attributes:
        connections: Those that are open.
    """

    noisy = False
    requestFactory = AdminRequest
    displayTracebacks = False

    def __init__(self, service: Any, reactor: Any = None) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # twisted.web has few types
            AdminResource(service), requestFactory=AdminRequest, timeout=IDLE_SECONDS, reactor=reactor
        )
        self.protocol = AdminChannel  # type: ignore[assignment, method-assign]  # twisted.web has few types
        self.connections: set[AdminChannel] = set()

    def buildProtocol(self, addr: Any) -> Any:
        """Make what talks on a connection; None: there are too many."""
        if len(self.connections) >= MAX_CONNECTIONS:
            return None
        return super().buildProtocol(addr)  # type: ignore[no-untyped-call]  # twisted.web has few types

    def log(self, request: Any) -> None:
        """Write no line: requests come every few seconds."""
