"""A socket of systemd's: opened before the server runs, which a first connection starts."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.clients import ask, tcp_client
from tests.live.server import TWISTD, Output, need

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Find a port that nobody has; systemd-socket-activate takes no 0."""
    with socket.create_server((LOOPBACK, 0)) as holder:
        port: int = holder.getsockname()[1]
        return port


@contextmanager
def activated(directory: Path, *options: str) -> Iterator[tuple[int, Output]]:
    """Have a socket that starts the server; give its port and the server's log to be."""
    need("systemd-socket-activate")
    port = free_port()
    process = subprocess.Popen(
        [
            *("systemd-socket-activate", "--fdname=sockproto", "-l", f"{LOOPBACK}:{port}"),
            *(TWISTD, "-n", "--pidfile=", "sockproto", *options),
        ],
        cwd=directory,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "info", "SYSTEMD_LOG_TARGET": "console"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    log, errors = Output(process.stdout), Output(process.stderr)
    try:
        errors.wait_for(rf"Listening on {LOOPBACK}:{port}")
        yield port, log
    finally:
        process.send_signal(signal.SIGTERM)  # the server has the pid of what started it
        try:
            status = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            said = log.wait_for_end() + errors.wait_for_end()
    assert "Traceback" not in said, said
    assert status == -signal.SIGTERM, said


def test_greeting_on_a_socket_of_systemd(tmp_path: Path) -> None:
    with activated(tmp_path, "--listen", "systemd:domain=INET:name=sockproto") as (port, log):
        with tcp_client(port) as client:
            own_port = client.getsockname()[1]
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        with tcp_client(port) as client:
            ask(client, b"Tracy\n", b"Welcome!Hello, Tracy!\n")
        log.wait_for(rf"\] greeting on TCP {LOOPBACK}:{port}$")
        log.wait_for(rf"greeting connection 1 from {LOOPBACK}:{own_port} closed: peer closed")
