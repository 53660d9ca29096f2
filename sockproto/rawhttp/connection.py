r"""A connection: name, TCP, a proxy's tunnel, TLS; each step within its time.

Everything that a socket may raise becomes one of sockproto's errors. Names and addresses are tried in
``sockproto.plain``, on the same plain sockets, for all that use them::

    options = ConnectOptions()
    with connect("example.com", 443, options, Deadline(10), tls_context(options)) as stream:
        stream.send(b"HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        stream.receive()
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sockproto.core.text import Address
from sockproto.errors import CallFailed, NameNotFound, ProxyNotFound
from sockproto.plain.connecting import connect_first
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import call_failed
from sockproto.plain.hostname import server_name
from sockproto.plain.resolving import resolve
from sockproto.rawhttp.proxy import Proxy, open_tunnel
from sockproto.rawhttp.stream import SocketStream

if TYPE_CHECKING:
    import ssl


class ConnectOptions(NamedTuple):
    """How to connect.

    Attributes:
        connect_seconds: For name, TCP and TLS together; nginx's ``proxy_connect_timeout``.
        read_seconds: How long the peer may be silent; nginx's ``proxy_read_timeout``.
        family: ``AF_INET`` or ``AF_INET6`` for one of the two, 0 for both.
        authorities: File of the certificates to trust; None: the system's.
        insecure: Whether any certificate will do.
        certificate: File of the client's own certificate, and of its key unless that is in another file.
        key: File of the key.
        password: The key's; None: it has none.
    """

    connect_seconds: float | None = 60.0
    read_seconds: float | None = 60.0
    family: int = 0
    authorities: str | None = None
    insecure: bool = False
    certificate: str | None = None
    key: str | None = None
    password: str | None = None


def connect(
    host: str,
    port: int,
    options: ConnectOptions,
    deadline: Deadline,
    context: "ssl.SSLContext | None" = None,
    mark: Callable[[str, str], object] = lambda step, detail: None,
    proxy: Proxy | None = None,
) -> SocketStream:
    """Connect.

    Args:
        host: Name or address.
        port: Port.
        options: How.
        deadline: When all must be over.
        context: For TLS; None: without.
        mark: Called at the end of each step, with ``namelookup``, ``connect``, ``tunnel`` or ``appconnect``
            and a text.
        proxy: Connect to it; for TLS have it open a tunnel.

    Raises:
        CallFailed: It can't be done; the type says why.
    """
    connecting = Deadline(deadline.timeout(options.connect_seconds))
    try:
        sock = _reach(proxy.host if proxy else host, proxy.port if proxy else port, options, connecting, mark)
    except CallFailed as error:
        if proxy is None:
            raise
        kind = ProxyNotFound if isinstance(error, NameNotFound) else type(error)
        raise kind(f"the proxy {proxy}: {error.reason}", "", error.phase, error.seconds) from error
    try:
        with suppress(OSError):  # it may be cut again already, which reading will tell
            mark("connect", "Connected to {} port {}".format(*sock.getpeername()[:2]))
        if context is not None:
            if proxy is not None:
                opened = open_tunnel(SocketStream(sock, options.read_seconds, connecting), host, port, proxy)
                mark("tunnel", f"Tunnel to {host} port {port}: {opened.code} {ascii(opened.reason)[2:-1]}")
            sock = _secure(sock, host, context, connecting)
            mark("appconnect", f"{sock.version()} with {(sock.cipher() or ['?'])[0]}")
    except BaseException:
        sock.close()
        raise
    return SocketStream(sock, options.read_seconds, deadline)


def _reach(
    host: str, port: int, options: ConnectOptions, deadline: Deadline, mark: Callable[[str, str], object]
) -> socket.socket:
    addresses = resolve(Address("tcp", host, port), deadline.timeout(), options.family)
    mark("namelookup", f"Host {host} is {', '.join(each.host for each in addresses)}")
    return connect_first(addresses, deadline)


def tls_context(options: ConnectOptions) -> "ssl.SSLContext":
    """Return how TLS is spoken: certificates and names are checked, unless that was switched off."""
    from sockproto.plain import tls  # which takes as long to load as all the rest

    context = tls.tls_context(
        options.authorities, options.insecure, options.certificate, options.key, options.password or ""
    )
    context.set_alpn_protocols(["http/1.1"])
    return context


def _secure(sock: socket.socket, host: str, context: "ssl.SSLContext", deadline: Deadline) -> "ssl.SSLSocket":
    try:
        sock.settimeout(deadline.timeout())
        return context.wrap_socket(sock, server_hostname=server_name(host), suppress_ragged_eofs=False)
    except (OSError, ValueError) as error:
        raise call_failed(error, "handshake", seconds=deadline.passed) from error
