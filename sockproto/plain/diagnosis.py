"""Which way does a server fail? Plain sockets and ``connect_ex``: no Twisted.

Every address of the host is tried in turn, both families, until one answers; each attempt tells its outcome,
the system's name for the error, and what each phase took::

    result = probe(parse_address("127.0.0.1:9999"))
    result.outcome, result.status       # ("connected", 0)
"""

import contextlib
import errno
import math
import os
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sockproto.core.text import Address, temporary_name
from sockproto.errors import OptionError

STATUSES = {
    "replied": 0,
    "connected": 0,
    "closed": 52,
    "reset": 56,
    "refused": 7,
    "unreachable": 7,
    "timed out": 28,
    "silent": 28,
    "name not found": 6,
    "certificate rejected": 60,
    "TLS failed": 35,
}
"""Every outcome and its exit status, which is curl's for the same cause."""


Target: TypeAlias = tuple[Any, Any, Any]
"""Family and kind of a socket, and where to connect it."""


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
class Result:
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
class Terms:
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


def probe(address: Address, terms: Terms | None = None) -> Result:
    """Try to reach a server, once.

    Args:
        address: Whom.
        terms: How.

    Returns:
        What was found.

    Raises:
        OptionError: It is an endpoint description, which only Twisted understands.
    """
    if address.kind == "endpoint":
        raise OptionError(f"{str(address)!r} can't be probed: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    terms = terms or Terms()
    result = Result(str(address))
    began = time.monotonic()
    targets: list[Target] = []
    try:
        targets = _resolve(address, terms.connect_seconds)
    except TimeoutError:
        result.outcome = "timed out"
    except (OSError, UnicodeError):
        pass  # the name was not found, as the result says already
    result.name_seconds = time.monotonic() - began
    for target in targets:
        attempt = Attempt(_written(target))
        result.attempts.append(attempt)
        try:
            _try(target, attempt, address, terms)
        except (OSError, UnicodeError, ValueError) as error:
            _failed(attempt, error)
        result.outcome = attempt.outcome
        if not STATUSES[attempt.outcome]:
            break
    return result


def _resolve(address: Address, seconds: float) -> "list[Target]":
    """Give family, kind and address of each socket to try; the search can't be cut, so it has a thread."""
    kind = socket.SOCK_DGRAM if address.datagrams else socket.SOCK_STREAM
    if address.kind.startswith("unix"):
        return [(socket.AF_UNIX, kind, address.host)]
    found: list[Any] = []

    def search() -> None:
        try:
            found.append(socket.getaddrinfo(address.host, address.port, type=kind))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(seconds or None)
    if not found:
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    return list(dict.fromkeys((family, kind, where) for family, _, _, _, where in found[0]))


def _try(target: Target, attempt: Attempt, address: Address, terms: Terms) -> None:
    """Connect, and wait for a first byte; what goes wrong is raised, or noted."""
    family, kind, where = target
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket(family, kind))
        if address.kind == "unix-dgram":
            sock.bind(stack.enter_context(temporary_name()))
        began = time.monotonic()
        number = _connect(sock, where, terms.connect_seconds)
        attempt.connect_seconds = time.monotonic() - began
        if number:
            raise OSError(number, os.strerror(number))
        if terms.tls is not None:
            began = time.monotonic()
            sock.settimeout(terms.connect_seconds or None)
            name = address.host if address.kind == "tcp" else None
            sock = stack.enter_context(terms.tls.wrap_socket(sock, server_hostname=name))
            attempt.handshake_seconds = time.monotonic() - began
        began = time.monotonic()
        sock.settimeout(terms.reply_seconds or None)
        attempt.outcome = "silent" if address.datagrams else "connected"
        if address.datagrams:
            sock.send(terms.data)
        else:
            sock.sendall(terms.data)
        attempt.reply = sock.recv(65_536)[:80]
        attempt.first_byte_seconds = time.monotonic() - began
        attempt.outcome = "replied" if attempt.reply or address.datagrams else "closed"


def _connect(sock: socket.socket, where: Any, seconds: float) -> int:
    """Connect; give the number of the error, 0 if there was none."""
    deadline = time.monotonic() + seconds if seconds else math.inf
    sock.setblocking(False)
    number = sock.connect_ex(where)
    while number == errno.EAGAIN:  # a UNIX socket's full backlog: nobody can wait for it
        if time.monotonic() >= deadline:
            return errno.ETIMEDOUT
        time.sleep(0.05)
        number = sock.connect_ex(where)
    if number != errno.EINPROGRESS:
        return number
    if not select.select([], [sock], [], seconds or None)[1]:
        return errno.ETIMEDOUT
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _failed(attempt: Attempt, error: Exception) -> None:
    """Note what went wrong."""
    if isinstance(error, ssl.SSLCertVerificationError):
        attempt.outcome, attempt.detail = "certificate rejected", error.verify_message
    elif isinstance(error, ssl.SSLError):
        attempt.outcome, attempt.detail = "TLS failed", error.reason or str(error)
    elif isinstance(error, TimeoutError) and error.errno is None:
        pass  # what was noted before stands
    elif not isinstance(error, OSError) or not error.errno:
        attempt.outcome, attempt.detail = "unreachable", str(error)
    else:
        attempt.errno = errno.errorcode.get(error.errno, "")
        attempt.outcome = {
            errno.ECONNREFUSED: "refused",
            errno.ECONNRESET: "reset",
            errno.EPIPE: "reset",
            errno.ETIMEDOUT: "timed out",
        }.get(error.errno, "unreachable")
        attempt.detail = os.strerror(error.errno)


def _written(target: Target) -> str:
    family, _, where = target
    if family == socket.AF_UNIX:
        return str(Address("unix", where))
    return f"[{where[0]}]:{where[1]}" if family == socket.AF_INET6 else f"{where[0]}:{where[1]}"
