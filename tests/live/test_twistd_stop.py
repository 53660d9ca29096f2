"""How the real command stops: in order, whoever is connected, and leaving nothing behind."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import (
    ask,
    readable,
    receive,
    receive_all,
    send_until_stalled,
    tcp_client,
    udp_client,
    unix_client,
)
from tests.live.server import Serve, run_twistd


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_idle_connections_open(
    serve: Serve, tmp_path: Path, signal_: signal.Signals
) -> None:
    server = serve(
        *("--listen", "tcp:0:interface=127.0.0.1"),
        *("--listen", "unix:stream"),
        *("--listen", "unix-dgram:datagrams"),
        pidfile="twistd.pid",
    )
    assert (tmp_path / "twistd.pid").read_text() == str(server.pid)
    with ExitStack() as stack:
        clients = [stack.enter_context(tcp_client(server.port)) for _ in range(3)]
        clients.append(stack.enter_context(unix_client(tmp_path / "stream")))
        for client in clients:
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        server.stop(signal_)
        for client in clients:
            assert receive_all(client) == b""
    assert "Server Shut Down." in server.log
    assert not [*tmp_path.iterdir()]


def test_two_signals_at_once(serve: Serve) -> None:
    server = serve()
    with tcp_client(server.port) as client:
        assert receive(client, 8) == b"Welcome!"  # it runs, and has its signal handlers
        os.kill(server.pid, signal.SIGTERM)
        server.stop()  # a SIGTERM again; there must be no traceback
    assert "Server Shut Down." in server.log


@pytest.mark.parametrize("protocol", ["chargen", "echo"])
def test_a_client_that_does_not_read_is_waited_for_no_longer_than_said(serve: Serve, protocol: str) -> None:
    server = serve("--protocol", protocol, "--drain-seconds", "1")
    with tcp_client(server.port) as client:
        if protocol == "echo":
            send_until_stalled(client, b"x" * 1_000_000, 100_000_000, patience=0.2)
        assert readable(client, TIMEOUT)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 9
    assert "Server Shut Down." in server.log


def test_what_came_whole_before_the_signal_is_answered(serve: Serve) -> None:
    server = serve("--think-seconds", "1")
    with tcp_client(server.port) as client, udp_client(server.port) as datagrams:
        assert receive(client, 8) == b"Welcome!"
        client.sendall(b"Michael\nTracy\n")
        datagrams.send(b"Sarah")
        with tcp_client(server.port) as later:
            assert receive(later, 8) == b"Welcome!"  # so the server has read what the others sent
        server.stop()
        assert receive_all(client) == b"Hello, Michael!\nHello, Tracy!\n"
        assert datagrams.recv(1024) == b"Hello, Sarah!"
    assert "Server Shut Down." in server.log


def test_a_second_signal_ends_the_waiting(serve: Serve) -> None:
    server = serve("--think-seconds", "60", "--drain-seconds", "60")
    with tcp_client(server.port) as client:
        ask(client, b"Michael\n", b"Welcome!")
        with tcp_client(server.port) as later:
            assert receive(later, 8) == b"Welcome!"
        os.kill(server.pid, signal.SIGTERM)
        server.wait_for(r"\(TCP Port \d+ Closed\)$")
        server.stop()
    assert "Server Shut Down." in server.log


@contextmanager
def daemon(pidfile: Path) -> Iterator[int]:
    """Follow the process whose pid is in a file; see that a SIGTERM ends it."""
    pid = int(pidfile.read_text())
    handle = os.pidfd_open(pid)
    try:
        yield pid
        os.kill(pid, signal.SIGTERM)
        assert select.select([handle], [], [], TIMEOUT)[0], "the daemon is still there"
    finally:
        os.close(handle)


def test_a_daemon_serves_and_stops(tmp_path: Path) -> None:
    pidfile, log = tmp_path / "twistd.pid", tmp_path / "log"
    started = run_twistd(
        f"--pidfile={pidfile}", f"--logfile={log}", "sockproto", "--port", "0", directory=tmp_path
    )
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    with daemon(pidfile):
        port = int(log.read_text().split("greeting on TCP 127.0.0.1:")[1].split()[0])
        with tcp_client(port) as client:
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
    assert not pidfile.exists()
    assert "Server Shut Down." in log.read_text()
    assert "Traceback" not in log.read_text()
