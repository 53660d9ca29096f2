r"""Scripts: what their files may say, what is due, however it comes; and ``--script`` as it is typed."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.check import judge
from sockproto.check.registry import cases
from sockproto.check.script.reading import parse, read
from sockproto.check.script.reply import OtherReply, Reply
from sockproto.check.script.speaking import Due
from sockproto.check.verdict import Failed
from sockproto.cli.commands import run
from sockproto.errors import OptionError

EXAMPLES = Path(__file__).parents[2] / "examples" / "check"

WRONG = {
    "": r"it says nothing: write a \[\[step\]\] with send and expect, or a \[close\]",
    "x": r"it is no TOML: Expected '='",
    "terminater = '\\n'": "'terminater' is no key here: write close, greeting, half_close, longest, name,",
    "pipelining = 1": "pipelining must be true or false",
    "name = ' '": "name must be a short text",
    "terminator = '\\q'": r"terminator: a backslash is followed by xHH, r, n, t, 0 or another backslash",
    "terminator = 3": "terminator must be a text in quotes",
    "greeting = 'hi'": r"\[greeting\]: it must be a table, as \[greeting\]",
    "[step]\nsend = 'x'": r"a step is written \[\[step\]\], with two brackets",
    "[[step]]\nexpect = ''": r"\[\[step\]\] 1: send is missing: say which bytes are sent",
    "[[step]]\nsend = 'x'": r"\[\[step\]\] 1: say what is due, in one of expect, prefix and match",
    "[[step]]\nsend = 'x'\nexpect = 'y'\nprefix = 'y'": r"\[\[step\]\] 1: say what is due, in one of",
    "[[step]]\nsend = 'x'\nexpect = 'y'\nuntil = 'z'": r"\[\[step\]\] 1: until goes with prefix or match",
    "[[step]]\nsend = 'x'\nprefix = 'y'": "1: prefix needs until, or a terminator at the top",
    "[[step]]\nsend = 'x'\nmatch = '('\nuntil = 'z'": r"1: match is no regular expression: missing \)",
    "[[step]]\nsend = 'x'\nexpect = 'y'\n[[step]]\nonce = true\nsend = 'x'\nexpect = ''": "must stand",
    "x = " + "[" * 20_000: "it is no TOML: ",
    "x = " + "1" * 5_000: "it is no TOML: ",
    "step = [1]": r"\[\[step\]\] 1: it must be a table",
    "[[step]]\nsend = 'x'\nmatch = 'a{99999999999}'\nuntil = 'z'": "match is no regular expression",
    "[[step]]\nsend = 'x'\nmatch = '" + "(" * 5_000 + ")" * 5_000 + "'\nuntil = 'z'": "match is no regular",
    "[longest]\nsend = '{fill}'\nbytes = true\nexpect = 'y'": r"\[longest\]: bytes must be a number",
    "[longest]\nsend = 'x'\nexpect = 'y'": r"\[longest\]: bytes must be a number of bytes from 2 to 16777216",
    "[longest]\nsend = 'x'\nbytes = 9\nexpect = 'y'": r"\[longest\]: send must have one \{fill\}",
    "[close]\nsend = 'x'\nexpect = ''\nby = 'me'": r'\[close\]: by must be "server" or "client"',
}

MISPLACED = {
    "terminator = '{fill}'": r"^terminator: \{fill\} stands only in send and what is due of \[longest\]",
    "[[step]]\nsend = 'x{fill}'\nexpect = ''": r"^\[\[step\]\] 1: send: .* write '\\x7bfill\}' for its own",
    "[[step]]\nsend = 'x'\nexpect = '{fill}'": r"^\[\[step\]\] 1: expect: \{fill\}",
    "[[step]]\nsend = 'x'\nmatch = '({fill})'\nuntil = 'z'": r"^\[\[step\]\] 1: match: \{fill\}",
    "[longest]\nsend = '{fill}'\nbytes = 9\nprefix = 'x'\nuntil = '{fill}'": r"^\[longest\]: until: \{fill\}",
    "[greeting]\nexpect = '{number}'": r"^\[greeting\]: expect: \{number\} .* due of \[\[step\]\]: write",
    "[close]\nsend = 'x{number}'\nexpect = ''": r"^\[close\]: send: \{number\}",
    "[[step]]\nsend = 'x'\nprefix = 'y'\nuntil = '{number}'": r"^\[\[step\]\] 1: until: \{number\}",
}
"""What stands for other bytes, where nothing takes its place."""


class FileTests(TestCase):
    def test_what_is_wrong_is_said_with_its_place_and_what_to_write(self) -> None:
        for text, reason in {**WRONG, **MISPLACED}.items():
            with self.subTest(text):
                self.assertRegex(str(self.assertRaises(OptionError, parse, text, "own")), reason)

    def test_a_file_s_fault_names_it(self) -> None:
        path = Path(self.mktemp())
        self.assertRegex(str(self.assertRaises(OptionError, read, path)), "can't be read: No such file")
        path.write_bytes(b"name = 'a'\nterminator = '\xff'")
        found = str(self.assertRaises(OptionError, read, path))
        self.assertIn(f"{path}: line 2 is no UTF-8: write other bytes as '\\xHH'", found)
        path.write_bytes(b"#" * (2 << 20))
        self.assertRegex(str(self.assertRaises(OptionError, read, path)), "has 1,048,576 bytes at most")

    def test_bytes_are_written_in_either_quotes(self) -> None:
        script = parse("[[step]]\nsend = '\\xff\\r\\n\\0\\\\é'\nexpect = \"\\\\xff\\r\\n\"", "own")
        [step] = script.steps
        self.assertEqual((step.send, step.reply.text), (b"\xff\r\n\0\\\xc3\xa9", b"\xff\r\n"))

    def test_what_stands_for_other_bytes_can_be_meant_itself(self) -> None:
        script = parse(
            r"""
[[step]]
send = '\x7bfill}'
match = '\x7bfill}'
until = '\x7bnumber}'
""",
            "own",
        )
        [step] = script.rounds(1)
        self.assertEqual((step.send, step.reply.end(b"{fill}{number}", 0)), (b"{fill}", 14))

    def test_the_longest_answer_may_be_said_by_an_expression(self) -> None:
        longest = parse(
            "[[step]]\nsend = 'x'\nexpect = ''\n[longest]\nsend = '{fill}!'\nbytes = 100000\n"
            "match = '[^x]{fill}.'\nuntil = '!'",
            "own",
        ).longest
        assert longest is not None
        self.assertEqual(longest.reply.end(b">" + longest.send[:-1] + b".!", 0), 100_002)

    def test_the_examples_are_right(self) -> None:
        for name in ("memcached", "redis", "smtp"):
            script = read(EXAMPLES / f"{name}.toml")
            self.assertEqual(script.name, name)
            self.assertEqual(script.is_limited, name != "redis")
            for step in script.rounds(2):
                self.assertNotIn(b"{", step.send + step.reply.text)

    def test_the_longest_message_is_as_long_as_is_said(self) -> None:
        longest = read(EXAMPLES / "memcached.toml").longest
        assert longest is not None
        self.assertEqual((len(longest.send), longest.send[:6]), (256, b"get xx"))

    def test_cases_follow_from_what_is_said(self) -> None:
        step = "[[step]]\nsend = 'x'\nexpect = 'y'\n"
        close = "[close]\nsend = 'bye'\nexpect = ''\n"

        def groups(text: str) -> set[str]:
            return {each.identifier for each in cases(parse(text, "own"))}

        whole = groups(step + close)
        self.assertNotIn("long-messages.the-longest", whole)
        self.assertIn("pipelining.nothing-after-the-close", whole)
        alone = groups("pipelining = false\nhalf_close = false\n" + step + close)
        lost = {identifier.partition(".")[0] for identifier in whole - alone}
        self.assertTrue({"pipelining", "never-reads", "splits", "half-close"} <= lost)
        self.assertIn("splits.byte-by-byte", alone)
        self.assertNotIn("splits.each-two-way-split", whole)  # one byte can't be split
        self.assertIn("splits.each-two-way-split", groups(step.replace("'x'", "'xx'")))
        self.assertIn("meaning.a-dialogue", groups(close))
        self.assertEqual(groups(close) & {"splits.byte-by-byte", "many.halves-are-not-mixed"}, set())


REPLIES = parse(
    r"""
terminator = "\r\n"
[[step]]
send = "a"
expect = "exactly\r\n"
[[step]]
send = "b"
prefix = "250 "
[[step]]
send = "c"
expect = ""
[[step]]
send = "d"
match = '[0-9]+ of {number}'
[[step]]
send = "e"
match = '(.|\r\n)*'
until = "END\r\n"
""",
    "own",
)
ANSWERS = b"exactly\r\n250 yes\r\n3 of 000007\r\nx\r\ny\r\nEND\r\n"


class DueTests(TestCase):
    @given(st.lists(st.integers(1, len(ANSWERS) - 1)))
    def test_replies_are_found_however_they_come(self, places: list[int]) -> None:
        due, cuts = Due(REPLIES.rounds(1, 7)), [0, *sorted(places), len(ANSWERS)]
        ends = [due.take(ANSWERS[start:end]) for start, end in pairwise(cuts)]
        self.assertEqual((ends[-1], due.heard, due.held), (True, 5, b""))
        self.assertFalse(any(ends[:-1]))

    def test_another_reply_is_told_with_the_bytes_and_what_was_due(self) -> None:
        for data, reason in {
            b"exact!": r"step 1: 'exact!' came where 'exactly\r\n' was due",
            b"exactly\r\n25\r\n": r"step 2: '25\r\n' came where what begins with '250 ' was due",
            b"exactly\r\n250 x\r\n4 of 9\r\n": r"step 4: '4 of 9\r\n' came where what matches",
            ANSWERS + b"more": "'more' came where nothing was due",
        }.items():
            with self.subTest(data):
                failure = self.assertRaises(Failed, Due(REPLIES.rounds(1, 7)).take, data)
                self.assertIn(reason, failure.reason)

    def test_a_prefix_longer_than_the_reply_does_not_match(self) -> None:
        self.assertRaises(OtherReply, Reply("prefix", b"a\nb", b"\n").end, b"a\nb", 0)


class CommandTests(TestCase):
    def test_wrong_usage(self) -> None:
        script = str(EXAMPLES / "redis.toml")
        for words in (
            [script, "redis", "127.0.0.1:1"],
            [script, "127.0.0.1:1", "--udp"],
            [script, "unix-dgram:x"],
            [script],
            ["nonesuch.toml", "127.0.0.1:1"],
        ):
            with self.subTest(words):
                self.assertEqual(run(["check", "--script", *words]), 2)

    def test_it_stands_before_or_after_the_address(self) -> None:
        script = str(EXAMPLES / "redis.toml")
        self.assertEqual(run(["check", "--script", script, "--list", "127.0.0.1:1"]), 0)
        self.assertEqual(run(["check", "127.0.0.1:1", "--list", "--script", script]), 0)

    def test_datagrams_are_refused_from_python_too(self) -> None:
        script = read(EXAMPLES / "redis.toml")
        self.assertRaises(OptionError, judge, script, "127.0.0.1", 9, kind="udp")
