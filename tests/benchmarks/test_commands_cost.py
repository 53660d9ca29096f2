"""``benchmarks.commands``: it compares what is the same, runs, and its page says what was measured."""

import re
from pathlib import Path
from typing import Any, cast

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from benchmarks.commands import LINES, MOST, connections, conversations, finding, measure_all, table

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "measured" / "commands-cost.md"
WORDS = st.sampled_from([b"/version", b"/add", b"/echo", b"/nosuch", b"/", b"version", b" /add", b""])
TEXTS = st.lists(st.sampled_from([b" ", b" ", b"\t", b"1", b"+23", b"x", b"-"]), max_size=8).map(b"".join)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table, without its headings."""
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


class CostTests(TestCase):
    @given(WORDS, TEXTS)
    def test_both_answer_the_same(self, word: bytes, text: bytes) -> None:
        written, declared = conversations()
        self.assertEqual(declared.received(word + text), written.received(word + text))

    def test_both_answer_the_same_on_the_carrier(self) -> None:
        for line in LINES.values():
            said = []
            for protocol in connections():
                protocol.dataReceived((line + b"\n") * 2)
                said.append(cast("Any", protocol.transport).last)
            self.assertEqual(said[0], said[1])
            self.assertEqual(said[0].count(b"\n"), 2)

    def test_it_runs(self) -> None:
        names = [row[0] for row in rows(table(measure_all(rounds=1, calls=500)))]
        self.assertEqual(names, [row[0] for row in rows(PAGE.read_text("utf-8"))])
        self.assertEqual(len(names), 2 * len(LINES))

    def test_the_page_says_that_it_costs_no_more_than_promised(self) -> None:
        ratios = [float(row[3]) for row in rows(PAGE.read_text("utf-8")) if row[0].endswith("carrier")]
        self.assertEqual(len(ratios), len(LINES))
        self.assertLessEqual(max(ratios), MOST)

    def test_the_finding_says_what_is_missed(self) -> None:
        for declared, said in (2e-6, "no more than the 2 times"), (3e-6, "missed: more than the 2 times"):
            measured = {("alone", "x"): [1e-6, 9e-6], ("on the stream carrier", "x"): [1e-6, declared]}
            self.assertIn(said, finding(measured))

    def test_the_page_names_date_versions_and_command(self) -> None:
        self.assertRegex(
            PAGE.read_text("utf-8"),
            re.compile(
                r"Measured on \d{4}-\d\d-\d\d by `python -m benchmarks\.commands --rounds \d+`, with "
                r"Python \S+, Twisted \S+, sockproto \S+, "
            ),
        )
