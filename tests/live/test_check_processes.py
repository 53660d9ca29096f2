"""Servers that ``sockproto check`` starts: it judges them and no other, and leaves none of them behind."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import judge
from sockproto.check.started import Started, kill_all
from sockproto.check.subject import Subject
from sockproto.check.target import find, free_port
from sockproto.check.timing import QUICK, Patience
from sockproto.check.verdict import Skipped, Verdict
from sockproto.plain.deadline import Deadline
from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO
from tests.live.server import Serve

LISTEN = (
    "import os, signal, socket, sys, time\nlistener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
)
PID = "open(sys.argv[2], 'a').write(f'{os.getpid()}\\n')\n"
ECHO = (
    "import threading\n"
    "def serve(client):\n    while data := client.recv(65_536):\n        client.sendall(data)\n"
    "while True:\n    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()\n"
)
MUTE = "kept = []\nwhile True:\n    kept.append(listener.accept())\n"


def command(code: str, *arguments: object) -> str:
    """Return what starts a server of a few lines."""
    return shlex.join([sys.executable, "-c", code]) + " {port} " + shlex.join(map(str, arguments))


def check(protocol: str, start: str, *options: str) -> "subprocess.CompletedProcess[str]":
    typed = [SOCKPROTO, "check", protocol, "--start", start, *options]
    return subprocess.run(typed, capture_output=True, text=True, timeout=TIMEOUT)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z " not in stat.read_text()


def ends(pid: int) -> bool:
    """Say whether a process ends in time."""
    until = time.monotonic() + TIMEOUT
    while is_there(pid) and time.monotonic() < until:
        pass
    return not is_there(pid)


def test_another_program_is_not_judged_in_its_place(serve: Serve) -> None:
    server = serve("--protocol", "echo")
    where = f"127.0.0.1:{server.port}"
    ran = subprocess.run(
        [SOCKPROTO, "check", "echo", where, "--start", "false {port}"], capture_output=True, timeout=TIMEOUT
    )
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"something listens there already" in ran.stderr
    with (
        Started("false {port}", server.port) as started,
        pytest.raises(Exception, match="ended when it was connected to"),
    ):
        started.wait_until_up("tcp", "127.0.0.1", server.port)


def test_a_daemon_is_refused_and_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = LISTEN + "if os.fork():\n    os._exit(0)\nos.setsid()\n" + PID + MUTE
    ran = check("echo", command(code, pid))
    assert (ran.returncode, ran.stdout) == (7, "")
    assert "(status 0); it must stay in the foreground" in ran.stderr
    assert not pid.exists() or ends(int(pid.read_text()))


def test_what_has_left_its_group_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = LISTEN + "if os.fork():\n    signal.pause()\nos.setsid()\n" + PID + MUTE
    assert check("echo", command(code, pid), "--only", "meaning", "--quick").returncode == 1
    assert ends(int(pid.read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_that_was_started(number: signal.Signals, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    start = command(LISTEN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PID + MUTE, pids)
    typed = [SOCKPROTO, "check", "echo", "--start", start, "--only", "shutdown", "--quick"]
    process = subprocess.Popen(typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + TIMEOUT
        while not pids.exists() or len(pids.read_text().splitlines()) < 2:  # the second is a case's own
            assert time.monotonic() < until
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 128 + number
    finally:
        process.kill()
        process.wait()
    assert all(ends(int(pid)) for pid in pids.read_text().split())


def test_a_signal_that_comes_as_soon_as_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Started(command(LISTEN + MUTE), free_port())
    [process] = made
    with process:
        kill_all()
        try:
            assert process.wait(TIMEOUT) == -signal.SIGKILL
        finally:
            process.kill()


def test_the_start_and_the_end_are_within_the_time() -> None:
    code = (
        "import time\ntime.sleep(1.5)\n" + LISTEN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + MUTE
    )
    began = time.monotonic()
    ran = check("echo", command(code), "--quick", "--seconds", "3", "--json")
    assert time.monotonic() - began < 3 + QUICK.end + TIMEOUT
    assert ran.returncode == 1
    assert json.loads(ran.stdout.splitlines()[-1])["seconds"] < 10


def test_another_that_starts_slowly_is_not_wrong() -> None:
    port = free_port()
    first = f"import sys, time\nif sys.argv[1] != '{port}':\n    time.sleep({TIMEOUT})\n"
    start = command(first + LISTEN + MUTE)
    with Started(start, port) as started:
        started.wait_until_up("tcp", "127.0.0.1", port)
        context = CheckContext("echo", find("tcp", "127.0.0.1", port), QUICK, True, started)
        subject = Subject(context, Deadline(0.1))
        with pytest.raises(Skipped, match="are too short to start the server"), subject.another():
            pass


def test_a_server_that_starts_slowly_is_not_said_to_end_slowly() -> None:
    code = (
        "import time\ntime.sleep(0.5)\n" + LISTEN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ECHO
    )
    [judged] = chosen(cases("echo"), ["shutdown.it-ends-in-time"], [])
    port = free_port()
    with Started(command(code), port, 0.1) as started:
        started.wait_until_up("tcp", "127.0.0.1", port)
        hurry = Patience(answer=1.4, silence=0.03, case=1.4)
        result = judge(CheckContext("echo", find("tcp", "127.0.0.1", port), hurry, True, started), judged)
    assert result.verdict is Verdict.SKIP, result


def test_what_processes_share_counts_once() -> None:
    code = (
        LISTEN
        + "block = bytes(range(256)) * (1 << 16)\nfor _ in range(4):\n    if not os.fork():\n        break\n"
    )
    port = free_port()
    with Started(command(code + "listener.listen()\n" + MUTE), port) as started:
        started.wait_until_up("tcp", "127.0.0.1", port)
        until = time.monotonic() + TIMEOUT
        while started.processes() < 5:
            assert time.monotonic() < until
        assert 16 << 20 < started.memory_bytes() < 50 << 20


def test_a_signal_without_a_name() -> None:
    with Started(f"{sys.executable} -c 'import os; os.kill(os.getpid(), 40)'", 0) as started:
        assert started.wait(TIMEOUT) == "killed by signal 40"


def test_a_port_that_is_in_use_is_no_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ran = check("echo", command(LISTEN + MUTE), "--only", "meaning", f"127.0.0.1:{port}")
    assert (ran.returncode, ran.stdout) == (2, "")
