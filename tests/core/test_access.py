"""Which addresses may come in."""

from ipaddress import ip_address, ip_network
from itertools import permutations

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.core.access import Access, network

EVERYBODY = ["0.0.0.0/0", "::/0"]


class AccessTests(TestCase):
    def assert_admits(self, access: Access, *hosts: str) -> None:
        self.assertEqual([host for host in hosts if not access.admits(host)], [])

    def assert_refuses(self, access: Access, *hosts: str) -> None:
        self.assertEqual([host for host in hosts if access.admits(host)], [])

    def test_nothing_said(self) -> None:
        self.assert_admits(Access(), "10.0.0.1", "2001:db8::1", "an address of another kind")

    def test_what_is_allowed_and_nobody_else(self) -> None:
        access = Access(allow=["10.0.0.0/8", "2001:db8::/32"])
        self.assert_admits(access, "10.255.0.1", "2001:db8::1", "::ffff:10.0.0.1", "2001:db8::1%eth0")
        self.assert_refuses(access, "11.0.0.1", "::1", "::a00:1", "an address of another kind", "")

    def test_all_but_what_is_denied(self) -> None:
        access = Access(deny=["10.0.0.0/8", "fe80::/10"])
        self.assert_refuses(access, "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0")
        self.assert_admits(access, "11.0.0.1", "::1", "an address of another kind")

    def test_the_most_specific_decides_in_whatever_order(self) -> None:
        for allow in permutations(["10.0.0.0/8", "10.1.2.3"]):
            for deny in permutations(["10.1.0.0/16", "0.0.0.0/0"]):
                access = Access(allow, deny)
                self.assert_admits(access, "10.0.0.1", "10.1.2.3")
                self.assert_refuses(access, "10.1.2.4", "11.0.0.1", "::1")

    def test_exceptions_from_what_is_denied(self) -> None:
        access = Access(allow=[*EVERYBODY, "10.0.0.5"], deny=["10.0.0.0/8"])
        self.assert_admits(access, "10.0.0.5", "192.0.2.1", "::1")
        self.assert_refuses(access, "10.0.0.4")

    def test_ipv4_written_as_ipv6(self) -> None:
        access = Access(allow=["::ffff:10.0.0.0/104"], deny=["::ffff:10.0.0.5"])
        self.assert_admits(access, "10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1")
        self.assert_refuses(access, "10.0.0.5", "::ffff:10.0.0.5", "11.0.0.1")
        self.assert_refuses(Access(allow=["::/0"]), "10.0.0.1", "::ffff:10.0.0.1")

    @given(st.ip_addresses(), st.integers(0, 128), st.booleans())
    def test_as_a_routing_table(self, address: object, length: int, allowed: bool) -> None:
        host = str(address)
        around = str(ip_network(f"{host}/{min(length, ip_address(host).max_prefixlen - 1)}", strict=False))
        allow, deny = ([host], [around]) if allowed else ([around], [host])
        self.assertEqual(Access(allow, deny).admits(host), allowed)

    def test_the_same_network_twice(self) -> None:
        self.assert_admits(Access(allow=["10.0.0.1", "10.0.0.1/32", "::ffff:10.0.0.1"]), "10.0.0.1")
        for text in "10.0.0.0/8", "::ffff:10.0.0.0/104":
            error = self.assertRaises(ValueError, Access, ["10.0.0.0/8"], [text])
            self.assertEqual(str(error), "10.0.0.0/8 is both allowed and denied; say one of them")


class NetworkTests(TestCase):
    def test_host_bits(self) -> None:
        for text, whole, one in (
            ("10.0.0.1/8", "10.0.0.0/8", "10.0.0.1"),
            ("10.0.0.1/255.0.0.0", "10.0.0.0/8", "10.0.0.1"),
            ("2001:db8::1/32", "2001:db8::/32", "2001:db8::1"),
        ):
            line = str(self.assertRaises(ValueError, network, text))
            self.assertIn(f"write {whole} for the whole network, {one} for the one address", line)

    def test_what_is_none(self) -> None:
        for text in "nope", "", "10", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/8 ", "[::1]", "::1:80/x":
            line = str(self.assertRaises(ValueError, network, text))
            self.assertEqual(line, f"must be a network such as 10.0.0.0/8, or an address, not {text!r}")

    def test_zones(self) -> None:
        self.assertIn("zone", str(self.assertRaises(ValueError, network, "fe80::1%eth0")))
