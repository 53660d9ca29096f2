"""PROXY headers: reading them, and whose are believed."""

import struct
from typing import Any, TypeAlias

from hypothesis import example, given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.core.conversation import Peer
from sockproto.core.proxy import LOOPBACK_NETWORKS, MAX_V1_BYTES, MAX_V2_BYTES, SIGNATURE, HeaderReader, Trust
from sockproto.errors import ProxyHeaderInvalid
from sockproto.protocols.greeting import GreetingFactory
from tests.core.proxy_headers import (
    BLOCK4,
    DESTINATION,
    LOCAL,
    LONGEST_V1,
    PROXY,
    SOURCE,
    TCP4,
    TCP6,
    TLV,
    UDP4,
    UDP6,
    UNIX_DATAGRAM,
    UNIX_STREAM,
    UNSPEC,
    V1,
    V2,
    one_by_one,
    v2,
)

Told: TypeAlias = tuple[Peer | None, Peer | None, bytes] | str | None
"""What was read: source, destination and rest; the text of the error; or None if there is more to come."""


def read(*chunks: bytes) -> Told:
    """Read a header from chunks; what comes behind it is joined to its rest."""
    reader = HeaderReader()
    for number, chunk in enumerate(chunks):
        try:
            if reader.feed(chunk):
                rest = reader.rest + b"".join(chunks[number + 1 :])
                return reader.source, reader.destination, rest
        except ProxyHeaderInvalid as error:
            return str(error)
    return None


ports = st.integers(0, 65_535)
addresses = st.one_of(*(st.tuples(*[st.ip_addresses(v=version)] * 2, ports, ports) for version in (4, 6)))
rests = st.binary(max_size=40)


@st.composite
def valid_headers(draw: st.DrawFn) -> bytes:
    source, destination, source_port, port = draw(addresses)
    version = source.version
    if draw(st.booleans()):
        return f"PROXY TCP{version} {source} {destination} {source_port} {port}\r\n".encode()
    block = source.packed + destination.packed + struct.pack("!HH", source_port, port)
    return v2(TCP4 if version == 4 else TCP6, block + draw(rests), draw(st.sampled_from([LOCAL, PROXY])))


@st.composite
def spoilt_headers(draw: st.DrawFn) -> bytes:
    header = bytearray(draw(valid_headers()))
    header[draw(st.integers(0, len(header) - 1))] = draw(st.integers(0, 255))
    return bytes(header)


beginnings = st.sampled_from(
    [b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY UNKNOWN", SIGNATURE, SIGNATURE + b"\x21"]
)
junk = st.builds(bytes.__add__, beginnings, st.binary(max_size=150))
anything = st.builds(bytes.__add__, st.one_of(valid_headers(), spoilt_headers(), junk), rests)


class SplitTests(TestCase):
    """However the bytes are split, the header is the same, and so is the error."""

    @given(anything)
    @example(LONGEST_V1 + b"rest")
    @example(b"PROXY " + b"x" * 200 + b"\r\n")
    @example(b"PROXY UNKNOWN\r\n" * 2)
    @example(V2 + V2)
    @example(v2(UNIX_STREAM, b"/tmp/a".ljust(108, b"\0") * 2 + TLV) + b"rest")
    @example(v2(TCP4, bytes(5000)))
    def test_at_every_byte(self, data: bytes) -> None:
        told = read(data)
        self.assertEqual(read(*one_by_one(data)), told)
        for split in range(len(data) + 1):
            self.assertEqual(read(data[:split], b"", data[split:]), told)

    @given(anything, st.data())
    def test_anywhere(self, data: bytes, draws: st.DataObject) -> None:
        cuts = sorted(draws.draw(st.lists(st.integers(0, len(data)), max_size=8)))
        chunks = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        self.assertEqual(read(*chunks), read(data))

    @given(valid_headers(), rests)
    def test_it_is_whole_with_its_last_byte(self, header: bytes, rest: bytes) -> None:
        for end in range(len(header)):
            self.assertIsNone(read(header[:end]))
        told = read(header + rest)
        assert isinstance(told, tuple)
        self.assertEqual(told[2], rest)


class HeaderTests(TestCase):
    @given(addresses)
    def test_both_versions_tell_the_same(self, told: Any) -> None:
        source, destination, source_port, port = told
        text = f"PROXY TCP{source.version} {source} {destination} {source_port} {port}\r\n"
        block = source.packed + destination.packed + struct.pack("!HH", source_port, port)
        families = (TCP4, UDP4) if source.version == 4 else (TCP6, UDP6)
        for header in text.encode(), *(v2(family, block) for family in families):
            self.assertEqual(
                read(header), (Peer(str(source), source_port), Peer(str(destination), port), b"")
            )

    def test_tcp4(self) -> None:
        for header in V1, V2:
            self.assertEqual(read(header + b"hello"), (SOURCE, DESTINATION, b"hello"))

    def test_ports_from_0_to_65535(self) -> None:
        header = b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"
        self.assertEqual(read(header), (Peer("0.0.0.0", 0), Peer("255.255.255.255", 65_535), b""))

    def test_tcp6_however_it_is_written(self) -> None:
        source, destination = Peer("2001:db8::a", 5000), Peer("::1", 80)
        for host in b"2001:db8::a", b"2001:DB8:0:0::A", b"2001:0db8:0000:0000:0000:0000:0000:000a":
            self.assertEqual(read(b"PROXY TCP6 %b ::1 5000 80\r\n" % host), (source, destination, b""))

    def test_unknown_bare_and_with_junk(self) -> None:
        for line in b"", b" ", b" 1.2.3.4 nonsense 99999", b" \xff\0\r\x1b\n", b" ::1 ::1 1 1":
            self.assertEqual(read(b"PROXY UNKNOWN%b\r\nrest" % line), (None, None, b"rest"))

    def test_the_longest_of_version_1(self) -> None:
        self.assertEqual((len(LONGEST_V1), MAX_V1_BYTES), (107, 107))
        self.assertEqual(read(LONGEST_V1), (None, None, b""))

    def test_local_tells_no_address_whatever_its_block(self) -> None:
        for family, block in (UNSPEC, b""), (TCP4, BLOCK4), (TCP4, b"short"), (0xFF, b"anything"):
            self.assertEqual(read(v2(family, block, LOCAL) + b"rest"), (None, None, b"rest"))

    def test_unspec_tells_no_address(self) -> None:
        for block in b"", BLOCK4, TLV:
            self.assertEqual(read(v2(UNSPEC, block) + b"rest"), (None, None, b"rest"))

    def test_unix(self) -> None:
        block = b"/tmp/client".ljust(108, b"\0") + b"x" * 108
        for family in UNIX_STREAM, UNIX_DATAGRAM:
            self.assertEqual(
                read(v2(family, block) + b"r"), (Peer("/tmp/client", None), Peer("x" * 108, None), b"r")
            )

    def test_an_unnamed_unix_client_and_a_path_that_is_no_text(self) -> None:
        told = read(v2(UNIX_STREAM, bytes(108) + b"\xff\n".ljust(108, b"\0")))
        assert isinstance(told, tuple)
        self.assertEqual(told[0], Peer("", None))
        self.assertEqual(str(told[1]), "unix:\\udcff\\n")

    def test_what_follows_the_addresses_is_not_taken_for_data(self) -> None:
        self.assertEqual(read(v2(TCP4, BLOCK4 + TLV * 3) + b"hello"), (SOURCE, DESTINATION, b"hello"))

    def test_the_longest_of_version_2(self) -> None:
        header = v2(TCP4, BLOCK4.ljust(MAX_V2_BYTES - 16, b"\0"))
        self.assertEqual(len(header), MAX_V2_BYTES)
        self.assertEqual(read(header), (SOURCE, DESTINATION, b""))

    def test_version_2_behind_a_version_1_is_data(self) -> None:
        self.assertEqual(read(V1 + V2), (SOURCE, DESTINATION, V2))


class MalformedTests(TestCase):
    def assert_invalid(self, *headers: bytes) -> None:
        for header in headers:
            self.assertRaises(ProxyHeaderInvalid, HeaderReader().feed, header)

    def test_no_header(self) -> None:
        self.assert_invalid(
            b"GET / HTTP/1.0\r\n",
            b"\n",
            b"proxy TCP4",
            b"PROXY\r\n",
            b"PROXYTCP4",
            b"\r\n\r\n\r\n",
            b" " + V1,
        )

    def test_addresses(self) -> None:
        for host in b"999.1.1.1", b"1.2.3", b"1.2.3.4.5", b"01.2.3.4", b"1234", b"", b"a.b.c.d", b"1.2.3.4%1":
            self.assert_invalid(
                b"PROXY TCP4 %b 1.2.3.4 1 1\r\n" % host, b"PROXY TCP4 1.2.3.4 %b 1 1\r\n" % host
            )
        for host in b"1::2::3", b"12345::", b":::", b"1:2:3", b"g::1", b"::1%lo", b"[::1]", b"":
            self.assert_invalid(b"PROXY TCP6 %b ::1 1 1\r\n" % host, b"PROXY TCP6 ::1 %b 1 1\r\n" % host)

    def test_ports(self) -> None:
        for port in b"65536", b"99999", b"100000", b"01", b"00", b"-1", b"+1", b"1.0", b"x", b"", b"\xd9\xa1":
            self.assert_invalid(
                b"PROXY TCP4 1.2.3.4 1.2.3.4 %b 1\r\n" % port, b"PROXY TCP4 1.2.3.4 1.2.3.4 1 %b\r\n" % port
            )

    def test_families_of_version_1(self) -> None:
        for line in (
            b"TCP4 ::1 ::1",
            b"TCP6 1.2.3.4 1.2.3.4",
            b"TCP5 1.2.3.4 1.2.3.4",
            b"UDP4 1.2.3.4 1.2.3.4",
        ):
            self.assert_invalid(b"PROXY %b 1 1\r\n" % line)
        self.assert_invalid(
            b"PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", b"PROXY UNKNOWNED\r\n", b"PROXY unknown\r\n", b"PROXY \r\n"
        )

    def test_the_form_of_version_1(self) -> None:
        words = V1.removesuffix(b"\r\n")
        self.assert_invalid(
            words.replace(b" ", b"  ", 2) + b"\r\n",
            words + b" \r\n",
            words + b"\n\r\n",
            words + b" 1\r\n",
            words.rpartition(b" ")[0] + b"\r\n",
            words.replace(b" 80", b"\t80") + b"\r\n",
        )

    def test_no_cr_lf_within_107_bytes(self) -> None:
        line = LONGEST_V1.removesuffix(b"\r\n")
        for too_long in line + b"\n\n", line + b"\r\r\n", line + b"x\r\n", b"PROXY " + b"\n" * 101:
            self.assert_invalid(too_long)
            self.assertIsNone(read(too_long[:106]))

    def test_version_2_longer_than_the_limit_is_not_waited_for(self) -> None:
        for length in MAX_V2_BYTES - 15, 65_535:
            for command in LOCAL, PROXY:
                self.assert_invalid(SIGNATURE + struct.pack("!BBH", command, TCP4, length))

    def test_versions_and_commands(self) -> None:
        for command in 0x00, 0x01, 0x10, 0x11, 0x30, 0x31, 0x22, 0x2F, 0xFF:
            self.assert_invalid(v2(TCP4, BLOCK4, command))

    def test_families_of_version_2(self) -> None:
        for family in 0x01, 0x02, 0x10, 0x13, 0x1F, 0x20, 0x23, 0x30, 0x33, 0x40, 0x41, 0xF1, 0xFF:
            self.assert_invalid(v2(family, bytes(300)))

    def test_blocks_that_are_too_short(self) -> None:
        for family, size in (TCP4, 12), (UDP4, 12), (TCP6, 36), (UDP6, 36), (UNIX_STREAM, 216):
            for short in 0, size - 1:
                self.assert_invalid(v2(family, bytes(short)))
            self.assertIsInstance(read(v2(family, bytes(size))), tuple)


class TrustTests(TestCase):
    def test_loopback(self) -> None:
        trust = Trust(LOOPBACK_NETWORKS)
        for host in "127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1":
            self.assertIn(Peer(host, 5000), trust)
        for host in "128.0.0.1", "10.0.0.1", "::2", "::ffff:10.0.0.1", "fe80::1%lo":
            self.assertNotIn(Peer(host, 5000), trust)

    def test_networks_and_single_addresses(self) -> None:
        trust = Trust(["10.0.0.0/8", "192.0.2.7", "fe80::/10"])
        for host in "10.255.0.1", "192.0.2.7", "fe80::1%eth0", "::ffff:10.1.1.1":
            self.assertIn(Peer(host, 5000), trust)
        for host in "127.0.0.1", "192.0.2.8", "::a00:1":
            self.assertNotIn(Peer(host, 5000), trust)

    def test_who_may_open_a_unix_socket_is_believed(self) -> None:
        self.assertIn(Peer("", None), Trust([]))
        self.assertNotIn(Peer("127.0.0.1", 5000), Trust([]))

    def test_no_network(self) -> None:
        for network in "nope", "10.0.0.0/33", "10.0.0.1/8", "", "10.0.0.0/8 ":
            self.assertRaises(ValueError, Trust, [network])
            self.assertRaises(ValueError, GreetingFactory, proxy_from=[network])
