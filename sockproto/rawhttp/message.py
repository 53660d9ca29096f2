r"""HTTP/1.1's message framing, from the side of a client (pure).

It reads top-down, as RFC 9112 does; where bytes are missing it returns None, and goes on once they are
there. However the bytes are split, the events are the same, and so is the error::

    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
    parser.take(), parser.take(), parser.take()     # Status(…), Headers(…), Data(b"hel")
    parser.take()                                   # None: feed more, or say that it has ended

Source: RFC 9112 (the sections are named where they apply).
"""

import re
from collections.abc import Generator
from enum import Enum
from typing import Final, NoReturn, TypeAlias, TypeVar

from sockproto.errors import CallFailed, CutShort, EmptyReply, WrongReply
from sockproto.rawhttp.events import Data, EndOfMessage, Event, Headers, Interim, Status
from sockproto.rawhttp.received import Received

MAX_HEAD_BYTES: Final = 65_536
"""Header bytes of one response, or trailer bytes: as http.client's longest line; curl takes 300 KiB."""

MAX_HEAD_LINES: Final = 1_000
"""Header lines of one response; http.client takes 100, curl 5,000."""

MAX_INTERIM: Final = 32
"""Responses before the response; Go's net/http took 5, and early hints have made them more."""

MAX_CHUNK_LINE_BYTES: Final = 4_096
"""A chunk's size with its extensions, as Go's net/http."""

MAX_CHUNKS: Final = 4_096
"""Chunks that are taken at once: of one byte each they cost a hundred times that."""

_STATUS = re.compile(rb"(1\.[0-9]) ([1-9][0-9][0-9])(?: (.*))?", re.DOTALL)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?\r\n")

_T = TypeVar("_T")
_Steps: TypeAlias = Generator[Event | None, None, _T]


class _Body(Enum):
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until close"


class ResponseParser:
    """Reads one response.

    Args:
        method: What was asked: the response to ``HEAD`` has no body, nor a good one to ``CONNECT``.

    Attributes:
        length: How long the body is said to be; None before its headers were read, or if they don't say.
    """

    def __init__(self, method: str = "GET") -> None:
        self.length: int | None = None
        self._method = method
        self._received = Received()
        self._steps = self._response()
        self._failure: CallFailed | None = None

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._received.feed(data)

    def end(self, clean: bool = True) -> None:
        """The stream has ended.

        Args:
            clean: TLS has vouched for it, or there is no TLS. Without that, a body that only the end of
                the stream delimits may have been cut by anybody (RFC 9112, 9.8).
        """
        self._received.ended, self._received.clean = True, clean

    def take(self) -> Event | None:
        """Return the next event; None: more bytes are needed, or the response is over.

        Raises:
            WrongReply: It is no HTTP/1 response, or where it ends can't be told for certain.
            CutShort: The stream ended before the response.
            EmptyReply: It ended before the first byte.
        """
        if self._failure:
            raise self._failure
        try:
            return next(self._steps, None)
        except CallFailed as error:
            self._failure = error
            raise

    def _response(self) -> _Steps[None]:
        for _ in range(MAX_INTERIM + 1):
            status = yield from self._status()
            headers = yield from self._fields()
            if status.code >= 200:
                break
            if status.code == 101:
                _wrong("the server switches to a protocol that nobody asked for (status 101)")
            yield Interim(status, headers)
        else:
            _wrong(f"more than {MAX_INTERIM} interim responses (1xx)")
        body = _framing(self._method, status, headers)
        self.length = body if isinstance(body, int) else None
        yield status
        yield headers
        if isinstance(body, int):
            yield from self._exactly(body)
            yield EndOfMessage()
        elif body is _Body.CHUNKED:
            yield from self._chunked()
        else:
            yield from self._until_close()

    def _line(self, limit: int, what: str) -> _Steps[bytes]:
        while (line := self._received.line(limit)) is None:
            self._need(what)
            yield None
        return line

    def _need(self, what: str) -> None:
        """More bytes are needed: an error if none can come."""
        if self._received.ended:
            if not self._received.count:
                raise EmptyReply("the server closed the connection without a word")
            raise CutShort(f"the server closed the connection in the middle of {what}")

    def _status(self) -> _Steps[Status]:
        """Section 4. The first five bytes tell whether it is worth waiting for the line's end."""
        start = yield from self._line(5, "the status line")
        if start != b"HTTP/":
            _wrong(f"no HTTP response: it begins with {ascii(start)[1:]}")
        line = yield from self._line(MAX_HEAD_BYTES, "the status line")
        match = _STATUS.fullmatch(_content(line, MAX_HEAD_BYTES))
        if match is None:
            _wrong(f"no HTTP/1 response: its status line is {ascii((start + line)[:60])[1:]}")
        return Status(match[1], int(match[2]), match[3] or b"")

    def _fields(self) -> _Steps[Headers]:
        """Section 5: field lines up to the empty line."""
        budget, lines = MAX_HEAD_BYTES, list[bytes]()
        for _ in range(MAX_HEAD_LINES + 1):
            raw = yield from self._line(budget, "the headers")
            line = _content(raw, MAX_HEAD_BYTES)
            budget -= len(raw)
            if not line:
                return Headers(tuple(_field(line) for line in lines))
            if line[0] not in b" \t":
                lines.append(line)
            elif lines:  # obs-fold is replaced by a space (5.2)
                lines[-1] += b" " + line.strip(b" \t")
            else:
                _wrong("white space before the first header (RFC 9112, 2.2)")
        _wrong(f"more than {MAX_HEAD_LINES} header lines")

    def _exactly(self, left: int) -> _Steps[None]:
        while left:
            if data := self._received.some(left):
                left -= len(data)
                yield Data(data)
            else:
                self._need(f"the body, {left} bytes before its end")
                yield None

    def _chunked(self) -> _Steps[None]:
        """Section 7.1: size, data, size, data, …, 0, trailers."""
        while True:
            if data := self._whole_chunks():
                yield Data(data)
            line = yield from self._line(MAX_CHUNK_LINE_BYTES, "the body, before a chunk's size")
            match = _CHUNK.fullmatch(line)
            if match is None:
                _wrong(f"a bad chunk size in the body: {ascii(line[:40])[1:]}")
            size = int(match[1], 16)
            if not size:
                break
            yield from self._exactly(size)
            if (yield from self._line(2, "the body, behind a chunk")) != b"\r\n":
                _wrong("a chunk of the body is longer than it says")
        yield EndOfMessage((yield from self._fields()))

    def _whole_chunks(self) -> bytes:
        """Return the data of the chunks that have come whole, in one piece: most have, and are right."""
        piece, at = self._received.whole()
        view, chunks = memoryview(piece), list[memoryview]()
        while len(chunks) < MAX_CHUNKS and (match := _CHUNK.match(piece, at)):
            if match.end() - at > MAX_CHUNK_LINE_BYTES:
                break
            end = match.end() + int(match[1], 16)
            if end == match.end() or piece[end : end + 2] != b"\r\n":
                break  # the last one, one whose end is to come, or one that is wrong: step by step, then
            chunks.append(view[match.end() : end])
            at = end + 2
        if chunks:
            self._received.skip(at)
        return b"".join(chunks)

    def _until_close(self) -> _Steps[None]:
        while True:
            if data := self._received.some():
                yield Data(data)
            elif not self._received.ended:
                yield None
            elif self._received.clean:
                yield EndOfMessage()
                return
            else:
                raise CutShort("the connection broke off, TLS did not end it: the body may be cut short")


def _wrong(reason: str) -> NoReturn:
    raise WrongReply(reason)


def _content(line: bytes, limit: int) -> bytes:
    """Return a line without its end, which may be a lone LF (section 2.2)."""
    if not line.endswith(b"\n"):
        _wrong(f"headers longer than {limit} bytes")
    line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    if b"\r" in line or b"\0" in line:
        _wrong("a bare CR or NUL in the headers (RFC 9112, 2.2)")
    return line


def _field(line: bytes) -> tuple[bytes, bytes]:
    """Split a field line; white space before the colon is no part of a name (section 5.1)."""
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        _wrong(f"a header line without name and colon: {ascii(line[:60])[1:]}")
    return name, value.strip(b" \t")


def _framing(method: str, status: Status, headers: Headers) -> int | _Body:
    """Tell how the body is delimited: section 6.3, its rules in their order.

    A Content-Length beside Transfer-Encoding is an error: the one reader goes by this, the next by that,
    and bytes that are the end of the body for one are another response for the other.
    """
    if method == "HEAD" or status.code in (204, 304) or (method == "CONNECT" and status.code < 300):
        return 0
    codings, lengths = headers.all(b"Transfer-Encoding"), headers.all(b"Content-Length")
    if codings:
        if lengths:
            _wrong("both Transfer-Encoding and Content-Length (RFC 9112, 6.3)")
        if status.version == b"1.0":
            _wrong("Transfer-Encoding in an HTTP/1.0 response (RFC 9112, 6.1)")
        if headers.elements(b"Transfer-Encoding") != [b"chunked"]:
            _wrong(f"a Transfer-Encoding that nobody asked for: {ascii(b', '.join(codings)[:60])[1:]}")
        return _Body.CHUNKED
    if not lengths:
        return _Body.UNTIL_CLOSE
    values = [value.strip(b" \t") for value in b",".join(lengths).split(b",")]
    if not all(_LENGTH.fullmatch(value) for value in values) or len({int(value) for value in values}) > 1:
        _wrong(f"a bad Content-Length: {ascii(b', '.join(lengths)[:60])[1:]}")
    return int(values[0])
