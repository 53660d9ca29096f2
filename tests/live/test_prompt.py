"""The prompt of ``sockproto command``, as a person at a terminal has it."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import pexpect
import pytest

from sockproto import CommandSet, command
from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO, datagram_server, drain, stream_server, wait_until
from tests.live.server import Serve, need

UP, TAB, CTRL_C, CTRL_D = "\x1b[A", "\t", "\x03", "\x04"

PASTE_OFF = "\x1b[?2004l"  # xterm's control sequences: bracketed paste mode
CLEARED = "\x1b[J"  # from here to the end of the screen (ECMA-48, 8.3.39)

PROMPT = r">(?: |\x08\x1b\[2C)"
"""What is drawn: a blank, or the way over it."""


class Talk(Protocol):
    """Opens a prompt in a terminal of its own."""

    def __call__(self, where: str, **environment: str) -> Any: ...


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    """Open prompts whose history is the test's own."""
    opened: list[Any] = []

    def open_prompt(where: str, **environment: str) -> Any:
        child: Any = pexpect.spawn(
            SOCKPROTO,
            ["command", where],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "xterm", **environment},
            timeout=TIMEOUT,
            dimensions=(24, 100),
            encoding="utf-8",
        )
        opened.append(child)
        child.delaybeforesend = None
        child.delayafterclose = 0
        child.expect_exact(f"Connected to {where}")
        child.expect(PROMPT)
        return child

    yield open_prompt
    for child in opened:
        if child.isalive():
            child.kill(signal.SIGKILL)
        child.close()


def ends(child: Any, status: int) -> str:
    """Wait for its end; return what it still wrote."""
    child.expect(pexpect.EOF)
    child.wait()
    assert (child.exitstatus, child.signalstatus) == (status, None), child.before
    assert "Traceback" not in child.before
    written: str = child.before
    return written


def cooked() -> list[Any]:
    """Return the attributes of a terminal that nobody has changed."""
    controller, terminal = os.openpty()
    try:
        return termios.tcgetattr(terminal)
    finally:
        os.close(controller)
        os.close(terminal)


def ask(child: Any, typed: str, reply: str) -> None:
    """Type a line; wait for a line with the reply, then for the prompt."""
    child.send(typed + "\r")
    child.expect(rf"(?:\n|\x1b\[[?\d]*[A-Za-z]){re.escape(reply)}\r?\n")
    child.expect(PROMPT)


@pytest.fixture
def where() -> Iterator[str]:
    """Serve the same commands as ours, sooner."""

    def handle(client: socket.socket) -> None:
        replies = {"/help": "/echo /help /version", "/version": "Demo version"}
        with client.makefile("rw", encoding="utf-8") as lines:
            while line := lines.readline():
                word = line.rstrip("\n")
                lines.write(replies.get(word, line.rstrip("\n").removeprefix("/echo")) + "\n")
                lines.flush()

    with stream_server(handle) as address:
        yield address


def test_a_command_gets_its_reply(talk: Talk, serve: Serve) -> None:
    child = talk(f"127.0.0.1:{serve('--protocol', 'command').port}")
    ask(child, "/version", "Demo version")
    ask(child, "/echo Hello, 世界", " Hello, 世界")
    child.send(CTRL_D)
    ends(child, 0)


def test_the_up_arrow_gives_what_was_typed_in_this_session_and_an_earlier_one(
    talk: Talk, where: str, tmp_path: Path
) -> None:
    child = talk(where)
    ask(child, "/echo first", " first")
    ask(child, "/version", "Demo version")
    ask(child, UP + UP, " first")
    child.send(CTRL_D)
    ends(child, 0)
    child = talk(where)
    ask(child, UP, " first")
    child.send(CTRL_D)
    ends(child, 0)
    history = tmp_path / "state" / "sockproto" / "history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "+/echo first" in history.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_the_terminal_as_it_was(talk: Talk, where: str, number: signal.Signals) -> None:
    child = talk(where)
    changed = termios.tcgetattr(child.child_fd)
    child.send("abc")
    child.expect_exact("abc")
    child.kill(number)
    left = ends(child, 128 + number)
    assert PASTE_OFF in left, "what is pasted at the shell would still be bracketed"
    assert CLEARED in left.split(PASTE_OFF)[0], "the prompt is left before the shell's"
    assert termios.tcgetattr(child.child_fd) == cooked() != changed


def test_tab_completes_what_the_servers_help_lists(talk: Talk, where: str) -> None:
    child = talk(where)
    ask(child, "/ver" + TAB, "Demo version")
    child.send("/" + TAB + TAB)
    for word in "/echo", "/help", "/version":
        child.expect_exact(word)
    child.send(CTRL_C)
    ends(child, 130)


def test_tab_completes_the_words_of_another_server(talk: Talk) -> None:
    def handle(client: socket.socket) -> None:
        with client.makefile("rb") as lines:
            for line in lines:
                client.sendall(b"/weather /time\n" if line.startswith(b"/help") else b"sunny\n")

    with stream_server(handle) as where:
        child = talk(where)
        ask(child, "/we" + TAB, "sunny")
        child.send(CTRL_D)
        ends(child, 0)


class Lamp(CommandSet):
    """Has arguments to choose from."""

    @command
    def light(self, power: bool, hue: Literal["amber", "green"] = "green") -> str:
        """Switch it."""
        return f"{hue} {power}"


def left_by_tab(talk: Talk, served: Lamp, help: str) -> str:
    """Have the arguments of ``/light`` completed by Tab; return what the terminal shows after that.

    Args:
        talk: Starts the prompt.
        served: The command set, which describes itself.
        help: What ``/help`` lists.
    """

    def handle(client: socket.socket) -> None:
        replies = {b"/help\n": help, b"/help json\n": served.commands.describe()}
        with client.makefile("rb") as lines:
            for line in lines:
                client.sendall(replies.get(line, line.decode().rstrip()).encode() + b"\n")

    with stream_server(handle) as where:
        child = talk(where)
        ask(child, f"/li{TAB} of{TAB} am{TAB}", "/light off amber")
        child.send(CTRL_D)
        return ends(child, 0)


def test_tab_completes_the_arguments_of_a_command_set(talk: Talk) -> None:
    lamp = Lamp()
    left_by_tab(talk, lamp, str(lamp.help()))


def test_a_list_of_commands_may_take_several_lines(talk: Talk) -> None:
    methods = {f"switch_{number}": command(lambda self: "switched") for number in range(20)}
    many: Any = type("Many", (Lamp,), methods)()
    listed = many.help()
    assert len(listed) > 2
    assert "/switch" not in left_by_tab(talk, many, "\n".join(listed))


def mode(child: Any) -> list[Any]:
    """Return the mode of its terminal."""
    return termios.tcgetattr(child.fileno())


@pytest.mark.parametrize(("key", "status"), [(CTRL_D, 0), (CTRL_C, 130)], ids=["ctrl-d", "ctrl-c"])
def test_the_terminal_is_as_it_was(tmp_path: Path, where: str, key: str, status: int) -> None:
    """A shell keeps the terminal open, so that its mode can be seen afterwards too."""
    script = f'read -r go; {shlex.quote(SOCKPROTO)} command {where}; echo "status=$?"; read -r go'
    child: Any = pexpect.spawn(
        "bash",
        ["--norc", "-c", f"trap : INT; {script}"],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm"},
        timeout=TIMEOUT,
        encoding="utf-8",
    )
    try:
        before = mode(child)
        child.send("\n")
        child.expect_exact("Connected to")
        child.expect(PROMPT)
        wait_until(lambda: mode(child) != before, "the prompt never was in a mode of its own")
        child.send("/ver")
        child.expect_exact("/ver")
        child.send(("\x15" if key == CTRL_D else "") + key)
        child.expect(r"status=(\d+)\r\n")
        assert int(child.match[1]) == status
        assert mode(child) == before
        assert "Traceback" not in child.before
        child.send("\n")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)


def test_ctrl_c_while_a_reply_is_waited_for(talk: Talk) -> None:
    asked = threading.Event()

    def handle(client: socket.socket) -> None:
        with client.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"/help"):
                    client.sendall(b"/slow\n")
                else:
                    asked.set()

    with stream_server(handle) as where:
        child = talk(where)
        child.send("/slow\r")
        assert asked.wait(TIMEOUT)
        child.send(CTRL_C)
        ends(child, 130)


def test_ctrl_c_while_it_connects_to_a_silent_server(tmp_path: Path) -> None:
    called = threading.Event()

    def handle(client: socket.socket) -> None:
        called.set()
        drain(client)

    with stream_server(handle) as where:
        child = pexpect.spawn(SOCKPROTO, ["command", where], timeout=TIMEOUT, encoding="utf-8")
        try:
            assert called.wait(TIMEOUT)
            child.send(CTRL_C)
            ends(child, 130)
        finally:
            child.close(force=True)


def pushing(push: threading.Event, text: bytes, then: Callable[[socket.socket], object]) -> Any:
    """Return a server that answers /help, and says a text when it is told to."""

    def handle(client: socket.socket) -> None:
        for question, answer in (b"/help\n", b"/a /b\n"), (b"/help json\n", b"error: unknown\n"):
            assert client.recv(1024) == question
            client.sendall(answer)
        assert push.wait(TIMEOUT)
        client.sendall(text)
        then(client)

    return stream_server(handle)


def test_a_line_that_the_server_pushes_appears(talk: Talk) -> None:
    push, said = threading.Event(), []

    def take(client: socket.socket) -> None:
        said.append(client.recv(1024))

    with pushing(push, "news: \x1b[31m世界\n".encode(), take) as where:
        child = talk(where)
        child.send("typed")
        child.expect_exact("typed")
        push.set()
        child.expect(r"news: \\x1b\[31m世界\s")
        child.send(" on\r")
        ends(child, 0)
    assert said == [b"typed on\n"]


@pytest.mark.parametrize("typed", ["", "half a lin"])
def test_the_servers_close_ends_it(talk: Talk, typed: str) -> None:
    push = threading.Event()
    with pushing(push, b"bye\n", lambda client: None) as where:
        child = talk(where)
        child.send(typed)
        child.expect_exact(typed)
        push.set()
        child.expect_exact("bye")
        assert "The server closed the connection." in ends(child, 0)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    child = pexpect.spawn(
        SOCKPROTO, ["command", f"unix:{tmp_path / 'nonesuch'}"], timeout=TIMEOUT, encoding="utf-8"
    )
    try:
        assert len(ends(child, 7).splitlines()) == 1
    finally:
        child.close(force=True)


def test_a_prompt_over_udp(talk: Talk) -> None:
    with datagram_server(lambda line: b"/help /up\n" if line.startswith(b"/help") else line.upper()) as where:
        child = talk(where)
        ask(child, "/u" + TAB + " x", "/UP X")
        child.send(CTRL_D)
        ends(child, 0)


def test_no_prompt_where_there_is_no_terminal(where: str) -> None:
    ended = subprocess.run(
        [SOCKPROTO, "command", where], input=b"/version\n", capture_output=True, timeout=TIMEOUT, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"Demo version\n", b"")


def test_a_prompt_in_tmux(where: str, tmp_path: Path) -> None:
    need("tmux")
    tmux = [str(shutil.which("tmux")), "-f", "/dev/null", "-S", str(tmp_path / "tmux")]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"}

    def control(*arguments: str) -> str:
        return subprocess.run(
            [*tmux, *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        ).stdout

    def screen() -> str:
        return control("capture-pane", "-p", "-t", "prompt")

    typed = f"{shlex.quote(SOCKPROTO)} command {where}; echo status=$?; read -r go"
    control(
        "new-session", "-d", "-s", "prompt", "-x", "80", "-y", "24", f"bash --norc -c {shlex.quote(typed)}"
    )
    try:
        wait_until(lambda: re.search(r"^> ?$", screen(), re.M), "no prompt")
        control("send-keys", "-t", "prompt", "/ver", "Tab", "Enter")
        wait_until(lambda: re.search(r"^Demo version\n> ?$", screen(), re.M), "no reply")
        control("send-keys", "-t", "prompt", "C-d")
        wait_until(lambda: "status=0" in screen(), "it doesn't end")
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            control("kill-server")
