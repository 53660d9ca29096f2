"""Replies that belong to their lines: a server that greets and streams, and an instrument."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.listings import Server
from tests.live.peers import run, say

ROOM = """
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater, react

from sockproto import Caller, CommandFactory, CommandSet, command


class Room(CommandSet):
    served = 0

    def __init__(self, reactor):
        self.reactor = reactor

    def opened(self, caller):
        return "Welcome", "Who is there?"

    @command
    def iam(self, name: str) -> str:
        Room.served += 1
        return f"Hello, {name}"

    @command
    async def countdown(self, number: int):
        Room.served += 1
        for left in range(number, 0, -1):
            yield left
            await deferLater(self.reactor, 0.01)

    @command
    def served_total(self) -> int:
        return self.served


async def main(reactor):
    port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(CommandFactory(Room(reactor)))
    print(f"listening on {port.getHost().port}", flush=True)
    await Deferred()


react(main)
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[str]:
    """Serve a room."""
    (tmp_path / "room.py").write_text(ROOM)
    with Server(f"{sys.executable} room.py", tmp_path) as server:
        yield "127.0.0.1:" + server.wait_for(r"listening on (\d+)$")[1]


LINES = "/iam T", "/countdown 2", "/served_total"


def test_a_server_that_greets_and_streams(room: str) -> None:
    assert say("command", room, *LINES) == b"Welcome\nWho is there?\nHello, T\n2\n1\n2\n"
    found = json.loads(say("command", "--json", room, *LINES))
    assert (found["greeting"], found["more"]) == (["Welcome", "Who is there?"], [])
    replies = ["Hello, T"], ["2", "1"], ["4"]
    assert found["lines"] == [
        {"line": line, "replies": each} for line, each in zip(LINES, replies, strict=True)
    ]


def test_an_empty_line_of_standard_input_ends_a_stream(room: str) -> None:
    said = say("command", room, stdin=b"/countdown 100000\n\n/iam T\n").splitlines()
    assert said[:3] == [b"Welcome", b"Who is there?", b"100000"]
    assert said[-1] == b"Hello, T"


def test_for_scripts(room: str) -> None:
    failed = run("command", "--fail", room, "/nonesuch", "/iam T")
    assert (failed.status, failed.output.splitlines()[-1]) == (22, b"Hello, T")
    assert failed.errors.endswith("/nonesuch was answered error: unknown command, see /help\n")
    assert run("command", "--fail-pattern", "^Hello", room, "/iam T").status == 22
    for line in "/iam T", "/nonesuch":  # either makes it fail
        assert run("command", "--fail", "--fail-pattern", "^Hello", room, line).status == 22
    assert run("command", "--expect", "^Hello", "--expect", "T$", room, "/iam T").status == 0
    unmet = run("command", "--expect", "^Goodbye", room, "/iam T")
    assert (unmet.status, unmet.errors.count("\n")) == (8, 1)
    assert run("command", "--expect", "(", room, "/iam T").status == 2
    hinted = run("command", room, "note", "more", "/iam T")
    assert (hinted.status, hinted.errors.count("\n")) == (0, 1)
    assert "note doesn't begin with /" in hinted.errors
    undecoded = run("command", "--prefix", os.fsdecode(b"\xff"), room, "note")
    assert (undecoded.status, undecoded.errors.count("\n")) == (0, 1)
    assert "doesn't begin with \\xff" in undecoded.errors


SUPPLY = Path(__file__).parents[2] / "docs" / "howto" / "instruments.md"


def test_an_instrument(tmp_path: Path) -> None:
    """The power supply of the how-to; to a query alone there is an answer."""
    program = re.findall(r"```python\n(.*?)```", SUPPLY.read_text("utf-8"), re.DOTALL)[0]
    program = program.replace(
        'tcp:5025:interface=127.0.0.1").listen(factory)', 'tcp:0:interface=127.0.0.1").listen(factory)'
    )
    program = program.replace("    await serverFrom", "    port = await serverFrom")
    program = program.replace(
        "    await Deferred", "    print(f'on {port.getHost().port}', flush=True)\n    await Deferred"
    )
    (tmp_path / "supply.py").write_text(program)
    with Server(f"{sys.executable} supply.py", tmp_path) as server:
        where = "127.0.0.1:" + server.wait_for(r"on (\d+)$")[1]
        lines = "*RST", "VOLT 500 mV;CURR MAX", "VOLT?;CURR?", "VOLT 99", "SYST:ERR?"
        assert say("command", "--answers", "query", where, *lines) == b'0.5;3.0\n-222,"Data out of range"\n'
