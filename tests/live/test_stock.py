"""Our column of the table "stock Twisted against sockproto", and that the documents say the same."""

import re
from pathlib import Path

import pytest

from benchmarks.stock import CASES, OURS, STOCK, Case

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "measured" / "stock.md"

EXPECTED = {
    r"half-close after \d+ MiB, .*": r"whole",
    r"memory with a peer .*": r"[0-7]\.\d MB more, \d{1,2} MB taken",
    r"SIGTERM with connections open": (
        r"ends, no traceback; idle clients: EOF; a slow reader: all that was handled is answered, then EOF"
    ),
    r"restart of the service .*": r"listens again; a connection from before: closed",
    r"port in use": r"exit status 1, lines on standard error: 1, no traceback",
    r"at most two connections of a peer, .*": (
        r"the third is refused; the place of one that left is free again; no traceback"
    ),
    r"a line too long, .*": r"`Demo version`, `error: message longer than 16384 bytes`, EOF",
    r"a UDP datagram of .*": r"whole",
    r"two UDP echo servers .*": r"ends, after [\d,]+ datagrams",
}


def expected(name: str) -> str:
    """Return what a row must say of us."""
    [pattern] = [outcome for row, outcome in EXPECTED.items() if re.fullmatch(row, name)]
    return pattern


def documented() -> list[list[str]]:
    """Return the rows of the table in the document: name, stock Twisted, sockproto."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_our_column_is_as_promised(case: Case) -> None:
    assert re.fullmatch(expected(case.name), case.run(OURS))


def test_the_document_has_each_row_and_says_of_us_what_is_measured() -> None:
    head, rule, *rows = documented()
    assert head == ["", STOCK.name, OURS.name]
    assert set(rule) == {"---"}
    assert [row[0] for row in rows] == [case.name for case in CASES]
    for name, _, ours in rows:
        assert re.fullmatch(expected(name), ours), name


def test_the_document_names_date_versions_and_command() -> None:
    assert re.search(
        r"Measured on \d{4}-\d\d-\d\d by `python -m benchmarks\.stock`, with Python \S+, Twisted \S+, "
        r"sockproto \S+, ",
        DOCUMENT.read_text(),
    )


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))], ids=str)
def test_no_other_page_has_a_row_of_the_table_that_says_otherwise(page: Path) -> None:
    known = {row[0]: row for row in documented()[2:]}
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0] in known:
            assert cells == known[cells[0]]
