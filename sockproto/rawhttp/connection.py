r"""A connection: name, TCP, TLS, bytes both ways; each step within its time.

Everything that a socket may raise becomes one of sockproto's errors::

    with connect("example.com", 443, Terms(), Deadline(10), tls_context(Terms())) as connection:
        connection.send(b"HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        connection.receive()
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sockproto.errors import (
    CallFailed,
    CertificateRejected,
    NameNotFound,
    Refused,
    Reset,
    TimedOut,
    TLSFailed,
    Unreachable,
    UnreadableAuthorities,
)

if TYPE_CHECKING:
    import ssl

RECEIVE_BYTES: Final = 131_072
"""So much is read at a time: enough that the system calls don't count."""


class Terms(NamedTuple):
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


class Deadline:
    """The end of the time for all of it.

    Args:
        seconds: How long it may take; None: no end.
        clock: Gives seconds.
    """

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.began, self._seconds, self._clock = clock(), seconds, clock

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return self._clock() - self.began

    def left(self, bound: float | None = None) -> float | None:
        """Give how long the next step may take, at most *bound*; None: for ever.

        Raises:
            TimedOut: No time is left.
        """
        if self._seconds is None:
            left = bound
        else:
            left = self._seconds - self.passed
            left = left if bound is None else min(left, bound)
        if left is not None and left <= 0:
            raise TimedOut(f"timed out after {self.passed:.1f} seconds")
        return left


class Connection:
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
            self._socket.settimeout(self._deadline.left(self._read_seconds))
            self._socket.sendall(data)
        except OSError as error:
            raise self._told(error) from error

    def receive(self) -> bytes:
        """Give what has come, at least a byte; none: the peer has ended."""
        try:
            self._socket.settimeout(self._deadline.left(self._read_seconds))
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
        self._deadline.left()

    def _told(self, error: OSError) -> CallFailed:
        if isinstance(error, TimeoutError):
            return TimedOut(
                f"timed out: gave up waiting for the server after {self._deadline.passed:.1f} seconds"
            )
        return Reset(f"the connection was cut: {_text(error)}")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.close()


def connect(
    host: str,
    port: int,
    terms: Terms,
    deadline: Deadline,
    context: "ssl.SSLContext | None" = None,
    mark: Callable[[str, str], object] = lambda step, detail: None,
) -> Connection:
    """Connect.

    Args:
        host: Name or address.
        port: Port.
        terms: How.
        deadline: When all must be over.
        context: For TLS; None: without.
        mark: Called at the end of each step, with ``namelookup``, ``connect`` or ``appconnect`` and a text.

    Raises:
        CallFailed: It can't be done; the type says why.
    """
    connecting = Deadline(deadline.left(terms.connect_seconds))
    addresses = _look_up(host, port, terms.family, connecting)
    mark("namelookup", f"Host {host} is {', '.join(dict.fromkeys(a[4][0] for a in addresses))}")
    sock = _dial(addresses, connecting)
    try:
        with suppress(OSError):  # it may be cut again already, which reading will tell
            mark("connect", "Connected to {} port {}".format(*sock.getpeername()[:2]))
        if context is not None:
            sock = _secure(sock, host, context, connecting)
            mark("appconnect", f"{sock.version()} with {(sock.cipher() or ['?'])[0]}")
    except BaseException:
        sock.close()
        raise
    return Connection(sock, terms.read_seconds, deadline)


def _look_up(host: str, port: int, family: int, deadline: Deadline) -> list[Any]:
    """Ask the resolver, which knows no time-out, in a thread that nobody waits for."""
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty:
        raise TimedOut(f"no answer of the name service after {deadline.passed:.1f} seconds") from None
    if isinstance(answer, list) and answer:
        return answer
    reason = _text(answer) if isinstance(answer, OSError) else "no such name"
    raise NameNotFound(f"the name {host} has no address: {reason}; is it spelled right?")


def _dial(addresses: list[Any], deadline: Deadline) -> socket.socket:
    """Try the addresses in turn, each with its share of the time."""
    told, failure = list[str](), OSError()
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        left = deadline.left()
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that the system doesn't have
            told, failure = [*told, f"{address[0]} port {address[1]}: {_text(error)}"], error
            continue
        try:
            sock.settimeout(left and left / (len(addresses) - number))
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            told, failure = [*told, f"{address[0]} port {address[1]}: {_text(error)}"], error
        except BaseException:
            sock.close()
            raise
    kind = {ConnectionRefusedError: Refused, TimeoutError: TimedOut}.get(type(failure), Unreachable)
    raise kind(f"can't connect: {'; '.join(told)}", phase="connect", seconds=deadline.passed)


def tls_context(terms: Terms) -> "ssl.SSLContext":
    """Give how TLS is spoken: certificates and names are checked, unless that was switched off."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=terms.authorities)
    except OSError as error:
        raise UnreadableAuthorities(f"can't read the certificates of {terms.authorities}: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    if terms.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _secure(sock: socket.socket, host: str, context: "ssl.SSLContext", deadline: Deadline) -> "ssl.SSLSocket":
    import ssl

    try:
        sock.settimeout(deadline.left())
        return context.wrap_socket(sock, server_hostname=host.rstrip("."), suppress_ragged_eofs=False)
    except ssl.SSLCertVerificationError as error:
        reason = f"{error.verify_message or _text(error)}; --cacert FILE trusts another authority"
        raise CertificateRejected(reason, phase="handshake", seconds=deadline.passed) from error
    except TimeoutError as error:
        raise TimedOut(f"TLS handshake: timed out after {deadline.passed:.1f} seconds") from error
    except (OSError, ValueError) as error:
        reason = f"TLS handshake: {_text(error)}; does the server speak TLS there?"
        raise TLSFailed(reason, phase="handshake", seconds=deadline.passed) from error


def _text(error: BaseException) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error or "timed out")
