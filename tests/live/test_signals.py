"""What signals do to servers and commands: given, ignored, blocked, as process 1, from a terminal."""

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, receive, receive_all, tcp_client
from tests.live.peers import SOCKPROTO, drain, stream_server
from tests.live.server import TWISTD, Output, need, require

SERVERS = {
    "twistd": (TWISTD, "-n", "--pidfile=", "sockproto", "--port", "0"),
    "serve": (SOCKPROTO, "serve", "--port", "0"),
}
AS_PROCESS_1 = ("unshare", "--pid", "--fork", "--kill-child")
SLOW = ("--think-seconds", "1")
NEVER = ("--think-seconds", "60", "--drain-seconds", "60")
PORT = r" on TCP \S+:(\d+)$"

every_server = pytest.mark.parametrize("server", SERVERS)
every_signal = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


class Process:
    """A server whose output is read as it comes."""

    def __init__(self, *command: str) -> None:
        self.popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.popen.stdout
        self.log = Output(self.popen.stdout)
        self.port = int(self.log.wait_for(PORT)[1])

    def end(self) -> int:
        """Wait for its end; return the exit status."""
        status = self.popen.wait(TIMEOUT)
        assert "Traceback" not in self.log.wait_for_end()
        return status


@contextmanager
def serving(server: str, *options: str, prefix: tuple[str, ...] = ()) -> Iterator[Process]:
    process = Process(*prefix, *SERVERS[server], *options)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
            process.end()


def may_be_process_1() -> None:
    need("unshare")
    tried = subprocess.run([*AS_PROCESS_1, "true"], capture_output=True, timeout=TIMEOUT, check=False)
    require(tried.returncode == 0, "the right to a namespace of process ids")


def child_of(pid: int) -> int:
    """Return the pid of what unshare(1) has started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def with_signals(*options: str) -> tuple[str, ...]:
    """Return env(1) with options about signals, which few others than Debian's have."""
    tried = subprocess.run(["env", *options, "true"], capture_output=True, timeout=TIMEOUT, check=False)
    require(tried.returncode == 0, "an env that sets signals")
    return ("env", *options)


# Servers.


@every_server
@every_signal
def test_what_came_before_the_signal_is_answered(server: str, number: signal.Signals) -> None:
    with serving(server, *SLOW) as process, tcp_client(process.port) as client:
        ask(client, b"Michael\n", b"Welcome!")
        with tcp_client(process.port) as later:
            assert receive(later, 8) == b"Welcome!"  # so the server has read what the other sent
        process.popen.send_signal(number)
        assert receive_all(client) == b"Hello, Michael!\n"
        assert process.end() == -number


@every_server
@pytest.mark.parametrize("lame_duck_seconds", ["0", "600"])
def test_a_second_signal_cuts_though_it_comes_with_the_first(server: str, lame_duck_seconds: str) -> None:
    options = ("--think-seconds", "600", "--drain-seconds", "600", "--lame-duck-seconds", lame_duck_seconds)
    with serving(server, *options) as process, tcp_client(process.port) as client:
        ask(client, b"Michael\n", b"Welcome!")
        for number in signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT:
            process.popen.send_signal(number)
        with suppress(ConnectionResetError):
            assert receive_all(client) == b""
        process.log.wait_for("0 connections closed, 1 cut")
        assert process.end() in (-signal.SIGINT, -signal.SIGTERM)


@every_server
@pytest.mark.parametrize(
    ("ignored", "ending"),
    [
        (signal.SIGINT, signal.SIGTERM),  # every "command &" of a script
        (signal.SIGHUP, signal.SIGTERM),  # nohup's
        (signal.SIGTERM, signal.SIGINT),
    ],
)
def test_an_ignored_signal_counts_for_nothing(
    server: str, ignored: signal.Signals, ending: signal.Signals
) -> None:
    prefix = with_signals(f"--ignore-signal={ignored.name.removeprefix('SIG')}")
    with serving(server, *SLOW, prefix=prefix) as process, tcp_client(process.port) as client:
        assert receive(client, 8) == b"Welcome!"
        for _ in range(2):
            process.popen.send_signal(ignored)
        ask(client, b"Michael\n", b"Hello, Michael!\n")
        client.sendall(b"Tracy\n")
        with tcp_client(process.port) as later:
            assert receive(later, 8) == b"Welcome!"
        process.popen.send_signal(ending)
        process.popen.send_signal(ignored)  # which is no second one
        assert receive_all(client) == b"Hello, Tracy!\n"
        assert process.end() == -ending


@every_server
@every_signal
def test_a_signal_that_was_blocked_is_let_in(server: str, number: signal.Signals) -> None:
    prefix = with_signals("--block-signal")
    with serving(server, prefix=prefix) as process, tcp_client(process.port) as client:
        assert receive(client, 8) == b"Welcome!"
        process.popen.send_signal(number)
        assert receive_all(client) == b""
        assert process.end() == -number


@every_server
@every_signal
def test_as_process_1(server: str, number: signal.Signals) -> None:
    may_be_process_1()
    with (
        serving(server, *SLOW, prefix=AS_PROCESS_1) as process,
        tcp_client(process.port) as client,
    ):
        ask(client, b"Michael\n", b"Welcome!")
        with tcp_client(process.port) as later:
            assert receive(later, 8) == b"Welcome!"
        os.kill(child_of(process.popen.pid), number)
        assert receive_all(client) == b"Hello, Michael!\n"
        assert process.end() == 0  # what would have killed it does nothing to process 1


@pytest.mark.parametrize("first", [signal.SIGHUP, signal.SIGTERM])
def test_a_second_signal_ends_the_waiting(first: signal.Signals) -> None:
    with serving("twistd", *NEVER) as process, tcp_client(process.port) as client:
        ask(client, b"Michael\n", b"Welcome!")
        with tcp_client(process.port) as later:
            assert receive(later, 8) == b"Welcome!"
        process.popen.send_signal(first)
        process.log.wait_for(r"\(TCP Port \d+ Closed\)$")
        process.popen.send_signal(signal.SIGTERM)
        assert process.end() == -first


def test_a_stopped_server_goes_on(tmp_path: Path) -> None:
    with serving("serve") as process, tcp_client(process.port) as client:
        assert receive(client, 8) == b"Welcome!"
        process.popen.send_signal(
            signal.SIGSTOP
        )  # SIGTSTP is dropped where nohup or CI has started the tests
        _, status = os.waitpid(process.popen.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        client.sendall(b"Michael\n")
        process.popen.send_signal(signal.SIGCONT)
        assert receive(client, 16) == b"Hello, Michael!\n"
        process.popen.send_signal(signal.SIGTERM)
        assert process.end() == -signal.SIGTERM


# From a terminal that closes.


@pytest.mark.parametrize("shell", [False, True])
@every_server
def test_the_terminal_closes(server: str, shell: bool) -> None:
    """The system tells of it, and an interactive shell once more."""
    words: tuple[str, ...] = (*SERVERS[server], *SLOW)
    if shell:
        need("bash")
        words = (str(shutil.which("bash")), "--norc", "-i", "-c", f"{' '.join(words)}; exit $?")
    pid, terminal = pty.fork()
    if not pid:
        os.execv(words[0], words)
    try:
        log = b""
        while not (found := re.search(rb" on TCP \S+:(\d+)\r$", log, re.MULTILINE)):
            log += os.read(terminal, 4096)
        with tcp_client(int(found[1])) as client:
            ask(client, b"Michael\n", b"Welcome!")
            with tcp_client(int(found[1])) as later:
                assert receive(later, 8) == b"Welcome!"
            os.close(terminal)
            assert receive_all(client) == b"Hello, Michael!\n"
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (-signal.SIGHUP, 128 + signal.SIGHUP)


# Commands that call.


def calling(command: str, where: str) -> tuple[str, ...]:
    """Return a command that waits for what doesn't come."""
    words = {
        "greet": (where, "x"),
        "echo": (where, "x"),
        "command": (where, "/help"),
        "welcome": (where,),
        "probe": ("--reply-timeout", "60", where),
        "fetch": (f"http://{where}/",),
    }
    return (SOCKPROTO, command, *words[command])


every_command = pytest.mark.parametrize(
    "command", ["greet", "echo", "command", "welcome", "probe", "fetch", "check"]
)


@contextmanager
def waiting(command: str, prefix: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a command whose server says nothing, and go on when it has called."""
    read_end, write_end = os.pipe()

    def silent(client: object) -> None:
        os.write(write_end, b".")
        drain(client)  # type: ignore[arg-type]

    with stream_server(silent) as where:
        words = calling(command, where) if command != "check" else (SOCKPROTO, "check", "echo", where)
        with subprocess.Popen(
            [*prefix, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                os.read(read_end, 1)
                yield process
            finally:
                process.kill()
    os.close(read_end)
    os.close(write_end)


@every_command
@every_signal
def test_a_command_ends_by_a_signal(command: str, number: signal.Signals) -> None:
    with waiting(command) as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 128 + number
        assert b"Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_ends_by_a_signal_as_process_1(number: signal.Signals) -> None:
    may_be_process_1()
    with waiting("greet", AS_PROCESS_1) as process:
        os.kill(child_of(process.pid), number)
        assert process.wait(TIMEOUT) == 128 + number


@pytest.mark.parametrize("command", ["greet", "probe", "fetch"])
def test_a_command_lets_in_what_was_blocked(command: str) -> None:
    with waiting(command, with_signals("--block-signal")) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 128 + signal.SIGTERM


@every_command
def test_a_command_ignores_what_was_ignored(command: str) -> None:
    with waiting(command, with_signals("--ignore-signal=HUP", "--ignore-signal=INT")) as process:
        for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
            process.send_signal(number)
        assert process.wait(TIMEOUT) == 128 + signal.SIGTERM


# Before a drain: a lame duck, and what systemd is told.


@every_server
def test_it_serves_on_for_a_while_and_a_second_signal_ends_that(server: str) -> None:
    with serving(server, "--lame-duck-seconds", "600", "--drain-seconds", "600") as process:
        with tcp_client(process.port) as before:
            ask(before, b"Michael\n", b"Welcome!Hello, Michael!\n")
        process.popen.send_signal(signal.SIGTERM)
        process.log.wait_for("stops in 600 seconds")
        with tcp_client(process.port) as client:
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
            process.popen.send_signal(signal.SIGTERM)
            assert process.end() == -signal.SIGTERM


@every_server
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_that_means_nothing_ends_nothing(server: str, number: signal.Signals) -> None:
    with serving(server) as process:
        for _ in range(3):
            process.popen.send_signal(number)
        with tcp_client(process.port) as client:
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        process.popen.send_signal(signal.SIGTERM)
        assert process.end() == -signal.SIGTERM


@every_server
def test_what_systemd_is_told(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(TIMEOUT)
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        with serving(server) as process:
            assert systemd.recv(1_024) == b"READY=1\nSTATUS=0 connections open"
            assert systemd.recv(1_024) == b"WATCHDOG=1"
            process.popen.send_signal(signal.SIGTERM)
            while (told := systemd.recv(1_024)) != b"STOPPING=1":
                assert told == b"WATCHDOG=1"
            process.end()
