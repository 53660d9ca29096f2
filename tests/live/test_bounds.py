"""A peer that never reads, and one that reads for ever, cost the others nothing."""

import socket
import threading
import time

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, receive, send_until_stalled, tcp_client
from tests.live.peers import wait_until
from tests.live.server import Serve

MIB = 1024 * 1024
FLOOD_BYTES = 200 * MIB
MAX_GROWTH = 8 * MIB

# RFC 864: a ring of the printing characters, each line one further along than the one before.
CHARGEN = b"".join(
    bytes(32 + (line + column) % 95 for column in range(72)) + b"\r\n" for line in range(95)
)  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "flood", "request_", "reply"),
    [
        ("echo", b"x" * MIB, b"Hello", b"Hello"),
        ("greeting", b"Michael\n" * 16_384, b"Tracy\n", b"Welcome!Hello, Tracy!\n"),
        ("command", (b"/echo " + b"x" * 60_000 + b"\n") * 16, b"/version\n", b"Demo version\n"),
        ("command", b"/help\n" * 16_384, b"/version\n", b"Demo version\n"),
        ("command", b"/\n" * 65_536, b"/version\n", b"Demo version\n"),
    ],
    ids=["echo", "greeting", "command-echo", "command-help", "command-error"],
)
def test_a_client_that_never_reads_is_held_back_and_costs_little(
    serve: Serve, protocol: str, flood: bytes, request_: bytes, reply: bytes
) -> None:
    server = serve("--protocol", protocol)
    with tcp_client(server.port) as other:
        ask(other, request_, reply)
        before = server.resident_bytes()
        with tcp_client(server.port) as greedy:
            sent = send_until_stalled(greedy, flood, FLOOD_BYTES)
            assert 0 < sent < FLOOD_BYTES
            assert server.resident_bytes() - before < MAX_GROWTH
            ask(other, request_, reply.removeprefix(b"Welcome!"))


def test_a_client_that_ends_no_line_costs_little_and_is_told(serve: Serve) -> None:
    server = serve("--protocol", "command")
    with tcp_client(server.port) as other, tcp_client(server.port) as endless:
        ask(other, b"/version\n", b"Demo version\n")
        before = server.resident_bytes()
        send_until_stalled(endless, b"/" * MIB, 32 * MIB, patience=0.2)
        assert server.resident_bytes() - before < MAX_GROWTH
        assert receive(endless, 1024).startswith(b"error: ")
        ask(other, b"/version\n", b"Demo version\n")


class EndlessReader(threading.Thread):
    """Reads from chargen until told to stop, and checks every byte."""

    def __init__(self, client: socket.socket) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.read = 0
        self.wrong_at: int | None = None
        self.enough = threading.Event()
        self.start()

    def run(self) -> None:
        expected = CHARGEN * 20
        while not self.enough.is_set() and self.wrong_at is None:
            data = self.client.recv(65_536)
            offset = self.read % len(CHARGEN)
            if data != expected[offset : offset + len(data)] or not data:
                self.wrong_at = self.read
            self.read += len(data)


def test_chargen_to_a_client_that_reads_for_ever_starves_nobody(serve: Serve) -> None:
    server = serve("--protocol", "chargen")
    with tcp_client(server.port) as greedy:
        reader = EndlessReader(greedy)
        before = server.resident_bytes()
        for _ in range(20):
            began = time.monotonic()
            with tcp_client(server.port) as client:
                assert receive(client, 2 * len(CHARGEN)) == 2 * CHARGEN
            assert time.monotonic() - began < TIMEOUT
        assert server.resident_bytes() - before < MAX_GROWTH
        assert reader.is_alive()
        wait_until(lambda: reader.read > 100 * len(CHARGEN), "the greedy one is starved")
        reader.enough.set()
        reader.join(TIMEOUT)
        assert reader.wrong_at is None


def test_chargen_to_a_client_that_never_reads_costs_little(serve: Serve) -> None:
    server = serve("--protocol", "chargen")
    with tcp_client(server.port) as other:
        assert receive(other, len(CHARGEN)) == CHARGEN
        before = server.resident_bytes()
        with tcp_client(server.port):
            for _ in range(200):  # while the server could fill 14 MB of memory for it
                assert receive(other, 10 * len(CHARGEN)) == 10 * CHARGEN
            assert server.resident_bytes() - before < MAX_GROWTH
