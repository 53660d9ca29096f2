"""Standard streams that are closed or full, and narrow ones: as the whole process has them."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO, echo_back, run, stream_server

PRINTING = [
    "--help",
    "--version",
    "greet --help",
    "serve --help",
    "serve --version",
    "serve --explain",
    "fetch --help",
    "completion bash",
    "protocols",
    "protocols --json",
    "check echo --list",
    "probe 127.0.0.1:1",
]


def in_shell(commands: Sequence[str]) -> list[tuple[int, str, str]]:
    """Run commands of a shell, two at once; return status, output and errors of each."""

    def one(command: str) -> tuple[int, str, str]:
        ended = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        return ended.returncode, ended.stdout, ended.stderr

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, commands))


@pytest.mark.parametrize(
    ("redirected", "reason"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_what_can_not_be_printed_is_23_in_all_commands(redirected: str, reason: str) -> None:
    commands = [f"{SOCKPROTO} {words} {redirected}" for words in PRINTING]
    commands.append(f"{sys.executable} -m sockproto.rawhttp --help {redirected}")
    for command, (status, output, errors) in zip(commands, in_shell(commands), strict=True):
        assert (status, output) == (23, ""), (command, errors)
        assert re.fullmatch(rf"\w+.*: can't write.*: {reason}\n", errors), (command, errors)


def test_a_standard_error_that_takes_nothing_changes_no_status() -> None:
    with stream_server(echo_back) as where:
        for redirected in "2>&-", "2>/dev/full":
            wanted = {
                f"echo {where} x": (0, "x"),
                f"echo --hex {where} x": (23, ""),  # what was asked for can't be shown
                "echo --nonesuch": (2, ""),
                "fetch http://127.0.0.1:1/": (7, ""),
                "fetch --nonesuch": (2, ""),
                "serve --nonesuch": (2, ""),
                f"echo {where} x >&-": (23, ""),
            }
            ended = in_shell([f"{SOCKPROTO} {words} {redirected}" for words in wanted])
            assert [each[:2] for each in ended] == list(wanted.values()), redirected


def test_a_standard_input_that_is_closed_can_not_be_read() -> None:
    with stream_server(echo_back) as where:
        words = f"echo {where} -", f"greet --no-welcome {where}", f"command {where}"
        for status, output, errors in in_shell([f"{SOCKPROTO} {each} <&-" for each in words]):
            assert (status, output) == (26, "")
            assert re.fullmatch(r"sockproto \w+: can't read standard input: .*\n", errors)
        [(status, output, errors)] = in_shell([f"{SOCKPROTO} echo {where} x <&-"])
        assert (status, output, errors) == (0, "x", "")


def test_sixty_columns() -> None:
    width = {"COLUMNS": "60"}
    for words in (
        ["--help"],
        ["serve", "--help"],
        ["fetch", "--help"],
        ["protocols"],
        ["check", "echo", "--list"],
    ):
        ended = run(*words, environment=width)
        assert (ended.status, ended.errors) == (0, "")
        lines = [line for line in ended.output.decode().splitlines() if "Example:" not in line]
        assert len(lines) > 10
        assert [line for line in lines if len(line) > 60] == []


def test_in_a_pipe_each_protocol_is_a_line() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    ended = subprocess.run(
        [SOCKPROTO, "protocols"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0
    assert all(re.match(r"\w+ +\S.* sockproto \d", line) for line in ended.stdout.splitlines()), ended.stdout
