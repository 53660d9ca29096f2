"""Link-local addresses and the zones that they need."""

import socket

from twisted.trial.unittest import TestCase

from sockproto.core.text import parse_address
from sockproto.errors import Unreachable
from sockproto.plain.diagnosis import probe
from sockproto.plain.resolving import SocketAddress, resolve
from sockproto.plain.zones import numeric_host, zone_fault

INDEX, NAME = socket.if_nameindex()[0]
UNKNOWN = "this machine has no network interface 'nonesuch'"


class ZoneTests(TestCase):
    def test_nothing_is_wrong(self) -> None:
        for host in (
            f"fe80::1%{NAME}",
            f"fe80::1%{INDEX}",
            "::1",
            "2001:db8::1",
            "127.0.0.1",
            "localhost",
            "a%b",
        ):
            self.assertIsNone(zone_fault(host), host)

    def test_no_such_interface(self) -> None:
        for zone in "nonesuch", "99999999", "9" * 30, "x" * 99, "a\x1b[2Jb":
            fault = zone_fault(f"fe80::1%{zone}")
            self.assertEqual(fault, f"this machine has no network interface {zone!r}")

    def test_an_address_that_has_none(self) -> None:
        for host in f"::1%{NAME}", f"2001:db8::1%{NAME}":
            self.assertEqual(
                zone_fault(host), f"only a link-local address has a network interface; leave %{NAME} out"
            )
        self.assertIsNone(zone_fault(f"ff02::1%{NAME}"))

    def test_no_interface(self) -> None:
        for host in "fe80::1", "febf::1":
            self.assertIn("needs its network interface", zone_fault(host) or "")

    def test_an_address_is_shown_with_its_zone(self) -> None:
        where = ("fe80::1", 9999, 0, INDEX)
        self.assertEqual(numeric_host(where), f"fe80::1%{NAME}")
        shown = str(SocketAddress(socket.AF_INET6, socket.SOCK_DGRAM, where))
        self.assertEqual(shown, f"[fe80::1%{NAME}]:9999")

    def test_it_is_said_before_it_is_tried(self) -> None:
        for text in "[fe80::1%nonesuch]:9999", "udp:[fe80::1%nonesuch]:9999":
            address = parse_address(text)
            error = self.assertRaises(Unreachable, resolve, address, 10.0)
            self.assertEqual((str(error), error.status), (f"{text}: {UNKNOWN}", 7))
            result = probe(address)
            self.assertEqual((result.outcome, result.status), ("unreachable", 7))
            self.assertEqual([attempt.detail for attempt in result.attempts], [UNKNOWN])
