"""A real haproxy in front: the server knows the client by its own address, and loses none of its bytes."""

import hashlib
import random
import re
import socket
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, receive_all, tcp_client
from tests.live.haproxy import BIND, haproxy
from tests.live.server import Serve

MIB = 1024 * 1024
LOOPBACK = "127.0.0.1"

# No "option nolinger", which would cut what is still to be sent; time-outs longer than any test.
CONFIGURATION = """
defaults
    mode tcp
    timeout connect 60s
    timeout client 60s
    timeout server 60s

listen front
    {bind}
    server behind 127.0.0.1:{port} {send}
"""

both_versions = pytest.mark.parametrize("send", ["send-proxy", "send-proxy-v2"])


def behind(directory: Path, port: int, send: str) -> AbstractContextManager[int]:
    """Run haproxy before a port of 127.0.0.1; return its own."""
    return haproxy(directory, CONFIGURATION.format(bind=BIND, port=port, send=send))


@both_versions
def test_greeting_and_the_log_names_the_client(serve: Serve, tmp_path: Path, send: str) -> None:
    server = serve("--proxy-protocol")
    with behind(tmp_path, server.port, send) as port:
        with tcp_client(port) as client:
            host, own_port = client.getsockname()
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
            client.sendall(b"exit\n")
            assert receive_all(client) == b""
        server.wait_for(
            rf"greeting connection 1 from {re.escape(host)}:{own_port} closed: closed; .* 2 messages in"
        )


@both_versions
def test_clients_are_told_apart(serve: Serve, tmp_path: Path, send: str) -> None:
    server = serve("--proxy-protocol", "--max-connections-per-peer", "1")
    with behind(tmp_path, server.port, send) as port, tcp_client(port) as client:
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        with tcp_client(port) as again:
            assert receive_all(again) == b""
        with socket.create_connection((LOOPBACK, port), TIMEOUT, ("127.0.0.2", 0)) as other:
            ask(other, b"Tracy\n", b"Welcome!Hello, Tracy!\n")
        ask(client, b"Jo\n", b"Hello, Jo!\n")
        server.wait_for(r"from 127\.0\.0\.1:\d+ closed: too many connections of peer")
        server.wait_for(r"from 127\.0\.0\.2:\d+ closed: peer closed")


@both_versions
def test_every_byte_of_32_mib_comes_back_after_a_half_close(serve: Serve, tmp_path: Path, send: str) -> None:
    payload = random.Random(862).randbytes(32 * MIB)
    server = serve("--protocol", "echo", "--listen", f"haproxy:tcp:0:interface={LOOPBACK}")
    with behind(tmp_path, server.port, send) as port, tcp_client(port) as client:

        def talk() -> None:
            client.sendall(payload)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=talk, daemon=True)
        sender.start()
        echoed = receive_all(client)
        sender.join(TIMEOUT)
        assert not sender.is_alive()
        assert (len(echoed), hashlib.sha256(echoed).digest()) == (
            len(payload),
            hashlib.sha256(payload).digest(),
        )
        server.wait_for(r"echo connection 1 from 127\.0\.0\.1:\d+ closed: peer closed")


def test_a_client_without_a_header_is_refused(serve: Serve) -> None:
    server = serve("--proxy-protocol")
    with tcp_client(server.port) as client:
        client.sendall(b"Michael\n")
        assert receive_all(client) == b""
    server.wait_for(r"closed: bad proxy header")


def test_a_proxy_that_is_not_believed_is_refused(serve: Serve) -> None:
    server = serve("--proxy-protocol", "--proxy-from", "192.0.2.0/24")
    with tcp_client(server.port) as client:
        assert receive_all(client) == b""
    server.wait_for(r"closed: unknown proxy")


def test_a_header_that_does_not_come(serve: Serve) -> None:
    server = serve("--proxy-protocol", "--first-message-seconds", "1")
    with tcp_client(server.port) as client:
        client.sendall(b"PROXY TCP4")
        assert receive_all(client) == b""
    server.wait_for(r"closed: no handshake")
