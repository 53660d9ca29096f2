"""Ports whose connections cost less.

::

    port = reactor.listenTCP(9999, factory, interface="127.0.0.1")
    flush_after_reads(port)
"""

import sys
from contextlib import suppress
from socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    NI_NUMERICHOST,
    NI_NUMERICSERV,
    SOCK_STREAM,
    TCP_NODELAY,
    getnameinfo,
    socket,
)
from typing import Any

from twisted.internet import tcp, unix
from twisted.python import context, log

from sockproto.reactor.answering import defines_first, inherits
from sockproto.reactor.connections import TCPConnection, UNIXConnection, has_known_buffers
from sockproto.reactor.contexts import stack
from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {
    tcp.Port: ("_buildAddr", "factory", "reactor", "sessionno", "socket", "transport"),
    socket: ("_accept",),
}

ACCEPTS = 16
"""So many connections are accepted in a turn of the reactor: others have theirs before more begin."""

IP_TRANSPARENT = 19  # linux/in.h
IPV6_TRANSPARENT = 75  # linux/in6.h

WILDCARDS = ("0.0.0.0", "::")  # to be recognized


def flush_after_reads(port: Any) -> Any:
    """Have the connections that a port accepts from now on send at the end of a read.

    Args:
        port: What ``listenTCP``, ``listenSSL``, ``listenUNIX`` or an endpoint gave. One with transports of
            its own keeps them, and so does any where Twisted has changed what ours rely on.

    Returns:
        The same.
    """
    transports = {tcp.Server: TCPConnection, unix.Server: UNIXConnection}
    transport = getattr(port, "transport", None)
    if transport in transports and has_known_buffers():
        port.transport = transports[transport]
        if (
            type(port) is tcp.Port
            and has_all(port, RELIES_ON[tcp.Port])
            and has_all(socket, RELIES_ON[socket])
        ):
            with suppress(OSError):  # no socket of TCP, whatever it was given as: left to Twisted
                port.doRead = Acceptor(port).accept  # type: ignore[method-assign]  # each port has its own
    return port


class Acceptor:
    """Accepts the connections of one TCP port: what ``tcp.Port.doRead`` does, with less around each.

    Args:
        port: The port, which listens.
    """

    def __init__(self, port: Any) -> None:
        self._port = port
        self._accepts = ACCEPTS
        self._begin()

    def _begin(self) -> None:
        """Look at the socket, which is another one when the port listens again."""
        self._socket: socket = self._port.socket
        self._family = int(self._socket.family)
        # What is accepted inherits it on Linux; on other systems each connection is told.
        self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self._host = _fixed_host(self._port)
        self._inherits: bool | None = None

    def accept(self) -> None:
        """Accept the connections that wait, some of them."""
        port = self._port
        if port.socket is not self._socket:
            self._begin()
        accept, family, scoped = port.socket._accept, self._family, self._family == AF_INET6
        factory, ignores = None, False
        contexts, key = stack(), log.ILogContext
        around: Any = contexts and (contexts[-1].get(key) or context.get(key))
        # As long as something comes with the connections: some wait for us to speak first. And as long as
        # an event's log context is kept as Twisted does.
        read = bool(contexts)
        for accepted in range(self._accepts):
            try:
                number, client = accept()
            except BlockingIOError:
                self._accepts = accepted or 1  # mostly as many come next
                return
            except OSError:
                tcp.Port.doRead(port)  # for its opinion of the error
                return
            sock = socket(family, SOCK_STREAM, 0, number)
            connection = None
            try:
                if scoped and client[3]:  # with the scope's name, as Twisted has it
                    client = (getnameinfo(client, NI_NUMERICHOST | NI_NUMERICSERV)[0], *client[1:])
                if port.factory is not factory:  # at first, and where it is replaced meanwhile
                    ignores = _ignores_address(port.factory)
                    factory = port.factory
                protocol = factory.buildProtocol(None if ignores else port._buildAddr(client))
                if protocol is None:
                    continue
                session = port.sessionno
                port.sessionno = session + 1
                connection = TCPConnection(sock, protocol, client, port, session, port.reactor)
                connection.host = self._host
                if not self._inherits:
                    self._set_no_delay(connection)
                connection.begin()
                if not contexts:
                    connection.read_at_once(False)
                    continue
                contexts.append({key: {**around, "system": connection.logstr}})
                try:
                    read = connection.read_at_once(read)
                except BaseException:  # of its ``connectionLost``
                    log.err()
                finally:
                    contexts.pop()
            except BaseException:
                log.err()
            finally:
                if connection is None:
                    sock.close()
        self._accepts = ACCEPTS

    def _set_no_delay(self, connection: TCPConnection) -> None:
        """See whether the first connection has inherited it; tell each if not.

        Some systems can't set it once the peer has reset (``EINVAL`` on macOS); the first read tells of that.
        """
        with suppress(OSError):
            if self._inherits is None:
                self._inherits = connection.getTcpNoDelay()
            connection.setTcpNoDelay(True)


def _ignores_address(factory: Any) -> bool:
    """Tell whether a factory needs no address to make a protocol."""
    kind: Any = type(factory)
    known = inherits(factory, "buildProtocol") and defines_first(kind, "ignores_address", "buildProtocol")
    return known and bool(factory.ignores_address)


def _fixed_host(port: Any) -> Any:
    """Return the address that this end of every connection has; None if they differ."""
    host, listening = port.getHost(), port.socket
    option = (IPPROTO_IP, IP_TRANSPARENT) if listening.family == AF_INET else (IPPROTO_IPV6, IPV6_TRANSPARENT)
    transparent = sys.platform == "linux" and listening.getsockopt(*option)
    return None if host.host in WILDCARDS or transparent else host
