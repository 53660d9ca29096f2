"""Servers that ``sockproto check`` starts, and that do not live long: what is told of them."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO

MORTAL = """
import socket, sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        with client:
            while data := client.recv(1_024):
                client.sendall(data)
                if b"\\0" in data:
                    sys.exit("no \\x1b NUL, please")
"""


def check(file: Path, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    file.write_text(code)
    start = shlex.join([sys.executable, str(file)]) + " {port}"
    command = [SOCKPROTO, "check", "echo", "--start", start, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)


def test_one_that_ends_fails_that_case_and_is_started_again(tmp_path: Path) -> None:
    ran = check(tmp_path / "mortal.py", MORTAL, "--only", "binary", "--json")
    [every, utf, nul, report] = map(json.loads, ran.stdout.splitlines())
    assert report["causes"][0]["sentence"].startswith("It ends, or crashes, ")
    assert (ran.returncode, utf["verdict"]) == (1, "pass")
    for failed in every, nul:
        assert failed["verdict"] == "fail"
        assert failed["reason"].endswith("the server has ended (status 1); it said 'no \\x1b NUL, please'")
        assert failed["said"] == ["'no \\x1b NUL, please'"]


def test_one_that_ends_when_it_is_connected_to(tmp_path: Path) -> None:
    code = (
        "import socket, sys\nlistener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "listener.accept()\nlistener.close()\nsys.exit('that was all')\n"
    )
    ran = check(tmp_path / "shy.py", code)
    assert (ran.returncode, ran.stdout) == (7, "")
    assert "the server ended when it was connected to (status 1); it said 'that was all'" in ran.stderr
