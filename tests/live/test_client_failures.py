"""What goes wrong once a server is reached, provoked for real; standard output that fails; wrong use."""

import re
import socket
import subprocess

import pytest

from tests.hanging import TIMEOUT
from tests.live.failing import after, check_failure, fails, leave, probes
from tests.live.peers import (
    SOCKPROTO,
    cut,
    datagram_server,
    drain,
    echo_back,
    end,
    run,
    start,
    stream_server,
    wait_until,
)

# What goes wrong later.


def test_a_server_that_stays_silent() -> None:
    with stream_server(drain) as where:
        for found in fails(
            28,
            f"{where}: timed out: no reply within 0.3",
            *(
                (*command, "--reply-timeout", "0.3")
                for command in (
                    ("greet", where, "x"),
                    ("greet", "--no-welcome", where, "x"),
                    ("echo", where, "x"),
                    ("welcome", where),
                    ("command", where, "/help"),
                )
            ),
        ):
            assert (found["error"], found["phase"]) == ("TimedOut", "reply")
            assert 0.3 <= found["seconds"] < 9
        probes(0, "connected", where, "--reply-timeout", "0.2")


def test_a_server_that_falls_silent_after_its_welcome() -> None:
    with stream_server(after(b"Welcome!", drain)) as where:
        ended = run("greet", where, "x", "--reply-timeout", "0.3")
        check_failure(ended, 28, "timed out: no reply within 0.3")
        assert ended.output == b"Welcome!\n"


def test_a_server_that_closes_without_a_word() -> None:
    with stream_server(leave) as where:
        for found in fails(
            52, f"{where}: the server closed the connection without a word", ("greet", where, "x")
        ):
            assert found["error"] == "EmptyReply"
        probes(52, "closed", where)
    with stream_server(after(b"", leave)) as where:
        fails(52, "without a word", ("command", where, "/help"), ("echo", where, "x"))


def test_welcome_of_a_server_that_says_nothing() -> None:
    with stream_server(leave) as where:
        ended = run("welcome", where)
    assert (ended.status, ended.output) in [(0, b""), (52, b"")], ended


def test_a_server_that_closes_in_the_middle() -> None:
    with stream_server(after(b"Welcome!", leave)) as greeting, stream_server(after(b"He", leave)) as echo:
        fails(18, r"in the middle, after 8 bytes", ("greet", greeting, "x"))
        fails(18, r"in the middle, after 2 bytes", ("echo", echo, "Hello"))
    with stream_server(after(b"no newline", leave)) as where:
        fails(18, r"in the middle, after 10 bytes", ("command", where, "/a", "/b"))


def test_a_reset_in_the_middle() -> None:
    def say_and_cut(client: socket.socket) -> None:
        client.sendall(b"Hel")
        wait_until(
            lambda: not client.recv(1024, socket.MSG_PEEK | socket.MSG_DONTWAIT), "never"
        ) if 0 else None
        cut(client)

    with stream_server(after(b"Welcome!", say_and_cut)) as where:
        [found] = fails(56, f"{where}: connection reset", ("greet", where, "x"))
        assert (found["error"], found["phase"]) == ("Reset", "reply")


def test_a_reset_before_a_word_and_to_an_echo() -> None:
    with stream_server(cut) as where:
        fails(56, f"{where}: connection reset", ("greet", where, "x"), ("welcome", where))
        assert probes(56, "reset", where)["attempts"][0]["errno"] == "ECONNRESET"
    with stream_server(after(b"H", cut)) as where:
        fails(56, "connection reset", ("echo", where, "Hello"))


def test_a_reset_in_the_middle_of_a_long_upload() -> None:
    def take_some(client: socket.socket) -> None:
        client.recv(100_000)
        cut(client)

    with stream_server(take_some) as where:
        check_failure(run("echo", where, "-", stdin=bytes(20_000_000)), 56, "connection reset")


# Wrong answers.


def test_an_echo_that_changes_a_byte() -> None:
    def change(client: socket.socket) -> None:
        client.sendall(client.recv(1024).replace(b"l", b"L", 1))
        drain(client)

    with stream_server(change) as where, datagram_server(bytes.upper) as udp:
        [found] = fails(8, "byte 2 came back as 0x4c, not as 0x6c", ("echo", where, "Hello"))
        assert found["error"] == "WrongReply"
        fails(8, "5 bytes came back that differ", ("echo", udp, "Hello"))


def test_an_echo_that_sends_too_much() -> None:
    def more(client: socket.socket) -> None:
        client.sendall(client.recv(1024) + b"!")
        drain(client)

    with stream_server(more) as where:
        fails(8, "more came back than the 5 bytes sent", ("echo", where, "Hello"))


def test_a_reply_without_end() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(bytes(65_536))

    with stream_server(flood) as where:
        fails(63, "", ("command", where, "/help"), ("greet", where, "x"))


# Standard output.


@pytest.mark.parametrize("command", ["greet", "echo", "welcome", "probe", "greet --json", "completion bash"])
def test_standard_output_that_takes_nothing(command: str) -> None:
    def talk(client: socket.socket) -> None:
        client.sendall(b"" if command == "echo" else b"Welcome!")
        if command not in ("welcome", "probe"):
            echo_back(client)

    words = {"greet": ("x",), "echo": ("x",), "greet --json": ("x",)}.get(command, ())
    with stream_server(talk) as where, open("/dev/full", "wb") as full:
        arguments = (*command.split(), *(() if "completion" in command else (where,)), *words)
        ended = end(start(*arguments, stdout=full))
    assert (ended.status, ended.output) == (23, b""), ended
    assert re.fullmatch(r"sockproto.*: can't write.*: No space left on device\n", ended.errors), ended.errors


def test_standard_output_that_is_closed() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(b"x" * 65_536)

    with stream_server(flood) as where:
        script = f"{SOCKPROTO} welcome {where} | head -c 1; echo ${{PIPESTATUS[0]}}"
        ended = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    assert ended.stdout == "x23\n"
    assert re.fullmatch(r"sockproto welcome: .*can't write: Broken pipe\n", ended.stderr), ended.stderr


def test_standard_output_that_is_not_there() -> None:
    with stream_server(echo_back) as where:
        ended = subprocess.run(
            ["bash", "-c", f"exec {SOCKPROTO} echo {where} x >&-"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert ended.returncode == 23, ended
    assert re.fullmatch(r"sockproto echo: .*can't write: .*\n", ended.stderr), ended.stderr


# Wrong use.


@pytest.mark.parametrize(
    "command",
    [
        "greet",
        "greet 9999 x",
        "greet 127.0.0.1 x",
        "greet 127.0.0.1:0 x",
        "greet 127.0.0.1:70000 x",
        "greet 127.0.0.1:9 x --nonesuch",
        "greet udp:127.0.0.1:9 x --tls",
        "greet unix:/nonesuch x --tls",
        "echo 127.0.0.1:9",
        "echo 127.0.0.1:9 x --reply-timeout soon",
        "echo 127.0.0.1:9 x --tries 0",
        "probe --count 0 127.0.0.1:9",
        "probe tcp:host=127.0.0.1:port=9",
        "command ::1 /help",
        "completion tcsh",
        "nonesuch",
    ],
)
def test_wrong_use(command: str) -> None:
    ended = run(*command.split())
    assert (ended.status, ended.output) == (2, b""), ended
    assert re.fullmatch(r"sockproto.*: .+\n", ended.errors), ended.errors


def test_a_name_that_gets_no_reply() -> None:
    with stream_server(after(b"Welcome!", drain)) as where:
        for name in "exit", "", "two\nlines":
            check_failure(run("greet", "--no-welcome", where, name), 2, "is no name|has a newline in it")
