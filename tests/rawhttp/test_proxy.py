"""Which proxy, and what it is told."""

import socket
import threading
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.errors import BadProxy, ProxyRefused, UnsupportedProxy
from sockproto.plain.deadline import Deadline
from sockproto.rawhttp import URL, FetchOptions, Observer, fetch
from sockproto.rawhttp.proxy import Proxy, is_excepted, open_tunnel, proxy_for
from sockproto.rawhttp.stream import SocketStream

PLAIN, SECURE = URL.parse("http://h.example/a?b#c"), URL.parse("https://h.example/a")


class ProxyTests(TestCase):
    def test_what_names_one(self) -> None:
        for text, host, port, credentials in (
            ("proxy.example", "proxy.example", 1080, None),
            ("http://proxy.example/", "proxy.example", 1080, None),
            ("HTTP://proxy.example:80", "proxy.example", 80, None),
            ("proxy.example:3128/path", "proxy.example", 3128, None),
            ("[::1]:3128", "::1", 3128, None),
            ("http://[::1]", "::1", 1080, None),
            ("http://us%40er:p%3aw@127.0.0.1:1", "127.0.0.1", 1, b"us@er:p:w"),
        ):
            self.assertEqual(Proxy.parse(text), (host, port, credentials), text)
        self.assertEqual(str(Proxy.parse("http://user:secret@[::1]:3128")), "[::1]:3128")

    def test_what_names_none(self) -> None:
        for text in ("http://", "u:secret@:80", "u:secret@h:99999", "http://u:secret@a b", "u:secret@[::1"):
            error = self.assertRaises(BadProxy, Proxy.parse, text)
            self.assertEqual(error.status, 5)
            self.assertNotIn("secret", str(error))
        for text in ("socks5://u:secret@h:1", "https://u:secret@h", "ftp://h"):
            error = self.assertRaises(UnsupportedProxy, Proxy.parse, text)
            self.assertEqual(error.status, 7)
            self.assertNotIn("secret", str(error))

    def test_the_environment(self) -> None:
        for url, environ, expected in (
            (PLAIN, {"http_proxy": "a:1"}, "a:1"),
            (PLAIN, {"HTTP_PROXY": "a:1"}, None),  # may be a header of a CGI script's client
            (PLAIN, {"https_proxy": "a:1"}, None),
            (PLAIN, {"http_proxy": "", "all_proxy": "b:1"}, "b:1"),
            (PLAIN, {"ALL_PROXY": "b:1"}, "b:1"),
            (SECURE, {"http_proxy": "a:1"}, None),
            (SECURE, {"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, "a:1"),
            (SECURE, {"HTTPS_PROXY": "b:1", "all_proxy": "c:1"}, "b:1"),
            (PLAIN, {"http_proxy": "a:1", "no_proxy": "h.example"}, None),
            (PLAIN, {"http_proxy": "a:1", "NO_PROXY": "example"}, None),
            (PLAIN, {"http_proxy": "a:1", "no_proxy": "x", "NO_PROXY": "*"}, "a:1"),
        ):
            found = proxy_for(url, environ=environ)
            self.assertEqual(found and str(found), expected, environ)

    def test_what_is_said_counts_more_than_the_environment(self) -> None:
        environ = {"http_proxy": "a:1", "no_proxy": "h.example"}
        self.assertIsNone(proxy_for(PLAIN, "b:1", environ=environ))  # as curl
        self.assertEqual(proxy_for(PLAIN, "b:1", "", environ), ("b", 1, None))
        self.assertIsNone(proxy_for(PLAIN, "", "", environ))
        self.assertIsNone(proxy_for(PLAIN, None, "*", environ))

    def test_hosts_without_a_proxy(self) -> None:
        for host, listed, expected in (
            ("h.example", "h.example", True),
            ("h.example", "example", True),
            ("h.example", ".example", True),
            ("example", ".example", True),
            ("h.example", "EXAMPLE.", True),
            ("h.example.", "h.example", True),
            ("h.example", "ample", False),
            ("h.example", "*.example", False),
            ("h.example", "*", True),
            ("h.example", "x,*", False),
            ("h.example", "x, y , example", True),
            ("h.example", "x example", True),
            ("h.example", "", False),
            ("h.example", ".", False),
            ("xn--fa-hia.example", "faß.example", True),
            ("h.example", "a\u200db.example, h.example", True),
            ("127.0.0.1", "127.0.0.1", True),
            ("127.0.0.1", "127.0.0.0/8", True),
            ("127.0.0.1", "10.0.0.0/8", False),
            ("127.0.0.1", "127.0.0.1/33", False),
            ("127.0.0.1", "0.0.1", False),
            ("::1", "::1", True),
            ("::1", "0:0::1", True),
            ("fe80::1%eth0", "fe80::/10", True),
            ("::1", "127.0.0.1", False),
        ):
            self.assertEqual(is_excepted(host, listed), expected, (host, listed))


class TunnelTests(TestCase):
    def open(self, answer: bytes) -> bytes:
        """Have a tunnel opened; return what the proxy was told, what it sends behind its answer is left."""
        ours, theirs = socket.socketpair()
        with theirs, SocketStream(ours, 60.0, Deadline(60.0)) as stream:
            theirs.sendall(answer)
            theirs.shutdown(socket.SHUT_WR)
            try:
                open_tunnel(stream, "::1", 443, Proxy("proxy", 1, b"user:secret"))
                self.left = stream.receive()
            finally:
                self.told = theirs.recv(65_536)
        return self.told

    def test_it_opens(self) -> None:
        told = self.open(b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nTLS")
        self.assertTrue(told.startswith(b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n"))
        self.assertIn(b"\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n", told)
        self.assertEqual(self.left, b"TLS")

    def test_it_does_not(self) -> None:
        for answer in (
            b"HTTP/1.1 407 no\r\n\r\n",
            b"HTTP/1.1 302 no\r\nLocation: /\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"no HTTP\r\n\r\n",
            b"",
        ):
            error = self.assertRaises(ProxyRefused, self.open, answer)
            self.assertEqual(error.status, 56)
            self.assertNotIn("secret", str(error))


class Listening(Observer):
    """Keeps what it is told of."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def sent(self, request: bytes) -> None:
        self.seen.append(request)


class FetchTests(TestCase):
    def fetch(self, url: str, *answers: bytes, **options: Any) -> list[bytes]:
        """Fetch from canned answers; return the requests."""
        requests: list[bytes] = []
        self.proxies: list[Proxy | None] = []
        left = iter(answers)

        def connect(*arguments: Any) -> SocketStream:
            ours, theirs = socket.socketpair()
            self.addCleanup(theirs.close)
            self.proxies.append(arguments[-1])

            def answer() -> None:
                requests.append(theirs.recv(65_536))
                theirs.sendall(next(left))
                theirs.shutdown(socket.SHUT_WR)

            thread = threading.Thread(target=answer)
            thread.start()
            self.addCleanup(thread.join)
            return SocketStream(ours, 60.0, Deadline(60.0))

        self.observer = Listening()
        fetch(url, options=FetchOptions(**options), observer=self.observer, connect=connect)
        return requests

    def test_what_a_proxy_is_told_stays_with_it(self) -> None:
        moved = b"HTTP/1.1 302 x\r\nLocation: http://direct.example/\r\nContent-Length: 0\r\n\r\n"
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        proxy = "http://user:secret@p:1"
        first, second = self.fetch(
            "http://a:b@h:81/x?y#z", moved, whole, proxy=proxy, no_proxy="direct.example"
        )
        self.assertTrue(first.startswith(b"GET http://h:81/x?y HTTP/1.1\r\nHost: h:81\r\n"), first)
        self.assertIn(
            b"\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\nAuthorization: Basic YTpi\r\n", first
        )
        self.assertTrue(second.startswith(b"GET / HTTP/1.1\r\nHost: direct.example\r\n"), second)
        self.assertNotIn(b"Proxy", second)
        self.assertEqual(self.proxies, [Proxy("p", 1, b"user:secret"), None])
        self.assertNotIn(b"dXNlcjpzZWNyZXQ=", b"".join(self.observer.seen))

    def test_an_origin_behind_a_tunnel_is_told_nothing_of_it(self) -> None:
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        [request] = self.fetch("https://h/x", whole, proxy="http://user:secret@p:1")
        self.assertTrue(request.startswith(b"GET /x HTTP/1.1\r\nHost: h\r\nUser-Agent"), request)
        self.assertNotIn(b"Proxy", request)
