"""examples/lab: each client gets its greetings from each server, and what the page says of them is so."""

import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import pytest

from examples.lab.__main__ import HERE, STYLES, command, judge, text
from sockproto.check.registry import cases
from sockproto.check.started import Started
from sockproto.check.target import free_port
from sockproto.check.verdict import Verdict
from tests.hanging import TIMEOUT

PAGE = (HERE.parents[1] / "docs" / "howto" / "lab.md").read_text("utf-8")
FAULTS = {
    "blocking": ["slow.waiting-clients-delay-nobody"],
    "threads": ["long-messages.a-line-without-end-is-ended"],
    "with_twisted": ["half-close.a-last-line-without-a-newline", "never-reads.memory-is-bounded"],
}
"""What each gets wrong, however the machine is loaded."""


def test_each_client_is_greeted_by_each_server() -> None:
    ports = {style: free_port() for style in STYLES}
    with ExitStack() as stack:
        for style, port in ports.items():
            started = stack.enter_context(Started(" ".join(command(style, "serve", str(port))), port))
            started.wait_until_up("tcp", "127.0.0.1", port)
        clients = {
            (client, server): subprocess.Popen(
                command(client, "greet", str(ports[server]), "Michael", "Tracy"),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for client, server in product(STYLES, STYLES)
        }
        for pair, process in clients.items():
            said, _ = process.communicate(timeout=TIMEOUT)
            assert said.replace("Welcome!", "").split("\n")[-3:] == [
                "Hello, Michael!",
                "Hello, Tracy!",
                "",
            ], pair


def test_the_commands_of_the_page() -> None:
    compare, serve, greet = re.findall(r"^```sh\n\.venv/bin/python (.+)\n```$", PAGE, re.MULTILINE)
    assert compare == "-m examples.lab"
    [shown] = re.findall(r"^```text\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    port = str(free_port())
    served, greeted = ([sys.executable, *each.replace("9996", port).split()] for each in (serve, greet))
    with Started(shlex.join(served), int(port)) as started:
        started.wait_until_up("tcp", "127.0.0.1", int(port))
        said = subprocess.run(greeted, capture_output=True, text=True, timeout=TIMEOUT, cwd=HERE.parents[1])
    assert said.stdout == shown


@pytest.mark.parametrize("style", FAULTS)
def test_the_faults_that_the_page_names_are_there(style: str) -> None:
    report = judge(style, only=FAULTS[style])
    found = {each.case.identifier: each.verdict for each in report.results}
    for fault in FAULTS[style]:
        assert found[fault] is Verdict.FAIL
        assert f"`{fault}`" in PAGE


def test_that_on_sockproto_fails_nothing() -> None:
    report = judge("with_sockproto")
    assert [each.case.identifier for each in report.results if each.verdict is Verdict.FAIL] == []
    assert report.count(Verdict.PASS) > 40
    assert text({"with_sockproto": report}).startswith("| | lines | passed | failed | left open |")


def test_the_page_counts_the_lines_and_none_has_more_than_sixty() -> None:
    for style, title in STYLES.items():
        lines = len(Path(HERE / f"{style}.py").read_text("utf-8").splitlines())
        assert lines <= 60
        assert re.search(rf"^\| \[{title}\]\(.+?{style}\.py\) \| {lines} \|", PAGE, re.MULTILINE), style


def test_the_page_has_every_case_of_each_server_judged() -> None:
    rows = re.findall(r"^\| \[(.+?)\]\S+ \| \d+ \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    counts = {title: [*map(int, cells)] for title, *cells in rows}
    everything = len(cases("greeting", False))
    assert [sum(each) for each in counts.values()] == [everything] * len(STYLES)
    assert counts["sockproto"] == [everything, 0, 0]
    assert counts["asyncio streams"][1] == 0
