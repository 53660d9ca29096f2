"""What the stream carrier has to know of Twisted's transports and their addresses.

::

    if can_half_close(self.transport):
        self.transport.loseWriteConnection()
"""

import fcntl
import os
import struct
import termios
from socket import SO_ERROR, SOL_SOCKET, socket
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableDescriptor,
    IProtocol,
    ISSLTransport,
    ISystemHandle,
)

from sockproto.core.conversation import Peer


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


def announces_handshake(transport: Any) -> bool:
    """Tell whether a transport has a TLS handshake and says when it is done.

    A wrapper around a TLS transport claims to be one, and keeps the end of the handshake to itself.

    Args:
        transport: An ``ITransport``.

    Returns:
        Whether ``handshakeCompleted`` will be called.
    """
    return ISSLTransport.providedBy(transport) and (
        ISSLTransport.implementedBy(type(transport)) or not IProtocol.providedBy(transport)
    )


def unsent_bytes(transport: Any) -> int | None:
    """Tell how many bytes a transport, and the kernel below it, still hold for the peer.

    Args:
        transport: An ``ITransport``; of a wrapper, the transport below it is asked too.

    Returns:
        The bytes not yet acknowledged by the peer's system; None where the transport can't tell.
    """
    unsent, told = 0, False
    while transport is not None:
        told = told or hasattr(transport, "dataBuffer")
        # Twisted has no public way to ask. These are the buffers of FileDescriptor and of TLS.
        unsent += len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
        unsent += getattr(transport, "_tempDataLen", 0)
        unsent += sum(map(len, getattr(transport, "_appSendBuffer", ())))
        unsent += _kernel_bytes(transport, termios.TIOCOUTQ)
        transport = getattr(transport, "transport", None)
    return unsent if told else None


def unread_bytes(transport: Any) -> int:
    """Tell how many bytes wait in the kernel for us; 0 for a transport that can't tell."""
    return _kernel_bytes(transport, termios.FIONREAD)


def is_reset(transport: Any) -> bool:
    """Tell whether the connection was cut; the epoll reactor may call that the end of the peer's half."""
    handle = transport.getHandle() if ISystemHandle.providedBy(transport) else None
    if not isinstance(handle, socket):
        return False
    try:
        return bool(handle.getsockopt(SOL_SOCKET, SO_ERROR))
    except OSError:
        return True


def _kernel_bytes(transport: Any, question: int) -> int:
    handle = transport.getHandle() if ISystemHandle.providedBy(transport) else None
    if not isinstance(handle, socket):
        return 0
    try:
        answer = fcntl.ioctl(handle.fileno(), question, struct.pack("i", 0))
    except (OSError, ValueError):  # closed, or a kind of socket that is not asked this
        return 0
    return int(struct.unpack("i", answer)[0])


def peer_of(address: IAddress | None) -> Peer:
    """Give a Twisted address as plain data.

    Args:
        address: What ``getPeer`` or ``getHost`` gave.

    Returns:
        Host and port; the path of a UNIX socket and None; the text of any other address and 0.
    """
    if isinstance(address, IPv4Address | IPv6Address):
        return Peer(address.host, address.port)
    if isinstance(address, UNIXAddress):
        return Peer((address.name or b"").decode("utf-8", "surrogateescape"), None)
    return Peer(str(address), 0)


def datagram_peer(address: tuple[str, int] | bytes | str) -> Peer:
    """Give the address of a datagram as plain data.

    Args:
        address: What ``datagramReceived`` was given.
    """
    if type(address) is tuple:
        return Peer(address[0], address[1])
    return Peer(os.fsdecode(cast("bytes | str", address)), None)


def certificate_of(transport: Any) -> bytes | None:
    """Give the certificate that the peer of a TLS transport has shown, in DER; None if it has shown none."""
    certificate = transport.getPeerCertificate()
    if certificate is None:
        return None
    from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

    return dump_certificate(FILETYPE_ASN1, certificate)
