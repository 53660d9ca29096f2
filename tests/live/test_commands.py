"""Declared commands on real sockets: waiting, cancelling, draining, holding back, certificates."""

import hashlib
import os
import signal
import socket
import ssl
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, readable, receive, receive_all, tcp_client, udp_client, unix_client
from tests.live.server import Serve, Server, require

SCRIPT = Path(__file__).with_name("command_server.py")
LOOPBACK = "127.0.0.1"
MIB = 1024 * 1024
LINE_BYTES = 1_000
MAX_HELD = 8 * MIB  # the kernel's buffers at both ends, and ours


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(script=SCRIPT)


def release(server: Server) -> None:
    """Let the commands go on that wait."""
    os.kill(server.pid, signal.SIGUSR1)


def reset(client: socket.socket) -> None:
    """Cut a connection so that the server sees a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def read_until(client: socket.socket, end: bytes) -> bytes:
    """Read until what came ends so."""
    data = bytearray()
    while not data.endswith(end):
        more = client.recv(65_536)
        assert more, f"the end of the stream after {bytes(data[-100:])!r}"
        data += more
        assert len(data) < 4 * MAX_HELD, f"no {end!r}"
    return bytes(data)


def test_a_slow_command_delays_nobody_else_and_only_the_later_lines_of_its_own(server: Server) -> None:
    with tcp_client(server.port) as slow, tcp_client(server.port) as other:
        slow.sendall(b"/wait Anna\n/add 1 1\n")
        server.wait_for("Anna waits, number 1$")
        ask(other, b"/add 2 3\n", b"5\n")
        assert not readable(slow, 0)
        release(server)
        expected = b"Anna is done\n2\n"
        assert receive(slow, len(expected)) == expected


def test_a_reset_cancels_the_command_that_runs(server: Server) -> None:
    client = tcp_client(server.port)
    client.sendall(b"/wait Anna\n")
    server.wait_for("Anna waits, number 1$")
    reset(client)
    server.wait_for("Anna is cancelled$")
    server.wait_for(r"command connection 1 from \S+ closed: peer reset; ")


def test_a_write_that_fails_cancels_the_command_that_runs(server: Server) -> None:
    client = tcp_client(server.port)
    client.sendall(b"/turns Anna\n")
    client.shutdown(socket.SHUT_WR)  # so that the server reads no more, and only a write can tell it
    assert receive(client, 13) == b"Anna goes on\n"
    server.wait_for("Anna waits, number 1$")
    reset(client)
    with tcp_client(server.port) as other:
        ask(other, b"/add 2 3\n", b"5\n")
        assert "cancelled" not in server.log
    release(server)
    server.wait_for("Anna waits, number 2$")
    server.wait_for("Anna is cancelled$")


def test_the_end_of_the_callers_half_cancels_nothing(server: Server) -> None:
    with tcp_client(server.port) as client, tcp_client(server.port) as other:
        client.sendall(b"/wait Anna\n")
        server.wait_for("Anna waits, number 1$")
        client.shutdown(socket.SHUT_WR)
        for _ in range(2):  # in the second turn at the latest the server has seen that end
            ask(other, b"/add 2 3\n", b"5\n")
        release(server)
        assert receive_all(client) == b"Anna is done\n"
    assert "cancelled" not in server.log


def test_a_drain_lets_a_command_finish_and_ends_an_endless_answer_at_once(server: Server) -> None:
    with (
        tcp_client(server.port) as slow,
        tcp_client(server.port) as endless,
        tcp_client(server.port) as flooded,
    ):
        slow.sendall(b"/wait Anna\n")
        endless.sendall(b"/turns Ben\n")
        server.wait_for("Anna waits")
        server.wait_for("Ben waits")
        flooded.sendall(b"/flood\n")
        assert int(receive(flooded, LINE_BYTES)) == 1
        os.kill(server.pid, signal.SIGTERM)
        assert receive_all(endless) == b"Ben goes on\n"
        server.wait_for("Ben is cancelled$")
        assert len(receive_all(flooded)) % LINE_BYTES == 0  # whole lines, and no reset
        server.wait_for("the lines have ended$")
        assert not readable(slow, 0)
        release(server)
        assert receive_all(slow) == b"Anna is done\n"
    server.wait_for(r"stopped in \S+ seconds: 3 connections closed, 0 cut")
    assert "Anna is cancelled" not in server.log


def lines_made(client: socket.socket) -> int:
    """Return how many lines were made, once no more are."""
    made, found = -1, 0
    while made != found:
        assert not readable(client, 0.2)
        client.sendall(b"/made\n")
        made, found = found, int(read_until(client, b"\n"))
    return made


@pytest.mark.parametrize("word", [b"flood", b"flow"])
def test_lines_that_nobody_reads_are_not_made_and_an_empty_line_ends_them(
    server: Server, word: bytes
) -> None:
    with tcp_client(server.port) as other, socket.socket() as client:
        ask(other, b"/made\n", b"0\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(TIMEOUT)
        before = server.resident_bytes()
        client.connect((LOOPBACK, server.port))
        client.sendall(b"/%b\n" % word)
        made = lines_made(other)
        assert 0 < made * LINE_BYTES < MAX_HELD
        assert server.resident_bytes() - before < MAX_HELD
        client.sendall(b"/add 1 1\n\n/add 1 2\n")
        *lines, two, three = read_until(client, b"\n2\n3\n").splitlines()
        assert [two, three] == [b"2", b"3"]
        assert [int(line) for line in lines] == [*range(1, len(lines) + 1)]
        # Some are made while the client catches up, and one in vain.
        assert made <= len(lines) <= lines_made(other) <= len(lines) + 1
        assert len(lines) * LINE_BYTES < made * LINE_BYTES + MAX_HELD
    server.wait_for("the lines have ended$")


def test_an_empty_line_ends_an_answer_that_waits(server: Server) -> None:
    with tcp_client(server.port) as client:
        client.sendall(b"/turns Anna\n/add 1 1\n")
        assert receive(client, 13) == b"Anna goes on\n"
        server.wait_for("Anna waits")
        assert not readable(client, 0)
        ask(client, b"\n/add 1 2\n", b"2\n3\n")
        server.wait_for("Anna is cancelled$")


class Authority:
    """Makes certificates: the server's, in files in its directory, and a client's."""

    def __init__(self, directory: Path) -> None:
        import trustme

        self._issuer = trustme.CA()
        self._issuer.cert_pem.write_to_path(str(directory / "issuer.pem"))
        made = self._issuer.issue_cert(LOOPBACK)
        made.private_key_and_cert_chain_pem.write_to_path(str(directory / "server.pem"))
        self._client = self._issuer.issue_cert("anna@example.org")

    @property
    def client_digest(self) -> bytes:
        """Of the client's certificate, in DER."""
        first = self._client.cert_chain_pems[0].bytes().decode()
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest().encode()

    def connect(self, server: Server, shown: bool) -> ssl.SSLSocket:
        """Connect, and show the client's certificate or none."""
        context = ssl.create_default_context()
        self._issuer.configure_trust(context)
        if shown:
            self._client.configure_cert(context)
        port = int(server.wait_for(r"guarded on TCP \S+:(\d+)$")[1])
        return context.wrap_socket(tcp_client(port), server_hostname=LOOPBACK)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    for module in "OpenSSL", "service_identity", "trustme":
        require(find_spec(module) is not None, f"the module {module}")
    return Authority(tmp_path)


def converse(client: Any) -> None:
    """See that the commands are there."""
    with client:
        for request, reply in [
            (b"/add 2 3\n", b"5\n"),
            (b"/add 2 x\n", b"error: TWO must be a whole number\n"),
            (b"/nosuch\n", b"error: unknown command, see /help\n"),
            (
                b"/help add\n",
                b"/add ONE TWO: Add two numbers. (ONE is a whole number; TWO is a whole number)\n",
            ),
        ]:
            client.sendall(request)
            received = receive(client, len(reply)) if client.type == socket.SOCK_STREAM else client.recv(1024)
            assert received == (b"error: reply too long\n" if is_short(client, request, reply) else reply)


def is_short(client: Any, request: bytes, reply: bytes) -> bool:
    """Tell whether a datagram is too short for its reply."""
    return client.type == socket.SOCK_DGRAM and len(reply) > 4 * len(request) + 32


def test_the_same_commands_on_every_socket(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    server = serve(script=SCRIPT)
    converse(authority.connect(server, shown=True))
    converse(tcp_client(server.port))
    converse(unix_client(tmp_path / "command.sock"))
    converse(udp_client(server.port_of("UDP")))


def test_a_command_reads_the_certificate_and_callers_without_one_are_refused(
    serve: Serve, authority: Authority
) -> None:
    server = serve(script=SCRIPT)
    with authority.connect(server, shown=True) as client:
        ask(client, b"/who\n", authority.client_digest + b"\n")
    with authority.connect(server, shown=False) as client:
        for _ in range(2):
            ask(client, b"/who\n", b"error: /who needs a certificate\n")
    with tcp_client(server.port) as client:
        ask(client, b"/who\n", b"nobody known\n")
