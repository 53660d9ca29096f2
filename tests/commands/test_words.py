"""How a line becomes words, and that no word takes long."""

from time import process_time
from typing import Literal

from twisted.trial.unittest import TestCase

from sockproto.commands.kinds import kind_of
from sockproto.commands.words import Splitter


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
