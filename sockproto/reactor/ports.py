"""Ports whose connections cost less.

::

    port = reactor.listenTCP(9999, factory, interface="127.0.0.1")
    flush_after_reads(port)
"""

from typing import Any

from twisted.internet import tcp, unix

from sockproto.reactor.connections import TCPConnection, UNIXConnection, has_known_buffers


def flush_after_reads(port: Any) -> Any:
    """Have the connections that a port accepts from now on send at the end of a read.

    Args:
        port: What ``listenTCP``, ``listenSSL``, ``listenUNIX`` or an endpoint gave. One with transports of
            its own keeps them, and so does any where Twisted has changed what ours rely on.

    Returns:
        The same.
    """
    transports = {tcp.Server: TCPConnection, unix.Server: UNIXConnection}
    transport = getattr(port, "transport", None)
    if transport in transports and has_known_buffers():
        port.transport = transports[transport]
    return port
