"""One request and its response: the head, then the body, piece by piece.

::

    exchange = HTTPExchange(stream, request_head(url, "GET", False), FetchOptions(), Observer())
    exchange.status.code, exchange.redirect(url)
    exchange.response(url, into=None, redirects=0, asked=[]).body
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from sockproto.errors import CutShort, HTTPErrorStatus, TooLarge, WriteFailed, WrongReply
from sockproto.rawhttp.decoding import Decoder
from sockproto.rawhttp.events import Data, EndOfMessage, Headers, Interim, Status
from sockproto.rawhttp.message import ResponseParser
from sockproto.rawhttp.options import Destination, FetchOptions, Observer, Response
from sockproto.rawhttp.ranges import ByteRange, check_part
from sockproto.rawhttp.request import without_proxy_credentials
from sockproto.rawhttp.stream import SocketStream
from sockproto.rawhttp.url import URL

REDIRECTS: Final = (300, 301, 302, 303, 307, 308)

MAX_BODY_BYTES: Final = 16_777_216
"""The longest body kept in memory, where nothing else is said: 16 MiB."""


class HTTPExchange:
    """A request and its response over one connection; sends and reads up to the end of the headers.

    Attributes:
        status: Its status.
        headers: Its headers.
    """

    def __init__(
        self, stream: SocketStream, request: bytes, options: FetchOptions, observer: Observer
    ) -> None:
        self._stream, self._options, self._observer = stream, options, observer
        self._parser = ResponseParser(options.method)
        self._events = self._read()
        stream.send(request)
        observer.sent(without_proxy_credentials(request))
        event = next(self._events)
        while isinstance(event, Interim):
            observer.head(event.status, event.headers)
            event = next(self._events)
        assert isinstance(event, Status)
        headers = next(self._events)
        assert isinstance(headers, Headers)
        self.status, self.headers = event, headers
        observer.head(event, headers)

    def redirect(self, here: URL) -> URL | None:
        """Return where it leads, None if it is no redirect to be followed."""
        locations = set(self.headers.all(b"Location"))
        if not self._options.follow or self.status.code not in REDIRECTS or not locations:
            return None
        if len(locations) > 1:
            raise WrongReply("a redirect to more than one place")
        return here.resolve(locations.pop().decode("utf-8", "surrogateescape"))

    def response(
        self, url: URL, into: Destination | None, redirects: int, asked: list[ByteRange] | None
    ) -> Response:
        """Read the body.

        Args:
            url: Where it comes from.
            into: Where it goes.
            redirects: How many led here.
            asked: The ranges of it that were asked for; none: all of it; None: nobody knows.
        """
        part = check_part(asked, self.headers) if self.status.code == 206 else None
        if callable(into):
            into = into(self.status, self.headers)
        if self._options.fail and self.status.code >= 400:
            raise HTTPErrorStatus(f"the server says {self.status.code} {ascii(self.status.reason)[2:-1]}")
        kept = bytearray()
        size, trailers = self._body(into.write if into else kept.extend, not into, part)
        return Response(url, self.status, self.headers, trailers, size, bytes(kept), redirects)

    def _body(
        self, write: Callable[[bytes], object], in_memory: bool, part: int | None
    ) -> tuple[int, Headers]:
        """Read the body, of *part* bytes if it is a part; return its size, decoded, and the trailers."""
        limit = self._options.max_bytes or (MAX_BODY_BYTES if in_memory else None)
        length, size, came, trailers = self._parser.length, 0, 0, Headers()
        codings = self.headers.elements(b"Content-Encoding") if self._options.compressed else []
        if limit and length and length > limit and not codings:  # a limit is of what is decoded
            raise TooLarge(f"the body has {length} bytes, more than {limit}")
        bodiless = self._options.method == "HEAD" or self.status.code in (204, 304)
        decoder = Decoder([] if bodiless else codings, self._stream.check, self._options.max_ratio)
        for event in self._events:
            if isinstance(event, Data):
                came += len(event.data)
                if part is not None and came > part:
                    raise WrongReply(f"the part of the page is longer than its {part} bytes")
                for piece in decoder.feed(event.data):
                    size += len(piece)
                    if limit and size > limit:
                        raise TooLarge(f"the body has more than {limit} bytes")
                    _write(write, piece)
                self._observer.data(size, None if codings else length)
            elif isinstance(event, EndOfMessage):
                trailers = event.trailers
        if part is not None and came < part and not bodiless:
            raise CutShort(f"the part of the page has {came} bytes, not {part}")
        decoder.end()
        return size, trailers

    def _read(self) -> Iterator[object]:
        """Yield the events up to the end, reading what they need."""
        while True:
            while (event := self._parser.take()) is not None:
                yield event
                if isinstance(event, EndOfMessage):
                    return
            if data := self._stream.receive():
                self._observer.received(len(data))
                self._parser.feed(data)
            else:
                self._parser.end(self._stream.clean)


def _write(write: Callable[[bytes], Any], piece: bytes) -> None:
    try:
        write(piece)
    except OSError as error:
        raise WriteFailed(f"can't write the body: {error.strerror or error}") from error
