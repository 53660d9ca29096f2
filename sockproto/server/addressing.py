"""The addresses that ``--interface`` names, and who reaches them.

::

    addresses("localhost")      # ["::1", "127.0.0.1"]
    is_exposed("0.0.0.0")       # True
"""

import errno
import socket
from ipaddress import ip_address

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.logger import Logger

from sockproto.core.text import host_name
from sockproto.errors import OptionError
from sockproto.plain.hostname import ascii_host

log = Logger("sockproto")


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
