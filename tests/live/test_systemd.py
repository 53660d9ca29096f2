"""A socket of systemd's: opened before the server runs, which a first client starts."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, tcp_client, udp_client, unix_client, unix_datagram_client
from tests.live.server import TWISTD, Output, need, require, run_twistd

LOOPBACK = "127.0.0.1"

PASS_A_CONNECTION = """
import os, socket, sys
here, _ = socket.socketpair()
os.dup2(here.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def free_port(host: str = LOOPBACK) -> int:
    """Find a port that nobody has; systemd-socket-activate takes no 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as holder:
        port: int = holder.getsockname()[1]
        return port


@contextmanager
def activated(
    directory: Path, *options: str, where: str, how: tuple[str, ...] = ("--fdname=sockproto",)
) -> Iterator[Output]:
    """Have a socket that starts the server; return the server's log to be."""
    need("systemd-socket-activate")
    process = subprocess.Popen(
        [
            *("systemd-socket-activate", *how, "-l", where),
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
        errors.wait_for("Listening on ")
        yield log
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
    port = free_port()
    options = ("--listen", "systemd:domain=INET:name=sockproto")
    with activated(tmp_path, *options, where=f"{LOOPBACK}:{port}") as log:
        with tcp_client(port) as client:
            own_port = client.getsockname()[1]
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        with tcp_client(port) as client:
            ask(client, b"Tracy\n", b"Welcome!Hello, Tracy!\n")
        log.wait_for(rf"\] greeting on TCP {LOOPBACK}:{port}$")
        log.wait_for(rf"greeting connection 1 from {LOOPBACK}:{own_port} closed: peer closed")


def test_ipv6_that_is_said_to_be_ipv4(tmp_path: Path) -> None:
    require(socket.has_dualstack_ipv6(), "IPv6")
    port = free_port("::1")
    options = ("--listen", "systemd:domain=INET:index=0")
    with (
        activated(tmp_path, *options, where=f"[::1]:{port}", how=()) as log,
        tcp_client(port, "::1") as client,
    ):
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        log.wait_for(rf"\] greeting on TCP \[::1\]:{port}$")
        own_port = client.getsockname()[1]
        client.close()
        log.wait_for(rf"greeting connection 1 from \[::1\]:{own_port} closed: peer closed")


def test_udp(tmp_path: Path) -> None:
    port = free_port()
    options = ("--listen", "systemd:name=sockproto")
    how = ("--fdname=sockproto", "--datagram")
    with activated(tmp_path, *options, where=f"{LOOPBACK}:{port}", how=how) as log:
        with udp_client(port) as client:
            ask(client, b"Michael", b"Hello, Michael!")
        log.wait_for(rf"\] greeting on UDP {LOOPBACK}:{port}$")


def test_a_unix_socket_stays_systemds(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    with activated(tmp_path, "--listen", "systemd:domain=INET:index=0", where=str(path), how=()):
        with unix_client(path) as client:
            path.chmod(0o600)
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        assert path.stat().st_mode & 0o777 == 0o600
    assert path.exists()


def test_unix_datagrams(tmp_path: Path) -> None:
    path = tmp_path / "datagrams"
    with (
        activated(tmp_path, "--listen", "systemd:index=0", where=str(path), how=("--datagram",)),
        unix_datagram_client(path, tmp_path / "client") as client,
    ):
        ask(client, b"Michael", b"Hello, Michael!")
    assert path.exists()


def test_a_connection_is_refused_in_a_line(tmp_path: Path) -> None:
    ended = run_twistd(
        *("-n", "--pidfile=", "sockproto", "--listen", "systemd:index=0"),
        directory=tmp_path,
        prefix=(sys.executable, "-c", PASS_A_CONNECTION),
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "Accept=no" in ended.stderr


@pytest.mark.parametrize("kind", ["unix", "unix-dgram"])
def test_a_container_that_was_killed_comes_back(tmp_path: Path, kind: str) -> None:
    """Each run is process 1 of a namespace of its own, and so is the owner of the lock that is left."""
    need("unshare")
    command = ["unshare", "--pid", "--fork", "--kill-child", TWISTD, "-n", "--pidfile=", "sockproto"]
    allowed = subprocess.run(["unshare", "--pid", "--fork", "true"], stderr=subprocess.DEVNULL, check=False)
    require(allowed.returncode == 0, "the right to a namespace of processes")
    for _ in range(2):
        run = subprocess.Popen(
            [*command, "--listen", f"{kind}:socket"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        assert run.stdout
        log = Output(run.stdout)
        try:
            log.wait_for(rf"\] greeting on {kind}:socket$")
        finally:
            run.kill()
            run.wait()
            log.wait_for_end()
        assert (tmp_path / "socket").is_socket()
    if kind == "unix":
        assert os.readlink(tmp_path / "socket.lock") == "1"
