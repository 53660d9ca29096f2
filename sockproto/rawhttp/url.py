"""URLs: what to connect to, what to ask for, where a redirect leads, how to name the file (pure).

It is read by RFC 3986's own expression and not by ``urllib.parse``, which drops tabs and newlines in
silence and takes hosts that no server has. What is not printable ASCII is percent-encoded before it is
sent, so no URL can say more than a URL::

    url = URL.parse("http://user:secret@example.com/a b?c#d")
    url.host, url.port, url.target      # "example.com", 80, "/a%20b?c"
    str(url.resolve("/e"))              # "http://example.com/e#d"
"""

import re
from contextlib import suppress
from ipaddress import AddressValueError, IPv6Address
from socket import inet_aton, inet_ntoa
from typing import Final, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sockproto.core.text import join_host_port
from sockproto.errors import BadURL, UnsupportedProtocol
from sockproto.plain.hostname import ascii_host, is_host_name

PORTS: Final = {"http": 80, "https": 443}
_REFERENCE = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_CONTROL = re.compile("[\0-\x1f\x7f]")
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\]]*\]|[^:\[\]@]*)(?::([0-9]*))?", re.DOTALL)
_ENCODED = re.compile("(?:%[89A-Fa-f][0-9A-Fa-f])+")
_KEPT = "".join(map(chr, range(0x21, 0x7F))).replace("\\", "")  # what is sent as it is


class URL(NamedTuple):
    """An http or https URL.

    Attributes:
        scheme: ``http`` or ``https``.
        host: In ASCII and lower case; an IPv6 address without its brackets.
        port: The port.
        path: Begins with a slash, encoded.
        query: With its question mark, encoded, or empty.
        fragment: With its ``#``, encoded, or empty. It is never sent.
        credentials: ``user:password``, decoded; None without.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""
    fragment: str = ""
    credentials: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> "URL":
        """Return the URL that *text* is, as somebody typed it; without a scheme it is http.

        Raises:
            BadURL: The text is not a URL that can be fetched.
            UnsupportedProtocol: Its scheme is neither http nor https.
        """
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|https?:", text):
            text = f"http://{text}"
        scheme, authority, path, query, fragment = _split(text)
        return cls._made(scheme.lower(), authority, path, query, fragment)

    @classmethod
    def _made(cls, scheme: str, authority: str | None, path: str, query: str, fragment: str) -> "URL":
        if scheme not in PORTS:
            raise UnsupportedProtocol(f"{scheme}: is not supported: only http and https")
        userinfo, host, port = _authority(authority or "")
        return cls(
            scheme,
            host,
            PORTS[scheme] if port is None else port,
            _without_dots(_encoded(path)) or "/",
            _encoded(query),
            _encoded(fragment),
            userinfo,
        )

    def resolve(self, location: str) -> "URL":
        """Return where a redirect to *location* leads from here (RFC 3986, 5.2).

        What it says of a user is dropped (RFC 9110, 4.2.4); credentials stay within their origin.

        Raises:
            BadURL: It leads nowhere.
            UnsupportedProtocol: It leads to another protocol.
        """
        scheme, authority, path, query, fragment = _split(location)
        if scheme and scheme.lower() not in PORTS:
            raise UnsupportedProtocol(f"a redirect to {scheme.lower()}: is not followed: only http and https")
        fragment = fragment or self.fragment
        if scheme or authority is not None:
            url = self._made((scheme or self.scheme).lower(), authority, path, query, fragment)
            return url._replace(credentials=self.credentials if url.origin == self.origin else None)
        if not path:
            path, query = self.path, query or self.query
        elif not path.startswith("/"):
            path = self.path[: self.path.rindex("/") + 1] + path
        path, query = _without_dots(_encoded(path)), _encoded(query)
        return self._replace(path=path, query=query, fragment=_encoded(fragment))

    @property
    def origin(self) -> tuple[str, str, int]:
        """What may share credentials."""
        return self.scheme, self.host, self.port

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return self.path + self.query

    @property
    def authority(self) -> str:
        """The Host header: no user, no default port, no zone of an IPv6 address (RFC 6874)."""
        host = self.host.partition("%")[0]
        return join_host_port(host, None if self.port == PORTS[self.scheme] else self.port)

    @property
    def file_name(self) -> str:
        """A name for the file: the path's last part, which holds no slash; ``index.html`` for none."""
        name = _ENCODED.sub(_readable, self.path.rpartition("/")[2])
        return name if name.strip(".") else "index.html"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}{self.fragment}"


def _split(text: str) -> tuple[str, str | None, str, str, str]:
    if _CONTROL.search(text):
        shown = text.rpartition("@")[2][:200]  # no password
        raise BadURL(f"a URL with control characters: {shown!a}")
    match = _REFERENCE.fullmatch(text)
    assert match is not None
    return match[1] or "", match[2], match[3], match[4] or "", match[5] or ""


def _authority(text: str) -> tuple[bytes | None, str, int | None]:
    """Read user, host and port."""
    match = _AUTHORITY.fullmatch(text)
    port = int(match[3]) if match and match[3] and len(match[3]) < 10 else None
    if match is None or "\\" in text or (match[3] and (port is None or not 0 < port < 65_536)):
        raise BadURL(f"a URL needs a host, and a port is 1 to 65535: {text.rpartition('@')[2]!a}")
    userinfo = None
    if match[1] is not None:
        user, _, password = match[1].partition(":")
        userinfo = b"%b:%b" % (unquote_to_bytes(_bytes(user)), unquote_to_bytes(_bytes(password)))
    return userinfo, _host(match[2]), port


def _host(text: str) -> str:
    if text.startswith("["):
        address, _, zone = text[1:-1].partition("%25")
        try:
            if zone and not is_host_name(zone):
                raise AddressValueError
            return str(IPv6Address(address)) + (f"%{zone}" if zone else "")
        except AddressValueError:
            raise BadURL(f"no IPv6 address: {text!a}") from None
    try:
        host = ascii_host(unquote_to_bytes(_bytes(text)).decode())
    except UnicodeError as error:
        raise BadURL(str(error) if type(error) is UnicodeError else f"no host name: {text[:100]!a}") from None
    if not is_host_name(host):
        raise BadURL(f"no host name: {text[:100]!a}")
    with suppress(OSError):  # 127.1, 0x7f000001: the system calls it, so no_proxy must know it
        return inet_ntoa(inet_aton(host))
    return host.lower()


def _bytes(text: str) -> bytes:
    """Return a text's bytes, those that were no UTF-8 as they came."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise BadURL("a URL with half a character") from None


def _encoded(text: str) -> str:
    return quote_from_bytes(_bytes(text), safe=_KEPT)


def _readable(match: re.Match[str]) -> str:
    try:
        text = unquote_to_bytes(match[0]).decode("utf-8")
    except UnicodeDecodeError:
        return match[0]
    return text if text.isprintable() else match[0]


def _without_dots(path: str) -> str:
    """Walk the path's ``.`` and ``..`` (RFC 3986, 5.2.4); it never leads above the root."""
    parts: list[str] = []
    names = path.split("/")[1:]
    for name in names:
        if name == "..":
            del parts[-1:]
        elif name != ".":
            parts.append(name)
    if names and names[-1] in (".", ".."):
        parts.append("")
    return "/" + "/".join(parts) if names else ""
