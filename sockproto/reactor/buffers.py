"""How many bytes a transport and the kernel below it hold, in either direction.

Twisted has no public way to ask its transports::

    if unsent_bytes(transport) == 0:
        transport.abortConnection()     # nothing is lost by it
"""

import fcntl
import struct
import termios
from socket import SO_ERROR, SOL_SOCKET, socket
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import ISystemHandle

from sockproto.reactor.names import RelyingOn

try:
    from twisted.protocols.tls import TLSMemoryBIOProtocol
except ImportError:  # without the extra tls
    TLSMemoryBIOProtocol = None  # type: ignore[assignment,misc]  # no transport is one

RELIES_ON: RelyingOn = {FileDescriptor: ("_tempDataLen", "dataBuffer", "offset")}
if TLSMemoryBIOProtocol is not None:
    RELIES_ON = {**RELIES_ON, TLSMemoryBIOProtocol: ("_appSendBuffer",)}


def held_bytes(transport: Any) -> int | None:
    """Tell how many bytes a transport itself holds for what is below it.

    Args:
        transport: An ``ITransport``.

    Returns:
        The bytes, 0 for a wrapper, which passes them on at once; None where the transport can't tell.
    """
    try:
        if isinstance(transport, FileDescriptor):
            return len(transport.dataBuffer) - transport.offset + transport._tempDataLen
        if TLSMemoryBIOProtocol is not None and isinstance(transport, TLSMemoryBIOProtocol):
            return sum(map(len, transport._appSendBuffer))
    except AttributeError:  # Twisted calls it something else
        return None
    return 0 if hasattr(transport, "transport") else None


def unsent_bytes(transport: Any) -> int | None:
    """Tell how many bytes a transport, and the kernel below it, still hold for the peer.

    Args:
        transport: An ``ITransport``; of a wrapper, the transport below it is asked too.

    Returns:
        The bytes not yet acknowledged by the peer's system; None where the transport can't tell.
    """
    unsent = 0
    while True:
        held = held_bytes(transport)
        if held is None:
            return None
        unsent += held
        below = getattr(transport, "transport", None)
        if below is None:
            return unsent + _kernel_bytes(transport, termios.TIOCOUTQ)
        transport = below


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
