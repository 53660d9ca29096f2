"""Telnet clients, as people use them: PuTTY's and GNU's."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pexpect
import pytest

from tests.hanging import TIMEOUT
from tests.live.server import Serve, need

LINES = {"command": b"/version\n/echo Repeat this\n", "greeting": b"Michael\nTracy\n"}
ANSWERS = {
    "command": b"Demo version\n Repeat this\n",
    "greeting": b"Welcome!Hello, Michael!\nHello, Tracy!\n",
}


@pytest.fixture
def terminal() -> Iterator[Callable[..., Any]]:
    """Run programs in terminals of their own."""
    opened: list[Any] = []

    def run(program: str, *arguments: str) -> Any:
        need(program)
        child = pexpect.spawn(program, list(arguments), timeout=TIMEOUT, encoding="latin-1", echo=False)
        child.delaybeforesend = None
        child.delayafterclose = 0
        opened.append(child)
        return child

    yield run
    for child in opened:
        if child.isalive():
            child.kill(signal.SIGKILL)
        child.close()


@pytest.mark.parametrize("protocol", LINES)
@pytest.mark.parametrize("connection", ["-telnet", "-raw"])
def test_plink_in_a_pipe(serve: Serve, connection: str, protocol: str) -> None:
    need("plink")
    port = serve("--protocol", protocol).port
    command = ["plink", connection, "-batch", "127.0.0.1", "-P", str(port)]
    ended = subprocess.run(command, input=LINES[protocol], capture_output=True, timeout=TIMEOUT, check=False)
    assert re.sub(rb"\r?\n", b"\n", ended.stdout) == ANSWERS[protocol], ended


@pytest.mark.parametrize("connection", ["-telnet", "-raw"])
def test_plink_at_a_terminal(serve: Serve, terminal: Callable[..., Any], connection: str) -> None:
    child = terminal("plink", connection, "127.0.0.1", "-P", str(serve("--protocol", "command").port))
    child.send("/version\r")
    child.expect("Demo version\r?\n")
    child.send("/echo \xe9\xff!\r")
    child.expect("\n \xe9\xff!\r?\n")


def test_plink_greets(serve: Serve, terminal: Callable[..., Any]) -> None:
    child = terminal("plink", "-telnet", "127.0.0.1", "-P", str(serve().port))
    child.expect_exact("Welcome!")
    child.send("Michael\r")
    child.expect_exact("Hello, Michael!")
    child.send("exit\r")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("mode", ["line", "character"])
@pytest.mark.parametrize("protocol", LINES)
def test_gnu_telnet(serve: Serve, terminal: Callable[..., Any], protocol: str, mode: str) -> None:
    child = terminal("telnet")
    child.expect_exact("telnet> ")
    child.send(f"open 127.0.0.1 {serve('--protocol', protocol).port}\r")
    child.expect_exact("Escape character is")
    child.send("\x1d")
    child.expect_exact("telnet> ")
    child.send(f"mode {mode}\r")
    asked = {"/version": "Demo version", "/help": "/echo /help /version"}
    for typed, said in (asked if protocol == "command" else {"Bo": "Hello, Bo!", "Al": "Hello, Al!"}).items():
        for character in typed + "\r":
            child.send(character)
        child.expect(said + "\r?\n")


def test_the_end_of_a_pipe_ends_it(serve: Serve) -> None:
    """plink says it with a command; it has no half-close."""
    need("plink")
    server = serve()
    command = ["plink", "-telnet", "-batch", "127.0.0.1", "-P", str(server.port)]
    ended = subprocess.run(command, input=b"Michael", capture_output=True, timeout=TIMEOUT, check=False)
    assert ended.stdout.endswith(b"Hello, Michael!"), ended
    server.wait_for("closed: peer closed")
