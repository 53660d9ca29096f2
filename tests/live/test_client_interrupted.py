"""Ctrl-C ends every command at once and without a word, whatever it is doing."""

import json
import re
import select
import signal
import socket
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import receive, tcp_client
from tests.live.failing import refusals
from tests.live.peers import (
    LOOPBACK,
    datagram_server,
    drain,
    echo_back,
    full_backlog,
    start,
    start_anew,
    stream_server,
    unused_port,
    wait_until,
)
from tests.live.server import require


def interrupted(process: "subprocess.Popen[bytes]", statuses: tuple[int, ...] = (130,)) -> None:
    """Do what Ctrl-C does, and see that it ends at once and without a word."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    status = process.wait(TIMEOUT)
    assert process.stderr
    assert (process.stderr.read().strip(), status in statuses) == (b"", True), status
    assert time.monotonic() - began < 20


@contextmanager
def running(
    *arguments: str, starting: "Callable[..., subprocess.Popen[bytes]]" = start
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command that is to be interrupted."""
    with starting(*arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def connecting_to(where: str) -> bool:
    """Tell whether somebody besides the test waits for a connection there."""
    port = int(where.rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text()
    return len(re.findall(rf"^ *\d+: \w+:\w+ 0100007F:{port:04X} 02 ", table, re.MULTILINE)) > 1


@pytest.mark.parametrize("command", ["greet", "probe"])
def test_interrupted_while_it_connects(command: str) -> None:
    words = () if command == "probe" else ("x",)
    with full_backlog() as where, running(command, where, *words) as process:
        wait_until(lambda: connecting_to(where), "it doesn't connect")
        interrupted(process)


@pytest.mark.parametrize("command", ["greet", "echo", "welcome", "command", "probe"])
def test_interrupted_while_it_waits_for_a_reply(command: str) -> None:
    called = threading.Event()

    def silent(client: socket.socket) -> None:
        called.set()
        drain(client)

    words = {"greet": ("x",), "echo": ("x",), "command": ("/help",), "probe": ("--reply-timeout", "9")}
    with stream_server(silent) as where, running(command, where, *words.get(command, ())) as process:
        assert called.wait(TIMEOUT)
        interrupted(process)


def test_interrupted_while_it_waits_for_a_datagram() -> None:
    asked = threading.Event()
    with datagram_server(lambda _: asked.set()) as where, running("greet", where, "x") as process:
        assert asked.wait(TIMEOUT)
        interrupted(process)


SAID: dict[str, tuple[str, dict[str, object]]] = {
    "greet": ("Jo", {"replies": ["Welcome!"]}),
    "echo": ("Jo", {"bytes": 0}),
    "command": ("/Jo", {"greeting": [], "lines": [{"line": "/Jo", "replies": []}], "more": []}),
}


def interrupted_json(process: "subprocess.Popen[bytes]", number: signal.Signals) -> dict[str, object]:
    """Send a signal; return the object that was printed, without what says that there was one."""
    assert process.stdout
    process.send_signal(number)
    assert process.wait(TIMEOUT) == 128 + number
    [line] = process.stdout.read().splitlines()
    found = json.loads(line)
    assert isinstance(found.pop("seconds"), float)
    end = [found.pop(name) for name in ("error", "message", "status")]
    assert end == ["Interrupted", f"ended by {number.name}", 128 + number]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", list(SAID))
def test_json_has_what_came_before_the_interrupt(command: str, number: signal.Signals) -> None:
    asked = threading.Event()
    word, said = SAID[command]

    def stalled(client: socket.socket) -> None:
        if command == "greet":
            client.sendall(b"Welcome!")
        receive(client, len(word))
        asked.set()
        drain(client)

    rule = ("--answers", "prefix") if command == "command" else ()
    with stream_server(stalled) as where, running(command, "--json", *rule, where, word) as process:
        assert asked.wait(TIMEOUT)
        found = interrupted_json(process, number)
        assert process.stderr
        assert process.stderr.read() == b""
    assert found == {"command": command, "address": where, **said}


def test_json_has_the_text_that_came_before_the_interrupt() -> None:
    def stalled(client: socket.socket) -> None:
        client.sendall(b"Hello, ")
        drain(client)

    with stream_server(stalled) as where, running("welcome", "--json", "--hex", where) as process:
        assert process.stderr
        assert b"48 65 6c 6c 6f" in process.stderr.readline()
        assert interrupted_json(process, signal.SIGINT) == {
            "command": "welcome",
            "address": where,
            "text": "Hello, ",
        }


@pytest.mark.parametrize("where", ["connect", "handshake"])
def test_json_of_one_that_is_interrupted_before_anything_came(where: str) -> None:
    called = threading.Event()

    def silent(client: socket.socket) -> None:
        client.recv(1)
        called.set()
        drain(client)

    if where == "connect":
        with full_backlog() as address, running("greet", "--json", address, "x") as process:
            wait_until(lambda: connecting_to(address), "it doesn't connect")
            assert interrupted_json(process, signal.SIGINT) == {"command": "greet", "address": address}
    else:
        with (
            stream_server(silent) as address,
            running("greet", "--json", address, "x", "--tls") as process,
        ):
            assert called.wait(TIMEOUT)
            assert interrupted_json(process, signal.SIGINT) == {"command": "greet", "address": address}


def test_interrupted_in_a_handshake() -> None:
    called = threading.Event()

    def silent(client: socket.socket) -> None:
        client.recv(1)
        called.set()
        drain(client)

    with stream_server(silent) as where, running("greet", where, "x", "--tls") as process:
        assert called.wait(TIMEOUT)
        interrupted(process)


def test_interrupted_in_the_middle_of_an_echo() -> None:
    with stream_server(echo_back) as where, running("echo", where, "-") as process:
        assert process.stdin
        assert process.stdout
        for piece in b"Hello", bytes(30_000):
            process.stdin.write(piece)
            process.stdin.flush()
            assert process.stdout.read(len(piece)) == piece
        interrupted(process)


def test_interrupted_while_nobody_reads_what_it_writes() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(bytes(65_536))

    with stream_server(flood) as where, running("welcome", where) as process:
        wait_until(lambda: "pipe" in Path(f"/proc/{process.pid}/wchan").read_text(), "it never blocks")
        interrupted(process)


def test_interrupted_between_two_probes() -> None:
    with unused_port() as port, running("probe", "--wait", "9", f"{LOOPBACK}:{port}") as process:
        wait_until(lambda: refusals(process.pid), "it never waits")
        interrupted(process)


def test_interrupted_while_it_serves() -> None:
    with running("serve", "--port", "0") as process:
        assert process.stdout
        while not (found := re.search(rb" on TCP \S+:(\d+)$", process.stdout.readline())):
            assert process.poll() is None
        with tcp_client(int(found[1])) as client:
            assert receive(client, 8) == b"Welcome!"
        interrupted(process, (130, -signal.SIGINT))
        assert b"Traceback" not in process.stdout.read()


def loading(pid: int) -> bool:
    """Tell whether the command's own modules are being loaded; what Python does before can't be helped."""
    return "/termios." in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 40, 80, 120, 180, 240, 320])
def test_interrupted_as_it_starts(milliseconds: int) -> None:
    require(hasattr(termios, "__file__"), "a module in a file that shows how far Python is")
    with stream_server(drain) as where, running("greet", where, "x", starting=start_anew) as process:
        wait_until(lambda: loading(process.pid), "Python doesn't start")
        select.select([], [], [], milliseconds / 1000)  # a moment, whichever it is
        interrupted(process)
