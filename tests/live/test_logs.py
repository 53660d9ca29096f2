"""Logs that a program reads: JSON, which ends are told, and a file that is renamed."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.core.proxy_headers import BLOCK4, LOCAL, TCP4, v2
from tests.hanging import TIMEOUT
from tests.live.clients import ask, receive_all, tcp_client
from tests.live.peers import SOCKPROTO, authority, cut, run, wait_until
from tests.live.server import TWISTD, Output

LOOPBACK = "127.0.0.1"
TWIST = str(Path(sys.executable).with_name("twist"))
LOCAL_HEADER = v2(TCP4, BLOCK4, LOCAL)
CHECKS = 5_000

JSON = {
    "serve": (SOCKPROTO, "serve", "--log-format", "json"),
    "twistd": (TWISTD, "-n", "--pidfile=", "--logger", "sockproto.server.logs.json_lines", "sockproto"),
}


class Process:
    """A server, and its log."""

    def __init__(self, *command: str) -> None:
        self.popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.popen.stdout
        self.output = Output(self.popen.stdout)

    def ports(self, count: int) -> list[int]:
        """Wait until the log names so many TCP ports; return them."""
        self.output.wait_for(rf'(?s)(?:"event": "listening".*){{{count}}}')
        found = re.findall(r'"TCP [\d.]+:(\d+)"', self.output.text)
        return [int(port) for port in dict.fromkeys(found)]

    def end(self) -> list[str]:
        """Have it end; return the lines of its output."""
        self.popen.send_signal(signal.SIGTERM)
        assert self.popen.wait(TIMEOUT) == -signal.SIGTERM
        return list(filter(None, self.output.wait_for_end().split("\n")))


@contextmanager
def serving(*command: str) -> Iterator[Process]:
    process = Process(*command)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait()
            process.output.wait_for_end()


def check_health(port: int, said: bytes, resets: bool) -> None:
    """Do as a load balancer does: connect, perhaps with a header, and leave."""
    client = socket.create_connection((LOOPBACK, port), TIMEOUT)
    if said:
        client.sendall(said)
    if resets:
        cut(client)
    else:
        client.close()


def test_thousands_of_health_checks_leave_no_line(tmp_path: Path) -> None:
    made = authority(tmp_path, LOOPBACK)
    where = (
        f"tcp:0:interface={LOOPBACK}:backlog=1024",  # 50 would have clients wait for a second
        f"haproxy:tcp:0:interface={LOOPBACK}:backlog=1024",
        f"ssl:0:interface={LOOPBACK}:backlog=1024:privateKey={made.server}:certKey={made.server}",
    )
    listens = [word for description in where for word in ("--listen", description)]
    options = ("--protocol", "echo", "--log-connections", "failed", *listens)
    with serving(*JSON["serve"], *options) as process:
        plain, proxied, over_tls = process.ports(3)
        kinds = [(plain, b""), (proxied, b""), (proxied, LOCAL_HEADER), (over_tls, b"")]
        for number in range(CHECKS):
            check_health(*kinds[number // 2 % len(kinds)], resets=bool(number % 2))
            if number % 100 == 99:  # so that it keeps pace; and one that ends as it should is no line either
                with tcp_client(plain) as client:
                    ask(client, b"Michael", b"Michael")
        with tcp_client(plain) as client:
            ask(client, b"Michael", b"Michael")
            cut(client)
        process.output.wait_for("connection_closed")
        events = [json.loads(line) for line in process.end()]
    names = [event["event"] for event in events]
    assert names.count("connection_closed") == 1
    assert "left_out" not in names
    assert len(events) < 20


@pytest.mark.parametrize("server", JSON)
def test_each_line_is_an_object(server: str) -> None:
    with serving(*JSON[server], "--port", "0", "--tcp-only") as process:
        [port] = process.ports(1)
        with tcp_client(port) as client:
            client.sendall(b"Michael\nexit\n")
            assert receive_all(client) == b"Welcome!Hello, Michael!\n"
            own_port = client.getsockname()[1]
        process.output.wait_for("connection_closed")
        events = [json.loads(line) for line in process.end()]
    for event in events:
        assert list(event)[:6] == ["time", "pid", "level", "event", "message", "system"]
        assert event["pid"] == process.popen.pid
        assert all(isinstance(value, str | int | float | None) for value in event.values())
    named = {event["event"]: event for event in events if event["event"]}
    assert list(named) == ["listening", "connection_closed", "stopped"]
    assert {event["system"] for event in named.values()} == {"sockproto"}
    closed = named["connection_closed"]
    assert (closed["peer"], closed["host"]) == (f"{LOOPBACK}:{own_port}", f"{LOOPBACK}:{port}")
    assert (closed["reason"], closed["messages_in"], closed["level"]) == ("closed", 2, "info")


def test_twists_own_json_has_every_field() -> None:
    with serving(TWIST, "--log-format=json", "sockproto", "--port", "0", "--tcp-only") as process:
        [port] = process.ports(1)
        with tcp_client(port) as client:
            client.sendall(b"Michael\nexit\n")
            assert receive_all(client) == b"Welcome!Hello, Michael!\n"
        process.output.wait_for("connection_closed")
        events = [json.loads(line.removeprefix("\x1e")) for line in process.end()]
    ours = [event for event in events if event.get("log_namespace") == "sockproto"]
    assert [event["event"] for event in ours] == ["listening", "connection_closed", "stopped"]
    for event in ours:
        for name, value in event.items():
            assert name.startswith("log_") or isinstance(value, str | int | float), name


def come_and_go(port: int) -> None:
    """Make a connection, and have the server close it."""
    with tcp_client(port) as client:
        client.sendall(b"exit\n")
        assert receive_all(client) == b"Welcome!"


@pytest.fixture
def logfile(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


def read(path: Path) -> str:
    """Return what is in a file, if there is one."""
    with suppress(FileNotFoundError):
        return path.read_text()
    return ""


@contextmanager
def logging(logfile: Path, *options: str) -> Iterator[tuple[Process, int]]:
    """Have a server that logs to a file; return it and its port."""
    command = (SOCKPROTO, "serve", "--port", "0", "--tcp-only", "--logfile", str(logfile), *options)
    with serving(*command) as process:
        wait_until(lambda: " on TCP " in read(logfile) or process.popen.poll(), "listening")
        found = re.search(r" on TCP \S+:(\d+)$", read(logfile), re.MULTILINE)
        assert found, process.output.text
        yield process, int(found[1])


def test_sighup_opens_the_file_again_and_ends_nothing(logfile: Path) -> None:
    with logging(logfile) as (process, port), tcp_client(port) as client:
        for number in range(3):
            old = logfile.with_suffix(f".{number}")
            logfile.rename(old)
            process.popen.send_signal(signal.SIGHUP)
            wait_until(lambda: "the log file is opened again" in read(logfile), "the new file")
            assert "Welcome" not in read(old)
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        come_and_go(port)
        wait_until(lambda: "connection 2 from" in read(logfile), "the end in the new file")
        assert process.end() == []
        assert read(logfile).rstrip().endswith("Server Shut Down.")


def test_a_file_that_was_renamed_is_made_anew_without_a_signal(logfile: Path) -> None:
    with logging(logfile) as (process, port):
        logfile.rename(logfile.with_suffix(".1"))
        come_and_go(port)
        wait_until(lambda: "connection 1 from" in read(logfile), "the new file")
        process.end()


def test_a_file_that_cannot_be_opened_again(logfile: Path) -> None:
    old = logfile.with_suffix(".1")
    with logging(logfile) as (process, port):
        logfile.rename(old)
        logfile.mkdir()
        process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: "again: Is a directory" in read(old), "the fault")
        come_and_go(port)
        wait_until(lambda: "connection 1 from" in read(old), "the end of a connection")
        process.end()


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    for path, why in (tmp_path, "Is a directory"), (tmp_path / "none" / "log", "No such file or directory"):
        ended = run("serve", "--port", "0", "--logfile", str(path))
        assert ended.status == 2
        assert ended.errors == (
            f"sockproto serve: --logfile: can't write to {path}: {why} (sockproto serve --help tells more)\n"
        )
