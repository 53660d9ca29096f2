"""The faults of other people's servers that judged.md names are found, and are there; ours have none.

All our servers are judged by the quick form in ``test_check``.
"""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.judged import SERVERS, Server, finding, first_table, judge, not_passed
from sockproto.check.verdict import Case, Report, Result, Verdict
from tests.hanging import TIMEOUT
from tests.listings import installed, listings
from tests.live.server import need

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "reference" / "measured" / "judged.md"
PAGE = PATH.read_text("utf-8")

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
    rows = dict(re.findall(r"^\| (\w.+?) \| (\d+ \| \d+ \| \d+ \| \d+) \|$", PAGE, re.MULTILINE))
    assert listed == [server.name for server in SERVERS]
    assert sorted(rows) == sorted(listed)
    ours = [told for name, told in rows.items() if name.startswith("sockproto ")]
    assert len(ours) == 18
    assert all(re.fullmatch(r"[1-9]\d* \| 0 \| 0 \| 0", told) for told in ours), ours  # all pass


def test_the_file_of_groups_adds_up_to_the_tables() -> None:
    totals: dict[str, list[int]] = {}
    for row in csv.DictReader(PATH.with_suffix(".csv").read_text("utf-8").splitlines()):
        counts = [int(row[verdict]) for verdict in ("pass", "fail", "open", "skip")]
        before = totals.setdefault(row["server"], [0, 0, 0, 0])
        totals[row["server"]] = [one + other for one, other in zip(before, counts, strict=True)]
    rows = [f"| {name} | {' | '.join(map(str, counts))} |" for name, counts in totals.items()]
    assert len(rows) == len(SERVERS)
    assert set(rows) <= set(PAGE.splitlines())


def test_the_first_table_has_everybody_once_with_the_worst_fault() -> None:
    case = Case("meaning.a", "All | come.", "")
    fails = Report("echo", "", 0, 0, (Result(case, Verdict.FAIL, "'a' | 'b' came"),))
    passes = Report("echo", "", 0, 0, (Result(case, Verdict.PASS),))
    reports = {named("sockproto echo"): passes, named("wire echo"): fails, named("wire time"): passes}
    assert finding(reports) == (
        "Of sockproto's 1 servers 1 fail no case of `sockproto check`; of 2 servers of others 1 fail none."
    )
    assert first_table(reports).splitlines()[2:] == [
        "| sockproto (1) | 1 | 0 |  |",
        "| wire (2) | 1 | 1 | a: 'a' \\| 'b' came |",
    ]


def test_what_is_skipped_for_the_same_reason_stands_on_one_line() -> None:
    cases = [Case(f"meaning.{name}", "", "") for name in "abcd"]
    verdicts = (Verdict.SKIP, "b fails"), (Verdict.FAIL, "no"), (Verdict.SKIP, "b fails"), (Verdict.PASS, "")
    results = [Result(case, *found) for case, found in zip(cases, verdicts, strict=True)]
    found = not_passed(Report("echo", "", 0, 0, tuple(results)))
    assert found == ["fail  meaning.b: no", "skip  meaning.a, meaning.c: b fails"]


def test_the_page_says_when_how_and_with_what_it_was_made() -> None:
    assert re.search(
        r"^Measured on \d{4}-\d\d-\d\d by `python -m benchmarks\.judged`, with Python \S+, Twisted \S+, "
        r"sockproto \S+, .* xinetd [\d.]+, ncat [\d.]+, socat [\d.]+\. It took \d+ minutes\.$",
        PAGE,
        re.MULTILINE,
    )
