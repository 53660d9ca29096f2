"""Regular expressions that people write, for what a peer sends: each match ends in time.

Their syntax is that of the package ``regex``: Python's ``re``, and more, but a brace that is part of no
repetition is itself, as in ``re``. The package tells at once what takes ``re`` years, as ``(a+)+b`` does, and
ends the rest::

    TimedPattern("^error:").search("error: no such command")      # True
    TimedPattern("(a|aa)+[bc]").search("a" * 40)                  # PatternTooSlow, after a second
"""

import re
from collections.abc import Callable
from typing import Any, AnyStr, Generic

import regex

from sockproto.core.text import escape
from sockproto.errors import OptionError, PatternTooSlow

MATCH_SECONDS = 1.0
"""How long one match may take, in seconds of processor time. It takes microseconds, unless the pattern can
match the same text in several ways: then each character more may double it."""

_BRACE = re.compile(r"(\\(?:[pPN]\{[^}]*\}|.)|\{(?:[0-9]+(?:,[0-9]*)?|,[0-9]*)\})|\{", re.DOTALL)
"""What is escaped or repeats, and any other brace that opens: in ``regex`` it begins a fuzzy match."""


class TimedPattern(Generic[AnyStr]):
    """A regular expression, whose matches take no longer than ``MATCH_SECONDS``.

    Args:
        expression: As a person wrote it.

    Raises:
        OptionError: It is no regular expression.
    """

    def __init__(self, expression: AnyStr) -> None:
        self.expression: AnyStr = expression
        try:
            self._compiled: regex.Pattern[AnyStr] = regex.compile(_without_fuzzy(expression))
        except (regex.error, RecursionError, MemoryError) as error:
            raise OptionError(f"no regular expression: {escape(str(error))}") from error

    def search(self, text: AnyStr) -> bool:
        """Tell whether it matches anywhere in *text*.

        Raises:
            PatternTooSlow: That can't be told in time.
        """
        return self._matches(self._compiled.search, text)

    def fullmatch(self, text: AnyStr) -> bool:
        """Tell whether it matches the whole of *text*.

        Raises:
            PatternTooSlow: That can't be told in time.
        """
        return self._matches(self._compiled.fullmatch, text)

    def _matches(self, match: Callable[..., Any], text: AnyStr) -> bool:
        try:
            return match(text, timeout=MATCH_SECONDS) is not None
        except (TimeoutError, MemoryError) as error:
            cost = "memory than it may" if isinstance(error, MemoryError) else f"than {MATCH_SECONDS:g} s"
            units = "bytes" if isinstance(text, bytes) else "characters"
            shown = escape(repr(self.expression[:100]).removeprefix("b"))
            raise PatternTooSlow(
                f"the pattern {shown} takes more {cost} on {len(text):,} {units}: write it so that what it"
                " repeats matches them in one way only"
            ) from error


def _without_fuzzy(expression: AnyStr) -> AnyStr:
    """Return an expression in which each brace is what it is in ``re``: ``ok{e}`` is no fuzzy match."""
    if isinstance(expression, bytes):
        return _without_fuzzy(expression.decode("latin-1")).encode("latin-1")
    return _BRACE.sub(lambda found: found[1] or r"\{", expression)
