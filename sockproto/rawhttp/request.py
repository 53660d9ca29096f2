r"""The request: a line, headers, an empty line; nothing in them can be more than it should (pure).

::

    request_head(URL.parse("http://h/a"), "GET", False)     # b"GET /a HTTP/1.1\r\nHost: h …"
"""

import base64
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from sockproto.core.text import join_host_port
from sockproto.errors import OptionError
from sockproto.rawhttp.url import URL

Header: TypeAlias = tuple[bytes, bytes | None]
"""Name and value; None leaves the header out."""

USER_AGENT: Final = b"sockproto-rawhttp/0.1"

BOUND_TO_ORIGIN: Final = (b"authorization", b"cookie", b"proxy-authorization", b"host")
"""Given headers that no other origin gets."""

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def request_head(
    url: URL,
    method: str,
    compressed: bool,
    given: Sequence[Header] = (),
    proxied: bool = False,
    proxy_credentials: bytes | None = None,
) -> bytes:
    """Return the request. Nothing of the URL can be more than a target, a host and credentials.

    Args:
        url: What is asked for.
        method: ``GET`` or ``HEAD``.
        compressed: Whether gzip and deflate are welcome.
        given: Header lines that replace ours, or are added to them.
        proxied: Whether it goes to a proxy, which is told of the host as well (RFC 9112, 3.2.2).
        proxy_credentials: What the proxy is told of us; None: nothing.
    """
    own: list[tuple[bytes, bytes]] = [(b"Host", url.authority.encode("ascii"))]
    own += _credentials(b"Proxy-Authorization", proxy_credentials)
    own += _credentials(b"Authorization", url.credentials)
    own += [(b"User-Agent", USER_AGENT), (b"Accept", b"*/*"), (b"Connection", b"close")]
    if compressed:
        own.append((b"Accept-Encoding", b"gzip, deflate"))
    lines: dict[bytes, Header] = {name.lower(): (name, value) for name, value in own}
    added = []
    for name, value in given:
        if name.lower() in lines:
            lines[name.lower()] = name, value
        else:
            added.append((name, value))
    fields = [
        b"%b: %b\r\n" % (n, v) if v else b"%b:\r\n" % n for n, v in [*lines.values(), *added] if v is not None
    ]
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (
        method.encode(),
        (f"{url.scheme}://{url.authority}{url.target}" if proxied else url.target).encode("ascii"),
        b"".join(fields),
    )


def connect_head(host: str, port: int, proxy_credentials: bytes | None) -> bytes:
    """Return the request for a tunnel to a server (RFC 9110, 9.3.6)."""
    where = join_host_port(host.partition("%")[0], port).encode("ascii")
    own = [(b"Host", where), *_credentials(b"Proxy-Authorization", proxy_credentials)]
    fields = [b"%b: %b\r\n" % field for field in [*own, (b"User-Agent", USER_AGENT)]]
    return b"CONNECT %b HTTP/1.1\r\n%b\r\n" % (where, b"".join(fields))


def without_proxy_credentials(request: bytes) -> bytes:
    """Return a request as it may be shown: what the proxy is told of us stays between it and us."""
    return re.sub(rb"(?im)^(Proxy-Authorization:)[^\r\n]*", rb"\1 (not shown)", request)


def header_line(text: str) -> Header:
    """Read a header as curl's ``-H`` takes it; a value of None leaves it out."""
    line = text.encode("utf-8", "surrogateescape")
    name, colon, value = line.partition(b":")
    empty = not colon and name.endswith(b";")
    name, value = name.removesuffix(b";") if empty else name, value.strip(b" \t")
    if not (colon or empty) or not _NAME.fullmatch(name) or re.search(rb"[\0\r\n]", line):
        raise OptionError(f"not a header: {text[:200]!a}; write 'Name: value', in one line")
    return name, b"" if empty else value or None


def _credentials(name: bytes, credentials: bytes | None) -> list[tuple[bytes, bytes]]:
    return [] if credentials is None else [(name, b"Basic " + base64.b64encode(credentials))]


def public(given: Sequence[Header]) -> list[Header]:
    """Leave out what no other origin gets."""
    return [header for header in given if header[0].lower() not in BOUND_TO_ORIGIN]
