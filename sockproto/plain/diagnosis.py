"""Which way does a server fail? Plain sockets: no Twisted.

Every address of the host is tried in turn, both families, until one answers; each attempt tells its outcome,
the system's name for the error, and what each phase took::

    result = probe(parse_address("127.0.0.1:9999"))
    result.outcome, result.status       # ("connected", 0)
"""

import contextlib
import errno
import socket
import ssl
import time
from dataclasses import dataclass, field

from sockproto.core.text import Address
from sockproto.errors import (
    CallFailed,
    CertificateRejected,
    EmptyReply,
    NameNotFound,
    OptionError,
    Refused,
    Reset,
    TimedOut,
    TLSFailed,
    Unreachable,
)
from sockproto.plain.connecting import connect
from sockproto.plain.failures import call_failed, reason_of
from sockproto.plain.resolving import SocketAddress, resolve
from sockproto.plain.unix import temporary_name

FAILURES: dict[str, type[CallFailed]] = {
    "closed": EmptyReply,
    "reset": Reset,
    "refused": Refused,
    "unreachable": Unreachable,
    "timed out": TimedOut,
    "silent": TimedOut,
    "name not found": NameNotFound,
    "certificate rejected": CertificateRejected,
    "TLS failed": TLSFailed,
}
"""The outcomes that are failures, each with the error that a call would end with."""

STATUSES = {"replied": 0, "connected": 0} | {outcome: failure.status for outcome, failure in FAILURES.items()}
"""Every outcome and its exit status, which is curl's for the same cause."""

OUTCOMES = {failure: outcome for outcome, failure in FAILURES.items() if outcome != "silent"}


@dataclass
class Attempt:
    """What came of one address.

    Attributes:
        address: The numeric address, as people write it.
        outcome: One of ``STATUSES``.
        errno: The system's name for the error, such as ``ECONNREFUSED``; empty where there was none.
        connect_seconds: What connecting took, or failing to.
        handshake_seconds: What the TLS handshake took; None without TLS.
        first_byte_seconds: How long the first byte took from then on; None if none came.
        reply: What came first, at most 80 bytes.
        detail: More about the failure.
    """

    address: str
    outcome: str = "timed out"
    errno: str = ""
    connect_seconds: float = 0.0
    handshake_seconds: float | None = None
    first_byte_seconds: float | None = None
    reply: bytes = b""
    detail: str = ""


@dataclass
class ProbeResult:
    """What a probe found.

    Attributes:
        address: Who was probed.
        name_seconds: What the search for the host's addresses took.
        attempts: What came of each address that was tried, in order.
        outcome: The last one's, or why there was none.
    """

    address: str
    name_seconds: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    outcome: str = "name not found"

    @property
    def status(self) -> int:
        """The exit status."""
        return STATUSES[self.outcome]


@dataclass(frozen=True)
class ProbeOptions:
    """How to probe.

    Attributes:
        connect_seconds: How long the name, and each address, may take; 0: as long as it likes.
        reply_seconds: How long to wait for a first byte; for datagrams, for an answer; 0: for ever.
        data: What to send: the datagram, or what is sent once a stream is connected.
        tls: Speak TLS on a stream, with this context.
    """

    connect_seconds: float = 10.0
    reply_seconds: float = 1.0
    data: bytes = b""
    tls: ssl.SSLContext | None = None


def probe(address: Address, options: ProbeOptions | None = None) -> ProbeResult:
    """Try to reach a server, once.

    Args:
        address: Whom.
        options: How.

    Returns:
        What was found.

    Raises:
        OptionError: It is an endpoint description, which only Twisted understands.
    """
    if address.kind == "endpoint":
        raise OptionError(f"{str(address)!r} can't be probed: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    options = options or ProbeOptions()
    result = ProbeResult(str(address))
    began = time.monotonic()
    found: list[SocketAddress] = []
    try:
        found = resolve(address, options.connect_seconds)
    except (NameNotFound, TimedOut) as error:
        result.outcome = OUTCOMES[type(error)]
    except Unreachable as error:
        result.attempts.append(Attempt(str(address), "unreachable", detail=error.reason))
        result.outcome = "unreachable"
    result.name_seconds = time.monotonic() - began
    for each in found:
        attempt = Attempt(str(each))
        result.attempts.append(attempt)
        try:
            _try(each, attempt, address, options)
        except (OSError, UnicodeError, ValueError) as error:
            _failed(attempt, error)
        result.outcome = attempt.outcome
        if not STATUSES[attempt.outcome]:
            break
    return result


def _try(where: SocketAddress, attempt: Attempt, address: Address, options: ProbeOptions) -> None:
    """Connect, and wait for a first byte; what goes wrong is raised, or noted."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket(where.family, where.kind))
        if address.kind == "unix-dgram":
            sock.bind(stack.enter_context(temporary_name()))
        began = time.monotonic()
        try:
            connect(sock, where.where, options.connect_seconds)
        finally:
            attempt.connect_seconds = time.monotonic() - began
        if options.tls is not None:
            began = time.monotonic()
            name = address.host if address.kind == "tcp" else None
            sock = stack.enter_context(options.tls.wrap_socket(sock, server_hostname=name))
            attempt.handshake_seconds = time.monotonic() - began
        began = time.monotonic()
        sock.settimeout(options.reply_seconds or None)
        attempt.outcome = "silent" if address.datagrams else "connected"
        if address.datagrams:
            sock.send(options.data)
        else:
            sock.sendall(options.data)
        attempt.reply = sock.recv(65_536)[:80]
        attempt.first_byte_seconds = time.monotonic() - began
        attempt.outcome = "replied" if attempt.reply or address.datagrams else "closed"


def _failed(attempt: Attempt, error: Exception) -> None:
    """Note what went wrong."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return  # what was noted before stands
    attempt.outcome, attempt.detail = OUTCOMES[type(call_failed(error, "connect"))], reason_of(error)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        attempt.errno = errno.errorcode.get(error.errno or 0, "")
        if error.errno == errno.ENOENT:  # a UNIX socket's file: nobody is there to refuse
            attempt.outcome = "unreachable"
