"""Who has sent a datagram, and the way back: from which of our addresses. Knows sockets only.

A socket that is bound to all addresses of a machine lets the system choose from which of them an answer
leaves, and a client that has connected its socket to another one never sees it. Such a socket can be asked to
tell with each datagram where it went, and be told with the answer (RFC 3542, section 6; ip(7), IP_PKTINFO)::

    exchange = packet_exchange(bound)
    data, sender = exchange.receive(65_535)
    exchange.send(data, sender)
"""

import sys
from contextlib import suppress
from socket import (
    AF_INET6,
    AI_NUMERICHOST,
    IPPROTO_IP,
    IPPROTO_IPV6,
    NI_NUMERICHOST,
    NI_NUMERICSERV,
    SOCK_DGRAM,
    getaddrinfo,
    getnameinfo,
    socket,
)
from struct import Struct
from typing import Any

Ancillary = list[tuple[int, int, bytes]]
"""Control messages: the protocol's number, the message's type, and what it says."""

WILDCARDS = ("0.0.0.0", "::", "::ffff:0.0.0.0")

MAX_KEPT = 1_024
"""So many of our addresses, and links, are kept with what an answer from there needs."""

IP_PKTINFO = 8
"""Linux's number; not every Python that is supported has the name."""

IN_PKTINFO = Struct("=I4s4s")
"""Linux's ``in_pktinfo``: link, our address, the address that the datagram went to."""

IN6_PKTINFO = Struct("=16sI")
"""RFC 3542's ``in6_pktinfo``: address, link."""

ANCILLARY_BYTES = 256
"""Room for both of these, and for what an application has asked the socket to tell besides."""

OPTIONS = [(IPPROTO_IP, IP_PKTINFO)] if sys.platform == "linux" else []
"""By which a socket is asked to tell where a datagram went."""

PACKET_INFO = OPTIONS.copy()
"""The control messages that tell it, among those that an application has asked for."""

with suppress(ImportError):
    from socket import IPV6_PKTINFO, IPV6_RECVPKTINFO

    OPTIONS.append((IPPROTO_IPV6, IPV6_RECVPKTINFO))
    PACKET_INFO.append((IPPROTO_IPV6, IPV6_PKTINFO))


class Sender(tuple[str, int]):
    """Host and port that a datagram came from, and the way back.

    Other code sees an ordinary pair; what is written to it goes that way, however late. The host of
    a link-local address has its zone, as in ``fe80::1%eth0`` (RFC 4007, section 11).

    Attributes:
        where: The socket address, with the scope of a link-local one.
        ancillary: Control messages that say from where an answer leaves; none: the system chooses.
    """

    where: Any
    ancillary: Ancillary


def sender_at(where: Any, ancillary: Ancillary) -> Sender:
    """Return the sender at a socket's address."""
    scoped = len(where) == 4 and where[3]
    sender = Sender((numeric_host(where), where[1]) if scoped else where[:2])
    sender.where, sender.ancillary = where, ancillary
    return sender


def numeric_host(where: Any) -> str:
    """Return the host of a socket's address, a link-local one with its zone."""
    return getnameinfo(where, NI_NUMERICHOST | NI_NUMERICSERV)[0]


def scoped_address(host: str, port: int) -> Any:
    """Return the socket address of a numeric IPv6 address that may have a zone.

    Raises:
        OSError: There is no such zone.
    """
    return getaddrinfo(host, port, AF_INET6, SOCK_DGRAM, 0, AI_NUMERICHOST)[0][4]


class PacketExchange:
    """Receives datagrams with the way back, and sends answers along it.

    Args:
        bound: A socket for datagrams.
    """

    def __init__(self, bound: socket) -> None:
        self._receive, self._send = bound.recvmsg, bound.sendmsg
        self._kept: dict[bytes, Ancillary] = {}

    def receive(self, size: int) -> tuple[bytes, Sender]:
        """Receive a datagram of at most *size* bytes.

        Raises:
            OSError: There is none, or what ICMP says of one that was sent before.
        """
        data, messages, _, where = self._receive(size, ANCILLARY_BYTES)
        info = b""
        for level, kind, said in messages:
            if (level, kind) in PACKET_INFO:  # a mapped address has both; IPv4's, the last, says more
                info = said
        ancillary = self._kept.get(info)
        if ancillary is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            ancillary = self._kept[info] = way_back(info)
        return data, sender_at(where, ancillary)

    def send(self, data: bytes, sender: Sender) -> int:
        """Send an answer.

        Raises:
            OSError: It can't be sent, from there.
        """
        return self._send((data,), sender.ancillary, 0, sender.where)


def packet_exchange(bound: socket) -> PacketExchange | None:
    """Return what serves a bound socket whose answers need more than an address; None for all others."""
    host = bound.getsockname()[0]
    if host in WILDCARDS:
        for level, option in OPTIONS:
            with suppress(OSError):  # of the other family
                bound.setsockopt(level, option, 1)
        return PacketExchange(bound)
    if bound.family == AF_INET6 and bound.getsockname()[3]:
        return PacketExchange(bound)
    return None


def way_back(info: bytes) -> Ancillary:
    """Return the ancillary data to send an answer with.

    The link is left to the routing table, as TCP leaves it, except for an address that means something on one
    link only. The link on which a datagram came need not lead back: where a program of this machine sends
    from 127.0.0.1 to another of its addresses, an answer that is tied to that one's link is lost.

    Args:
        info: The ``in_pktinfo`` or ``in6_pktinfo`` of a datagram; empty: the system doesn't tell.
    """
    if len(info) == IN_PKTINFO.size:
        _, ours, asked = IN_PKTINFO.unpack(info)
        if not any(ours):  # it came before we asked to be told
            ours = asked
        return [(IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.pack(0, ours, b""))]
    if len(info) != IN6_PKTINFO.size:
        return []
    asked, link = IN6_PKTINFO.unpack(info)
    if asked[0] == 0xFF:  # multicast: no address that an answer can come from
        return []
    link_local = asked[0] == 0xFE and asked[1] & 0xC0 == 0x80
    return [(IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.pack(asked, link if link_local else 0))]
