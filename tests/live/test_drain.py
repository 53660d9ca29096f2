"""SIGTERM under load: whatever had come whole is answered, in order, and counted."""

import os
import re
import signal
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, readable, receive, receive_all, tcp_client
from tests.live.server import Serve, Server

WELCOME = b"Welcome!\r\n"
LINES = ("--framing", "lines", "--tcp-only")
WINDOW = 50


class Pipeliner(threading.Thread):
    """Keeps so many numbered lines under way, and notes the answers, until the server ends the stream."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.client = tcp_client(port)
        self.own_port = self.client.getsockname()[1]
        self.received = b""
        self.sent = 0
        self.busy = threading.Event()
        self.error: OSError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.send(WINDOW)
            while data := self.client.recv(65_536):
                self.received += data
                self.send(data.count(b"!\n"))
                if self.received.count(b"!\n") > WINDOW // 5:
                    self.busy.set()
        except OSError as error:
            self.error = error

    def send(self, count: int) -> None:
        self.client.sendall(b"".join(b"%d\n" % (self.sent + number) for number in range(count)))
        self.sent += count


def expected(count: int) -> bytes:
    return WELCOME + b"".join(b"Hello, %d!\n" % number for number in range(count))


def counted(server: Server, own_port: int) -> tuple[str, int, int]:
    """Return what the log says of a connection: the reason, messages in, messages out."""
    pattern = rf"from 127\.0\.0\.1:{own_port} closed: ([^;]+);.* (\d+) messages in,.* (\d+) messages out"
    found = re.search(pattern, server.log)
    assert found, server.log
    return found[1], int(found[2]), int(found[3])


def test_under_load_the_answers_are_an_unbroken_beginning_and_all_that_was_handled(serve: Serve) -> None:
    server = serve(*LINES, "--think-seconds", "0.01")
    clients = [Pipeliner(server.port) for _ in range(5)]
    for client in clients:
        assert client.busy.wait(TIMEOUT)
    server.stop()
    for client in clients:
        client.join(TIMEOUT)
        assert not client.is_alive()
        client.client.close()
        assert client.error is None  # the end of the stream was clean
        replies = client.received.count(b"!\n")
        assert client.received == expected(replies)
        # With the welcome, which is a message out too.
        assert counted(server, client.own_port) == ("drained", replies, replies + 1)
        assert WINDOW // 5 < replies <= client.sent
    assert re.search(r"stopped in \S+ seconds: 5 connections closed, 0 cut", server.log)
    assert "Server Shut Down." in server.log


def test_every_line_that_had_come_before_the_signal_is_answered(serve: Serve) -> None:
    server = serve(*LINES, "--think-seconds", "0.01")
    names = b"".join(b"%d\n" % number for number in range(100))
    with ExitStack() as stack:
        clients = [stack.enter_context(tcp_client(server.port)) for _ in range(5)]
        for client in clients:
            client.sendall(names)
        for client in clients:
            assert receive(client, len(expected(1))) == expected(1)  # so its one segment is read
        server.stop()
        for client in clients:
            assert expected(1) + receive_all(client) == expected(100)
    assert re.search(r"stopped in \S+ seconds: 5 connections closed, 0 cut", server.log)


def thinking(server: Server, client: socket.socket) -> None:
    """Have the server think about a name."""
    client.sendall(b"Michael\n")
    assert receive(client, len(WELCOME)) == WELCOME
    with tcp_client(server.port) as later:
        later.shutdown(socket.SHUT_WR)
        assert receive_all(later) == WELCOME  # so the server has read the name, and has no third client
    assert not readable(client, 0)


def assert_cut(client: socket.socket) -> None:
    with pytest.raises(ConnectionResetError):
        receive_all(client)


@pytest.mark.parametrize("drain_seconds", ["0", "60"])
def test_a_second_sigterm_ends_the_process_at_once(serve: Serve, drain_seconds: str) -> None:
    server = serve(*LINES, "--think-seconds", "60", "--drain-seconds", drain_seconds)
    with tcp_client(server.port) as client:
        thinking(server, client)
        os.kill(server.pid, signal.SIGTERM)
        server.wait_for(r"\(TCP Port \d+ Closed\)$")
        began = time.monotonic()
        server.stop()  # which sees that there is no traceback
        assert time.monotonic() - began < 30
        assert_cut(client)
    assert re.search(r"stopped in \S+ seconds: 0 connections closed, 1 cut", server.log)
    assert "Server Shut Down." in server.log


def test_what_is_left_at_the_end_of_the_drain_is_cut_and_the_summary_says_so(serve: Serve) -> None:
    server = serve(*LINES, "--think-seconds", "60", "--drain-seconds", "1")
    with tcp_client(server.port) as client, tcp_client(server.port) as idle:
        ask(idle, b"", WELCOME)
        thinking(server, client)
        began = time.monotonic()
        server.stop()
        assert 0.9 < time.monotonic() - began < 30
        assert_cut(client)
        assert receive_all(idle) == b""
    server.wait_for(r"closed: drain aborted; 8 bytes and 1 messages in, 10 bytes and 1 messages out")
    assert re.search(r"stopped in \d+\.\d+ seconds: 1 connections closed, 1 cut", server.log)
    assert "Server Shut Down." in server.log
