"""From an address as people write it to those that a socket can be connected to.

::

    for address in resolve(parse_address("localhost:9999"), 10.0):
        print(address)                      # [::1]:9999, 127.0.0.1:9999
"""

import socket
import threading
from collections.abc import Callable, Sequence
from itertools import zip_longest
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from sockproto.core.text import Address, escape, join_host_port
from sockproto.errors import NameNotFound, TimedOut, Unreachable
from sockproto.plain.hostname import ascii_host
from sockproto.plain.zones import numeric_host, zone_fault

T = TypeVar("T")


class SocketAddress(NamedTuple):
    """One address of a server.

    Attributes:
        family: ``AF_INET``, ``AF_INET6`` or ``AF_UNIX``.
        kind: ``SOCK_STREAM`` or ``SOCK_DGRAM``.
        where: What ``connect`` takes.
    """

    family: socket.AddressFamily
    kind: socket.SocketKind
    where: Any

    @property
    def host(self) -> str:
        """The numeric address, a link-local one with its zone."""
        return numeric_host(self.where)

    def __str__(self) -> str:
        if self.family == socket.AF_UNIX:
            return str(Address("unix", self.where))
        return join_host_port(self.host, self.where[1])


def resolve(address: Address, seconds: float | None = None, family: int = 0) -> list[SocketAddress]:
    """Find the addresses of a host, or the one of a UNIX socket.

    Args:
        address: The server's; no endpoint description.
        seconds: How long it may take; None or 0: as long as the name service takes.
        family: ``AF_INET`` or ``AF_INET6`` for one of the two, 0 for both.

    Returns:
        At least one, in the order in which to try them (RFC 6724), the families in turn (RFC 8305,
        section 4), each once.

    Raises:
        NameNotFound: The host has none.
        TimedOut: The name service doesn't answer in time.
        Unreachable: It is a link-local address of a network interface that this machine doesn't have.
    """
    kind = socket.SOCK_DGRAM if address.datagrams else socket.SOCK_STREAM
    if address.kind.startswith("unix"):
        return [SocketAddress(socket.AF_UNIX, kind, address.host)]
    if fault := zone_fault(address.host):
        raise Unreachable(fault, str(address), phase="name")
    try:
        host = ascii_host(address.host)
    except UnicodeError as error:
        raise NameNotFound(str(error), phase="name") from error
    found = _search((host, address.port, family, kind), seconds)
    if isinstance(found, list) and found:
        addresses = [SocketAddress(each[0], kind, each[4]) for each in found]
        return families_in_turn(addresses, lambda each: each.family)
    reason = getattr(found, "strerror", None) or "no such name"
    raise NameNotFound(f"{escape(address.host)} has no address: {reason}; check its spelling", phase="name")


def families_in_turn(addresses: Sequence[T], family: Callable[[T], object]) -> list[T]:
    """Return the addresses, each once: one of the first one's family, one of the other, and so on.

    Args:
        addresses: The addresses, in the order in which they would be tried otherwise.
        family: Returns the family of one.
    """
    unique = list(dict.fromkeys(addresses))
    first = [each for each in unique if family(each) == family(unique[0])]
    other = [each for each in unique if family(each) != family(unique[0])]
    return [each for pair in zip_longest(first, other) for each in pair if each is not None]


def _search(query: Any, seconds: float | None) -> Any:
    """Ask the name service, in a thread: ``getaddrinfo`` knows no time-out, and can't be interrupted."""
    answers: SimpleQueue[Any] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(*query))
        except Exception as error:  # UnicodeError and ValueError, too: no possible name
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=seconds or None)
    except Empty:
        reason = f"timed out: the name service doesn't answer within {seconds:.1f} seconds"
        raise TimedOut(reason, phase="name") from None
