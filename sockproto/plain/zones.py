"""Link-local addresses, which mean something together with a network interface only (RFC 4007, section 11).

::

    zone_fault("fe80::1%nope")          # "this machine has no network interface 'nope'"
    numeric_host(("fe80::1", 80, 0, 2)) # "fe80::1%eth0"
"""

from ipaddress import IPv6Address
from socket import NI_NUMERICHOST, NI_NUMERICSERV, getnameinfo, if_indextoname, if_nametoindex
from typing import Any

from sockproto.core.text import escape


def zone_fault(host: str) -> str | None:
    """Return what is wrong with the zone of a numeric address on this machine; None if nothing is.

    Args:
        host: A numeric address, or a name, with which nothing is wrong.
    """
    try:
        address = IPv6Address(host)
    except ValueError:
        return None
    zone = address.scope_id
    if zone is None:
        wanting = "a link-local address needs its network interface, as in fe80::1%eth0"
        return wanting if address.is_link_local else None
    if not (address.is_link_local or address.is_multicast or zone.isdecimal()):
        return f"only a link-local address has a network interface; leave %{escape(zone)} out"
    try:
        if zone.isdecimal():
            if_indextoname(int(zone))
        else:
            if_nametoindex(zone)
    except (OSError, OverflowError, ValueError):
        return f"this machine has no network interface {zone!r}"
    return None


def numeric_host(where: Any) -> str:
    """Return the host of a socket's address of IPv4 or IPv6, a link-local one with its zone."""
    return getnameinfo(where, NI_NUMERICHOST | NI_NUMERICSERV)[0]
