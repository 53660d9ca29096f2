"""URLs and requests: nothing of a URL can be more than it should."""

import contextlib

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.errors import BadURL, OptionError, UnsupportedProtocol
from sockproto.rawhttp import URL
from sockproto.rawhttp.request import header_line, request_head

BASE = URL.parse("http://user:pw@a.example/b/c/d;p?q")


class URLTests(TestCase):
    def test_the_parts(self) -> None:
        url = URL.parse("HTTPS://us%40er:s%3Ae@ExAmple.com:8443/a b/\xe4?c=\u20ac#d")
        self.assertEqual((url.scheme, url.host, url.port), ("https", "example.com", 8443))
        self.assertEqual(url.target, "/a%20b/%C3%A4?c=%E2%82%AC")
        self.assertEqual((url.credentials, url.authority), (b"us@er:s:e", "example.com:8443"))
        self.assertNotIn("us", str(url).partition("example")[0].removeprefix("https"))

    def test_hosts(self) -> None:
        for text, host, authority in (
            ("b\xfccher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("[::1]:8080", "::1", "[::1]:8080"),
            ("[fe80::1%25eth0]", "fe80::1%eth0", "[fe80::1]"),
            ("127.0.0.1:", "127.0.0.1", "127.0.0.1"),
            ("127.1:80", "127.0.0.1", "127.0.0.1"),  # as the system reads it, and lists of no_proxy don't
            ("0x7f.1", "127.0.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1", "127.0.0.1"),
            ("1.2.3.example", "1.2.3.example", "1.2.3.example"),
        ):
            url = URL.parse(text)
            self.assertEqual((url.host, url.authority), (host, authority))
        for text in ("\u2100.example", "a\uff0fb", "a%00b", "a" * 300, "\xe4" * 9_999, "a..b", "[1.2.3.4]"):
            self.assertRaises(BadURL, URL.parse, f"http://{text}/")

    def test_redirects_as_in_the_rfc(self) -> None:
        """RFC 3986, 5.4."""
        for location, target in {
            "g": "/b/c/g",
            "./g": "/b/c/g",
            "g/": "/b/c/g/",
            "/g": "/g",
            "?y": "/b/c/d;p?y",
            "g?y": "/b/c/g?y",
            "": "/b/c/d;p?q",
            ".": "/b/c/",
            "..": "/b/",
            "../g": "/b/g",
            "../../../g": "/g",
            "g;x=1/../y": "/b/c/y",
        }.items():
            resolved = BASE.resolve(location)
            self.assertEqual((resolved.target, resolved.credentials), (target, b"user:pw"), location)
        self.assertEqual(str(BASE.resolve("//g")), "http://g/")

    def test_credentials_stay_within_their_origin(self) -> None:
        for location, credentials in {
            "http://a.example/x": b"user:pw",
            "http://a.example:80/x": b"user:pw",
            "https://a.example/x": None,
            "http://a.example:81/x": None,
            "http://evil:evil@b.example/x": None,
        }.items():
            self.assertEqual(BASE.resolve(location).credentials, credentials, location)

    def test_other_protocols(self) -> None:
        for location in ("ftp://a/", "file:///etc/passwd", "data:,a", "javascript:alert(1)"):
            self.assertRaises(UnsupportedProtocol, BASE.resolve, location)

    def test_file_names(self) -> None:
        for path, name in {
            "/": "index.html",
            "": "index.html",
            "/a/b.txt?c=/d": "b.txt",
            "/..%2f..%2fevil": "..%2f..%2fevil",
            "/a/..": "index.html",
            "/\xe4.txt": "\xe4.txt",
            "/%E2%80%AEtxt": "%E2%80%AEtxt",
            "/a\\b": "a%5Cb",
        }.items():
            self.assertEqual(URL.parse(f"http://h{path}").file_name, name)

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_no_url_says_more_than_a_url(self, start: str, rest: str) -> None:
        for text in (f"http://{start}/{rest}", f"http://h/{start}{rest}", start + rest):
            try:
                url = URL.parse(text)
            except BadURL:
                continue
            head = request_head(url, "GET", False)
            lines = head.split(b"\r\n")
            self.assertTrue(lines[0].isascii())
            self.assertEqual(lines[0].count(b" "), 2)
            self.assertEqual(b"\r\n".join(lines).count(b"\n"), 6 + (url.credentials is not None))
            self.assertNotIn("/", url.file_name)
            self.assertNotIn("\0", url.file_name)
            self.assertEqual(URL.parse(str(url))._replace(credentials=url.credentials), url)

    @given(st.text(max_size=30))
    def test_no_redirect_raises_anything_else(self, location: str) -> None:
        with contextlib.suppress(BadURL):
            request_head(BASE.resolve(location), "GET", False)


class HeaderTests(TestCase):
    def test_lines_as_curl_takes_them(self) -> None:
        for text, header in {
            "A: b ": (b"A", b"b"),
            "A:": (b"A", None),
            "A;": (b"A", b""),
        }.items():
            self.assertEqual(header_line(text), header)
        for text in ("A", "A b: c", "A: b\r\nC: d", "A: b\nc", "A: \0", ": b", ""):
            self.assertRaises(OptionError, header_line, text)
