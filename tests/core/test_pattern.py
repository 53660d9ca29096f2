"""Patterns that people write, and what a peer sends on purpose so that a match takes for ever."""

from collections.abc import Callable
from typing import AnyStr

import regex
from twisted.trial.unittest import SynchronousTestCase

from sockproto.core import pattern
from sockproto.core.pattern import TimedPattern
from sockproto.errors import OptionError, PatternTooSlow

FOR_EVER = "(a|aa)+[bc]"
"""Each character more multiplies by 1.6 in how many ways it can match."""


class TimedPatternTests(SynchronousTestCase):
    def test_search_and_fullmatch_are_those_of_re(self) -> None:
        error = TimedPattern("^error:")
        self.assertEqual([error.search("error: no"), error.search("an error: no")], [True, False])
        number = TimedPattern(rb"[0-9]+(?!\n)")
        self.assertEqual([number.fullmatch(b"12"), number.fullmatch(b"12 ")], [True, False])
        self.assertTrue(number.search(b"\xff12 "))

    def test_a_brace_is_what_it_is_in_re(self) -> None:
        for expression, text in {
            "ok{e}": "ok{e}",
            "/{id} {d<=1}": "/{id} {d<=1}",
            r'{"degrees": \d{2,}}': '{"degrees": 215}',
            r"\\{e}[{s}]{,2}": "\\{e}s}",
            r"\{i}{}\p{Lu}\N{DIGIT ONE}": "{i}{}A1",
        }.items():
            with self.subTest(expression):
                self.assertTrue(TimedPattern(expression).fullmatch(text))
                self.assertTrue(TimedPattern(expression.encode()).fullmatch(text.encode()))
                self.assertFalse(TimedPattern(expression).search("no"))

    def test_what_is_no_regular_expression_is_said(self) -> None:
        for expression, reason in {
            "(": r"no regular expression: missing \) at position 1",
            "*a": "nothing to repeat",
            r"\y": r"bad escape \\y",
            "a{99999999999}": "repeat count too big",
            "(" * 5_000 + ")" * 5_000: "recursion",
            "\x1b[": r"^no regular expression: \S",
        }.items():
            with self.subTest(expression[:20]):
                wrong = self.assertRaises(OptionError, TimedPattern, expression)
                self.assertRegex(str(wrong), reason)
                self.assertTrue(str(wrong).isprintable())

    def test_a_repetition_in_a_repetition_is_no_trouble(self) -> None:
        self.assertFalse(TimedPattern("(a+)+b").fullmatch("a" * 1_000))
        self.assertFalse(TimedPattern(rb"(a+)+$").search(b"a" * 100 + b"\n!"))

    def too_slow(self, match: Callable[[AnyStr], bool], text: AnyStr) -> str:
        """Return what is said of a match that takes longer than it may."""
        self.patch(pattern, "MATCH_SECONDS", 0.05)
        said = str(self.assertRaises(PatternTooSlow, match, text))
        self.assertTrue(said.isprintable(), said)
        return said

    def test_what_takes_too_long_is_ended_and_named(self) -> None:
        named = r"^the pattern '\(a\|aa\)\+\[bc\]' takes more than 0.05 s on 60"
        self.assertRegex(self.too_slow(TimedPattern(FOR_EVER).search, "a" * 60), f"{named} characters: write")
        self.assertRegex(
            self.too_slow(TimedPattern(FOR_EVER).fullmatch, "a" * 60), f"{named} characters: write"
        )
        self.assertRegex(
            self.too_slow(TimedPattern(FOR_EVER.encode()).search, b"a" * 60), f"{named} bytes: write"
        )

    def test_no_pattern_changes_a_terminal_or_fills_it(self) -> None:
        strange, long = "\x1b\u202e?" + FOR_EVER, "x{0}" * 100 + FOR_EVER
        said = self.too_slow(TimedPattern(strange).search, "\x1b" + "a" * 60)
        self.assertRegex(said, r"'\\x1b\\u202e\?\(a")
        self.assertRegex(self.too_slow(TimedPattern(long).search, "a" * 60), r"'(x\{0\}){25}' takes")

    def test_what_takes_too_much_memory_too(self) -> None:
        class Greedy:
            """As the package's own is where 16 MiB are matched by ``(a|b)*``."""

            def fullmatch(self, data: bytes, timeout: float) -> None:
                raise MemoryError

        self.patch(regex, "compile", lambda expression: Greedy())
        wrong = self.assertRaises(PatternTooSlow, TimedPattern(b"(a|b)*").fullmatch, b"ab")
        self.assertRegex(str(wrong), r"'\(a\|b\)\*' takes more memory than it may on 2 bytes: write")
