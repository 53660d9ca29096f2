"""What the stream carrier has to know of Twisted's transports and their addresses.

::

    if can_half_close(self.transport):
        self.transport.loseWriteConnection()
"""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableDescriptor,
    IProtocol,
    ISSLTransport,
)

from sockproto.conversation import Peer


def can_half_close(transport: Any) -> bool:
    """Tell whether a transport can end its own stream and go on reading: plain TCP or UNIX.

    Asking for ``IHalfCloseableDescriptor`` alone is not enough. A TLS transport claims it, and cuts TCP
    without a close_notify; a wrapper claims whatever the transport below it does, but a wrapper is a
    protocol, which a transport is not.

    Args:
        transport: An ``ITransport``.

    Returns:
        Whether ``loseWriteConnection`` does what it says.
    """
    return (
        IHalfCloseableDescriptor.providedBy(transport)
        and not ISSLTransport.providedBy(transport)
        and not IProtocol.providedBy(transport)
    )


def peer_of(address: IAddress | None) -> Peer:
    """Give a Twisted address as plain data.

    Args:
        address: What ``getPeer`` or ``getHost`` gave.

    Returns:
        Host and port; the path of a UNIX socket, or the text of any other address, and None.
    """
    if isinstance(address, IPv4Address | IPv6Address):
        return Peer(address.host, address.port)
    if isinstance(address, UNIXAddress):
        return Peer((address.name or b"").decode("utf-8", "surrogateescape"), None)
    return Peer(str(address), None)
