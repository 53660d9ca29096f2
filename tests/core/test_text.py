"""Whom to call, as people write it."""

from twisted.trial.unittest import TestCase

from sockproto.core.text import (
    MAX_COUNT,
    MAX_SECONDS,
    Address,
    count,
    escape,
    host_name,
    join_host_port,
    parse_address,
    port_number,
    seconds,
)
from sockproto.errors import OptionError


class AddressTests(TestCase):
    def test_what_people_write(self) -> None:
        for text, address in {
            "127.0.0.1:9999": Address("tcp", "127.0.0.1", 9999),
            "localhost:1": Address("tcp", "localhost", 1),
            "[::1]:9999": Address("tcp", "::1", 9999),
            "[fe80::1%eth0]:7": Address("tcp", "fe80::1%eth0", 7),
            "tcp:localhost:7": Address("tcp", "localhost", 7),
            "udp:[::1]:7": Address("udp", "::1", 7),
            "udp:127.0.0.1:7": Address("udp", "127.0.0.1", 7),
            "unix:/run/echo": Address("unix", "/run/echo"),
            "unix-dgram:/run/echo": Address("unix-dgram", "/run/echo"),
            "tls:example.org:443:timeout=3": Address("endpoint", "tls:example.org:443:timeout=3"),
            "tcp:host=localhost:port=7": Address("endpoint", "tcp:host=localhost:port=7"),
            r"tcp:\:\:1:port=7": Address("endpoint", r"tcp:\:\:1:port=7"),
            "tcp:h:9:bindAddress=": Address("endpoint", "tcp:h:9:bindAddress="),
            "bücher.example:80": Address("tcp", "bücher.example", 80),
        }.items():
            self.assertEqual(parse_address(text), address, text)

    def test_what_is_written_can_be_read_again(self) -> None:
        for text in "127.0.0.1:9999", "[::1]:9999", "udp:[::1]:7", "unix:/run/echo", "unix-dgram:/run/echo":
            self.assertEqual(str(parse_address(text)), text)

    def test_datagrams_and_paths_by_option(self) -> None:
        self.assertEqual(parse_address("localhost:7", datagrams=True), Address("udp", "localhost", 7))
        self.assertEqual(parse_address("unix:/s", datagrams=True), Address("unix-dgram", "/s"))
        self.assertEqual(parse_address("/s", unix=True), Address("unix", "/s"))
        self.assertEqual(parse_address("s:1", unix=True), Address("unix", "s:1"))
        self.assertEqual(parse_address("/s", datagrams=True, unix=True), Address("unix-dgram", "/s"))

    def test_what_is_no_address(self) -> None:
        for text in [
            "",
            "localhost",
            "9999",
            ":9999",
            "::1:9999",
            "localhost:",
            "localhost:port",
            "localhost:65536",
            "localhost:0",
            "localhost:-1",
            "udp:9999:interface=::1",
            "unix:",
            "unix:a\0b",
            "[::1]",
            "[]:1",
            "[127.0.0.1]:1",
            "[localhost]:1",
            "tcp::9",  # Twisted would call this machine
            "tls::443:timeout=3",
            "tcp:host=:port=9",
            "tcp:port=9:host=",
            "tcp:host=1.5:port=9",
            "ssl:0x7f.1:port=9",
        ]:
            with self.assertRaises(OptionError, msg=text):
                parse_address(text)
        self.assertRaises(OptionError, parse_address, "unix:" + "x" * 108)
        with self.assertRaises(OptionError):
            parse_address("tls:localhost:443", datagrams=True)

    def test_an_address_can_do_nothing_to_a_terminal(self) -> None:
        self.assertEqual(str(Address("unix", "/a\x1b[2J")), "unix:/a\\x1b[2J")
        self.assertEqual(str(Address("endpoint", "a:\u202e=")), "a:\\u202e=")

    def test_a_name_in_another_script_stays_readable(self) -> None:
        self.assertEqual(str(Address("udp", "bücher.example", 7)), "udp:bücher.example:7")


class HostTests(TestCase):
    def test_what_only_inet_aton_takes_is_no_address(self) -> None:
        short = ["1.5", "127.1", "0x10", "0x7f.0.0.1", "1", "\uff11.5", "1\u30025"]
        for host in [*short, "127.0.0.010", "1.2.3.4.5", "256.1.1.1"]:
            for text in host, f"{host}.":
                with self.assertRaises(OptionError, msg=text):
                    host_name(text)
                with self.assertRaises(OptionError, msg=text):
                    parse_address(f"{text}:80")

    def test_what_is_one(self) -> None:
        names = ["localhost", "a1", "1a", "0xg", "10.example", "x.10a"]
        for host in [*names, "127.0.0.1", "::1", "fe80::1%1", "::ffff:127.0.0.1"]:
            self.assertEqual(host_name(host), host)

    def test_no_host_has_a_blank(self) -> None:
        for host in "", " ", "127.0.0.1 ", "a b", "a\n":
            self.assertRaises(OptionError, host_name, host)


class NumberTests(TestCase):
    def test_what_is_taken(self) -> None:
        for text, value in {
            "0": 0,
            "5": 5,
            "0.5": 0.5,
            ".5": 0.5,
            "5.": 5,
            "007": 7,
            "1000000000": 1e9,
        }.items():
            self.assertEqual(seconds(text), value)
        self.assertEqual([count("0"), count("007"), count(str(MAX_COUNT))], [0, 7, MAX_COUNT])
        self.assertEqual([count("-1", -1), count("10", 1, 10)], [-1, 10])

    def test_what_is_refused_is_refused_by_all(self) -> None:
        for text in [
            *("", " ", " 5 ", "5\n", "+5", "-5", "0x10", "1e3", "1e300", "inf", "nan", "1_0"),
            *("\u0663", "\uff15", "9" * 20, "9" * 10_000, "five", ".", "1.2.3"),
        ]:
            for convert in seconds, count, port_number:
                with self.assertRaises(OptionError, msg=text) as caught:
                    convert(text)
                self.assertRegex(str(caught.exception), r"(at most|to) \d+")
                self.assertLess(len(str(caught.exception)), 150)

    def test_bounds(self) -> None:
        for text, bounds in ("0", (1,)), ("11", (1, 10)), ("-2", (-1,)), (str(MAX_COUNT + 1), ()):
            self.assertRaises(OptionError, count, text, *bounds)
        self.assertRaises(OptionError, seconds, str(MAX_SECONDS + 1))
        self.assertRaises(OptionError, seconds, f"{MAX_SECONDS}.1")


class WritingTests(TestCase):
    def test_a_host_and_its_port(self) -> None:
        for host, port, written in (
            ("127.0.0.1", 7, "127.0.0.1:7"),
            ("::1", 7, "[::1]:7"),
            ("fe80::1%eth0", 0, "[fe80::1%eth0]:0"),
            ("::1", None, "[::1]"),
            ("example.org", None, "example.org"),
            ("a\n\x1b", 7, "a\\n\\x1b:7"),
        ):
            self.assertEqual(join_host_port(host, port), written)

    def test_what_is_escaped(self) -> None:
        for text, escaped in {
            "plain é \\ '\"": "plain é \\ '\"",
            "\x1b[2J\0\x7f\x9b": "\\x1b[2J\\x00\\x7f\\x9b",
            "\u202e\u200b\u2028\U000e0001": "\\u202e\\u200b\\u2028\\U000e0001",
            "\udcff": "\\udcff",
            "a\n\tb\r": "a\\n\\tb\\r",
        }.items():
            self.assertEqual(escape(text), escaped)
        self.assertEqual(escape("a\n\tb\r", keep="\n\t"), "a\n\tb\\r")
