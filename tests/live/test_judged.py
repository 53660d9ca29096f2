"""The faults of other people's servers that judged.md names are found, and are there; ours have none.

All our servers are judged by the quick form in ``test_check``.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.judged import SERVERS, Server, judge
from sockproto.check.verdict import Verdict
from tests.hanging import TIMEOUT
from tests.listings import installed, listings
from tests.live.server import need

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "measured" / "judged.md").read_text("utf-8")

LOST = r"the stream ended after [\d,]+ of [\d,]+ bytes"
BUFFERS = r"the server took [\d,]+ bytes from a client that read no answer: it buffers without end"
FAULTS = {
    "wire echo": {
        "half-close.everything-comes-back": LOST,
        "never-reads.it-stops-reading": BUFFERS,
        "never-reads.memory-is-bounded": r"clients that do not read have cost \d+ MB of memory so far",
    },
    "wire daytime": {
        "meaning.the-text-and-the-end": "(it says nothing: )?the server does not end the stream",
    },
    "wire time": {
        "meaning.the-text-and-the-end": r"[0-9a-f ]{11} is not the time: it counts from 1970, not from 1900"
    },
    "asyncio echo Protocol, left open": {"never-reads.it-stops-reading": BUFFERS},
    "socketserver echo as documented": {"meaning.a-dialogue": "the stream ended"},
    "socketserver echo udp": {
        "datagrams.each-size-comes-back": "another datagram came back: 8,192 bytes, .*"
    },
    "xinetd chargen udp": {"meaning.characters-in-a-datagram": "1,024 characters came"},
}


def documented(name: str) -> str:
    """Return what the page says that a server does not pass."""
    _, found, section = PAGE.partition(f"\n### {name}\n")
    assert found, name
    return section.partition("\n### ")[0]


def named(name: str) -> Server:
    """Return a server by its name."""
    [server] = [each for each in SERVERS if each.name == name]
    return server


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "wire echo"])
def test_the_fault_is_found(name: str) -> None:
    server = named(name)
    if server.program:
        need(server.program)
    report = judge(server, quick=True, only=list(FAULTS[name]))
    for result in report.results:
        assert result.verdict is Verdict.FAIL, result
        assert re.fullmatch(FAULTS[name][result.case.identifier], result.reason), result.reason
    assert len(report.results) == len(FAULTS[name])


@pytest.mark.parametrize("name", FAULTS)
def test_the_page_names_the_fault(name: str) -> None:
    for identifier, reason in FAULTS[name].items():
        assert re.search(rf"^fail  {re.escape(identifier)}: {reason}$", documented(name), re.MULTILINE)


def test_its_command_finds_what_wire_echo_loses_and_keeps() -> None:
    [command] = [each.text.strip() for each in listings(PAGE) if "--case" in each.text]
    ran = subprocess.run(
        shlex.split(installed(command)), cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (ran.returncode, ran.stderr.count("\n")) == (0, 1)
    for identifier, reason in FAULTS["wire echo"].items():
        assert re.search(rf"^fail  {re.escape(identifier)}: {reason}$", ran.stdout, re.MULTILINE), ran.stdout
    assert command.removeprefix(".venv/bin/") in ran.stdout


def test_the_list_has_everybody_and_so_have_the_tables() -> None:
    command = [sys.executable, "-m", "benchmarks.judged", "--list"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    listed = [line.partition(": ")[0] for line in ran.stdout.splitlines()]
    rows = dict(re.findall(r"^\| (\w.+?) \| .* \| \*\*(.+?)\*\* \|$", PAGE, re.MULTILINE))
    assert listed == [server.name for server in SERVERS]
    assert sorted(rows) == sorted(listed)
    ours = [told for name, told in rows.items() if name.startswith("sockproto ")]
    assert len(ours) == 18
    assert all(told.isdecimal() for told in ours), ours  # all pass


def test_the_page_says_when_how_and_with_what_it_was_made() -> None:
    assert re.search(
        r"^Measured on \d{4}-\d\d-\d\d by `python -m benchmarks\.judged`, with Python \S+, Twisted \S+, "
        r"sockproto \S+, .* xinetd [\d.]+, ncat [\d.]+, socat [\d.]+\. It took \d+ minutes\.$",
        PAGE,
        re.MULTILINE,
    )
