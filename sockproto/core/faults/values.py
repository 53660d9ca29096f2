"""The values of faults: times, shares, rates and amounts, as people write them.

::

    span("0.1..0.5")            # Span(least=0.1, most=0.5)
    str(amount("3 messages"))   # "3messages"

What is no such value raises ``OptionError``, which says what one is.
"""

import re
from typing import NamedTuple

from sockproto.core.text import count, seconds
from sockproto.errors import OptionError

_AMOUNT = re.compile(r"([0-9]+) ?(messages?|bytes?)?")


class Span(NamedTuple):
    """A time, or a range from which a time is chosen at random.

    Attributes:
        least: The shortest time, in seconds.
        most: The longest time, in seconds.
    """

    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.least:g}" if self.least == self.most else f"{self.least:g}..{self.most:g}"


class Amount(NamedTuple):
    """A number of bytes that were sent, or of messages that were handled.

    Attributes:
        number: How many.
        messages: Whether they are messages.
    """

    number: int
    messages: bool

    def __str__(self) -> str:
        return f"{self.number}messages" if self.messages else f"{self.number}"


def span(text: str) -> Span:
    """Return the time that *text* is, or the range: ``0.2`` or ``0.1..0.5``."""
    least, between, most = text.partition("..")
    found = Span(seconds(least), seconds(most if between else least))
    if found.most < found.least:
        raise OptionError(f"must be SECONDS or LEAST..MOST, such as 0.1..0.5, not {text!r}")
    return found


def span_or_none(text: str) -> Span | None:
    """Return the same; None if the text is empty."""
    return span(text) if text else None


def probability(text: str) -> float:
    """Return the share that *text* is, from 0 to 1."""
    if not re.fullmatch(r"0?\.[0-9]{1,9}|[01](\.0{1,9})?", text):
        raise OptionError(f"must be a share from 0 to 1, such as 0.05, not {text[:40]!r}")
    return float(text)


def rate(text: str) -> int:
    """Return the bytes a second that *text* is: ``100`` or ``100/s``."""
    return count(text.removesuffix("/s"), 1, 10**9)


def segment(text: str) -> int:
    """Return the size of a segment in bytes, 0 for ``random``."""
    return 0 if text == "random" else count(text, 1, 65_536)


def amount(text: str) -> Amount:
    """Return the amount that *text* is: ``100``, ``100bytes`` or ``3messages``."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise OptionError(f"must be a number of bytes, or of messages as in 3messages, not {text[:40]!r}")
    return Amount(count(match[1]), (match[2] or "").startswith("m"))
