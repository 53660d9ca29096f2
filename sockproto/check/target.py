"""Whom a check judges: an address that was tried, or a server that it started.

::

    target = find("tcp", "127.0.0.1", 9999)
    str(target)                                     # "127.0.0.1:9999"
"""

import contextlib
import errno
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Any

from sockproto.errors import (
    CallFailed,
    CertificateRejected,
    NameNotFound,
    Refused,
    TimedOut,
    TLSFailed,
    Unreachable,
)


@dataclass(frozen=True)
class Target:
    """A server's socket.

    Attributes:
        kind: ``tcp``, ``udp``, ``unix`` or ``unix-dgram``.
        host: The host as it was given; the path of a UNIX socket.
        port: The port; 0 where there is none.
        family: The family of its socket.
        where: What to connect to.
        tls: How to speak TLS; None without.
    """

    kind: str
    host: str
    port: int
    family: socket.AddressFamily
    where: Any
    tls: ssl.SSLContext | None = None

    @property
    def datagrams(self) -> bool:
        """Whether it takes datagrams, not a stream."""
        return self.kind in ("udp", "unix-dgram")

    def __str__(self) -> str:
        host = self.host.encode("unicode_escape").decode("ascii")
        kind = "tls" if self.tls is not None else self.kind
        if self.kind not in ("tcp", "udp"):
            return f"{kind} {host}"
        where = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        return where if kind == "tcp" else f"{kind} {where}"


def find(
    kind: str, host: str, port: int = 0, tls: ssl.SSLContext | None = None, seconds: float = 10.0
) -> Target:
    """Find the address at which a server answers.

    Args:
        kind: See ``Target``.
        host: The host's name or address; the path of a UNIX socket.
        port: The port.
        tls: How to speak TLS; None without.
        seconds: How long the search for the name, and each of its addresses, may take; 0: no limit.

    Returns:
        The first of the host's addresses that can be connected to.

    Raises:
        CallFailed: There is none.
    """
    wanted = socket.SOCK_DGRAM if kind in ("udp", "unix-dgram") else socket.SOCK_STREAM
    failure: OSError | None = None
    for family, where in _addresses(kind, host, port, wanted, seconds):
        target = Target(kind, host, port, family, where, tls)
        try:
            with socket.socket(family, wanted) as sock:
                sock.settimeout(seconds or None)
                sock.connect(where)
                if tls is not None:
                    tls.wrap_socket(sock, server_hostname=host).close()
            if kind == "udp" and not is_there(target):
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            return target
        except OSError as error:
            failure = error
    raise _call_failed(
        failure, str(Target(kind, host, port, socket.AF_INET, None, tls)), seconds
    ) from failure


def is_there(target: Target) -> bool:
    """Say whether somebody listens at an address: whether nothing says that nobody does."""
    kind = socket.SOCK_DGRAM if target.datagrams else socket.SOCK_STREAM
    try:
        with socket.socket(target.family, kind) as sock:
            sock.settimeout(0.2)
            sock.connect(target.where)
            if target.kind == "udp":
                sock.send(b"Hello")
                sock.recv(1)  # what ICMP says, if there is nobody
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:  # too slow, or too full
        pass
    return True


def speaks_tls(target: Target) -> bool:
    """Say whether a server that is called without TLS would understand it."""
    if target.tls is not None or target.datagrams:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.socket(target.family) as sock:
            sock.settimeout(0.5)
            sock.connect(target.where)
            context.wrap_socket(sock).close()
    except OSError:
        return False
    return True


def _call_failed(failure: OSError | None, name: str, seconds: float) -> CallFailed:
    """Give our error for the system's."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        reason = (
            f"the certificate is refused: {failure.verify_message}; name the authority with --cacert FILE"
        )
        return CertificateRejected(f"{reason}, or say --insecure", name, "handshake")
    if isinstance(failure, ssl.SSLError):
        reason = failure.reason or str(failure)
        return TLSFailed(f"the TLS handshake failed ({reason}); does it speak TLS?", name, "handshake")
    if isinstance(failure, TimeoutError):
        return TimedOut(f"no answer within {seconds:g} s", name, "connect")
    reason = failure.strerror if failure and failure.strerror else str(failure)
    if isinstance(failure, ConnectionRefusedError | FileNotFoundError):
        return Refused(f"nothing listens there ({reason}): start the server first", name, "connect")
    return Unreachable(reason, name, "connect")


def _addresses(
    kind: str, host: str, port: int, wanted: int, seconds: float
) -> "list[tuple[socket.AddressFamily, Any]]":
    """Give family and address of each socket to try; the search can't be cut, so it has a thread."""
    if kind.startswith("unix"):
        return [(socket.AF_UNIX, host)]
    found: list[Any] = []

    def search() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, port, type=wanted))
        found.append(None)

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(seconds or None)
    if not found:
        raise TimedOut(f"no address of {host!r} within {seconds:g} s", phase="name")
    if len(found) == 1:
        raise NameNotFound(f"{host!r} has no address: check the name", phase="name")
    return list(dict.fromkeys((each[0], each[4]) for each in found[:-1]))


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listens on, neither for streams nor for datagrams."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family) as stream, socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            stream.bind((host, 0))
            port = int(stream.getsockname()[1])
            try:
                datagrams.bind((host, port))
            except OSError:
                continue
            return port
