"""The options of a fetch, the events while it runs, and its result.

::

    FetchOptions(method="HEAD", headers=["Accept: text/html"], max_seconds=10.0)
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from sockproto.rawhttp.connection import ConnectOptions
from sockproto.rawhttp.decoding import MAX_RATIO
from sockproto.rawhttp.events import Headers, Status
from sockproto.rawhttp.url import URL

MAX_REDIRECTS: Final = 50
"""As curl."""


class SupportsWrite(Protocol):
    """Where a body goes."""

    def write(self, data: bytes, /) -> object:
        """Take the next piece."""


Destination: TypeAlias = SupportsWrite | Callable[[Status, Headers], SupportsWrite]


class Observer:
    """Is told what happens; this one doesn't listen."""

    def hop(self, url: URL) -> None:
        """A URL is being fetched: the first, or where a redirect leads."""

    def step(self, name: str, detail: str) -> None:
        """*name* is done: ``namelookup``, ``connect``, ``tunnel`` or ``appconnect``; *detail* tells more."""

    def sent(self, request: bytes) -> None:
        """The request is sent; here without what the proxy is told of us."""

    def received(self, count: int) -> None:
        """*count* bytes came from the network."""

    def head(self, status: Status, headers: Headers) -> None:
        """Status and headers have come, also interim ones."""

    def data(self, total: int, length: int | None) -> None:
        """*total* bytes of the body are there, of *length*; None: nobody knows how many it will be."""


class FetchOptions(NamedTuple):
    """What is wanted of a fetch, besides the URL.

    Attributes:
        method: ``GET`` or ``HEAD``.
        headers: Header lines to send, as curl's ``-H``: ``Name: value`` replaces or adds, ``Name:`` leaves
            one out, ``Name;`` sends it empty.
        compressed: Whether to ask for gzip and deflate, and to undo them.
        max_ratio: How many bytes one compressed byte may become, once there are more than 16 MiB;
            None: any number.
        follow: Whether to follow redirects.
        max_redirects: How many; -1: any number.
        fail: Whether a status of 400 or more is an error.
        max_bytes: The longest body, decoded; None: any, or 16 MiB where it is kept in memory.
        max_seconds: How long all of it may take; None: for ever.
        connect: How to connect.
        proxy: The HTTP proxy; None: what the environment says (``http_proxy``, ``https_proxy``,
            ``all_proxy``); empty: none.
        no_proxy: The hosts that no proxy is used for, between commas; None: what the environment says.
    """

    method: str = "GET"
    headers: Sequence[str] = ()
    compressed: bool = False
    max_ratio: int | None = MAX_RATIO
    follow: bool = True
    max_redirects: int = MAX_REDIRECTS
    fail: bool = False
    max_bytes: int | None = None
    max_seconds: float | None = None
    connect: ConnectOptions = ConnectOptions()
    proxy: str | None = None
    no_proxy: str | None = None


class Response(NamedTuple):
    """The last response.

    Attributes:
        url: Where it came from.
        status: Its status.
        headers: Its headers.
        trailers: The fields behind the body.
        size: How many bytes the body has, decoded.
        body: The body, unless it went elsewhere.
        redirects: How many redirects led here.
    """

    url: URL
    status: Status
    headers: Headers
    trailers: Headers
    size: int
    body: bytes
    redirects: int
