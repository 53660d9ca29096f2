r"""The request: a line, headers, an empty line; nothing in them can be more than it should (pure).

::

    request_head(URL.parse("http://h/a"), "GET", False)     # b"GET /a HTTP/1.1\r\nHost: h …"
"""

import base64
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from sockproto.errors import OptionError
from sockproto.rawhttp.url import URL

Header: TypeAlias = tuple[bytes, bytes | None]
"""Name and value; None leaves the header out."""

BOUND_TO_ORIGIN: Final = (b"authorization", b"cookie", b"proxy-authorization", b"host")
"""Given headers that no other origin gets."""

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def request_head(url: URL, method: str, compressed: bool, given: Sequence[Header] = ()) -> bytes:
    """Give the request. Nothing of the URL can be more than a target, a host and credentials."""
    lines: dict[bytes, Header] = {}
    own = [(b"Host", url.authority.encode("ascii"))]
    if url.credentials is not None:
        own.append((b"Authorization", b"Basic " + base64.b64encode(url.credentials)))
    own += [(b"User-Agent", b"sockproto-rawhttp/0.1"), (b"Accept", b"*/*"), (b"Connection", b"close")]
    if compressed:
        own.append((b"Accept-Encoding", b"gzip, deflate"))
    lines = {name.lower(): (name, value) for name, value in own}
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
        url.target.encode("ascii"),
        b"".join(fields),
    )


def header_line(text: str) -> Header:
    """Read a header as curl's ``-H`` takes it; a value of None leaves it out."""
    line = text.encode("utf-8", "surrogateescape")
    name, colon, value = line.partition(b":")
    empty = not colon and name.endswith(b";")
    name, value = name.removesuffix(b";") if empty else name, value.strip(b" \t")
    if not (colon or empty) or not _NAME.fullmatch(name) or re.search(rb"[\0\r\n]", line):
        raise OptionError(f"no header: {text[:200]!a}; it is to be 'Name: value', in one line")
    return name, b"" if empty else value or None


def public(given: Sequence[Header]) -> list[Header]:
    """Leave out what no other origin gets."""
    return [header for header in given if header[0].lower() not in BOUND_TO_ORIGIN]
