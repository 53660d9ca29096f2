"""``benchmarks.commands``: it compares what is the same, runs, and its page says what was measured."""

import re
from pathlib import Path
from typing import Any, cast

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from benchmarks.commands import (
    ALL_LINES,
    MOST,
    MOST_OF_SCPI,
    connections,
    conversations,
    finding,
    measure_all,
    table,
)
from benchmarks.instruments import CASES
from benchmarks.speed.cases import exchanges

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "measured" / "commands-cost.md"
MISSED = "an error, "
"""The line for which the limit is missed, as the page says."""

WORDS = st.sampled_from([b"/version", b"/add", b"/echo", b"/nosuch", b"/", b"version", b" /add", b""])
TEXTS = st.lists(st.sampled_from([b" ", b" ", b"\t", b"1", b"+23", b"x", b"-"]), max_size=8).map(b"".join)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table, without its headings."""
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


class CostTests(TestCase):
    @given(WORDS, TEXTS)
    def test_both_answer_the_same(self, word: bytes, text: bytes) -> None:
        written, declared = conversations(b"/")
        self.assertEqual(declared.received(word + text), written.received(word + text))

    def test_both_answer_the_same_on_the_carrier(self) -> None:
        for name, line in ALL_LINES.items():
            said = []
            for protocol in connections(line):
                protocol.dataReceived((line + b"\n") * 2)
                said.append(cast("Any", protocol.transport).last)
            self.assertEqual(said[0], said[1])
            self.assertEqual(said[0].count(b"\n"), 0 if name in ("a setting", "an error of SCPI") else 2)

    def test_both_instruments_understand_the_same(self) -> None:
        lines = [
            b"volt 5",
            b":Volt?;*idn?",
            b"VOLT 2e3 mV;VOLT?",
            b" MEAS:VOLT? ",
            b"VOLT?",
            b"VOLT 31",
            b"VOLT?",
        ]
        written, declared = conversations(lines[0])
        for line in lines:
            self.assertEqual(declared.received(line), written.received(line), line)

    def test_the_load_of_an_instrument_is_what_it_answers(self) -> None:
        for case in CASES:
            requests, replies = exchanges(case)
            [_, protocol] = connections(b"MEAS:VOLT?")
            protocol.dataReceived(requests)
            self.assertEqual(cast("Any", protocol.transport).last, replies)

    def test_it_runs(self) -> None:
        names = [row[0] for row in rows(table(measure_all(rounds=1, calls=500)))]
        self.assertEqual(names, [row[0] for row in rows(PAGE.read_text("utf-8"))])
        self.assertEqual(len(names), 2 * len(ALL_LINES))

    def test_the_page_says_that_it_costs_no_more_than_promised(self) -> None:
        ratios = {
            row[0]: float(row[3]) for row in rows(PAGE.read_text("utf-8")) if row[0].endswith("carrier")
        }
        self.assertEqual(len(ratios), len(ALL_LINES))
        for name, ratio in ratios.items():
            if not name.startswith(MISSED):
                self.assertLessEqual(ratio, MOST if "`/" in name else MOST_OF_SCPI, name)

    def test_the_finding_says_what_is_missed(self) -> None:
        measured = {("on the stream carrier", name): [1e-6, 1.4e-6] for name in ALL_LINES}
        self.assertIn("missed: none.", finding(measured))
        measured["on the stream carrier", "an error"] = [1e-6, 2e-6]
        measured["alone", "a query"] = [1e-6, 9e-6]
        self.assertIn("missed: an error (2.00).", finding(measured))

    def test_the_page_names_date_versions_and_command(self) -> None:
        self.assertRegex(
            PAGE.read_text("utf-8"),
            re.compile(
                r"Measured on \d{4}-\d\d-\d\d by `python -m benchmarks\.commands --rounds \d+`, with "
                r"Python \S+, Twisted \S+, sockproto \S+, "
            ),
        )
