r"""What is due: bytes, bytes that something begins with, or what matches a regular expression. Pure.

::

    Reply("prefix", b"250 ", until=b"\r\n").end(b"250 OK\r\n221 Bye\r\n", 0)     # 8
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from sockproto.check.verdict import shown
from sockproto.core.pattern import TimedPattern

KINDS = ("expect", "prefix", "match")
NUMBER = b"{number}"
"""What stands for a number of six digits, another one in each repetition and for each client."""


class OtherReply(Exception):
    """What comes can't be the reply that is due."""


@dataclass(frozen=True)
class Reply:
    """What must come.

    Attributes:
        kind: ``expect``: exactly the text; ``prefix``: what begins with it; ``match``: what matches it, a
            regular expression, as a whole and without what ends it.
        text: The text or the expression.
        until: What ends a reply of which not all is known; empty: the end of the stream.
    """

    kind: str
    text: bytes
    until: bytes = b""

    def numbered(self, number: int) -> "Reply":
        """Return it with a number in its text."""
        return replace(self, text=numbered(self.text, number)) if NUMBER in self.text else self

    def end(self, data: bytes, start: int) -> int:
        """Return where in *data* the reply ends that begins at *start*; -1 if more must come.

        Raises:
            OtherReply: It is another.
            PatternTooSlow: That can't be told in time.
        """
        if self.kind != "match" and not self.text.startswith(data[start : start + len(self.text)]):
            raise OtherReply
        if self.kind == "expect":
            end = start + len(self.text)
            return end if end <= len(data) else -1
        place = data.find(self.until, start)
        if place < 0:
            return -1
        end = place + len(self.until)
        if self.kind == "match":
            right = self._matches(data[start:place])
        else:
            right = data.startswith(self.text, start, end)
        if not right:
            raise OtherReply
        return end

    def is_whole(self, data: bytes) -> bool:
        """Tell whether all of *data*, to the end of a stream, is the reply.

        Raises:
            PatternTooSlow: That can't be told in time.
        """
        if self.kind == "match":
            return self._matches(data) or self._matches(data.rstrip(b"\r\n"))
        return data == self.text if self.kind == "expect" else data.startswith(self.text)

    @property
    def least(self) -> int:
        """How many bytes it has at least."""
        return len(self.until) + (len(self.text) if self.kind != "match" else 0)

    @property
    def bytes_due(self) -> bytes | None:
        """What is due, for a report that shows bytes; None if only an expression says so."""
        return None if self.kind == "match" else self.text

    def __str__(self) -> str:
        if self.kind == "match":
            return f"what matches {shown(self.text)}"
        if self.kind == "prefix":
            return f"what begins with {shown(self.text)}"
        return shown(self.text) if self.text else "nothing"

    def _matches(self, data: bytes) -> bool:
        return _pattern(self.text).fullmatch(data)


def numbered(text: bytes, number: int) -> bytes:
    """Return *text* with a number where ``{number}`` stands."""
    return text.replace(NUMBER, b"%06d" % (number % 1_000_000))


@lru_cache(maxsize=256)
def _pattern(expression: bytes) -> TimedPattern[bytes]:
    return TimedPattern(expression)
