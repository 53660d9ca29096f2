"""What to listen on: stream endpoints, and datagram ports, for which Twisted has no descriptions.

A listener is a plan; nothing is open until the service listens::

    listener = from_description("echo", "udp:9999", EchoFactory, EchoDatagramProtocol, reactor)
    listener.listen(reactor, 0)     # a Deferred of an IListeningPort
"""

import errno
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, execute, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from sockproto.carriers.datagram import MAX_PACKET_BYTES
from sockproto.carriers.transport import peer_of
from sockproto.core.text import count, escape, host_name, join_host_port, port_number
from sockproto.errors import OptionError
from sockproto.plain.hostname import ascii_description, ascii_host
from sockproto.reactor.adopted import AdoptingReactor, adopt
from sockproto.reactor.datagrams import listen_udp
from sockproto.reactor.ports import flush_after_reads
from sockproto.server.authorities import ClientAuthorities
from sockproto.server.certificates import check_certificates
from sockproto.server.descriptions import arguments
from sockproto.server.systemd import PassedSocket, passed_sockets
from sockproto.server.unixpaths import clear, forget_lock

FORMS = {
    "tcp": "tcp:PORT, perhaps with :interface=ADDRESS and :backlog=NUMBER",
    "tcp6": "tcp6:PORT, perhaps with :interface=ADDRESS and :backlog=NUMBER",
    "ssl": "ssl:PORT:privateKey=FILE:certKey=FILE",
    "unix": "unix:PATH, perhaps with :mode=660",
    "unix-dgram": "unix-dgram:PATH, perhaps with :mode=660",
}
"""How the commonest descriptions are written."""

SSL_NAMES = {
    *("port", "privateKey", "certKey", "sslmethod", "interface", "backlog"),
    *("extraCertChain", "dhParameters"),
}
"""What the arguments of ``ssl:`` are called. Twisted sees that only after it has read the files."""

MAX_BACKLOG = 2**31 - 1
"""What a C int holds; the system takes less (Linux: ``net.core.somaxconn``)."""

log = Logger("sockproto")

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


def from_description(
    protocol: str,
    description: str,
    make_factory: Callable[..., Any],
    make_datagrams: Callable[[], Any],
    reactor: Any,
) -> Listener:
    """Plan the listener that a description names.

    Args:
        protocol: The protocol's name.
        description: ``udp:PORT:interface=ADDR`` (127.0.0.1 without one), ``unix-dgram:PATH``,
            ``systemd:name=NAME`` or ``systemd:index=NUMBER`` of whatever kind, or any Twisted server
            endpoint; ``haproxy:`` before one asks for a PROXY header, which our own reader reads.
        make_factory: Makes the factory for streams; takes ``proxied=True`` if each connection begins with
            a PROXY header.
        make_datagrams: Makes the protocol for datagrams.
        reactor: What a Twisted endpoint will listen with.

    Returns:
        The listener.

    Raises:
        OptionError: The description is wrong.
    """
    found = from_descriptions(protocol, description, make_factory, make_datagrams, reactor)
    if len(found) > 1:
        raise OptionError(f"{description!r} is {len(found)} sockets; say index=NUMBER")
    return found[0]


def from_descriptions(
    protocol: str,
    description: str,
    make_factory: Callable[..., Any],
    make_datagrams: Callable[[], Any],
    reactor: Any,
    authorities: ClientAuthorities | None = None,
) -> list[Listener]:
    """Plan the listeners that a description names: several where a name of systemd's is of several sockets.

    The arguments are those of ``from_description``, and so are the errors; *authorities* is as in ``stream``.
    """
    proxied = description.startswith("haproxy:")
    kind, _, rest = description.removeprefix("haproxy:").partition(":")
    if proxied and kind in ("udp", "unix-dgram"):
        raise OptionError(f"{description!r}: datagrams have no PROXY header")

    def make_stream() -> Any:
        return make_factory(proxied=True) if proxied else make_factory()

    if kind == "systemd":
        return [
            passed(protocol, make_datagrams() if given.datagrams else make_stream(), given)
            for given in _passed(description, rest, proxied)
        ]
    if kind == "unix":
        return [_unix(protocol, make_stream(), description, rest)]
    if kind == "unix-dgram":
        return [_unix_datagrams(protocol, make_datagrams(), description, rest)]
    if kind == "udp":
        return [_udp(protocol, make_datagrams(), description, rest)]
    bare = description.removeprefix("haproxy:")
    return [stream(protocol, make_stream(), bare, reactor, description, authorities)]


def _passed(description: str, text: str, proxied: bool) -> list[PassedSocket]:
    """Return the sockets of systemd's that a description means."""
    try:
        found = passed_sockets(text)
    except OptionError as error:
        raise OptionError(f"{description!r}: {error}") from error
    if proxied and any(given.datagrams for given in found):
        raise OptionError(f"{description!r}: datagrams have no PROXY header")
    return found


def _udp(protocol: str, datagrams: Any, description: str, text: str) -> Listener:
    """Plan a UDP listener from what its description says."""
    match = re.fullmatch(r"([0-9]+)(?::interface=(.+))?", text)
    address = (match[2] or "127.0.0.1").replace("\\", "") if match else ""
    if match is None or not (isIPAddress(address) or isIPv6Address(address)):
        raise OptionError(f"{description!r} is not udp:PORT or udp:PORT:interface=ADDRESS")
    return udp(protocol, datagrams, address, port_number(match[1]))


def _unix(protocol: str, factory: Any, description: str, text: str) -> Listener:
    """Plan a UNIX listener from the arguments of its description, which have Twisted's names."""
    try:
        given = arguments(text, ("address", "mode", "backlog", "lockfile"))
        path, mode = (
            _path("" if text.startswith(":") else given.get("address", "")),
            _mode(given.get("mode", "666")),
        )
        backlog = count(given.get("backlog", str(BACKLOG)), 1, MAX_BACKLOG)
    except OptionError as error:
        raise OptionError(f"{description!r} is not {FORMS['unix']}: {error}") from error
    listener = unix(protocol, factory, path, mode, backlog, given.get("lockfile") != "0")
    return replace(listener, where=description)


def _unix_datagrams(protocol: str, datagrams: Any, description: str, text: str) -> Listener:
    """Plan a listener for UNIX datagrams from what its description says."""
    path, marked, mode = text.rpartition(":mode=")
    path, mode = (path, mode) if marked else (text, "666")
    try:
        if ":mode=" in path:
            raise OptionError("mode is given twice")
        return unix_datagrams(protocol, datagrams, _path(path), _mode(mode))
    except OptionError as error:
        raise OptionError(f"{description!r} is not {FORMS['unix-dgram']}: {error}") from error


def _path(text: str) -> str:
    if text[:1] in ("", ":"):
        raise OptionError("there is no path")
    return text


def _mode(text: str) -> int:
    if not re.fullmatch("0?[0-7]{3}", text):
        raise OptionError(f"the mode is three digits such as 660, not {text!r}")
    return int(text, 8)


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
    _see_values(description)
    tls = description.startswith(("ssl:", "tls:"))
    warning = check_certificates(description) if tls and find_spec("OpenSSL") is not None else ""
    if tls and authorities is not None:
        if not description.startswith("ssl:"):
            raise OptionError(f"{description!r} can't demand certificates of clients; take ssl: instead")
        warning, reactor = warning or authorities.warning, authorities.demanded(reactor)
    endpoint = _endpoint(reactor, description)
    client_ca = authorities.file if tls and authorities is not None else ""

    def listen(reactor: Any, chosen: int) -> "Deferred[IListeningPort]":
        return _listen_at(endpoint, factory)

    def adopt(reactor: Any, opened: socket.socket) -> "Deferred[IListeningPort]":
        adopting: Any = AdoptingReactor(reactor, opened)
        if client_ca and authorities is not None:
            adopting = authorities.demanded(adopting)
        return _listen_at(_endpoint(adopting, description), factory)

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


def _endpoint(reactor: Any, description: str) -> Any:
    if description.startswith("haproxy:"):
        raise OptionError(f"'haproxy:{description}' says haproxy: twice; say it once")
    try:
        encoded = ascii_description(description)
    except UnicodeError as error:
        raise OptionError(f"{description!r}: {error}") from error
    try:
        return serverFromString(reactor, encoded)
    except Exception as error:
        if description.startswith(("ssl:", "tls:")) and find_spec("OpenSSL") is None:
            raise OptionError(f"{description!r} needs the extra tls: pip install 'sockproto[tls]'") from error
        form = FORMS.get(description.partition(":")[0])
        if form and isinstance(error, TypeError | ValueError | IndexError):  # in Python's words
            raise OptionError(f"{description!r} is not {form}") from error
        hint = "" if form else f"; write {FORMS['tcp']}; or {FORMS['unix']}"
        raise OptionError(f"Twisted can't use {description!r}: {error}{hint}") from error


def _see_values(description: str) -> None:
    """See the values of a description that Twisted takes as they are, or as Python's ``int`` does.

    Raises:
        OptionError: One of them is wrong.
    """
    kind, *parts = [part.replace("\\", "") for part in re.split(r"(?<!\\):", description)]
    if kind not in ("tcp", "tcp6", "ssl"):
        return
    names = ("port", "interface", "backlog") if kind != "ssl" else ("port",)
    given = dict(zip(names, (part for part in parts if "=" not in part), strict=False))
    for name, _, value in (part.partition("=") for part in parts if "=" in part):
        if name in given:  # Twisted has the second replace the first
            raise OptionError(f"{description!r} is not {FORMS[kind]}: {name} is given twice")
        given[name] = value
    try:
        port_number(given.get("port", ""))
    except OptionError as error:
        raise OptionError(f"{description!r} is not {FORMS[kind]}: {error}") from error
    if kind == "ssl" and (unknown := given.keys() - SSL_NAMES):
        raise OptionError(f"{description!r} is not {FORMS[kind]}: there is no use for {min(unknown)!r}")
    if "interface" in given and not isIPv6Address(given["interface"]):
        host_name(given["interface"])
    if "backlog" in given:
        count(given["backlog"], 1, MAX_BACKLOG)


def addresses(interface: str) -> list[str]:
    """Return the numeric addresses to serve of an interface given by address or host name.

    An address is taken as it is. Of a name's addresses those that this machine has are taken, with a warning
    in the log about the others, as where ``localhost`` is ``::1`` too and IPv6 is off. If it has none of
    them, all are taken, and listening says why it can't.

    Raises:
        OptionError: The name has none.
    """
    bare = interface.removeprefix("[").removesuffix("]")
    if isIPAddress(bare) or isIPv6Address(bare):
        return [bare]
    host_name(bare)
    try:
        found = socket.getaddrinfo(ascii_host(interface), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OptionError(
            f"{interface!r} is no address and no known host name; give an address of this machine"
            ", such as 127.0.0.1, or 0.0.0.0 for all"
        ) from error
    named = list(dict.fromkeys(str(address[0]) for *_, address in found))
    ours = [address for address in named if has_address(address)]
    if ours and ours != named:
        log.warn(
            "{name}: this machine has no address {others}; serving {ours} alone",
            event="address_missing",
            name=interface,
            others=", ".join(address for address in named if address not in ours),
            ours=", ".join(ours),
        )
    return ours or named


def has_address(address: str) -> bool:
    """Return whether this machine has a numeric address; with IPv6 off it has none of those."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def is_exposed(interface: str) -> bool:
    """Tell whether other machines can reach what listens on a numeric address."""
    return not ip_address(interface.partition("%")[0]).is_loopback
