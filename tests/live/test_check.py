"""Our servers pass the checker; and the command with a server that it starts itself."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import run
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.started import Started
from sockproto.check.target import find, free_port
from sockproto.check.timing import Patience
from sockproto.check.verdict import Report, Result, Verdict
from tests.check.test_cases import forbidden
from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO, wait_until
from tests.live.server import Serve, Server
from tests.live.test_cli import Terminal, terminal
from tests.live.test_tls import Authority, authority

__all__ = ["authority", "terminal"]  # fixtures

PATIENT = Patience(answer=10, silence=0.1, case=30, run=100)  # for a machine that does much else
LESS_PATIENT = replace(PATIENT, answer=3)  # where something is waited for in vain

OURS = f"""
from os.path import abspath

from twisted.application import service
from sockproto.server.tap import Options, makeService

application = service.Application("ours")
for words in (
    *(["--protocol", protocol, "--port", "0"] for protocol in {PROTOCOLS}),
    ["--interface", "127.0.0.2", "--port", "0", "--tcp-only", "--framing", "lines"],
    ["--listen", "unix:" + abspath("stream"), "--listen", "unix-dgram:" + abspath("datagrams")],
):
    options = Options()
    options.parseOptions(words)
    makeService(options).setServiceParent(application)
"""
"""For twistd: every protocol on TCP and UDP, and greeting in other ways."""

NAIVE = """
import socket, sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        with client:
            while data := client.recv(1_024):
                client.sendall(data.upper())
"""


def check(protocol: str, kind: str, host: str, port: int = 0, patience: Patience = PATIENT) -> Report:
    """Judge a server by all that is quick, and as patiently as can be."""
    target = find(kind, host, port)
    quick = [each for each in cases(protocol, target.datagrams) if each.quick]
    return run(CheckContext(protocol, target, patience, quick=True), quick)


def others(report: Report) -> list[Result]:
    """Return what is not passed, but for what only root, or a server started for the check, is judged by."""
    return [
        result
        for result in report.results
        if result.verdict is not Verdict.PASS
        and not forbidden(result)
        and not re.search("--start|a UNIX socket has no port", result.reason)
    ]


def port_of(server: Server, protocol: str) -> int:
    """Return the port that a protocol has for streams, and for datagrams."""
    return int(server.wait_for(rf"\] {protocol} on TCP \S+:(\d+)$")[1])


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """All our servers, each of its own options, in one process."""
    directory = tmp_path_factory.mktemp("ours")
    (directory / "ours.tac").write_text(OURS)
    server = Server(script=directory / "ours.tac", directory=directory)
    try:
        server.wait_for("greeting on unix-dgram:")
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_our_servers_pass(protocol: str, ours: Server) -> None:
    for kind in "tcp", "udp":
        report = check(protocol, kind, "127.0.0.1", port_of(ours, protocol))
        assert others(report) == []
        assert report.count(Verdict.PASS)


def test_our_servers_pass_on_unix_sockets(ours: Server) -> None:
    for kind in "unix", "unix-dgram":
        path = ours.wait_for(rf"greeting on {kind}:(\S+)$")[1]
        assert others(check("greeting", kind, path)) == []


def test_our_server_of_strict_lines_passes_but_for_what_is_open(ours: Server) -> None:
    port = int(ours.wait_for(r"\] greeting on TCP 127\.0\.0\.2:(\d+)$")[1])
    [result] = others(check("greeting", "tcp", "127.0.0.2", port, LESS_PATIENT))
    assert (result.verdict, result.case.identifier) == (Verdict.OPEN, "meaning.a-bare-name")


def test_our_servers_pass_over_tls(serve: Serve, authority: Authority) -> None:
    server = serve("--protocol", "echo", "--listen", authority.description)
    quick = [each for each in cases("echo") if each.quick]
    target = find("tcp", "127.0.0.1", server.port, authority.context)
    skipped = {
        result.reason for result in others(run(CheckContext("echo", target, PATIENT, quick=True), quick))
    }
    assert skipped == {"TLS has no half-close"}
    where = f"127.0.0.1:{server.port}"
    command = [SOCKPROTO, "check", "echo", where, "-k", "--only", "meaning", "--json"]
    ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    assert (ran.returncode, ran.stderr, json.loads(ran.stdout.splitlines()[-1])["target"]) == (
        0,
        b"",
        f"tls {where}",
    )
    command = [SOCKPROTO, "check", "echo", where, "--only", "meaning.a-dialogue"]
    ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    assert b"it speaks TLS: say --tls" in ran.stdout
    ran = subprocess.run([SOCKPROTO, "check", "echo", where, "--tls"], capture_output=True, timeout=TIMEOUT)
    assert ran.returncode == 60
    assert re.fullmatch(rb"sockproto check: .*certificate.*\n", ran.stderr)


@pytest.fixture
def naive(tmp_path: Path) -> str:
    """A command that starts an echo server which shouts."""
    file = tmp_path / "naive.py"
    file.write_text(NAIVE)
    return shlex.join([sys.executable, str(file)]) + " {port}"


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listening(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_that_the_check_starts_is_watched_and_ended(naive: str) -> None:
    command = [SOCKPROTO, "check", "echo", "--start", naive, "--only", "meaning", "--json"]
    ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    found = json.loads(ran.stdout.splitlines()[-1])
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert found["server"]["command"] == naive
    assert found["server"]["exit"] == "none: it was still running"
    assert re.fullmatch(
        r"\d+\.\d MB at first, \d+\.\d MB at most, the sum of its processes", found["server"]["memory"]
    )
    assert not listening(int(found["target"].rpartition(":")[2]))


def test_a_server_that_does_not_come_up(tmp_path: Path) -> None:
    start = shlex.join([sys.executable, "-c", "raise SystemExit('no such \\x1b[31mfile')"]) + " {port}"
    ran = subprocess.run(
        [SOCKPROTO, "check", "echo", "--start", start], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (ran.returncode, ran.stdout) == (7, "")
    assert re.fullmatch(
        r"sockproto check: 127\.0\.0\.1:\d+: the server ended before it listened \(status 1\);"
        r" it said 'no such \\x1b\[31mfile'\n",
        ran.stderr,
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_progress_on_a_terminal_and_the_end_by_a_signal(
    number: signal.Signals, status: int, terminal: Terminal, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "mute.py").write_text(
        "import os, socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "kept = []\nwhile True:\n    kept.append(listener.accept())\n"
    )
    start = shlex.join([sys.executable, str(tmp_path / "mute.py")]) + " {port}"
    command = [SOCKPROTO, "check", "echo", "--start", start]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal.slave)
    try:
        until = time.monotonic() + TIMEOUT
        while b"of" not in terminal.take(0.1):
            assert time.monotonic() < until
        process.send_signal(number)
        assert process.wait(TIMEOUT) == status
    finally:
        process.kill()
        process.communicate()
    shown = terminal.take(0.1).decode()
    assert re.fullmatch(r"(\r\d+ of \d+: [a-z -]+\x1b\[K)+\r\x1b\[K", shown), shown
    wait_until(lambda: not is_there(int(pid.read_text())), "the server is still there")


@pytest.mark.parametrize("protocol", ["echo", "command"])
def test_our_servers_are_watched(protocol: str) -> None:
    port = free_port()
    judged = chosen(cases(protocol), ["*.memory-is-bounded", "*.no-descriptor-*", "shutdown"], [])
    with Started(f"{SOCKPROTO} serve --protocol {protocol} --port {{port}}", port) as started:
        started.wait_until_up("tcp", "127.0.0.1", port)
        target = find("tcp", "127.0.0.1", port)
        report = run(CheckContext(protocol, target, PATIENT, True, started), judged)
    assert {result.verdict for result in report.results} == {Verdict.PASS}, others(report)


def test_our_server_ends_in_order_and_survives_a_want_of_descriptors() -> None:
    start = f"{SOCKPROTO} serve --protocol greeting --port {{port}}"
    only = ["--only", "shutdown", "--only", "many.descriptors-run-out"]
    command = [SOCKPROTO, "check", "greeting", "--start", start, *only, "--json"]
    ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    *found, _ = map(json.loads, ran.stdout.splitlines())
    assert [result["verdict"] for result in found] == 4 * ["pass"], found
