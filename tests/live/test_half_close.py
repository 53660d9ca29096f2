"""All that is owed arrives: after the client's half-close, and before the server's close."""

import hashlib
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import receive_all, send_until_stalled, tcp_client
from tests.live.server import Serve

MIB = 1024 * 1024
PAYLOAD = random.Random(862).randbytes(32 * MIB)

# A protocol of another package, for a text that is too long for an argument of a command.
HUGE = b"0123456789abcde\n" * 65_536
HUGE_PLUGIN = """
from functools import partial
from sockproto import Discard, Welcome, conversation_definition

TEXT = b"0123456789abcde\\n" * 65_536
HUGE = conversation_definition("huge", "a megabyte", partial(Welcome, TEXT), Discard)
"""


@contextmanager
def sending(client: socket.socket, data: memoryview) -> Iterator[None]:
    """Send in a thread, and half-close after the last byte."""

    def send() -> None:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield
    thread.join(TIMEOUT)
    assert not thread.is_alive()


def small_buffered_client(port: int) -> socket.socket:
    """Connect with a receive buffer so small that the server soon has to hold back."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(TIMEOUT)
    client.connect(("127.0.0.1", port))
    return client


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_every_byte_of_32_mib_comes_back_after_a_half_close(serve: Serve) -> None:
    with tcp_client(serve("--protocol", "echo").port) as client:
        with sending(client, memoryview(PAYLOAD)):
            echoed = receive_all(client)
        assert (len(echoed), digest(echoed)) == (len(PAYLOAD), digest(PAYLOAD))


def test_every_byte_comes_back_to_a_client_that_reads_only_when_it_can_send_no_more(serve: Serve) -> None:
    with small_buffered_client(serve("--protocol", "echo").port) as client:
        sent = send_until_stalled(client, PAYLOAD, len(PAYLOAD), patience=0.3)
        assert 0 < sent < len(PAYLOAD)
        with sending(client, memoryview(PAYLOAD)[sent:]):
            pieces = [client.recv(1024) for _ in range(1024)]
            echoed = b"".join(pieces) + receive_all(client)
        assert (len(echoed), digest(echoed)) == (len(PAYLOAD), digest(PAYLOAD))


def test_what_was_sent_before_the_half_close_comes_back_to_a_late_reader(serve: Serve) -> None:
    server = serve("--protocol", "echo")
    with tcp_client(server.port) as client, tcp_client(server.port) as other:
        client.sendall(PAYLOAD[:MIB])
        client.shutdown(socket.SHUT_WR)
        other.shutdown(socket.SHUT_WR)
        assert receive_all(other) == b""  # the server has seen a later end of a stream than ours
        assert digest(receive_all(client)) == digest(PAYLOAD[:MIB])


def read_late(port: int, text: bytes, clients: int) -> None:
    """See that clients that speak first, and again after the close, read all of a text, then a clean end."""
    with ExitStack() as stack:
        connected = [stack.enter_context(tcp_client(port)) for _ in range(clients)]
        for client in connected:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with tcp_client(port) as last:
            assert receive_all(last) == text
        for client in connected:
            client.sendall(b"are you there?")
        for client in connected:
            assert digest(receive_all(client)) == digest(text)


@pytest.mark.parametrize("text", ["Welcome!\r\n", "x" * 120_000], ids=["short", "long"])
def test_50_clients_that_speak_first_and_read_late_read_the_whole_text(serve: Serve, text: str) -> None:
    read_late(serve("--protocol", "welcome", "--message", text).port, text.encode(), clients=50)


def test_50_clients_that_speak_first_and_read_late_read_a_whole_megabyte(
    serve: Serve, tmp_path: Path
) -> None:
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "huge_plugin.py").write_text(HUGE_PLUGIN)
    server = serve("--protocol", "huge", environment={"PYTHONPATH": str(tmp_path)})
    read_late(server.port, HUGE, clients=50)
