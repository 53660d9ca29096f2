"""What can't be declared, and how a line becomes words."""

from time import process_time
from typing import Any, Literal

from twisted.trial.unittest import TestCase

from sockproto.commands import CommandSet, command
from sockproto.commands.kinds import kind_of
from sockproto.commands.words import Splitter
from sockproto.errors import DeclarationError


class WordTests(TestCase):
    def test_a_separator_promises_one_more(self) -> None:
        splitter = Splitter(",")
        for text in (b"1,", b"1 , "):
            self.assertEqual(splitter.split(text, 2), ([b"1", b""], None))
            self.assertEqual(splitter.split(text, 1), ([b"1"], b""))  # too many, or an empty rest
        self.assertEqual(splitter.split(b"1, 2 3", 1), ([b"1"], b"2 3"))
        self.assertEqual(splitter.split(b" ", 1), ([], None))

    def test_a_long_line_of_words_takes_no_long_time(self) -> None:
        text = b'"" ' + b"x " * 500_000  # a minute, if each word made a copy of what follows it
        words, rest = Splitter(" ").split(text, len(text))
        self.assertEqual((len(words), rest), (500_001, None))


class TimeTests(TestCase):
    def test_no_word_takes_long(self) -> None:
        words = [b"1" * 65_000 + b"x", b"1." + b"1" * 65_000 + b"x", b"." + b"1" * 65_000, b"-" * 65_000]
        words += [b"1" * 65_000 + b"e" + b"9" * 500, b'"' + b"\\" * 65_000, b" " * 65_000 + b"x"]
        began = process_time()
        for annotation in (str, int, float, bool, Literal["on", "off"]):
            for word in words:
                kind_of(annotation, fold=True).parse(word)
        self.assertLess(process_time() - began, 2)


class DeclarationTests(TestCase):
    """What ``/help`` could not say truly is refused when the class is made."""

    def assert_refused(self, function: Any, why: str, **attributes: Any) -> None:
        with self.assertRaisesRegex(DeclarationError, why):
            type("Made", (CommandSet,), {"do": command(function), **attributes})

    def test_what_must_be_given_behind_what_may_be_left_out(self) -> None:
        def word(self: Any, one: int | None, two: int) -> None: ...
        def rest(self: Any, one: int = 1, *, two: str) -> None: ...

        for function in (word, rest):
            self.assert_refused(function, "Made.do: two must be given, but not what stands before it")

    def test_two_choices_that_nobody_can_tell_apart(self) -> None:
        def do(self: Any, one: Literal["up", "UP"]) -> None: ...

        type("Made", (CommandSet,), {"do": command(do)})
        self.assert_refused(do, "Made.do: one: two choices are written alike", case_sensitive=False)

    def test_none_as_a_choice(self) -> None:
        def do(self: Any, one: Literal["up", None]) -> None: ...

        self.assert_refused(do, "Made.do: one: None is no choice")
