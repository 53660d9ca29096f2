"""The tables of ``benchmarks.fetchers``: what was measured stands there, and what is missed is said."""

from collections import Counter

from twisted.trial.unittest import TestCase

from benchmarks.fetchers_page import (
    AGENT,
    CURL,
    NAIVE,
    OURS,
    Score,
    Transfer,
    finding,
    groups_table,
    judged_table,
    large_text,
)

SCORES = {
    NAIVE: Score({"length": Counter(right=1, wrong=2)}, failures=0, left=0),
    OURS: Score({"length": Counter(right=3), "tls": Counter(right=1)}, failures=2, left=0),
    AGENT: Score({"length": Counter(right=2, hung=1), "tls": Counter(right=1)}, failures=1, left=1),
    CURL: Score({"length": Counter(right=3), "tls": Counter(failed=1)}, failures=1, left=0),
}


def transfers(ours: float, curls: float, wrong: str = "") -> dict[str, Transfer]:
    return {
        OURS: Transfer(ours, 0.2, 16_000_000),
        NAIVE: Transfer(1, 0.5, 600_000_000, wrong),
        CURL: Transfer(curls, 0.1, 11_000_000),
    }


class FetchersPageTests(TestCase):
    def test_the_finding_and_its_table(self) -> None:
        self.assertEqual(
            finding(SCORES),
            "`sockproto fetch` does what is right with 4 of 4 behaviours of servers, `Agent` with 3 of 4, "
            "curl with 3 of 4, and the tutorials' fetcher with 1 of 3.",
        )
        self.assertIn("| `Agent` | 3 | 0 | 0 | 1 |", judged_table(SCORES))

    def test_the_groups(self) -> None:
        text = groups_table(SCORES)
        self.assertIn("| Content-Length (3) | 1, 2 wrong | 3 | 2, 1 hung | 3 |", text)
        self.assertIn("| TLS (1) | no https: | 1 | 1 | 0, 1 failed |", text)
        self.assertTrue(
            text.endswith("| failures that left something in the file | 0 of 0 | 0 of 2 | 1 of 1 | 0 of 1 |")
        )

    def test_a_large_body_and_what_is_missed(self) -> None:
        kinds = {
            "5 bytes": transfers(0.08, 0.01),
            "With Content-Length": transfers(0.2, 0.16),
            "In chunks": transfers(0.32, 0.16, "wrong body"),
        }
        text = large_text(200, kinds)
        self.assertIn(
            "- Reached: with Content-Length the whole command takes 1.25 times, without its start 0.80", text
        )
        self.assertIn("- Missed: in chunks the whole command takes 2.00 times", text)
        self.assertIn("| `sockproto fetch` | 0.32 s | 2.00 | 1.60 | 16 MB |", text)
        self.assertIn("| naive | 1.00 s, wrong body | 6.25 |", text)
        self.assertIn("| curl | 0.01 s | 0.10 s | 0.10 s |", text)
