"""What is to be listened on: stream endpoints, and datagram ports, for which Twisted has no descriptions.

A listener is a plan; nothing is open until the service listens::

    listener = from_description(definition, "udp:9999:interface=127.0.0.1", {}, reactor)
    listener.listen(reactor, 0)     # a Deferred of an IListeningPort
"""

import os
import re
import socket
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, execute, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort

from sockproto.datagram import MAX_PACKET_BYTES
from sockproto.errors import OptionError
from sockproto.transport import peer_of

BACKLOG = 1_024
"""Connections that the system keeps until they are accepted. Twice nginx's 511; Linux allows 4,096."""


@dataclass(frozen=True)
class Listener:
    """One thing to listen on.

    Attributes:
        protocol: The protocol's name.
        where: As people write it, such as ``TCP 127.0.0.1:9999``.
        listen: Opens it, given a reactor and the port that takes the place of port 0; gives a Deferred of
            an ``IListeningPort``.
        close: Ends what it has opened besides the port: connections, a socket file.
        port: The port, 0 for any that is free, None where there is none to choose.
    """

    protocol: str
    where: str
    listen: Callable[[Any, int], "Deferred[IListeningPort]"]
    close: Callable[[], None] = lambda: None
    port: int | None = None

    def name_of(self, port: IListeningPort) -> str:
        """Tell where *port*, which this listener opened, listens in fact."""
        host = port.getHost()
        if isinstance(host, IPv4Address | IPv6Address):
            return f"{host.type} {peer_of(host)}"
        return self.where


def tcp(protocol: str, factory: Any, interface: str, port: int, backlog: int = BACKLOG) -> Listener:
    """Plan a TCP listener on a numeric address."""

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return execute(reactor.listenTCP, port or chosen, factory, backlog, interface)

    return Listener(protocol, f"TCP {_written(interface, port)}", listen, factory.close, port)


def udp(protocol: str, datagrams: Any, interface: str, port: int) -> Listener:
    """Plan a UDP listener on a numeric address."""

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return execute(reactor.listenUDP, port or chosen, datagrams, interface, MAX_PACKET_BYTES)

    return Listener(protocol, f"UDP {_written(interface, port)}", listen, port=port)


def unix_datagrams(protocol: str, datagrams: Any, path: str) -> Listener:
    """Plan a listener for UNIX datagrams; its socket file is removed when it closes."""

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        _remove_stale(path)
        return execute(reactor.listenUNIXDatagram, path, datagrams, MAX_PACKET_BYTES)

    def close() -> None:
        if os.path.exists(path):
            os.unlink(path)

    return Listener(protocol, f"unix-dgram:{path}", listen, close)


def from_description(
    definition: Any, description: str, arguments: Mapping[str, Any], framing: Any, reactor: Any
) -> Listener:
    """Plan the listener that a description names.

    Args:
        definition: The protocol, an ``IProtocolDefinition``.
        description: ``udp:PORT:interface=ADDR`` (127.0.0.1 without one), ``unix-dgram:PATH``, or any
            Twisted server endpoint.
        arguments: The conversation's.
        framing: The stream's, None for the protocol's own.
        reactor: What a Twisted endpoint will listen with.

    Returns:
        The listener.

    Raises:
        OptionError: The description is wrong.
    """
    kind, _, rest = description.partition(":")
    if kind == "udp":
        match = re.fullmatch(r"([0-9]+)(?::interface=(.+))?", rest)
        address = (match[2] or "127.0.0.1").replace("\\", "") if match else ""
        if match is None or not (isIPAddress(address) or isIPv6Address(address)):
            raise OptionError(f"{description!r} is not udp:PORT or udp:PORT:interface=ADDRESS")
        datagrams = definition.datagram_protocol(**arguments)
        return udp(definition.name, datagrams, address, port_number(match[1]))
    if kind == "unix-dgram":
        if not rest:
            raise OptionError(f"{description!r} is not unix-dgram:PATH")
        return unix_datagrams(definition.name, definition.datagram_protocol(**arguments), rest)
    try:
        endpoint = serverFromString(reactor, description)
    except Exception as error:
        raise OptionError(f"{description!r} is no endpoint that Twisted knows: {error}") from error
    factory = definition.factory(framing=framing, **arguments)

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return maybeDeferred(endpoint.listen, factory)

    return Listener(definition.name, description, listen, factory.close)


def port_number(text: str) -> int:
    """Make a port of *text*.

    Raises:
        OptionError: It is none.
    """
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:
        raise OptionError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def addresses(interface: str) -> list[str]:
    """Give the numeric addresses of an interface given by address or host name.

    Raises:
        OptionError: The name has none.
    """
    if isIPAddress(interface) or isIPv6Address(interface):
        return [interface]
    try:
        found = socket.getaddrinfo(interface or "-", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OptionError(f"{interface!r} is no address and no known host name: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _written(interface: str, port: int) -> str:
    address = IPv6Address if isIPv6Address(interface) else IPv4Address
    return str(peer_of(address("TCP", interface, port)))


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            probe.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)
    except OSError:
        pass  # there is none, or listening will say what is wrong with it
