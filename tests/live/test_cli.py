"""What the command shows: to a person, to a pipe, to a program; and what it tells a shell."""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.peers import (
    SOCKPROTO,
    Ended,
    all_at_once,
    drain,
    echo_back,
    end,
    run,
    say,
    start,
    stream_server,
)
from tests.live.server import Serve, need

ESCAPES = b"\x1b[31mred\x1b]0;title\x07\x9b1m\x00\r\x7f caf\xc3\xa9 \xff\tend"
SHOWN = r"\x1b[31mred\x1b]0;title\x07\x9b1m\x00\r\x7f café \xff" + "\tend"
COMMANDS = (
    "greet",
    "echo",
    "welcome",
    "command",
    "probe",
    "check",
    "fetch",
    "serve",
    "protocols",
    "completion",
)


class Terminal:
    """A pseudo-terminal, and what was written on it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.text = b""

    def take(self, seconds: float) -> bytes:
        """Take what is there within so many seconds; return all so far."""
        while select.select([self.master], [], [], seconds)[0]:
            self.text += os.read(self.master, 65_536)
            seconds = 0
        return self.text


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    os.close(made.master)
    os.close(made.slave)


def says(text: bytes) -> Callable[[socket.socket], object]:
    """Return a handler that says a text and closes."""

    def handle(client: socket.socket) -> None:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        drain(client)

    return handle


# Bytes.


def test_bytes_go_through_a_pipe_as_they_are() -> None:
    with stream_server(says(ESCAPES)) as one, stream_server(echo_back) as echo:
        assert say("welcome", one) == ESCAPES
        assert say("greet", "--no-welcome", one, "x") == ESCAPES + b"\n"
        data = bytes(range(256)) + b"no newline"
        assert say("echo", echo, "-", stdin=data) == data


@pytest.mark.parametrize("command", ["welcome", "greet"])
def test_a_terminal_gets_escapes_in_words(terminal: Terminal, command: str) -> None:
    words = ("--no-welcome", "x") if command == "greet" else ()
    with stream_server(says(ESCAPES)) as where:
        ended = end(start(command, where, *words, stdout=terminal.slave))
    assert (ended.status, ended.errors) == (0, "")
    assert terminal.take(0.1).decode() == SHOWN + "\r\n"


def test_a_failure_shows_escapes_of_the_address_in_words() -> None:
    ended = run("greet", "unix:/nonesuch\x1b[31m\nline", "x")
    assert ended.status == 7
    assert re.fullmatch(r"sockproto greet: unix:/nonesuch\\x1b\[31m\\nline: .*\n", ended.errors)


def test_probe_shows_escapes_in_words(terminal: Terminal) -> None:
    with stream_server(says(b"\x1b[31mred")) as where:
        assert end(start("probe", where, stdout=terminal.slave)).status == 0
    assert b"\x1b" not in terminal.take(0.1)
    assert rb"\x1b[31mred" in terminal.text


# --hex and --json.


def test_hex_shows_both_directions_with_times() -> None:
    with stream_server(echo_back) as where:
        ended = run("echo", "--hex", where, "Hello, this is more than a row\n\x1b")
    assert (ended.status, ended.output) == (0, b"Hello, this is more than a row\n\x1b")
    rows = re.findall(r"^ *(\d+\.\d{6}) ([<>]) ([0-9a-f]{8})  ([0-9a-f ]{47})  \|(.*)\|$", ended.errors, re.M)
    assert len(rows) == len(ended.errors.splitlines())
    assert [row[1] for row in rows] == [">", ">", "<", "<"]
    assert [row[2] for row in rows] == ["00000000", "00000010"] * 2
    assert rows[0][3].startswith("48 65 6c 6c 6f 2c 20 ")
    assert [row[4] for row in rows] == ["Hello, this is m", "ore than a row.."] * 2
    times = [float(row[0]) for row in rows]
    assert times == sorted(times)


def test_hex_of_a_greeting_and_of_a_datagram(serve: Serve) -> None:
    port = serve().port
    stream, datagram = all_at_once(
        [("greet", "--hex", *option, f"127.0.0.1:{port}", "Jo") for option in ((), ("--udp",))]
    )
    assert re.findall(r" ([<>]) \w{8} .*\|(.*)\|", stream.errors) == [
        ("<", "Welcome!"),
        (">", "Jo"),
        ("<", "Hello, Jo!"),
        (">", "exit"),
    ]
    assert re.findall(r" ([<>]) \w{8} .*\|(.*)\|", datagram.errors) == [(">", "Jo"), ("<", "Hello, Jo!")]


def only_object(ended: Ended) -> dict[str, object]:
    """Return the one JSON object on standard output, which is a line."""
    assert ended.output.count(b"\n") == 1
    assert ended.output.endswith(b"\n")
    found = json.loads(ended.output)
    assert isinstance(found, dict)
    assert isinstance(found.pop("seconds", 0.0), float)
    return found


def test_json_is_one_object(serve: Serve) -> None:
    where = f"127.0.0.1:{serve().port}"
    with stream_server(echo_back) as echo, stream_server(says(b"\xff\n")) as binary:
        greeted, echoed, welcomed, probed = all_at_once(
            [
                ("greet", "--json", where, "Jo", "世界"),
                ("echo", "--json", echo, "Hello"),
                ("welcome", "--json", binary),
                ("probe", "--json", where),
            ]
        )
    for ended in greeted, echoed, welcomed, probed:
        assert (ended.status, ended.errors) == (0, "")
    head = {"command": "greet", "address": where}
    assert only_object(greeted) == {**head, "replies": ["Welcome!", "Hello, Jo!", "Hello, 世界!"]}
    assert only_object(echoed) == {"command": "echo", "address": echo, "bytes": 5, "same": True}
    assert only_object(welcomed) == {"command": "welcome", "address": binary, "text": {"base64": "/wo="}}
    assert only_object(probed)["outcome"] == "replied"


def test_json_of_a_command_that_fails_after_a_reply() -> None:
    def once(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(b"one\n")
        client.recv(1024)

    with stream_server(once) as where:
        ended = run("command", "--json", "--answers", "prefix", where, "/a", "/b")
    found = only_object(ended)
    assert found.pop("message")
    assert (ended.status, found) == (
        18,
        {
            "command": "command",
            "address": where,
            "greeting": [],
            "lines": [{"line": "/a", "replies": ["one"]}, {"line": "/b", "replies": []}],
            "more": [],
            "error": "CutShort",
            "phase": "reply",
            "status": 18,
        },
    )


# Progress.


def pump(process: "subprocess.Popen[bytes]", going: Callable[[], bool]) -> int:
    """Have pieces echoed as long as wanted, then the end; return how many bytes came back."""
    assert process.stdin
    assert process.stdout
    deadline, count = time.monotonic() + TIMEOUT, 0
    while going() and time.monotonic() < deadline:
        process.stdin.write(bytes(10_000))
        process.stdin.flush()
        count += len(process.stdout.read(10_000))
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait(TIMEOUT) == 0
    return count


def test_progress_on_a_terminal(terminal: Terminal) -> None:
    with stream_server(echo_back) as where, start("echo", where, "-", stderr=terminal.slave) as process:
        try:
            assert pump(process, lambda: b"/s" not in terminal.take(0))
        finally:
            process.kill()
    shown = terminal.take(0.1).decode()
    assert re.fullmatch(r"(\r\d+(\.\d)? [kMG]?B, \d+(\.\d)? [kMG]?B/s\x1b\[K)+\r\x1b\[K", shown), shown


def test_progress_of_a_file_says_how_much_is_left(terminal: Terminal, tmp_path: Path) -> None:
    def slow(client: socket.socket) -> None:
        while data := client.recv(65_536):
            client.sendall(data)
            terminal_shows.append(terminal.take(0.01))

    terminal_shows: list[bytes] = []
    file = tmp_path / "file"
    file.write_bytes(bytes(6_000_000))
    with stream_server(slow) as where, file.open("rb") as source, (tmp_path / "copy").open("wb") as copy:
        ended = end(start("echo", where, "-", stdin=source, stdout=copy, stderr=terminal.slave))
    assert ended.status == 0
    shown = terminal.take(0.1).decode()
    assert re.search(r"\r\d\.\d MB of 6\.0 MB, \d+(\.\d)? [kM]B/s, \d+:\d\d left\x1b\[K", shown), shown
    assert shown.endswith("\r\x1b[K")


def test_no_progress_in_a_pipe() -> None:
    with stream_server(echo_back) as where, start("echo", where, "-") as process:
        try:
            until = time.monotonic() + 1.2  # twice the time after which a terminal shows it
            assert pump(process, lambda: time.monotonic() < until)
            assert process.stderr
            assert process.stderr.read() == b""
        finally:
            process.kill()


# Standard input.


def test_names_and_lines_of_standard_input(serve: Serve) -> None:
    greeting, command = serve().port, serve("--protocol", "command").port
    said = say("greet", f"127.0.0.1:{greeting}", "Jo", "-", "Al", stdin=b"Michael\r\nTracy")
    assert said == b"Welcome!\nHello, Jo!\nHello, Michael!\nHello, Tracy!\nHello, Al!\n"
    said = say("command", f"127.0.0.1:{command}", "-", stdin=b"/version\n\n/echo y")
    assert said == b"Demo version\n y\n"
    assert say("command", f"127.0.0.1:{command}", stdin=b"/version\n") == b"Demo version\n"


def test_names_are_greeted_as_they_are_typed() -> None:
    def handle(client: socket.socket) -> None:
        client.sendall(b"Welcome!")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hello, " + name + b"!")

    with stream_server(handle) as where, start("greet", where, "-") as process:
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == b"Welcome!\n"
            for name in b"Michael", b"Tracy":
                process.stdin.write(name + b"\n")
                process.stdin.flush()
                assert process.stdout.readline() == b"Hello, " + name + b"!\n"
            process.stdin.close()
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()


def test_standard_input_that_is_closed_or_a_terminal_keeps_its_mode(terminal: Terminal) -> None:
    with stream_server(echo_back) as where:
        process = start("echo", where, "-", stdin=terminal.slave)
        os.write(terminal.master, b"typed\n\x04")
        try:
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()
            with process:
                assert process.stdout
                assert process.stdout.read() == b"typed\n"
        assert os.get_blocking(terminal.slave)
        script = f"exec {SOCKPROTO} echo {where} x <&-"
        ended = subprocess.run(["bash", "-c", script], capture_output=True, timeout=TIMEOUT, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"x", b"")


# serve, --help, --version.


def test_serve_serves() -> None:
    with start("serve", "--port", "0", "--protocol", "echo") as process:
        assert process.stdout
        try:
            while not (found := re.search(rb" on TCP (\S+:\d+)$", process.stdout.readline())):
                assert process.poll() is None
            assert say("echo", found[1].decode(), "Hello") == b"Hello"
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT)
    assert process.returncode in (0, -15)


@pytest.mark.parametrize(
    "options", ["--nonesuch", "--port x", "--protocol nonesuch", "--port", "--think-seconds -1", "stray"]
)
def test_serve_with_a_wrong_option(options: str) -> None:
    ended = run("serve", *options.split())
    assert (ended.status, ended.output) == (2, b"")
    assert re.fullmatch(r"sockproto serve: [^\n]+\n", ended.errors), ended.errors
    assert "twistd" not in ended.errors


def test_serve_at_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("serve", "--tcp-only", "--port", str(taken.getsockname()[1]))
    assert ended.status == 1
    assert len(ended.errors.splitlines()) == 1
    assert "can't listen on TCP" in ended.errors


def test_help_has_an_example() -> None:
    whole, *each = all_at_once([("--help",), *((command, "--help") for command in COMMANDS)])
    for command, ended in zip(COMMANDS, each, strict=True):
        assert (ended.status, ended.errors) == (0, "")
        assert re.search(rf"^ *Example: .*\bsockproto {command}\b", ended.output.decode(), re.M), ended
        assert re.search(rf"^  {command} ", whole.output.decode(), re.M)


def test_version_and_the_module() -> None:
    import sys

    ended = run("--version")
    assert re.fullmatch(rb"sockproto \d+\.\d+\.\d+\S*\n", ended.output)
    module = subprocess.run(
        [sys.executable, "-m", "sockproto", "--version"], capture_output=True, timeout=TIMEOUT, check=False
    )
    assert (module.returncode, module.stdout, module.stderr) == (0, ended.output, b"")


# Completion.

COMPLETE = """
source <(sockproto completion bash)
complete_word() {
    local function
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    function=$(complete -p sockproto | sed -E 's/.*-F ([^ ]+) .*/\\1/')
    "$function" sockproto "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    echo "${COMPREPLY[@]}"
}
complete_word sockproto gr
complete_word sockproto ''
complete_word sockproto probe --wa
complete_word sockproto completion z
"""


def in_shell(shell: str, *options: str, script: str) -> list[str]:
    """Run a script with the command on the path; return its lines."""
    path = f"{Path(SOCKPROTO).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        [shell, *options, script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_completion_in_bash() -> None:
    need("bash")
    found = in_shell("bash", "--norc", "-c", script=COMPLETE)
    assert found[0] == "greet"
    assert set(found[1].split()) == set(COMMANDS)
    assert found[2:] == ["--wait", "zsh"]


@pytest.mark.parametrize(
    ("shell", "pattern"), [("zsh", "#compdef sockproto"), ("fish", "complete .*sockproto")]
)
def test_completion_for_other_shells(shell: str, pattern: str, tmp_path: Path) -> None:
    script = say("completion", shell).decode()
    assert re.search(pattern, script)
    assert "_SOCKPROTO_COMPLETE" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        assert in_shell(shell, "-n", script=str(tmp_path / "script")) == []
    typed = {"COMP_WORDS": "sockproto gr", "COMP_CWORD": "gr" if shell == "fish" else "1"}
    ended = run(environment={"_SOCKPROTO_COMPLETE": f"{shell}_complete", **typed})
    assert b"greet" in ended.output
