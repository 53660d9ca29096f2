"""Host names in ASCII: UTS 46 with the library, and without it never another host."""

import sys
import unicodedata

from twisted.trial.unittest import TestCase

from sockproto.plain import hostname
from sockproto.plain.hostname import ascii_description, ascii_host, is_host_name, server_name

BOTH = {
    "b\xfccher.example": "xn--bcher-kva.example",
    "B\xdcCHER.Example": "xn--bcher-kva.example",
    "\u65e5\u672c\u8a9e\u3002\uff2a\uff30": "xn--wgv71a119e.jp",
    "\uff26\uff35\uff2c\uff2c.example": "full.example",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11": "127.0.0.1",
    "\u2603.example": "xn--n3h.example",
    "my_\xfc.example": "xn--my_-joa.example",
    "\xfc.example.": "xn--tda.example.",
    "\xfc\uff0e": "xn--tda.",
    "\xfc\uff61example": "xn--tda.example",
    "My_Host": "My_Host",
    "xn--fa-hia.example": "xn--fa-hia.example",
    "192.0.2.1": "192.0.2.1",
    "fe80::1%eth0": "fe80::1%eth0",
    "r3---sn.example": "r3---sn.example",
}
DIFFERENT = {
    "fa\xdf.example": "xn--fa-hia.example",
    "FA\xdf.EXAMPLE": "xn--fa-hia.example",
    "\u03b1\u03c3\u03c2.example": "xn--mxa8ac.example",
    "\u0915\u094d\u200d\u0937.example": "xn--11b2ezcw70k.example",
    "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example": "xn--mgba3gch31f060k.example",
    "\U0001f600.example": "xn--e28h.example",
    "\u13a0.example": "xn--58d.example",
}
NONE = (
    "a\u200db.example",
    "fa\u200cb.example",
    "-\xfc.example",
    "\xfc-.example",
    "xn--\xfc.example",
    "\u0301a.example",
    "\u2100.example",
    "\u2024\xfc",
    "\xfc..example",
    "\xfc\u3002\u3002example",
    "\xad.\xfc",
    "\xfc x.example",
    "\xfc/x",
    "\xfc@x",
    "\u05d0a.example",
    "\xfc" * 63,
    "\xfc." * 130,
    "\xe4" * 9_999,
    "\ud800.example",
    "\ufffd.example",
)


class ASCIIHostTests(TestCase):
    def test_as_curl_and_browsers_do(self) -> None:
        for host, name in {**BOTH, **DIFFERENT}.items():
            self.assertEqual(ascii_host(host), name)

    def test_by_the_standard_library_the_same_host_or_none(self) -> None:
        self.patch(hostname, "library", None)
        for host, name in BOTH.items():
            self.assertEqual(ascii_host(host), name)
        for host in DIFFERENT:
            error = self.assertRaises(UnicodeError, ascii_host, host)
            self.assertIn("IDNA 2003", str(error))
            self.assertIn("xn--", str(error))

    def test_without_the_library_likewise(self) -> None:
        self.patch(sys, "modules", {**sys.modules, "idna": None})
        self.assertEqual(ascii_host("b\xfccher"), "xn--bcher-kva")
        self.assertRaises(UnicodeError, ascii_host, "fa\xdf")

    def test_what_can_t_be_encoded_is_no_other_host(self) -> None:
        for library in "idna", None:
            self.patch(hostname, "library", library)
            for host in NONE:
                error = self.assertRaises(UnicodeError, ascii_host, host)
                self.assertIs(type(error), UnicodeError, ascii(host))
                self.assertTrue(str(error).isprintable())

    def test_no_character_is_another_host_by_the_standard_library(self) -> None:
        known = unicodedata.ucd_3_2_0
        ideographs = range(0x3400, 0xD7A4), range(0x20000, 0x2A6D7)
        compared = 0
        for number in range(0x80, 0x30000):
            char = chr(number)
            if known.category(char) in ("Cn", "Co", "Cs") or any(number in each for each in ideographs):
                continue
            self.patch(hostname, "library", None)
            try:
                plain = ascii_host(f"a{char}a")
            except UnicodeError:
                continue
            self.patch(hostname, "library", "idna")
            try:
                self.assertEqual(plain, ascii_host(f"a{char}a"), hex(number))
                compared += 1
            except UnicodeError:  # where it stands, for the library's sake
                self.assertEqual(unicodedata.bidirectional(char), "AN", hex(number))
        self.assertGreater(compared, 10_000)


class NameTests(TestCase):
    def test_host_names(self) -> None:
        for name in "a", "a.b", "a.b.", "my_host", "-", "1.2", "a" * 253, "a" * 253 + ".":
            self.assertTrue(is_host_name(name), name)
        for name in "", ".", "a..b", ".a", "a b", "a/b", "\xfc", "a" * 254, "a%b", "a:b", "a\n":
            self.assertFalse(is_host_name(name), name)

    def test_what_a_certificate_names(self) -> None:
        for host, name in {
            "fa\xdf.example.": "xn--fa-hia.example",
            "Example.Com": "Example.Com",
            "fe80::1%eth0": "fe80::1",
            "::1": "::1",
            "127.0.0.1": "127.0.0.1",
        }.items():
            self.assertEqual(server_name(host), name)

    def test_descriptions_of_endpoints(self) -> None:
        for description, encoded in {
            "tcp:fa\xdf.example:80": "tcp:xn--fa-hia.example:80",
            "tcp:host=fa\xdf.example:port=80": "tcp:host=xn--fa-hia.example:port=80",
            "tls:fa\xdf.example:443:trustRoots=/\xdf": "tls:xn--fa-hia.example:443:trustRoots=/\xdf",
            "haproxy:tcp:80:interface=fa\xdf.example": "haproxy:tcp:80:interface=xn--fa-hia.example",
            "ssl:443:privateKey=\xdf.pem:interface=\xdf": "ssl:443:privateKey=\xdf.pem:interface=xn--zca",
            "unix:/\xdf": "unix:/\xdf",
            "tcp:80": "tcp:80",
        }.items():
            self.assertEqual(ascii_description(description), encoded)
        self.assertRaises(UnicodeError, ascii_description, "tcp:a\u200db:80")
