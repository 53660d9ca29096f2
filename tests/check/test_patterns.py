"""Patterns of a script that take for ever, for what a server says: the check ends in time, and names them."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from sockproto.check import judge
from sockproto.check.context import CheckContext
from sockproto.check.registry import cases
from sockproto.check.running import judge as judge_case
from sockproto.check.script import SCRIPT
from sockproto.check.script.reading import parse
from sockproto.check.script.speaking import Due
from sockproto.check.target import find
from sockproto.check.timing import QUICK
from sockproto.check.verdict import SLOW_PATTERN, Verdict
from sockproto.cli.commands import run
from sockproto.core import pattern
from sockproto.errors import PatternTooSlow
from sockproto.plain.deadline import Deadline
from tests.check.servers import Loop, Served, Server

SCRIPT_FILE = f"""
terminator = "\\n"
[[step]]
send = "{"a" * 60}\\n"
match = "(a|aa)+[bc]"
"""
SLOW = parse(SCRIPT_FILE, "slow")
NAMED = r"^the pattern '\(a\|aa\)\+\[bc\]' takes more than 0.05 s on 60 bytes: write"


class SlowPatternTests(SynchronousTestCase):
    """A server that says what it is sent."""

    def setUp(self) -> None:
        self.patch(pattern, "MATCH_SECONDS", 0.05)
        served = Served(Server("echo"), Loop())
        self.addCleanup(served.__exit__, None, None, None)
        self.port = served.__enter__().port

    def test_the_check_ends_where_the_first_dialogue_shows_it(self) -> None:
        wrong = self.assertRaises(PatternTooSlow, judge, SLOW, "127.0.0.1", self.port, quick=True)
        self.assertRegex(str(wrong), NAMED)

    def test_the_command_s_status_is_that_of_wrong_usage(self) -> None:
        path = Path(self.mktemp())
        path.write_text(SCRIPT_FILE)
        self.assertEqual(run(["check", "--quick", "--script", str(path), f"127.0.0.1:{self.port}"]), 2)

    def test_a_case_that_shows_it_is_not_judged(self) -> None:
        context = CheckContext(SCRIPT, find("tcp", "127.0.0.1", self.port), QUICK, script=SLOW)
        [dialogue] = [each for each in cases(SLOW) if each.identifier == "meaning.a-dialogue"]
        result = judge_case(context, dialogue)
        self.assertEqual((result.verdict, result.unjudged), (Verdict.SKIP, SLOW_PATTERN))
        self.assertRegex(result.reason, NAMED)


class DueInTimeTests(SynchronousTestCase):
    def test_many_replies_at_once_are_looked_at_only_within_the_case_s_time(self) -> None:
        script = parse('terminator = "\\n"\n[[step]]\nsend = "x"\nmatch = "[0-9]+"\n', "own")
        seconds = iter(range(100))
        due = Due(script.rounds(10), Deadline(3, lambda: next(seconds)))
        self.assertFalse(due.take(b"1\n" * 10))
        self.assertEqual((due.heard, due.held), (2, b"1\n" * 8))
