"""What ``sockproto command`` makes of the lines that come: it shows them, and sees whether they are wanted.

::

    answers = Answers(report, prefix="/", fail=[TimedPattern("^error:")])
    converse_lines(address, lines, answers.heard, …, unanswered=answers.unanswered)
    answers.check(address)      # raises what makes the exit status
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from sockproto.cli.console import complain
from sockproto.cli.report import CallReport, json_value
from sockproto.core.text import EMPTY, escape
from sockproto.errors import ErrorAnswered, OptionError, PatternTooSlow, WrongReply

if TYPE_CHECKING:
    from sockproto.client.conversations.command import Replies
    from sockproto.core.pattern import TimedPattern

ERROR = "^error:"


class Rule(click.ParamType[str]):
    """Which lines are answered."""

    name = "all|query|prefix|n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Make it."""
        from sockproto.client.conversations.answers import rule  # which loads Twisted

        try:
            rule(value, b"")
        except OptionError as error:
            self.fail(str(error).removeprefix("answers: ") if value else EMPTY, param, ctx)
        return str(value)


class Pattern(click.ParamType["TimedPattern[str]"]):
    """A regular expression, of text."""

    name = "pattern"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "TimedPattern[str]":
        """Make it."""
        from sockproto.core.pattern import TimedPattern  # 25 ms, which few calls need

        try:
            return TimedPattern(value) if value else self.fail(EMPTY, param, ctx)
        except OptionError as error:
            self.fail(f"{value!r} is {error}", param, ctx)


class Answers:
    """Shows what comes, and sees whether it is wanted.

    Args:
        report: Shows it.
        prefix: What stands before every command.
        fail: What makes the call fail, each of them, in a line that comes.
        expected: Patterns, each of which must match some line that came.
    """

    def __init__(
        self,
        report: CallReport,
        prefix: str,
        fail: "Iterable[TimedPattern[str]]" = (),
        expected: "Iterable[TimedPattern[str]]" = (),
    ) -> None:
        self._report, self._missing = report, list(expected)
        self._prefix = prefix.encode("utf-8", "surrogateescape")
        self._fail = tuple(fail)
        self._hinted = False
        self._failed = ""
        self._too_slow: PatternTooSlow | None = None

    def heard(self, line: bytes | None, reply: bytes) -> None:
        """Show a line that came."""
        self._report.reply(reply)
        self._look(line, reply)

    def unanswered(self, line: bytes) -> None:
        """Say once why a line gets no answer."""
        if line and not self._hinted and not line.startswith(self._prefix):
            self._hinted = True
            complain(
                f"sockproto command: {_shown(line)} doesn't begin with {_shown(self._prefix)}, so no answer "
                "is waited for; see --prefix and --answers"
            )

    def told(self, said: "Replies") -> dict[str, Any]:
        """Return all that was said, for JSON, and look at it."""
        for line in said.greeting:
            self._look(None, line)
        for line, replies in zip(said.lines, said.replies, strict=True):
            for reply in replies or ():
                self._look(line, reply)
        for line in said.more:
            self._look(None, line)
        return {
            "greeting": [json_value(line) for line in said.greeting],
            "lines": [
                {
                    "line": json_value(line),
                    "replies": None if replies is None else [json_value(reply) for reply in replies],
                }
                for line, replies in zip(said.lines, said.replies, strict=True)
            ],
            "more": [json_value(line) for line in said.more],
        }

    def check(self, address: str) -> None:
        """See whether all is as it was to be.

        Raises:
            ErrorAnswered: A line says that it is not.
            PatternTooSlow: It can't be told.
            WrongReply: What was expected has not come.
        """
        if self._failed:
            raise ErrorAnswered(self._failed, address)
        if self._too_slow is not None:
            raise self._too_slow
        if self._missing:
            raise WrongReply(f"no line that came matches {self._missing[0].expression!r}", address)

    def _look(self, line: bytes | None, reply: bytes) -> None:
        if self._too_slow is not None:  # nor is any other line looked at
            return
        try:
            self._search(line, reply)
        except PatternTooSlow as error:
            self._too_slow = error

    def _search(self, line: bytes | None, reply: bytes) -> None:
        text = reply.decode("utf-8", "surrogateescape")
        if not self._failed and any(pattern.search(text) for pattern in self._fail):
            asked = "the server said" if line is None else f"{_shown(line)} was answered"
            self._failed = f"{asked} {_shown(reply)}"
        self._missing = [pattern for pattern in self._missing if not pattern.search(text)]


def _shown(line: bytes) -> str:
    return escape(line[:200].decode("utf-8", "backslashreplace"))
