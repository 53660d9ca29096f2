"""Which way does a server fail? Plain sockets: no Twisted.

The addresses of the host are tried as clients do it (RFC 8305), until one answers; each attempt tells its
outcome, the system's name for the error, and what each phase took::

    result = probe(parse_address("127.0.0.1:9999"))
    result.outcome, result.status       # ("connected", 0)
"""

import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Sequence
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
from sockproto.plain.connecting import ConnectionAttempt, ConnectionAttempts
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import call_failed, most_telling, reason_of
from sockproto.plain.hostname import server_name
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

GIVEN_UP = "given up"
LATE = "no answer yet when another address answered"
"""The outcome, and what is said, of an address that may be dead, or only slow."""

STATUSES = {
    "replied": 0,
    "connected": 0,
    GIVEN_UP: TimedOut.status,
    **{outcome: failure.status for outcome, failure in FAILURES.items()},
}
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
        attempts: What came of each address that was tried: those given up, and the others as they ended.
        outcome: That of the address that answered, or the failure that tells most, or why there was none.
        detail: Why the host has no address; empty where it has.
    """

    address: str
    name_seconds: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    outcome: str = "name not found"
    detail: str = ""

    @property
    def status(self) -> int:
        """The exit status."""
        return STATUSES[self.outcome]


@dataclass(frozen=True)
class ProbeOptions:
    """How to probe.

    Attributes:
        connect_seconds: How long name, connection and TLS may take together; 0: as long as they like.
        reply_seconds: How long to wait for a first byte; for datagrams, for an answer; 0: for ever.
        data: What to send: the datagram, or what is sent once a stream is connected.
        tls: Speak TLS on a stream, with this context.
    """

    connect_seconds: float = 10.0
    reply_seconds: float = 1.0
    data: bytes = b""
    tls: ssl.SSLContext | None = None


def probe(
    address: Address, options: ProbeOptions | None = None, deadline: Deadline | None = None
) -> ProbeResult:
    """Try to reach a server, once.

    Args:
        address: Whom.
        options: How.
        deadline: When all must be over, whatever the options say; None: nothing but the options says.

    Returns:
        What was found.

    Raises:
        OptionError: It is an endpoint description, which only Twisted understands.
    """
    if address.kind == "endpoint":
        raise OptionError(f"{str(address)!r} can't be probed: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    options, deadline = options or ProbeOptions(), deadline or Deadline()
    result, began = ProbeResult(str(address)), time.monotonic()
    found: list[SocketAddress] = []
    try:
        connecting = Deadline(deadline.timeout(options.connect_seconds or None))
        found = resolve(address, connecting.timeout())
        if found[0].where[0] == address.host:  # numeric: nothing was looked up
            connecting = Deadline(deadline.timeout(options.connect_seconds or None))
    except (NameNotFound, TimedOut) as error:
        result.outcome, result.detail = OUTCOMES[type(error)], error.reason.removeprefix("timed out: ")
    except Unreachable as error:
        result.attempts.append(Attempt(str(address), "unreachable", detail=error.reason))
        result.outcome = "unreachable"
    result.name_seconds = time.monotonic() - began
    if found:
        with ConnectionAttempts(found, connecting) as attempts:
            _try_each(attempts, result, _Question(address, options, connecting, deadline))
    return result


def _try_each(attempts: ConnectionAttempts, result: ProbeResult, question: "_Question") -> None:
    """Ask the addresses as they are connected, until one answers; note what came of each."""
    noted: dict[ConnectionAttempt, Attempt] = {}
    for each in attempts:
        attempt = noted[each] = Attempt(str(each.address), connect_seconds=each.seconds)
        try:
            question.ask(each.take(), attempt)
        except (OSError, UnicodeError, ValueError, TimedOut) as error:
            _failed(attempt, error)
        if not STATUSES[attempt.outcome]:
            break
    late = [each for each in attempts.begun if each not in noted]
    given_up = [Attempt(str(each.address), GIVEN_UP, "", each.seconds, detail=LATE) for each in late]
    result.attempts = [*given_up, *noted.values()]
    result.outcome = _outcome([attempt.outcome for attempt in noted.values()])


def _outcome(outcomes: Sequence[str]) -> str:
    """Return the outcome of all: of the last, which has answered, or of the failure that tells most."""
    if not outcomes:
        return "timed out"  # the name took all the time
    if not STATUSES[outcomes[-1]]:
        return outcomes[-1]
    kind = most_telling(FAILURES[outcome] for outcome in outcomes)
    return next(outcome for outcome in outcomes if FAILURES[outcome] is kind)


@dataclass(frozen=True)
class _Question:
    """What a probe asks a server, and until when.

    Attributes:
        address: The server's.
        options: How to ask.
        connecting: When the connection must be there, TLS included.
        deadline: When all must be over.
    """

    address: Address
    options: ProbeOptions
    connecting: Deadline
    deadline: Deadline

    def ask(self, connected: socket.socket, attempt: Attempt) -> None:
        """Wait for a first byte on a connected socket, and close it; what goes wrong is raised, or noted."""
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(connected)
            if self.address.kind == "unix-dgram":
                sock.bind(stack.enter_context(temporary_name()))
            if self.options.tls is not None:
                began = time.monotonic()
                sock.settimeout(self.connecting.timeout())
                name = server_name(self.address.host) if self.address.kind == "tcp" else None
                sock = stack.enter_context(self.options.tls.wrap_socket(sock, server_hostname=name))
                attempt.handshake_seconds = time.monotonic() - began
            datagrams = self.address.datagrams
            attempt.outcome = "silent" if datagrams else "connected"
            reply = Deadline(self.deadline.timeout(self.options.reply_seconds or None))
            sock.settimeout(reply.timeout())
            if datagrams:
                sock.send(self.options.data)
            else:
                sock.sendall(self.options.data)
            sock.settimeout(reply.timeout())
            attempt.reply = sock.recv(65_536)[:80]
            attempt.first_byte_seconds = reply.passed
            attempt.outcome = "replied" if attempt.reply or datagrams else "closed"


def _failed(attempt: Attempt, error: Exception) -> None:
    """Note what went wrong."""
    if isinstance(error, TimedOut) or (isinstance(error, TimeoutError) and error.errno is None):
        return  # what was noted before stands
    attempt.outcome, attempt.detail = OUTCOMES[type(call_failed(error, "connect"))], reason_of(error)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        attempt.errno = errno.errorcode.get(error.errno or 0, "")
        if error.errno == errno.ENOENT:  # a UNIX socket's file does not exist
            attempt.outcome = "unreachable"
