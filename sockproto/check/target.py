"""Whom a check judges: an address that was tried, or a server that it started.

::

    target = find("tcp", "127.0.0.1", 9999)
    str(target)                                     # "127.0.0.1:9999"
"""

import errno
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from sockproto.core.text import Address, escape, join_host_port
from sockproto.plain.connecting import connect
from sockproto.plain.failures import call_failed
from sockproto.plain.resolving import resolve


@dataclass(frozen=True)
class ServerAddress:
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
        seconds: How long the search for the name, and each of its addresses, may take; 0: no limit.

    Returns:
        The first of the host's addresses that can be connected to.

    Raises:
        CallFailed: There is none.
    """
    failure: Exception | None = None
    for address in resolve(Address(kind, host, port), seconds):
        target = ServerAddress(kind, host, port, address.family, address.where, tls)
        try:
            with socket.socket(address.family, address.kind) as sock:
                connect(sock, address.where, seconds)
                if tls is not None:
                    tls.wrap_socket(sock, server_hostname=host).close()
            if kind == "udp" and not is_there(target):
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            return target
        except (OSError, ValueError) as error:  # ValueError: no name that a certificate can have
            failure = error
    assert failure is not None
    raise call_failed(failure, "connect", str(target), seconds) from failure


def is_there(target: ServerAddress) -> bool:
    """Say whether somebody listens at an address: whether nothing says that nobody does."""
    kind = socket.SOCK_DGRAM if target.datagrams else socket.SOCK_STREAM
    try:
        with socket.socket(target.family, kind) as sock:
            connect(sock, target.where, 0.2)
            if target.kind == "udp":
                sock.send(b"Hello")
                sock.recv(1)  # what ICMP says, if there is nobody
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:  # too slow, or too full
        pass
    return True


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
