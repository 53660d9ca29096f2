"""Which lines of a command client are answered, and with how many lines.

Pure. Where the server describes its commands (``/help json``, as every ``CommandSet`` does), that question
also tells where an answer ends; elsewhere the caller states a rule::

    due = rule("query", b"")
    due(b"VOLT?")           # 1
    due(b"VOLT 5")          # 0
"""

import json
from collections.abc import Callable

from sockproto.core.text import count
from sockproto.errors import OptionError

RULES = ("all", "query", "prefix")


def rule(answers: str | int, prefix: bytes) -> Callable[[bytes], int]:
    """Return what tells how many lines answer a line.

    Args:
        answers: ``all``: one answers each; ``query``: one answers those with a question mark; ``prefix``: one
            answers those that begin with the prefix, but for empty ones; a number: each
            line is answered by that many.
        prefix: What stands before every command.

    Raises:
        OptionError: *answers* is something else.
    """
    if answers == "all":
        return lambda line: 1
    if answers == "query":
        return lambda line: int(b"?" in line)
    if answers == "prefix":
        return lambda line: int(bool(line) and line.startswith(prefix))
    try:
        number = count(str(answers))
    except OptionError:
        raise OptionError(
            f"answers: must be all, query, prefix or a number of lines, not {answers!r}"
        ) from None
    return lambda line: number


def streams_of(line: bytes) -> frozenset[bytes] | None:
    """Return the words, in upper case, whose answers are streamed; None if *line* is no ``/help json``."""
    if not line.startswith(b"{"):
        return None
    try:
        described = json.loads(line)["commands"]
        streaming = [each for each in described if each["streams"]]
        words = [word for each in streaming for word in (each["name"], *each["aliases"])]
        return frozenset(word.encode().upper() for word in words)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def is_refusal(line: bytes, prefix: bytes) -> bool:
    """Tell whether a line is what says that there is no description: an error, or a list of words."""
    words = line.split()
    return line.startswith(b"error:") or (bool(words) and all(word.startswith(prefix) for word in words))
