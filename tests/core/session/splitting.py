"""What the messages of a stream are, in the most trivial way: what the model of a session reads.

Whole strings are split as they come; nothing is lazy, nothing is fast.
"""

import re
from collections import deque
from typing import Any

from sockproto.errors import MessageMalformed, MessageTooLong

LIMIT = 12
"""The longest message."""


class Splitter:
    """Cuts a stream in the most trivial way.

    Attributes:
        newline: What replies end in before the first message.
        found: Messages, each with what replies to it end in; an error may be the last.
        shown: So many of them were shown to the ``Until`` of this script.
        fixed: So many of them were shown to any, and stay as they are.
    """

    newline = b""

    def __init__(self) -> None:
        self.rest = b""
        self.found: deque[Any] = deque()
        self.shown = self.fixed = 0

    @property
    def broken(self) -> bool:
        return bool(self.found) and isinstance(self.found[-1], Exception)

    def feed(self, data: bytes) -> None:
        if not self.broken:
            self.rest += data
            self.split()

    def split(self) -> None:
        raise NotImplementedError

    def quiet(self) -> None:
        pass

    def end(self) -> None:
        pass

    def encode(self, message: bytes, newline: bytes) -> bytes:
        return message + newline

    def encode_error(self, text: bytes) -> bytes:
        return b"error: %b\n" % text

    @property
    def whole(self) -> bool:
        """Whether a message waits that came whole."""
        return bool(self.found)


class LinesSplitter(Splitter):
    """Lines.

    Attributes:
        bare: What replies end in to a message that nothing ended; None: as those before.
    """

    newline = b"\r\n"
    bare: bytes | None = None

    def split(self) -> None:
        while b"\n" in self.rest and not self.broken:
            line, self.rest = self.rest.split(b"\n", 1)
            self.add(line, b"\r\n" if line.endswith(b"\r") else b"\n")

    def add(self, line: bytes, newline: bytes | None) -> None:
        too_long = len(line.removesuffix(b"\r")) > LIMIT
        self.found.append(MessageTooLong(LIMIT) if too_long else (line.rstrip(b"\r"), newline))

    def end(self) -> None:
        if self.rest and not self.broken:
            self.add(self.rest, self.bare)
            self.rest = b""


class QuietSplitter(LinesSplitter):
    newline = b""
    bare = b""

    def quiet(self) -> None:
        self.end()


class RawSplitter(Splitter):
    def split(self) -> None:
        if len(self.found) > self.fixed:
            self.rest = self.found.pop()[0] + self.rest
        if self.rest:
            self.found.append((self.rest, b""))
        self.rest = b""


class NetstringsSplitter(Splitter):
    whole_length = re.compile(rb"(0|[1-9][0-9]*):")
    part_of_length = re.compile(rb"[0-9]*")

    def split(self) -> None:
        while not self.broken and (length := self.whole_length.match(self.rest)):
            size, begin = int(length[1]), length.end()
            if size > LIMIT:
                self.found.append(MessageTooLong(LIMIT))
            elif len(self.rest) <= begin + size:
                return
            elif self.rest[begin + size : begin + size + 1] != b",":
                self.found.append(MessageMalformed("malformed message: no comma where its length says"))
            else:
                self.found.append((self.rest[begin : begin + size], b""))
                self.rest = self.rest[begin + size + 1 :]
        if not self.broken:
            self.judge(self.part_of_length.match(self.rest)[0])  # type: ignore[index]  # it matches anything

    def judge(self, digits: bytes) -> None:
        """See whether what is no whole length can become one."""
        if digits.startswith(b"0") and len(digits) > 1:
            what = "its length begins with a zero"
        elif digits and int(digits) > LIMIT:
            self.found.append(MessageTooLong(LIMIT))
            return
        elif len(digits) == len(self.rest):
            return
        else:
            what = "no colon behind its length" if digits else "it doesn't begin with its length"
        self.found.append(MessageMalformed(f"malformed message: {what}"))

    def end(self) -> None:
        if not self.broken:
            self.rest = b""

    def encode(self, message: bytes, newline: bytes) -> bytes:
        return b"%d:%b," % (len(message), message)

    def encode_error(self, text: bytes) -> bytes:
        return self.encode(b"error: %b" % text, b"")

    @property
    def whole(self) -> bool:
        return bool(self.found) and not isinstance(self.found[0], Exception)
