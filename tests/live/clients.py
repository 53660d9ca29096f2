"""Blocking clients, as the socket tutorials write them; no operation of theirs waits for ever."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hanging import TIMEOUT


def tcp_client(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Connect; each small send is a segment of its own."""
    client = socket.create_connection((host, port), timeout=TIMEOUT)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def udp_client(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Have a UDP socket that talks to one server only, and hears if nobody is there."""
    client = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(TIMEOUT)
    client.connect((host, port))
    return client


def unix_client(path: Path) -> socket.socket:
    """Connect to a UNIX socket."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(TIMEOUT)
    client.connect(str(path))
    return client


@contextmanager
def unix_datagram_client(path: Path, own_path: Path) -> Iterator[socket.socket]:
    """Have a UNIX datagram socket with a name, without which nobody could answer it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT)
        client.bind(str(own_path))
        client.connect(str(path))
        yield client


def receive(client: socket.socket, size: int) -> bytes:
    """Read so many bytes, fewer only if the stream ends."""
    data = bytearray()
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return bytes(data)


def receive_all(client: socket.socket) -> bytes:
    """Read until the stream ends; a reset is an error."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def ask(client: socket.socket, request: bytes, reply: bytes) -> None:
    """Send a request and see that this reply, no more and no less, comes back."""
    client.sendall(request)
    assert receive(client, len(reply)) == reply
    assert not readable(client, 0)


def readable(client: socket.socket, seconds: float) -> bool:
    """Wait so long for something to read, or the end of the stream."""
    return bool(select.select([client], [], [], seconds)[0])


def send_until_stalled(client: socket.socket, data: bytes, total: int, patience: float = 1.0) -> int:
    """Send *data* again and again, up to *total* bytes, until nothing was taken for *patience* seconds.

    Returns:
        How many bytes were taken; if the server closes meanwhile, until then.
    """
    view, sent = memoryview(data), 0
    client.setblocking(False)
    try:
        while sent < total and select.select([], [client], [], patience)[1]:
            sent += client.send(view[sent % len(data) :])
    except (BrokenPipeError, ConnectionResetError):
        pass  # closed: not stalled, but bounded as well
    finally:
        client.settimeout(TIMEOUT)
    return sent
