"""Replies that belong to their lines: a server that greets and streams, and an instrument."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.listings import Server
from tests.live.peers import LOOPBACK, authority, run, say

ROOM = """
import sys

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
    factory = CommandFactory(Room(reactor))
    for where in sys.argv[1:]:
        port = await serverFromString(reactor, where).listen(factory)
        print(f"listening on {getattr(port.getHost(), 'port', where)}", flush=True)
    await Deferred()


react(main)
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[str]:
    """Serve a room."""
    (tmp_path / "room.py").write_text(ROOM)
    with Server(f"{sys.executable} room.py tcp:0:interface=127.0.0.1", tmp_path) as server:
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


CALL = """
from twisted.internet.task import react

from sockproto.client import TLS, command


async def main(reactor):
    options = {"tls": TLS(cacert=CACERT)} if CACERT else {}
    said = await command(WHERE, ["/iam T", "/countdown 2", "/served_total"], **options)
    assert said.greeting == (b"Welcome", b"Who is there?"), said
    assert said.lines == (b"/iam T", b"/countdown 2", b"/served_total"), said
    assert said.replies == ((b"Hello, T",), (b"2", b"1"), (b"2",)), said
    assert said.more == (), said


react(main)
"""


@pytest.mark.parametrize("carrier", ["tcp", "tls", "unix"])
def test_in_python_on_each_carrier_of_streams(carrier: str, tmp_path: Path) -> None:
    made = authority(tmp_path, LOOPBACK)
    listen = {
        "tcp": f"tcp:0:interface={LOOPBACK}",
        "tls": f"ssl:0:privateKey={made.server}:certKey={made.server}:interface={LOOPBACK}",
        "unix": f"unix:{tmp_path / 'stream'}",
    }[carrier]
    (tmp_path / "room.py").write_text(ROOM)
    with Server(f"{sys.executable} room.py {listen}", tmp_path) as server:
        found = server.wait_for(r"listening on (.+)$")[1]
        where = found if carrier == "unix" else f"{LOOPBACK}:{found}"
        given = f"WHERE = {where!r}\nCACERT = {made.issuer if carrier == 'tls' else ''!r}\n"
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", given + CALL],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        secured = ["--cacert", made.issuer] if carrier == "tls" else []
        assert say("command", *secured, where, *LINES).endswith(b"\nHello, T\n2\n1\n4\n")


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
    assert run("command", "--expect", "(" * 5_000, room, "/iam T").errors.count("\n") == 1
    hinted = run("command", room, "note", "more", "/iam T")
    assert (hinted.status, hinted.errors.count("\n")) == (0, 1)
    assert "note doesn't begin with /" in hinted.errors
    undecoded = run("command", "--prefix", os.fsdecode(b"\xff"), room, "note")
    assert (undecoded.status, undecoded.errors.count("\n")) == (0, 1)
    assert "doesn't begin with \\xff" in undecoded.errors


def test_a_pattern_that_takes_for_ever(room: str) -> None:
    for option in "--expect", "--fail-pattern":
        endless = run("command", option, "(a|aa)+[bc]", room, f"/iam {'a' * 60}", "/iam T")
        assert (endless.status, endless.output.splitlines()[-1]) == (2, b"Hello, T")
        reason = r"the pattern '\(a\|aa\)\+\[bc\]' takes more than 1 s on 67 characters: write .*"
        assert re.fullmatch(rf"sockproto command: {reason}\n", endless.errors), endless.errors
    both = run("command", "--fail", "--expect", "(a|aa)+[bc]", room, "/nonesuch", f"/iam {'a' * 60}")
    assert both.status == 22
    told = run("command", "--json", "--expect", "(a|aa)+[bc]", room, f"/iam {'a' * 60}")
    assert json.loads(told.output)["error"] == "PatternTooSlow"


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
