"""How a line becomes words."""

from twisted.trial.unittest import TestCase

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
