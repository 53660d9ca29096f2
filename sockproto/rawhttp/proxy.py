"""HTTP proxies: which one a URL is fetched through, and the tunnel that https needs.

curl's rules: ``http_proxy`` counts in lower case alone (a CGI script has the client's ``Proxy:`` header as
``HTTP_PROXY``), an empty one names no proxy, and ``no_proxy`` counts for a proxy that was named as well::

    proxy = proxy_for(URL.parse("https://example.com/"))    # None: no proxy, or none for this host
    proxy = Proxy.parse("http://user:secret@proxy.example:3128")
    open_tunnel(stream, "example.com", 443, proxy)          # what follows is between us and example.com

Source: RFC 9110, 9.3.6 (CONNECT); curl(1), ENVIRONMENT and ``--noproxy``.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from sockproto.core.text import escape, join_host_port
from sockproto.errors import (
    BadProxy,
    BadURL,
    CutShort,
    EmptyReply,
    ProxyRefused,
    UnsupportedProxy,
    WrongReply,
)
from sockproto.plain.hostname import ascii_host
from sockproto.rawhttp.events import Headers, Status
from sockproto.rawhttp.message import ResponseParser
from sockproto.rawhttp.request import connect_head
from sockproto.rawhttp.stream import SocketStream
from sockproto.rawhttp.url import URL

DEFAULT_PORT: Final = 1080
"""curl's, where a proxy is named without a port."""

_PROXY = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?([^/?#]*)(?:[/?#].*)?", re.DOTALL)
_PORT = re.compile(r":[0-9]+\Z")


class Proxy(NamedTuple):
    """An HTTP proxy.

    Attributes:
        host: Its name or address.
        port: Its port.
        credentials: ``user:password``, decoded, for the proxy alone; None without.
    """

    host: str
    port: int
    credentials: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> "Proxy":
        """Read ``[http://][USER:PASSWORD@]HOST[:PORT]``.

        Raises:
            BadProxy: The text is not a proxy; the message shows no password.
            UnsupportedProxy: It is one of another kind.
        """
        match = _PROXY.fullmatch(text)
        assert match is not None
        scheme, authority = (match[1] or "http").lower(), match[2]
        shown = escape(authority.rpartition("@")[2][:100])
        if scheme != "http":
            raise UnsupportedProxy(f"a proxy of the kind {scheme}: is not supported: {shown}; only http:")
        try:
            url = URL.parse(f"http://{authority}")
        except BadURL:
            raise BadProxy(f"no proxy: {shown!r}; write http://HOST:PORT") from None
        return cls(url.host, url.port if _PORT.search(authority) else DEFAULT_PORT, url.credentials)

    def __str__(self) -> str:
        return join_host_port(self.host, self.port)


def proxy_for(
    url: URL, named: str | None = None, no_proxy: str | None = None, environ: Mapping[str, str] = os.environ
) -> Proxy | None:
    """Return the proxy that a URL is fetched through; None: it is fetched directly.

    Args:
        url: What is fetched.
        named: The proxy; None: what the environment says; empty: none.
        no_proxy: The hosts that are fetched directly; None: what the environment says.
        environ: The environment.

    Raises:
        BadProxy: The value is no proxy's address, or of a kind that is not supported.
    """
    if named is None:
        names = [f"{url.scheme}_proxy", *(["HTTPS_PROXY"] if url.scheme == "https" else [])]
        named = _first(environ, *names, "all_proxy", "ALL_PROXY")
    if no_proxy is None:
        no_proxy = _first(environ, "no_proxy", "NO_PROXY")
    return Proxy.parse(named) if named and not is_excepted(url.host, no_proxy) else None


def is_excepted(host: str, no_proxy: str) -> bool:
    """Return whether a list such as ``example.com, .example.org, 10.0.0.0/8`` contains a host.

    Args:
        host: A name, which domains of the list contain; or an address, which addresses and networks contain.
        no_proxy: Names, addresses and networks between commas or blanks; or ``*`` alone, which is all hosts.
    """
    if no_proxy == "*":
        return True
    words = re.split(r"[, \t]+", no_proxy.strip(", \t").lower())
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        name = f".{host.lower().removesuffix('.')}"
        domains = (_encoded(word.removesuffix(".").removeprefix(".")) for word in words)
        return any(domain and name.endswith(f".{domain}") for domain in domains)
    return any(_contains(word, str(address)) for word in words)


def _encoded(domain: str) -> str:
    """Return a domain in the form in which names are compared; an impossible name matches nothing."""
    try:
        return ascii_host(domain)
    except UnicodeError:
        return ""


def open_tunnel(stream: SocketStream, host: str, port: int, proxy: Proxy) -> Status:
    """Have a proxy connect us to a server; what is sent then goes there, and so does TLS.

    The response is read byte by byte: what comes behind it is the server's.

    Args:
        stream: The connection to the proxy.
        host: The server's name or address.
        port: The server's port.
        proxy: The proxy, for its credentials.

    Raises:
        ProxyRefused: It doesn't.
    """
    stream.send(connect_head(host, port, proxy.credentials))
    parser = ResponseParser("CONNECT")
    status = Status(b"", 0, b"")
    try:
        while not isinstance(event := parser.take(), Headers):
            if isinstance(event, Status):
                status = event
            elif event is None and (data := stream.receive(1)):
                parser.feed(data)
            elif event is None:
                parser.end(stream.clean)
    except (EmptyReply, CutShort, WrongReply) as error:
        raise ProxyRefused(f"the proxy {proxy} opens no tunnel: {error.reason}") from error
    if not 200 <= status.code < 300:
        hint = "; put USER:PASSWORD@ before its name" if status.code == 407 else ""
        raise ProxyRefused(
            f"the proxy {proxy} opens no tunnel: it says {status.code} {ascii(status.reason)[2:-1]}{hint}"
        )
    return status


def _first(environ: Mapping[str, str], *names: str) -> str:
    return next(filter(None, map(environ.get, names)), "")


def _contains(network: str, address: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:  # a name
        return False
