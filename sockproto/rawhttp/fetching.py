"""Fetching: request, response, redirects; the body goes where it is wanted, piece by piece.

::

    response = fetch("http://example.com/")
    response.status.code, response.body
"""

from collections.abc import Callable, Sequence

from sockproto.errors import CallFailed, TooManyRedirects
from sockproto.plain.deadline import Deadline
from sockproto.rawhttp.connection import connect, tls_context
from sockproto.rawhttp.exchange import HTTPExchange
from sockproto.rawhttp.options import Destination, FetchOptions, Observer, Response
from sockproto.rawhttp.proxy import proxy_for
from sockproto.rawhttp.ranges import asked_ranges
from sockproto.rawhttp.request import Header, header_line, public, request_head
from sockproto.rawhttp.stream import SocketStream
from sockproto.rawhttp.url import URL


def fetch(
    url: URL | str,
    into: Destination | None = None,
    options: FetchOptions | None = None,
    observer: Observer | None = None,
    connect: Callable[..., SocketStream] = connect,
) -> Response:
    """Fetch a page.

    Args:
        url: Where it is.
        into: Where its body goes, piece by piece, or a function that decides it by status and headers;
            None: into memory.
        options: What else is wanted.
        observer: Told what happens.
        connect: Makes connections.

    Returns:
        The response, with its body if that was kept in memory.

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
            proxy = proxy_for(here, options.proxy, options.no_proxy)
            context = tls_context(options.connect) if here.scheme == "https" else None
            mine = given if here.origin == first.origin else public(given)
            with connect(
                here.host, here.port, options.connect, deadline, context, observer.step, proxy
            ) as stream:
                proxied = proxy is not None and context is None  # else it is a tunnel, which sees nothing
                secret = proxy.credentials if proxy and proxied else None
                request = request_head(here, options.method, options.compressed, mine, proxied, secret)
                exchange = HTTPExchange(stream, request, options, observer)
                target = exchange.redirect(here)
                if target is None:
                    return exchange.response(here, into, len(seen), asked_ranges(_range(mine)))
                seen.add(str(here))
                _check_redirects(str(target), seen, options.max_redirects)
        except CallFailed as error:
            if error.address:
                raise
            raise type(error)(error.reason, str(here), error.phase, deadline.passed) from error
        here = target


def _range(given: Sequence[Header]) -> bytes | None:
    return next((value for name, value in given if name.lower() == b"range"), None)


def _check_redirects(target: str, seen: set[str], limit: int) -> None:
    if target in seen:
        raise TooManyRedirects(f"the redirects go in circles: back to {target}")
    if 0 <= limit < len(seen):
        raise TooManyRedirects(f"more than {limit} redirects; --max-redirs allows more")
