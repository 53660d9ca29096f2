"""Limits seen for real: what is refused, cut and left alone, and what the log says of it."""

import os
import random
import re
import select
import socket
import struct
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, readable, receive, receive_all, send_until_stalled, tcp_client
from tests.live.server import Serve, Server

LINES = ("--framing", "lines", "--tcp-only")
WELCOME = b"Welcome!\r\n"
LIMITED_TO_64_FILES = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
CONNECTS = 10_000


def is_closed(client: socket.socket) -> bool:
    """Tell whether nothing but the end of the stream, or a reset, is to be read."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def cut(client: socket.socket) -> None:
    """Close by a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def leave(client: socket.socket) -> None:
    """End the stream and wait until the server has closed."""
    client.shutdown(socket.SHUT_WR)
    receive_all(client)
    client.close()


def greeted(port: int) -> bool:
    """Tell whether a new client is served."""
    with tcp_client(port) as client:
        try:
            client.sendall(b"Michael\n")
            return receive_all_after_end(client) == WELCOME + b"Hello, Michael!\n"
        except ConnectionError:
            return False


def receive_all_after_end(client: socket.socket) -> bytes:
    client.shutdown(socket.SHUT_WR)
    return receive_all(client)


def cpu_seconds(server: Server) -> float:
    """Return how long the process has been running on a processor."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def test_the_connection_past_the_limit_is_closed_at_once_and_a_place_comes_back(serve: Serve) -> None:
    server = serve("--max-connections", "2", *LINES)
    with tcp_client(server.port) as first, tcp_client(server.port) as second:
        ask(first, b"Michael\n", WELCOME + b"Hello, Michael!\n")
        ask(second, b"Tracy\n", WELCOME + b"Hello, Tracy!\n")
        began = time.monotonic()
        with tcp_client(server.port) as third:
            assert is_closed(third)
        assert time.monotonic() - began < TIMEOUT
        server.wait_for(r"closed: too many connections; 0 bytes and 0 messages in, 0 bytes")
        leave(first)
        assert greeted(server.port)
        ask(second, b"Sarah\n", b"Hello, Sarah!\n")


@pytest.mark.parametrize(
    ("option", "sent", "received", "reason"),
    [
        ("--idle-seconds", b"Michael\n", WELCOME + b"Hello, Michael!\n", "idle"),
        ("--first-message-seconds", b"", WELCOME, "no message"),
        ("--message-seconds", b"Mich", WELCOME, "slow message"),
        ("--lifetime-seconds", b"Michael\n", WELCOME + b"Hello, Michael!\n", "lifetime over"),
    ],
)
def test_a_limit_of_time_closes_in_order_and_the_log_says_which(
    serve: Serve, option: str, sent: bytes, received: bytes, reason: str
) -> None:
    server = serve(option, "1", *LINES)
    with tcp_client(server.port) as client:
        began = time.monotonic()
        client.sendall(sent)
        assert receive_all(client) == received
        assert 0.9 < time.monotonic() - began < 20
    server.wait_for(rf"closed: {reason}; {len(sent)} bytes ")


def test_a_client_in_use_outlives_its_idle_time_but_not_its_lifetime(serve: Serve) -> None:
    server = serve("--idle-seconds", "1", "--lifetime-seconds", "2", *LINES)
    began = time.monotonic()
    with tcp_client(server.port) as client:
        assert receive(client, len(WELCOME)) == WELCOME
        while not readable(client, 0.3):
            ask(client, b"Michael\n", b"Hello, Michael!\n")
        assert receive_all(client) == b""
    assert 1.9 < time.monotonic() - began < 20
    server.wait_for(r"closed: lifetime over; ")


def test_a_client_that_never_reads_is_reset_and_the_log_says_why(serve: Serve) -> None:
    server = serve("--protocol", "echo", "--tcp-only", "--write-stall-seconds", "1")
    with tcp_client(server.port) as client:
        began = time.monotonic()
        assert send_until_stalled(client, b"x" * 1_000_000, 200_000_000, patience=0.3) < 200_000_000
        server.wait_for(r"closed: write stall; ")
        assert 0.9 < time.monotonic() - began < 20
        with pytest.raises(ConnectionResetError):
            receive_all(client)


def test_300_slow_senders_keep_nobody_waiting(serve: Serve) -> None:
    server = serve(*LINES)
    with ExitStack() as stack:
        slow = [stack.enter_context(tcp_client(server.port)) for _ in range(300)]
        for client in slow:
            assert receive(client, len(WELCOME)) == WELCOME
        for byte in b"Michael":
            writable = select.select([], slow, [], TIMEOUT)[1]
            assert len(writable) == 300
            for number, client in enumerate(slow):
                client.sendall(bytes([byte]))
                if number % 100 == 0:
                    began = time.monotonic()
                    assert greeted(server.port)
                    assert time.monotonic() - began < TIMEOUT
        for client in slow:
            ask(client, b"\n", b"Hello, Michael!\n")


def test_out_of_files_it_serves_those_it_has_does_not_spin_and_recovers(serve: Serve) -> None:
    server = serve(*LINES, prefix=LIMITED_TO_64_FILES)
    server.wait_for(r"leaves room for \d\d connections, not for 4096; raise it")
    with ExitStack() as stack:
        clients = [stack.enter_context(tcp_client(server.port)) for _ in range(200)]
        for client in clients[:30]:
            ask(client, b"Michael\n", WELCOME + b"Hello, Michael!\n")
        kept = clients[:30] + [client for client in clients[30:] if not is_closed(client)]
        assert 30 < len(kept) < 64
        for client in kept[30:]:
            assert receive(client, len(WELCOME) - 1) == WELCOME[1:]
        before = cpu_seconds(server)
        assert not readable(clients[0], 1)
        assert cpu_seconds(server) - before < 0.5
        for client in kept:
            ask(client, b"Tracy\n", b"Hello, Tracy!\n")
        for client in clients:
            cut(client)
    deadline = time.monotonic() + TIMEOUT
    while not greeted(server.port):
        assert time.monotonic() < deadline
    for _ in range(100):
        assert greeted(server.port)


def converse_and_cut(port: int, chance: random.Random) -> None:
    """Come, talk for a while, and go at a random point, mostly by a reset."""
    client = tcp_client(port)
    try:
        if chance.random() < 0.2:
            return
        if chance.random() < 0.5:
            receive(client, chance.randrange(len(WELCOME) + 1))
        sent = b"Michael\nTracy\nSarah"[: chance.randrange(20)]
        client.sendall(sent)
        if chance.random() < 0.2:
            client.shutdown(socket.SHUT_WR)
        if b"\n" in sent and chance.random() < 0.5:
            receive(client, chance.randrange(len(b"Hello, Michael!\n") + 1))
    finally:
        if chance.random() < 0.9:
            cut(client)
        else:
            client.close()


def test_after_10_000_connects_with_resets_at_random_points_no_connection_is_left(serve: Serve) -> None:
    server = serve(*LINES, "--max-connections", "64")
    assert greeted(server.port)
    before = open_files(server)
    chance = random.Random(9293)
    for _ in range(CONNECTS):
        converse_and_cut(server.port, chance)
    deadline = time.monotonic() + TIMEOUT
    while not greeted(server.port) or open_files(server) > before:
        assert time.monotonic() < deadline
    for _ in range(3):
        assert greeted(server.port)
    server.stop()
    served = re.search(r"stopped in \S+ seconds: (\d+) connections closed, (\d+) cut", server.log)
    assert served
    assert served.groups() == ("0", "0")


def test_what_was_left_out_of_the_log_is_told_without_another_event(serve: Serve) -> None:
    server = serve("--protocol", "echo", "--log-rate", "1")
    for _ in range(20):
        tcp_client(server.port).close()
    server.wait_for(r"\d+ events more were left out of the log$")
