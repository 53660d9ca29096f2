"""What to listen on: TCP, UDP, UNIX sockets, those of systemd, and stream endpoints of Twisted.

A listener is a plan; nothing is open until the service listens::

    listener = tcp("echo", EchoFactory(), "127.0.0.1", 9999)
    listener.listen(reactor, 0)     # a Deferred of an IListeningPort
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, execute, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort

from sockproto.carriers.datagram import MAX_PACKET_BYTES
from sockproto.carriers.transport import peer_of
from sockproto.core.text import escape, join_host_port
from sockproto.errors import OptionError
from sockproto.reactor.adopted import AdoptingReactor, adopt
from sockproto.reactor.datagrams import listen_udp
from sockproto.reactor.ports import flush_after_reads
from sockproto.server.authorities import ClientAuthorities
from sockproto.server.certificates import check_certificates
from sockproto.server.endpoints import check_values, server_endpoint
from sockproto.server.systemd import PassedSocket
from sockproto.server.unixpaths import clear, forget_lock

BACKLOG = 1_024
"""Connections that the system keeps until they are accepted. Twice nginx's 511; Linux allows 4,096."""


@dataclass(frozen=True)
class Listener:
    """One thing to listen on.

    Attributes:
        protocol: The protocol's name, in the log too.
        where: Its address as people write it, such as ``TCP 127.0.0.1:9999``.
        server: What answers there, a ``ConversationFactory`` or a ``ConversationDatagramProtocol``: it can
            drain and abort, and has statistics.
        listen: Called with a reactor and the port that replaces port 0; opens it and returns a Deferred of an
            ``IListeningPort``.
        port: The port; 0 for any free port; None if the listener has no port.
        interface: The numeric address; None if the listener has no address.
        datagrams: Whether it is for datagrams.
        tls: Whether it speaks TLS.
        client_ca: The file of authorities, of which one must have signed each client's certificate; empty:
            clients need no certificate.
        warning: What is wrong with it, though it can listen; usually empty.
        close: Removes what the port leaves over, such as a socket file.
        adopt: Listens at a socket that is open already, given a reactor and the socket, instead of opening
            one; None: the socket needs nothing around it.
    """

    protocol: str
    where: str
    server: Any
    listen: Callable[[Any, int], "Deferred[IListeningPort]"]
    port: int | None = None
    interface: str | None = None
    datagrams: bool = False
    tls: bool = False
    client_ca: str = ""
    warning: str = ""
    close: Callable[[], None] = lambda: None
    adopt: Callable[[Any, socket.socket], "Deferred[IListeningPort]"] | None = None

    def at(self, opened: socket.socket) -> "Listener":
        """Return the same listener at a socket that is open already, which belongs to it then.

        Args:
            opened: The socket, which listens, or is bound where it is for datagrams.
        """

        def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
            if self.adopt is not None:
                return self.adopt(reactor, opened)
            adopted = execute(adopt, reactor, opened, self.server, MAX_PACKET_BYTES)
            return adopted.addCallback(flush_after_reads)

        return replace(self, listen=listen, close=lambda: None)

    def __post_init__(self) -> None:
        self.server.name = self.protocol

    @property
    def faults(self) -> str:
        """The faults that were asked for, in words; empty if there are none."""
        return str(getattr(self.server, "faults", None) or "")

    def name_of(self, port: IListeningPort) -> str:
        """Return the address at which *port*, which this listener opened, listens; safe for a terminal."""
        host = port.getHost()
        if isinstance(host, IPv4Address | IPv6Address):
            return f"{host.type} {peer_of(host)}"
        return escape(self.where)


def tcp(protocol: str, factory: Any, interface: str, port: int, backlog: int = BACKLOG) -> Listener:
    """Return the plan of a TCP listener.

    Args:
        protocol: The protocol's name, for the log.
        factory: What answers.
        interface: The numeric address.
        port: Its number; 0: any that is free.
        backlog: How many connections may wait to be accepted.
    """

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        opened = execute(reactor.listenTCP, port or chosen, factory, backlog, interface)
        return opened.addCallback(flush_after_reads)

    where = f"TCP {join_host_port(interface, port)}"
    return Listener(protocol, where, factory, listen, port, interface)


def udp(protocol: str, datagrams: Any, interface: str, port: int) -> Listener:
    """Return the plan of a UDP listener.

    Args:
        protocol: The protocol's name, for the log.
        datagrams: What answers.
        interface: The numeric address.
        port: Its number; 0: any that is free.
    """

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return execute(listen_udp, reactor, port or chosen, datagrams, interface, MAX_PACKET_BYTES)

    where = f"UDP {join_host_port(interface, port)}"
    return Listener(protocol, where, datagrams, listen, port, interface, datagrams=True)


def unix(
    protocol: str, factory: Any, path: str, mode: int = 0o666, backlog: int = BACKLOG, lock: bool = True
) -> Listener:
    """Return the plan of a UNIX listener.

    Args:
        protocol: The protocol's name, for the log.
        factory: What answers.
        path: Of the socket file; one that begins with a zero byte is Linux' abstract one.
        mode: The permissions of the file.
        backlog: How many connections may wait to be accepted.
        lock: Whether a lock of Twisted's is kept beside the file.
    """
    lock = lock and not path.startswith("\0")

    def open_port(reactor: Any) -> IListeningPort:
        clear(path)
        try:
            port: IListeningPort = reactor.listenUNIX(path, factory, backlog, mode, lock)
        except CannotListenError as error:
            if "Cannot acquire lock" not in str(error):
                forget_lock(path)
            raise
        return port

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return execute(open_port, reactor).addCallback(flush_after_reads)

    return Listener(protocol, f"unix:{path}", factory, listen)


def unix_datagrams(protocol: str, datagrams: Any, path: str, mode: int = 0o666) -> Listener:
    """Plan a listener for UNIX datagrams; its socket file is removed when it closes."""

    def open_port(reactor: Any) -> IListeningPort:
        clear(path)
        port: IListeningPort = reactor.listenUNIXDatagram(path, datagrams, MAX_PACKET_BYTES, mode)
        return port

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return execute(open_port, reactor)

    def close() -> None:
        with suppress(OSError, ValueError):  # gone already, no longer ours to remove, or an abstract name
            os.unlink(path)

    return Listener(protocol, f"unix-dgram:{path}", datagrams, listen, datagrams=True, close=close)


def passed(protocol: str, server: Any, given: PassedSocket) -> Listener:
    """Plan a listener at a socket that systemd has opened; it can listen again, since it takes a copy."""

    def open_port(reactor: Any) -> IListeningPort:
        port: IListeningPort = adopt(reactor, given.copy(), server, MAX_PACKET_BYTES)
        return port

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return execute(open_port, reactor).addCallback(flush_after_reads)

    return Listener(protocol, given.where, server, listen, None, given.host, given.datagrams)


def stream(
    protocol: str,
    factory: Any,
    description: str,
    reactor: Any,
    where: str | None = None,
    authorities: ClientAuthorities | None = None,
) -> Listener:
    """Return the plan of a listener at a Twisted server endpoint.

    Args:
        protocol: The protocol's name.
        factory: What answers.
        description: The endpoint's.
        reactor: What it will listen with.
        where: What people are told instead of the description.
        authorities: Who must have signed the certificate that a client must show, where it speaks TLS; None:
            it need not show one.

    Raises:
        OptionError: The description is wrong.
    """
    check_values(description)
    tls = description.startswith(("ssl:", "tls:"))
    warning = check_certificates(description) if tls and find_spec("OpenSSL") is not None else ""
    if tls and authorities is not None:
        if not description.startswith("ssl:"):
            raise OptionError(f"{description!r} can't demand certificates of clients; take ssl: instead")
        warning, reactor = warning or authorities.warning, authorities.demanded(reactor)
    endpoint = server_endpoint(reactor, description)
    client_ca = authorities.file if tls and authorities is not None else ""

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return _listen_at(endpoint, factory)

    def adopt(reactor: Any, opened: socket.socket) -> "Deferred[IListeningPort]":
        adopting: Any = AdoptingReactor(reactor, opened)
        if client_ca and authorities is not None:
            adopting = authorities.demanded(adopting)
        return _listen_at(server_endpoint(adopting, description), factory)

    return Listener(
        *(protocol, where or description, factory, listen),
        tls=tls,
        client_ca=client_ca,
        warning=warning,
        adopt=adopt,
    )


def _listen_at(endpoint: Any, factory: Any) -> "Deferred[IListeningPort]":
    listening: Deferred[IListeningPort] = maybeDeferred(endpoint.listen, factory)
    return listening.addCallback(flush_after_reads)
