"""Whom a check judges: an address that was tried, or a server that it started.

::

    target = find("tcp", "127.0.0.1", 9999)
    str(target)                                     # "127.0.0.1:9999"
"""

import socket
import ssl
from dataclasses import dataclass
from typing import Any

from sockproto.core.text import Address, escape, join_host_port
from sockproto.errors import CallFailed, TimedOut
from sockproto.plain.connecting import ConnectionAttempts, connect
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import call_failed
from sockproto.plain.hostname import server_name
from sockproto.plain.resolving import resolve

LISTENS_SECONDS = 0.2
"""How long to wait for an answer, or a connection, where only the server's presence matters."""


@dataclass(frozen=True)
class ServerAddress:
    """A server's socket.

    Attributes:
        kind: ``tcp``, ``udp``, ``unix`` or ``unix-dgram``.
        host: The host as it was given; the path of a UNIX socket.
        port: The port; 0 if it has no port.
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
        kind = "tls" if self.tls is not None else self.kind
        if self.kind not in ("tcp", "udp"):
            return f"{kind} {escape(self.host)}"
        where = join_host_port(self.host, self.port)
        return where if kind == "tcp" else f"{kind} {where}"


def find(
    kind: str, host: str, port: int = 0, tls: ssl.SSLContext | None = None, seconds: float = 10.0
) -> ServerAddress:
    """Find the address at which a server answers.

    Args:
        kind: See ``ServerAddress``.
        host: The host's name or address; the path of a UNIX socket.
        port: The port.
        tls: How to speak TLS; None without.
        seconds: How long the search for the name and connecting may take together; 0: no limit.

    Returns:
        The first of the host's addresses that can be connected to; with datagrams the first that answers
        one, or else that doesn't say that nobody is there.

    Raises:
        CallFailed: None of the addresses answers.
    """
    deadline, address = Deadline(seconds or None), Address(kind, host, port)
    silent: ServerAddress | None = None
    with ConnectionAttempts(resolve(address, seconds), deadline) as attempts:
        for attempt in attempts:
            target = ServerAddress(kind, host, port, attempt.address.family, attempt.address.where, tls)
            try:
                with attempt.take() as sock:
                    _shake_hands(sock, target, deadline)
                if kind != "udp" or _answers(target):
                    return target
                silent = silent or target
            except (
                OSError,
                ValueError,
                TimedOut,
            ) as error:  # ValueError: no name that a certificate can have
                attempt.end(error)
    if silent is None:
        raise _failure(attempts, address)
    return silent


def _shake_hands(sock: socket.socket, target: ServerAddress, deadline: Deadline) -> None:
    """Try TLS, where the server is to speak it."""
    if target.tls is not None:
        sock.settimeout(deadline.timeout())
        target.tls.wrap_socket(sock, server_hostname=server_name(target.host)).close()


def _failure(attempts: ConnectionAttempts, address: Address) -> CallFailed:
    """Return why no address will do; of a single one with what to do."""
    failure = attempts.failure(str(address))
    if len(attempts.begun) == 1 and (error := attempts.begun[0].error):
        return call_failed(error, "connect", str(address), failure.seconds)
    return failure


def is_there(target: ServerAddress) -> bool:
    """Say whether somebody listens at an address: whether nothing says that nobody does."""
    kind = socket.SOCK_DGRAM if target.datagrams else socket.SOCK_STREAM
    try:
        if target.kind == "udp":
            _answers(target)
        else:
            with socket.socket(target.family, kind) as sock:
                connect(sock, target.where, LISTENS_SECONDS)
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:  # too slow, or too full
        pass
    return True


def _answers(target: ServerAddress) -> bool:
    """Say whether something comes back for a datagram.

    Raises:
        ConnectionRefusedError: Nobody is there, as ICMP says.
        OSError: It can't be sent.
    """
    with socket.socket(target.family, socket.SOCK_DGRAM) as sock:
        connect(sock, target.where, LISTENS_SECONDS)
        try:
            sock.send(b"Hello")
            return bool(sock.recv(1))
        except TimeoutError:
            return False


def speaks_tls(target: ServerAddress) -> bool:
    """Say whether a server that is called without TLS would understand it."""
    if target.tls is not None or target.datagrams:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.socket(target.family) as sock:
            connect(sock, target.where, 0.5)
            context.wrap_socket(sock).close()
    except OSError:
        return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on, neither for streams nor for datagrams."""
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
