r"""Messages that end with a newline, or with a quiet period.

Feed bytes as they come, take messages when they are wanted. Knows nothing of what messages mean::

    framing = Lines()
    framing.feed(b"Michael\r\nTra")
    framing.take()              # [b"Michael"]
    framing.encode(b"Hello")    # b"Hello\r\n": a reply ends as the message did
"""

import sys

from zope.interface import implementer

from sockproto.core.framing.raw import ErrorLine
from sockproto.errors import MessageTooLong
from sockproto.interfaces import IFraming

CR, LF, CRLF, NUL = b"\r", b"\n", b"\r\n", b"\0"

# Messages are made this many bytes at a time, or this many from one read: no more than some hundred exist at
# once, where a read of nothing but newlines would otherwise cost twenty times its bytes.
WINDOW = 512


@implementer(IFraming)
class Lines(ErrorLine):
    r"""Lines both ways: LF or CR LF ends a message.

    A trailing CR is never part of a message. A reply ends with the newline of the message that it answers;
    what is sent before the first message ends in CR LF (the network virtual terminal's newline, RFC 854).
    An unfinished last line is a message once the stream has ended; its reply ends like the one before.

    Args:
        max_message_bytes: The longest message in bytes, without its terminator; 0 means no limit.
        newline: The newline of all replies, such as ``b"\n"``; None: that of the message answered.
    """

    quiet_seconds: float | None = None
    discards = False
    telnet = True
    ready = False
    unfinished = 0
    _bare_newline: bytes | None = None  # what replies end in after a message that nothing ended

    def __init__(self, max_message_bytes: int = 65_536, newline: bytes | None = None) -> None:
        self._max = max_message_bytes or sys.maxsize
        self._fixed = newline is not None
        self._newline = CRLF if newline is None else newline
        self._buffer = bytearray()
        self._searched = 0  # the first this many bytes of the buffer hold no LF
        self._given = 0  # how many bytes came before those in the buffer
        self._cuts: list[int] = []  # ends of messages that no newline ends, counted from the first byte

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        if NUL in data:
            data = self._with_newlines(data)
        self._buffer += data
        self.ready = True  # perhaps
        newline = data.rfind(LF)
        self.unfinished = len(data) - newline - 1 if newline >= 0 else self.unfinished + len(data)

    def take(self) -> list[bytes]:
        """Return the next lines: a few hundred at most, all with the same newline.

        Raises:
            MessageTooLong: A line is longer than the limit, and all lines before it have been taken.
        """
        buffer, searched = self._buffer, self._searched
        end = self._cuts[0] - self._given if self._cuts else len(buffer)
        # A line that ends within the window can't be too long, so only longer ones are measured.
        newline = buffer.rfind(LF, searched, min(end, min(WINDOW, self._max + 1)))
        if newline >= 0:
            return self._lines(newline)
        newline = buffer.find(LF, searched, end)
        if newline >= 0 or self._cuts:
            return self._line(newline if newline >= 0 else end, newline >= 0)
        self._measure(end)
        self._searched = end
        self.ready = False
        return []

    def cut(self, data: bytes) -> list[bytes] | None:
        """Return the lines of *data*, if nothing is held, all end in LF alone, and nothing is left over."""
        if self._buffer or self._cuts or not data or len(data) > self._max or b"\r" in data:
            return None
        messages = data.split(LF, WINDOW)
        if messages.pop():
            return None
        if not self._fixed:
            self._newline = LF
        return messages

    def end(self) -> None:
        """The stream has ended: what is unfinished is a message."""
        self._cut()

    def quiet(self) -> None:
        """Do nothing: only a newline ends a line."""

    def encode(self, *messages: bytes) -> bytes:
        """Return the encoded replies to the lines taken last."""
        return self._newline.join((*messages, b""))

    def erase_character(self) -> None:
        """Remove the last character of the unfinished line; a UTF-8 character may be several bytes."""
        end = len(self._buffer)
        start, first = end - 1, end - self.unfinished
        while start > first and 0x80 <= self._buffer[start] < 0xC0:
            start -= 1
        self._erase(min(end - start, self.unfinished))

    def erase_line(self) -> None:
        """Remove the unfinished line."""
        self._erase(self.unfinished)

    def _erase(self, count: int) -> None:
        if self._too_long(self.unfinished, len(self._buffer)):  # it stays so, however the bytes are split
            return
        end = len(self._buffer) - count
        del self._buffer[end:]
        self.unfinished -= count
        self._searched = min(self._searched, end)

    def _with_newlines(self, data: bytes) -> bytes:
        """Return the bytes with each CR NUL replaced by CR LF."""
        if data.startswith(NUL) and self.unfinished and self._buffer.endswith(CR):
            data = LF + data[1:]
        return data.replace(CR + NUL, CRLF)

    def _cut(self) -> None:
        if self.unfinished:
            self._cuts.append(self._given + len(self._buffer))
            self.unfinished = 0
            self.ready = True

    def _measure(self, end: int) -> None:
        """Raise an error if the first *end* bytes are too long for one line."""
        if self._too_long(end, end):
            raise MessageTooLong(self._max)

    def _too_long(self, length: int, end: int) -> bool:
        """Return whether *length* bytes up to *end*, without a CR at the end, are too long for one line."""
        return length > self._max and (length - self._max > 1 or self._buffer[end - 1] != 13)

    def _lines(self, last: int) -> list[bytes]:
        """Return the lines up to the LF at *last*; only the first if their newlines differ."""
        buffer = self._buffer
        chunk = bytes(memoryview(buffer)[: last + 1])
        if b"\r" not in chunk:
            self._drop(last + 1, LF)
            return chunk[:-1].split(LF)
        if chunk.count(CRLF) == chunk.count(LF):
            self._drop(last + 1, CRLF)
            return [line.rstrip(b"\r") for line in chunk[:-2].split(CRLF)]
        return self._line(chunk.index(LF), True)

    def _line(self, end: int, terminated: bool) -> list[bytes]:
        """Return the one line that is the first *end* bytes."""
        self._measure(end)
        line = bytes(memoryview(self._buffer)[:end])
        message = line.rstrip(b"\r")
        if terminated:
            self._drop(end + 1, CRLF if len(message) < end else LF)
        else:
            self._cuts.pop(0)
            self._drop(end, self._newline if self._bare_newline is None else self._bare_newline)
        return [message]

    def _drop(self, count: int, newline: bytes) -> None:
        """Remove the first bytes; replies to them end in *newline*."""
        del self._buffer[:count]
        self.ready = bool(self._buffer)
        self._given += count
        self._searched = 0
        if not self._fixed:
            self._newline = newline


class QuietLines(Lines):
    """Lines and bare sends at once (``--framing auto``).

    Like :class:`Lines`; besides, bytes that no newline follows within the quiet period are one message. Its
    reply has no newline, nor has what is sent before the first message.

    Args:
        max_message_bytes: The longest message in bytes, without its terminator; 0 means no limit.
        quiet_seconds: The quiet period, counted from the last byte read (0.02 s: much longer than the gap
            between segments of one write on a local network, much shorter than a person notices).
    """

    _bare_newline = b""

    def __init__(self, max_message_bytes: int = 65_536, quiet_seconds: float = 0.02) -> None:
        super().__init__(max_message_bytes)
        self._newline = b""
        self.quiet_seconds = quiet_seconds

    def quiet(self) -> None:
        """The quiet period is over: what is unfinished is a message."""
        self._cut()
