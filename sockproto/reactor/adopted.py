"""Ports at sockets that somebody else has opened and goes on using, such as systemd.

::

    port = adopt_stream(reactor, listening, factory)    # a socket.socket, which belongs to the port then

Twisted's own UNIX port would change the mode of the socket's file, remove the file when it closes, and shut
the socket down for everybody (``reactor.adoptStreamPort``); for UNIX datagrams it has nothing of the kind.
"""

from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

from twisted.internet import unix
from twisted.internet.base import BasePort

from sockproto.reactor.datagrams import adopt_udp


class AdoptedUNIXPort(unix.Port):
    """A UNIX port at a socket that listens already, whose file and mode are its owner's."""

    def __init__(self, listening: socket, factory: Any, reactor: Any) -> None:
        super().__init__(listening.getsockname(), factory, reactor=reactor)
        self._adopted = listening

    def startListening(self) -> None:
        """Accept connections from now on."""
        self.factory.doStart()  # type: ignore[union-attr]
        self.connected = True
        self.socket = self._adopted
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.numberAccepts = 100  # as Twisted begins
        self.startReading()

    def connectionLost(self, reason: Any) -> None:
        """Close our copy of the socket; others go on listening."""
        BasePort.connectionLost(self, reason)
        self.connected = False
        self.socket.close()
        del self.socket, self.fileno
        self.factory.doStop()  # type: ignore[union-attr]


class AdoptedUNIXDatagramPort(unix.DatagramPort):
    """A port for UNIX datagrams at a socket that is bound already."""

    def __init__(self, bound: socket, protocol: Any, max_packet_bytes: int, reactor: Any) -> None:
        super().__init__(bound.getsockname(), protocol, max_packet_bytes, reactor=reactor)  # type: ignore[no-untyped-call]
        self._adopted = bound

    def startListening(self) -> None:
        """Take datagrams from now on."""
        self.connected = 1
        self.socket = self._adopted
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.protocol.makeConnection(self)
        self.startReading()


class AdoptingReactor:
    """A reactor for an endpoint that is to listen at a socket that is open already.

    Args:
        reactor: The reactor, which does everything else.
        opened: The socket, which listens; it belongs to the port that the endpoint makes.
    """

    def __init__(self, reactor: Any, opened: socket) -> None:
        self._reactor, self._opened = reactor, opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        """Accept connections at the socket, of any kind."""
        return adopt_stream(self._reactor, self._opened, factory)

    def listenSSL(
        self,
        port: int,
        factory: Any,
        contextFactory: Any,  # noqa: N803  # Twisted's name
        backlog: int = 50,
        interface: str = "",
    ) -> Any:
        """Accept connections at the socket, and speak TLS on them."""
        from twisted.protocols.tls import TLSMemoryBIOFactory

        wrapped = TLSMemoryBIOFactory(contextFactory, isClient=False, wrappedFactory=factory)
        return self.listenTCP(port, wrapped, backlog, interface)


def adopt_stream(reactor: Any, listening: socket, factory: Any) -> Any:
    """Accept connections at a socket that listens.

    Args:
        reactor: An ``IReactorSocket``.
        listening: The socket, which never blocks; it belongs to the port from now on.
        factory: Makes the protocols.

    Returns:
        The port. Nobody else's copy of the socket is closed or shut down with it.
    """
    if listening.family == AF_UNIX:
        port = AdoptedUNIXPort(listening, factory, reactor)
        port.startListening()
        return port
    with listening:  # the port has a copy
        return reactor.adoptStreamPort(listening.fileno(), listening.family, factory)


def adopt_datagrams(reactor: Any, bound: socket, protocol: Any, max_packet_bytes: int) -> Any:
    """Take the datagrams of a socket that is bound.

    Args:
        reactor: An ``IReactorSocket``.
        bound: The socket, which never blocks; it belongs to the port from now on.
        protocol: A ``DatagramProtocol``.
        max_packet_bytes: What is longer is cut.

    Returns:
        The port.
    """
    if bound.family != AF_UNIX:
        return adopt_udp(reactor, bound, protocol, max_packet_bytes)
    port = AdoptedUNIXDatagramPort(bound, protocol, max_packet_bytes, reactor)
    port.startListening()
    return port


def adopt(reactor: Any, opened: socket, server: Any, max_packet_bytes: int) -> Any:
    """Serve a socket that is open, whatever its kind: ``adopt_stream`` or ``adopt_datagrams``."""
    if opened.type == SOCK_STREAM:
        return adopt_stream(reactor, opened, server)
    return adopt_datagrams(reactor, opened, server, max_packet_bytes)
