"""Fetching: request, response, redirects; the body goes where it is wanted, piece by piece.

::

    response = fetch("http://example.com/")
    response.status.code, response.body
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from sockproto.errors import (
    CallFailed,
    HTTPErrorStatus,
    TooLarge,
    TooManyRedirects,
    WriteFailed,
    WrongReply,
)
from sockproto.plain.deadline import Deadline
from sockproto.rawhttp.connection import ConnectOptions, SocketStream, connect, tls_context
from sockproto.rawhttp.decoding import Decoder
from sockproto.rawhttp.events import Data, EndOfMessage, Headers, Interim, Status
from sockproto.rawhttp.message import ResponseParser
from sockproto.rawhttp.request import header_line, public, request_head
from sockproto.rawhttp.url import URL

REDIRECTS: Final = (300, 301, 302, 303, 307, 308)
MAX_REDIRECTS: Final = 50
"""As curl."""

MAX_BODY_BYTES: Final = 16_777_216
"""The longest body kept in memory, where nothing else is said: 16 MiB."""


class SupportsWrite(Protocol):
    """Where a body goes."""

    def write(self, data: bytes, /) -> object:
        """Take the next piece."""


class Observer:
    """Is told what happens; this one doesn't listen."""

    def hop(self, url: URL) -> None:
        """A URL is being fetched: the first, or where a redirect leads."""

    def step(self, name: str, detail: str) -> None:
        """``namelookup``, ``connect`` or ``appconnect`` is done."""

    def sent(self, request: bytes) -> None:
        """The request is sent."""

    def received(self, count: int) -> None:
        """So many bytes came from the network."""

    def head(self, status: Status, headers: Headers) -> None:
        """Status and headers have come, also interim ones."""

    def accepted(self) -> None:
        """The last response's body is about to come."""

    def data(self, total: int, length: int | None) -> None:
        """So much of the body is there, of so much; None: nobody knows how much it will be."""


class FetchOptions(NamedTuple):
    """What is wanted of a fetch, besides the URL.

    Attributes:
        method: ``GET`` or ``HEAD``.
        headers: Header lines to send, as curl's ``-H``: ``Name: value`` replaces or adds, ``Name:`` leaves
            one out, ``Name;`` sends it empty.
        compressed: Whether to ask for gzip and deflate, and to undo them.
        follow: Whether to follow redirects.
        max_redirects: How many; -1: any number.
        fail: Whether a status of 400 or more is an error.
        max_bytes: The longest body, decoded; None: any, or 16 MiB where it is kept in memory.
        max_seconds: How long all of it may take; None: for ever.
        connect: How to connect.
    """

    method: str = "GET"
    headers: Sequence[str] = ()
    compressed: bool = False
    follow: bool = True
    max_redirects: int = MAX_REDIRECTS
    fail: bool = False
    max_bytes: int | None = None
    max_seconds: float | None = None
    connect: ConnectOptions = ConnectOptions()


class Response(NamedTuple):
    """The last response.

    Attributes:
        url: Where it came from.
        status: Its status.
        headers: Its headers.
        trailers: The fields behind the body.
        size: So many bytes the body has, decoded.
        body: The body, unless it went elsewhere.
        redirects: So many redirects led here.
    """

    url: URL
    status: Status
    headers: Headers
    trailers: Headers
    size: int
    body: bytes
    redirects: int


def fetch(
    url: URL | str,
    into: SupportsWrite | None = None,
    options: FetchOptions | None = None,
    observer: Observer | None = None,
    connect: Callable[..., SocketStream] = connect,
) -> Response:
    """Fetch a page.

    Args:
        url: Where it is.
        into: Where its body goes, piece by piece; None: into memory.
        options: What else is wanted.
        observer: Told what happens.
        connect: Makes connections.

    Raises:
        LocalError: The URL or an option is wrong, or the body can't be written.
        CallFailed: The server, or the way there, is at fault.
    """
    options, observer = options or FetchOptions(), observer or Observer()
    here = first = URL.parse(url) if isinstance(url, str) else url
    given = [header_line(line) for line in options.headers]
    deadline, seen = Deadline(options.max_seconds), set[str]()
    while True:
        observer.hop(here)
        try:
            context = tls_context(options.connect) if here.scheme == "https" else None
            with connect(here.host, here.port, options.connect, deadline, context, observer.step) as stream:
                mine = given if here.origin == first.origin else public(given)
                request = request_head(here, options.method, options.compressed, mine)
                exchange = HTTPExchange(stream, request, options, observer)
                target = exchange.redirect(here)
                if target is None:
                    return exchange.response(here, into, len(seen))
                seen.add(str(here))
                _check_redirects(str(target), seen, options.max_redirects)
        except CallFailed as error:
            if error.address:
                raise
            raise type(error)(error.reason, str(here), error.phase, deadline.passed) from error
        here = target


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
        observer.sent(request)
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
        """Give where it leads, None if it is no redirect to be followed."""
        locations = set(self.headers.all(b"Location"))
        if not self._options.follow or self.status.code not in REDIRECTS or not locations:
            return None
        if len(locations) > 1:
            raise WrongReply("a redirect to more than one place")
        return here.resolve(locations.pop().decode("utf-8", "surrogateescape"))

    def response(self, url: URL, into: SupportsWrite | None, redirects: int) -> Response:
        """Read the body."""
        if self._options.fail and self.status.code >= 400:
            raise HTTPErrorStatus(f"the server says {self.status.code} {ascii(self.status.reason)[2:-1]}")
        kept = bytearray()
        limit = self._options.max_bytes or (MAX_BODY_BYTES if into is None else None)
        write = into.write if into else kept.extend
        length, size, trailers = self._parser.length, 0, Headers()
        codings = self.headers.elements(b"Content-Encoding") if self._options.compressed else []
        if limit and length and length > limit and not codings:  # a limit is of what is decoded
            raise TooLarge(f"the body has {length} bytes, more than {limit}")
        bodiless = self._options.method == "HEAD" or self.status.code in (204, 304)
        decoder = Decoder([] if bodiless else codings, self._stream.check)
        self._observer.accepted()
        for event in self._events:
            if isinstance(event, Data):
                for piece in decoder.feed(event.data):
                    size += len(piece)
                    if limit and size > limit:
                        raise TooLarge(f"the body has more than {limit} bytes")
                    _write(write, piece)
                self._observer.data(size, None if codings else length)
            elif isinstance(event, EndOfMessage):
                trailers = event.trailers
        decoder.end()
        return Response(url, self.status, self.headers, trailers, size, bytes(kept), redirects)

    def _read(self) -> Iterator[object]:
        """Give the events up to the end, reading what they need."""
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


def _check_redirects(target: str, seen: set[str], limit: int) -> None:
    if target in seen:
        raise TooManyRedirects(f"the redirects go in circles: back to {target}")
    if 0 <= limit < len(seen):
        raise TooManyRedirects(f"more than {limit} redirects; --max-redirs allows more")


def _write(write: Callable[[bytes], Any], piece: bytes) -> None:
    try:
        write(piece)
    except OSError as error:
        raise WriteFailed(f"can't write the body: {error.strerror or error}") from error
