r"""Program messages of instruments: a newline ends a message unless it is inside a string or a block.

IEEE 488.2 also ends messages by the END signal of its bus, which a stream doesn't have; here the end of the
stream takes its place.
Knows nothing of what messages mean::

    framing = ProgramMessages()
    framing.feed(b"*IDN?\nDATA #15a\nb\nc\n")
    framing.take()              # [b"*IDN?", b"DATA #15a\nb\nc"]
    framing.encode(b"1;2")      # b"1;2\n"
"""

import re
import sys
from array import array

from zope.interface import implementer

from sockproto.core.framing.lines import WINDOW
from sockproto.core.framing.raw import ErrorLine
from sockproto.errors import MessageTooLong
from sockproto.interfaces import IFraming

_CR, _LF, _HASH = b"\r\n#"

OPENING = rb"""(?:\A|(?<=[\x00-\x20,"']))(?:["']|#(?=[1-9]|\Z))"""
"""Where a string or a definite block begins: behind white space, a comma, or a string (IEEE 488.2, 7.7.5: a
quote in a string is written twice). Elsewhere, as in ``don't``, a quote is a character like any other."""

_STOP = re.compile(rb"\n|" + OPENING)


def block_end(data: bytes | bytearray, at: int) -> int | None:
    """Return where a definite block would end, its last byte included (IEEE 488.2, 7.7.6.2).

    Args:
        data: What it stands in.
        at: Where its ``#`` is.

    Returns:
        The place, maybe far behind the end of the data; 0: it is no block; None: it takes more bytes to tell.
    """
    digits = data[at + 1] - 48 if at + 1 < len(data) else 0
    first = at + 2 + digits
    count = data[at + 2 : first]
    if at + 1 < len(data) and not (1 <= digits <= 9 and (count.isdigit() or not count)):
        return 0
    return first + int(count) if digits and len(count) == digits else None


@implementer(IFraming)
class ProgramMessages(ErrorLine):
    """Messages that end in LF; an LF inside a string or a definite block ends none. Replies end in LF.

    An unclosed string would take in everything that follows. So after a quiet period, and at the end of the
    stream, the first newline in it ends the message. A block has a length, so the rest of it is waited for.
    White space at the end, such as CR, belongs to the message, because a block may end in it.

    Args:
        max_message_bytes: The longest message in bytes, without LF or CR LF; 0 means no limit.
        quiet_seconds: The quiet period (1 s: PyVISA's default time-out is two seconds).

    Source:
        IEEE 488.2-1992, sections 7.5 (terminator), 7.7.5 (strings), 7.7.6 (blocks; an indefinite one ends
        with the message).
    """

    discards = False

    def __init__(self, max_message_bytes: int = 65_536, quiet_seconds: float = 1.0) -> None:
        self._max = max_message_bytes or sys.maxsize
        self.quiet_seconds: float | None = quiet_seconds
        self._buffer = bytearray()
        self._given = 0  # how many bytes came before those in the buffer
        self._ends = array("Q")  # ends of messages, counted from the first byte; LF not included
        self._begin = 0  # where the first message in the buffer begins that has no end yet
        self._at = 0  # up to here the buffer has been searched, or needs no search
        self._quote = b""  # the quote of the string in which that place is
        self._too_long = False

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken."""
        return len(self._buffer)

    @property
    def ready(self) -> bool:
        """Whether there is a message to take, or an error because one is too long."""
        return bool(self._ends) or self._too_long

    @property
    def unfinished(self) -> int:
        """Bytes of a message that has no end yet."""
        return len(self._buffer) - self._begin

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        if not self._too_long:
            self._buffer += data
            self._search()

    def take(self) -> list[bytes]:
        """Return the next messages, a list of at most some hundred.

        Raises:
            MessageTooLong: A message is longer than the limit, and all before it have been taken.
        """
        if not self._ends:
            if self._too_long:
                raise MessageTooLong(self._max)
            return []
        messages, begin = [], 0
        with memoryview(self._buffer) as view:
            for end in self._ends[:WINDOW]:
                messages.append(bytes(view[begin : end - self._given]))
                begin = end - self._given + 1
        del self._ends[:WINDOW]
        begin = min(begin, len(self._buffer))  # the end of the stream ended the last
        del self._buffer[:begin]
        self._given += begin
        self._begin -= begin
        self._at -= begin
        return messages

    def cut(self, data: bytes) -> list[bytes] | None:
        """Return the messages of *data*, if nothing is held or left over, and no string or block in it."""
        if self._buffer or self._too_long or not data or len(data) > self._max:
            return None
        if b'"' in data or b"'" in data or b"#" in data:
            return None
        messages = data.split(b"\n", WINDOW)
        return None if messages.pop() else messages

    def quiet(self) -> None:
        """The quiet period is over: the newlines in an unclosed string end messages."""
        while self._quote and (end := self._buffer.find(b"\n", self._begin)) >= 0:
            self._end_message(end)
            self._search()

    def end(self) -> None:
        """The stream has ended: what is unfinished is a message."""
        self.quiet()
        if self.unfinished and not self._too_long:
            self._end_message(len(self._buffer))
            self._begin = len(self._buffer)

    def encode(self, *messages: bytes) -> bytes:
        """Return replies, each with its LF."""
        return b"\n".join((*messages, b""))

    def _search(self) -> None:
        """Find the ends of messages."""
        buffer = self._buffer
        while self._at < len(buffer) and not self._too_long:
            if self._quote:
                end = buffer.find(self._quote, self._at)
                self._at = end + 1 or len(buffer)
                self._quote = self._quote if end < 0 else b""
                continue
            match = _STOP.search(buffer, self._at)
            if match is None:
                self._at = len(buffer)
            elif buffer[match.start()] == _LF and match[0]:
                self._end_message(match.start())
            elif buffer[match.start()] != _HASH:
                self._quote, self._at = match[0], match.end()
            else:
                end_of_block = block_end(buffer, match.start())
                if end_of_block is None:
                    self._at = match.start()
                    break
                self._at = end_of_block or match.end()
        self._measure(self._begin, len(buffer))

    def _end_message(self, end: int) -> None:
        """Record that a message ends at a place of the buffer."""
        self._measure(self._begin, end)
        if not self._too_long:
            self._ends.append(self._given + end)
            self._begin = self._at = end + 1
            self._quote = b""

    def _measure(self, begin: int, end: int) -> None:
        """Check whether a message, without a CR at its end, is too long; then all that follows is dropped."""
        length = end - begin
        if length > self._max and (length - self._max > 1 or self._buffer[end - 1] != _CR):
            self._too_long = True
            del self._buffer[begin:]
            self._begin = self._at = begin
