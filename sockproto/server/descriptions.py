"""What ``--listen`` takes: descriptions of endpoints, and of datagrams, for which Twisted has none.

::

    listener = from_description("echo", "udp:9999", EchoFactory, EchoDatagramProtocol, reactor)
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address

from sockproto.core.text import count, port_number
from sockproto.errors import OptionError
from sockproto.server.authorities import ClientAuthorities
from sockproto.server.endpoints import FORMS, MAX_BACKLOG, arguments
from sockproto.server.listeners import BACKLOG, Listener, passed, stream, udp, unix, unix_datagrams
from sockproto.server.systemd import PassedSocket, passed_sockets


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
