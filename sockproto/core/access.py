"""Which addresses may connect: networks that are allowed, and networks that are denied. Pure.

::

    access = Access(allow=["10.0.0.0/8"], deny=["10.0.0.5"])
    access.admits("10.1.2.3"), access.admits("10.0.0.5"), access.admits("192.0.2.1")     # True, False, False
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

MAX_REMEMBERED: Final = 4_096
"""For how many addresses, the most recently asked for, the decision is cached."""


class Access:
    """Decides which addresses may connect.

    The most specific network that contains an address decides, whatever the order they are given in, as in
    a routing table. An address in none of them may connect only if no network is allowed explicitly.

    Args:
        allow: Networks such as ``10.0.0.0/8`` or ``192.0.2.7``.
        deny: Networks likewise.

    Attributes:
        allow: The networks that are allowed.
        deny: The networks that are denied.

    Raises:
        ValueError: An item is not a network, or is both allowed and denied; the text says which.
    """

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        self.allow = tuple(dict.fromkeys(map(network, allow)))
        self.deny = tuple(dict.fromkeys(map(network, deny)))
        for each in self.allow:
            if each in self.deny:
                raise ValueError(f"{each} is both allowed and denied; say one of them")
        self._narrowest_first = sorted((*self.allow, *self.deny), key=lambda each: -each.prefixlen)
        self.admits = lru_cache(MAX_REMEMBERED)(self._admits)

    @classmethod
    def given(cls, access: "Access | None") -> "Access | None":
        """Return what was given as the argument *access*.

        Raises:
            TypeError: It is neither an ``Access`` nor None.
        """
        if access is not None and not isinstance(access, cls):
            raise TypeError(f"access must be Access(...), not {access!r}")
        return access

    def _admits(self, host: str) -> bool:
        """Return whether a numeric address may connect; any other text is in no network."""
        address = address_of(host)
        for each in self._narrowest_first if address is not None else ():
            if address in each:
                return each in self.allow
        return not self.allow


def network(text: str) -> Network:
    """Return the network that a text means; IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) becomes IPv4.

    Args:
        text: Such as ``10.0.0.0/8``, or one address.

    Raises:
        ValueError: The text is not a network.
    """
    if "%" in text:
        raise ValueError(f"{text!r} has a zone; write the address alone, which means it in every zone")
    try:
        made = ip_network(text)
    except ValueError as error:
        raise ValueError(_fault(text)) from error
    mapped = made.network_address.ipv4_mapped if isinstance(made, IPv6Network) else None
    if mapped is not None and made.prefixlen >= 96:
        return IPv4Network((mapped, made.prefixlen - 96))
    return made


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return a peer's numeric address, an IPv4-mapped one as IPv4; None if it is of another kind."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _fault(text: str) -> str:
    try:
        interface = ip_interface(text)
    except ValueError:
        return f"must be a network such as 10.0.0.0/8, or an address, not {text!r}"
    return (
        f"{text!r} is an address and its network; write {interface.network} for the whole network, "
        f"{interface.ip} for the one address"
    )
