r"""A connection: name, TCP, TLS, bytes both ways; each step within its time.

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
from typing import TYPE_CHECKING, Final, NamedTuple

from sockproto.core.text import Address
from sockproto.errors import CallFailed, Reset, TimedOut
from sockproto.plain.connecting import connect_first
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import call_failed, reason_of
from sockproto.plain.hostname import server_name
from sockproto.plain.resolving import resolve

if TYPE_CHECKING:
    import ssl

RECEIVE_BYTES: Final = 131_072
"""So much is read at a time: enough that the system calls don't count."""


class ConnectOptions(NamedTuple):
    """How to connect.

    Attributes:
        connect_seconds: For name, TCP and TLS together; nginx's ``proxy_connect_timeout``.
        read_seconds: How long the peer may be silent; nginx's ``proxy_read_timeout``.
        family: ``AF_INET`` or ``AF_INET6`` for one of the two, 0 for both.
        authorities: File of the certificates to trust; None: the system's.
        insecure: Whether any certificate will do.
    """

    connect_seconds: float | None = 60.0
    read_seconds: float | None = 60.0
    family: int = 0
    authorities: str | None = None
    insecure: bool = False


class SocketStream:
    """Bytes both ways.

    Args:
        sock: A connected socket, or TLS over one.
        read_seconds: How long the peer may be silent.
        deadline: When all must be over.

    Attributes:
        clean: False once TLS has ended without saying so: somebody may have cut it.
    """

    def __init__(self, sock: socket.socket, read_seconds: float | None, deadline: Deadline) -> None:
        self.clean = True
        self._socket, self._read_seconds, self._deadline = sock, read_seconds, deadline

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._socket.settimeout(self._deadline.timeout(self._read_seconds))
            self._socket.sendall(data)
        except OSError as error:
            raise self._told(error) from error

    def receive(self) -> bytes:
        """Give what has come, at least a byte; none: the peer has ended."""
        try:
            self._socket.settimeout(self._deadline.timeout(self._read_seconds))
            return self._socket.recv(RECEIVE_BYTES)
        except OSError as error:
            if type(error).__name__ in ("SSLEOFError", "SSLZeroReturnError"):
                self.clean = type(error).__name__ == "SSLZeroReturnError"
                return b""
            raise self._told(error) from error

    def check(self) -> None:
        """See that there is time left, in work that neither sends nor receives.

        Raises:
            TimedOut: There is none.
        """
        self._deadline.timeout()

    def _told(self, error: OSError) -> CallFailed:
        if isinstance(error, TimeoutError):
            return TimedOut(
                f"timed out: gave up waiting for the server after {self._deadline.passed:.1f} seconds"
            )
        return Reset(f"the connection was cut: {reason_of(error)}")

    def __enter__(self) -> "SocketStream":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.close()


def connect(
    host: str,
    port: int,
    options: ConnectOptions,
    deadline: Deadline,
    context: "ssl.SSLContext | None" = None,
    mark: Callable[[str, str], object] = lambda step, detail: None,
) -> SocketStream:
    """Connect.

    Args:
        host: Name or address.
        port: Port.
        options: How.
        deadline: When all must be over.
        context: For TLS; None: without.
        mark: Called at the end of each step, with ``namelookup``, ``connect`` or ``appconnect`` and a text.

    Raises:
        CallFailed: It can't be done; the type says why.
    """
    connecting = Deadline(deadline.timeout(options.connect_seconds))
    addresses = resolve(Address("tcp", host, port), connecting.timeout(), options.family)
    mark("namelookup", f"Host {host} is {', '.join(each.host for each in addresses)}")
    sock = connect_first(addresses, connecting)
    try:
        with suppress(OSError):  # it may be cut again already, which reading will tell
            mark("connect", "Connected to {} port {}".format(*sock.getpeername()[:2]))
        if context is not None:
            sock = _secure(sock, host, context, connecting)
            mark("appconnect", f"{sock.version()} with {(sock.cipher() or ['?'])[0]}")
    except BaseException:
        sock.close()
        raise
    return SocketStream(sock, options.read_seconds, deadline)


def tls_context(options: ConnectOptions) -> "ssl.SSLContext":
    """Return how TLS is spoken: certificates and names are checked, unless that was switched off."""
    from sockproto.plain import tls  # which takes as long to load as all the rest

    context = tls.tls_context(options.authorities, options.insecure)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _secure(sock: socket.socket, host: str, context: "ssl.SSLContext", deadline: Deadline) -> "ssl.SSLSocket":
    try:
        sock.settimeout(deadline.timeout())
        return context.wrap_socket(sock, server_hostname=server_name(host), suppress_ragged_eofs=False)
    except (OSError, ValueError) as error:
        raise call_failed(error, "handshake", seconds=deadline.passed) from error
