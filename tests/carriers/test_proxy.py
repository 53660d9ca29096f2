"""PROXY headers: reading them, whose are believed, and a conversation that waits for one."""

import struct
from ipaddress import IPv4Address as Address4, ip_address
from typing import Any, TypeAlias, cast

from hypothesis import example, given, strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.logger import LogEvent, eventAsText
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.raw import Raw
from sockproto.core.limits import Limits
from sockproto.core.proxy import LOOPBACK_NETWORKS, MAX_V1_BYTES, MAX_V2_BYTES, SIGNATURE, HeaderReader, Trust
from sockproto.errors import OptionError, ProxyHeaderInvalid
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.server.listeners import from_description
from sockproto.server.tap import Options
from sockproto.testing import Transport, assert_no_faults, connect
from tests.endpoints import TLSTransport
from tests.events import observe

Told: TypeAlias = tuple[Peer | None, Peer | None, bytes] | str | None
"""What was read: source, destination and rest; the text of the error; or None if there is more to come."""

SOURCE, DESTINATION = Peer("192.0.2.1", 5000), Peer("192.0.2.2", 80)
V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n"
LONGEST_V1 = b"PROXY UNKNOWN %b %b 65535 65535\r\n" % (2 * (b":".join([b"ffff"] * 8),))

LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, UDP4, TCP6, UDP6, UNIX_STREAM, UNIX_DATAGRAM = 0, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32


def v2(family: int, block: bytes, command: int = PROXY) -> bytes:
    """Make a header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


BLOCK4 = Address4(SOURCE.host).packed + Address4(DESTINATION.host).packed + struct.pack("!HH", 5000, 80)
V2 = v2(TCP4, BLOCK4)
TLV = struct.pack("!BH", 0x04, 7) + b"ignored"  # PP2_TYPE_NOOP


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


def one_by_one(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


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


class Noting(Conversation):
    """Echoes, and notes what happens to it."""

    def __init__(self, notes: list[Any]) -> None:
        self.notes = notes

    def opened(self, peer: Peer) -> bytes:
        self.notes.append(peer)
        return b"hi"

    def received(self, message: bytes) -> bytes:
        self.notes.append(message)
        return message

    def ended(self) -> None:
        self.notes.append("ended")

    def closed(self, reason: CloseReason) -> None:
        self.notes.append(reason)


class NotingProtocol(ConversationProtocol):
    conversation, framing = Noting, Lines


class NotingFactory(ConversationFactory):
    protocol = NotingProtocol


THE_PROXY = IPv4Address("TCP", "10.0.0.1", 40_000)
PROXIES = ["10.0.0.0/8"]


class ProxiedTestCase(TestCase):
    """Has connections through a proxy."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), [], "a timer was left behind"))

    def connect(self, factory: ConversationFactory, proxy: IAddress = THE_PROXY, tls: bool = False) -> Any:
        remote = connect(factory, peer=proxy, transport=TLSTransport if tls else Transport)
        self.addCleanup(assert_no_faults, remote)
        self.addCleanup(remote.lose)
        return remote

    def factory(self, kind: Any = GreetingFactory, *args: Any, **kwargs: Any) -> ConversationFactory:
        kwargs.setdefault("proxy_from", PROXIES)
        made: ConversationFactory = kind(*args, clock=self.clock, **kwargs)
        return made

    def assert_refused(self, factory: ConversationFactory, remote: Any, reason: CloseReason) -> None:
        """The connection is closed at once, without a word."""
        self.assertEqual((remote.transport.writes, remote.transport.half_closing), ([], False))
        self.assertTrue(remote.transport.disconnecting)
        remote.read()
        self.assertEqual(factory.statistics.closed, {reason: 1})
        self.assertEqual((factory.statistics.open, factory.abort()), (0, 0))


class OpeningTests(ProxiedTestCase):
    def test_the_greeting_waits_for_the_header(self) -> None:
        for header in V1, V2:
            remote = self.connect(self.factory())
            for byte in one_by_one(header):
                self.assertEqual(remote.transport.writes, [])
                remote.protocol.dataReceived(byte)
            self.assertEqual(remote.transport.writes, [b"Welcome!"])
            remote.lose()

    def test_opened_is_told_the_client(self) -> None:
        for header in V1, V2, V1 + b"data", V2 + b"data":
            notes: list[Any] = []
            remote = self.connect(self.factory(NotingFactory, notes))
            self.assertEqual((notes, remote.protocol.peer), ([], Peer("10.0.0.1", 40_000)))
            remote.protocol.dataReceived(header)
            self.assertEqual(notes, [SOURCE])
            self.assertEqual((remote.protocol.peer, remote.protocol.host), (SOURCE, DESTINATION))
            remote.lose()

    def test_a_header_that_tells_no_address_leaves_the_connections_own(self) -> None:
        for header in b"PROXY UNKNOWN\r\n", v2(UNSPEC, b""), v2(TCP4, BLOCK4, LOCAL):
            notes: list[Any] = []
            remote = self.connect(self.factory(NotingFactory, notes))
            remote.protocol.dataReceived(header)
            self.assertEqual(notes, [Peer("10.0.0.1", 40_000)])
            self.assertEqual(remote.protocol.host, Peer("10.0.0.1", 12_345))  # the transport's own
            remote.lose()

    def test_data_in_the_segment_of_the_header_is_not_lost(self) -> None:
        for header in V1, V2, v2(TCP4, BLOCK4 + TLV), b"PROXY UNKNOWN\r\n":
            for name in b"Michael", V1.removesuffix(b"\r\n"):
                remote = self.connect(self.factory())
                remote.protocol.dataReceived(header + name + b"\nTra")
                remote.protocol.dataReceived(b"cy\n")
                self.assertEqual(remote.read(), b"Welcome!Hello, %b!\nHello, Tracy!\n" % name)
                remote.lose()

    def test_a_bare_send_behind_the_header_is_cut_by_the_quiet_period(self) -> None:
        remote = self.connect(self.factory())
        remote.protocol.dataReceived(V2 + b"Michael")
        self.assertEqual(remote.read(), b"Welcome!")
        self.clock.advance(0.02)
        self.clock.advance(0)
        self.assertEqual(remote.read(), b"Hello, Michael!")

    def test_the_header_is_no_message(self) -> None:
        factory = self.factory(EchoFactory)
        remote = self.connect(factory)
        remote.protocol.dataReceived(V1 + b"abc")
        remote.lose()
        counted = factory.statistics
        self.assertEqual((counted.messages_in, counted.bytes_out), (1, 3))
        self.assertEqual(counted.bytes_in, len(V1) + 3)

    def test_one_that_speaks_without_being_asked_waits_too(self) -> None:
        remote = self.connect(self.factory(ChargenFactory))
        self.assertEqual(remote.transport.writes, [])
        remote.protocol.dataReceived(V2)
        self.assertTrue(remote.transport.writes)

    def test_on_a_unix_socket(self) -> None:
        notes: list[Any] = []
        remote = self.connect(self.factory(NotingFactory, notes), cast("IAddress", UNIXAddress(None)))
        remote.protocol.dataReceived(V1)
        self.assertEqual(notes, [SOURCE])

    def test_a_proxy_that_comes_by_ipv6_as_an_ipv4_address(self) -> None:
        remote = self.connect(self.factory(), IPv6Address("TCP", "::ffff:10.0.0.1", 40_000))
        remote.protocol.dataReceived(V1)
        self.assertEqual(remote.transport.writes, [b"Welcome!"])

    def test_without_proxies_a_header_is_data(self) -> None:
        remote = self.connect(self.factory(EchoFactory, proxy_from=None))
        remote.protocol.dataReceived(V1)
        self.assertEqual(remote.read(), V1)

    def test_no_proxies_at_all_is_not_the_same_as_none(self) -> None:
        factory = self.factory(proxy_from=[])
        self.assert_refused(factory, self.connect(factory), CloseReason.UNKNOWN_PROXY)


class TLSTests(ProxiedTestCase):
    """Inside TLS, as with ``--listen haproxy:ssl:…``: the header comes after the handshake."""

    def test_the_end_of_the_handshake_is_not_the_end_of_the_header(self) -> None:
        notes: list[Any] = []
        remote = self.connect(self.factory(NotingFactory, notes), tls=True)
        remote.protocol.handshakeCompleted()
        self.assertEqual((notes, remote.transport.writes), ([], []))
        remote.protocol.dataReceived(V1)
        self.assertEqual(notes, [SOURCE])

    def test_the_client_need_not_speak_behind_its_header(self) -> None:
        remote = self.connect(self.factory(), tls=True)
        remote.protocol.handshakeCompleted()
        remote.protocol.dataReceived(V2)
        self.assertEqual(remote.transport.writes, [b"Welcome!"])

    def test_an_unknown_proxy(self) -> None:
        factory = self.factory()
        remote = self.connect(factory, IPv4Address("TCP", "192.0.2.9", 1), tls=True)
        self.assert_refused(factory, remote, CloseReason.UNKNOWN_PROXY)


class RefusalTests(ProxiedTestCase):
    def test_an_unknown_proxy_is_refused_before_it_says_anything(self) -> None:
        factory = self.factory()
        remote = self.connect(factory, IPv4Address("TCP", "192.0.2.9", 40_000))
        remote.protocol.dataReceived(V1 + b"Michael\n")
        self.assert_refused(factory, remote, CloseReason.UNKNOWN_PROXY)

    def test_what_is_no_header_is_refused_at_once(self) -> None:
        for begin in (
            b"G",
            b"PROXY TCP4 999.1.1.1 1.2.3.4 1 1\r\n",
            v2(TCP4, b"short"),
            b"PROXY " + b"x" * 101,
        ):
            notes: list[Any] = []
            factory = self.factory(NotingFactory, notes)
            remote = self.connect(factory)
            remote.protocol.dataReceived(begin)
            remote.protocol.dataReceived(V1 + b"Michael\n")
            self.assert_refused(factory, remote, CloseReason.BAD_PROXY_HEADER)
            self.assertEqual(notes, [])

    def test_a_header_that_does_not_come(self) -> None:
        for begin in b"", V1[:20], V2[:20]:
            notes: list[Any] = []
            factory = self.factory(NotingFactory, notes, limits=Limits(first_message_seconds=10))
            remote = self.connect(factory)
            self.clock.advance(5)
            remote.protocol.dataReceived(begin)
            self.clock.advance(4.75)
            self.assertFalse(remote.transport.disconnecting or remote.transport.half_closing)
            self.clock.advance(0.25)
            self.assertTrue(remote.transport.disconnecting or remote.transport.half_closing)
            remote.read()
            remote.half_close()
            self.assertEqual(factory.statistics.closed, {CloseReason.NO_HANDSHAKE: 1})
            self.assertEqual((notes, remote.transport.writes), ([], []))

    def test_a_header_that_comes_when_it_is_too_late(self) -> None:
        notes: list[Any] = []
        factory = self.factory(NotingFactory, notes, limits=Limits(first_message_seconds=10))
        remote = self.connect(factory)
        self.clock.advance(10)
        remote.read()
        remote.protocol.dataReceived(V1 + b"x\n")
        remote.half_close()
        self.assertEqual(factory.statistics.closed, {CloseReason.NO_HANDSHAKE: 1})
        self.assertEqual((notes, remote.transport.writes), ([], []))

    def test_an_end_before_the_header(self) -> None:
        for begin in b"", V1[:-1], V2[:-1]:
            notes: list[Any] = []
            factory = self.factory(NotingFactory, notes)
            remote = self.connect(factory)
            remote.protocol.dataReceived(begin)
            remote.half_close()
            self.assert_refused(factory, remote, CloseReason.PEER_CLOSED)
            self.assertEqual(notes, [])

    def test_a_drain_before_the_header(self) -> None:
        notes: list[Any] = []
        factory = self.factory(NotingFactory, notes)
        remote = self.connect(factory)
        remote.protocol.dataReceived(V1[:10])
        drained = factory.drain()
        remote.protocol.dataReceived(V1[10:] + b"x\n")
        remote.read()
        self.successResultOf(drained)
        self.assertEqual((notes, factory.statistics.closed), ([], {CloseReason.DRAINED: 1}))


class CountingTests(ProxiedTestCase):
    def client(self, factory: ConversationFactory, host: str) -> Any:
        """Connect through the one proxy."""
        version = ip_address(host).version
        remote = self.connect(factory)
        remote.protocol.dataReceived(f"PROXY TCP{version} {host} {host} 5000 80\r\n".encode())
        return remote

    def test_the_limit_of_a_peer_counts_the_client(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        first = self.client(factory, "192.0.2.1")
        second = self.client(factory, "192.0.2.1")
        self.assertEqual(
            (first.transport.writes, second.transport.writes, bool(second.transport.disconnecting)),
            ([b"Welcome!"], [], True),
        )
        second.read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY_OF_PEER: 1})
        self.assertEqual(self.client(factory, "192.0.2.2").transport.writes, [b"Welcome!"])
        first.lose()
        self.assertEqual(self.client(factory, "192.0.2.1").transport.writes, [b"Welcome!"])

    def test_the_proxy_itself_is_not_counted(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        waiting = [self.connect(factory) for _ in range(5)]
        self.assertFalse(any(remote.transport.disconnecting for remote in waiting))
        self.assertEqual(self.client(factory, THE_PROXY.host).transport.writes, [b"Welcome!"])

    def test_ipv6_clients_count_by_their_64(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        for host, welcome in [
            ("2001:db8::1", True),
            ("2001:db8::2", False),
            ("2001:db8:0:1::1", True),
            ("::ffff:192.0.2.1", True),
            ("192.0.2.1", False),
        ]:
            self.assertEqual(self.client(factory, host).transport.writes, [b"Welcome!"] if welcome else [])

    def test_a_refused_client_is_not_answered_what_came_with_its_header(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        self.client(factory, SOURCE.host)
        remote = self.connect(factory)
        remote.protocol.dataReceived(V1 + b"Michael\n")
        remote.protocol.dataReceived(b"Tracy\n")
        remote.read()
        self.assertEqual(remote.transport.writes, [])
        self.assertTrue(remote.lost)

    def test_those_that_wait_for_a_header_count_among_all(self) -> None:
        factory = self.factory(limits=Limits(max_connections=1))
        first = self.connect(factory)
        self.connect(factory).read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY: 1})
        first.half_close()
        first.read()
        self.assertEqual(self.client(factory, "192.0.2.1").transport.writes, [b"Welcome!"])

    @given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "lose", "junk", "none"])))
    def test_places_are_given_back_whatever_happens(self, steps: list[str]) -> None:
        factory = GreetingFactory(
            clock=self.clock, proxy_from=PROXIES, limits=Limits(max_connections_per_peer=2)
        )
        remotes: list[Any] = []
        for step in steps:
            remotes = [remote for remote in remotes if not remote.transport.disconnected]
            if step == "lose" and remotes:
                remotes[0].lose()
            elif step == "junk":
                remotes.append(self.connect(factory))
                remotes[-1].protocol.dataReceived(b"junk")
            elif step in ("none", "lose"):
                remotes.append(self.connect(factory))
            else:
                remotes.append(self.client(factory, step))
        for remote in remotes:
            remote.lose()
        self.assertEqual((factory.statistics.open, self.clock.getDelayedCalls()), (0, []))
        hosts = ["192.0.2.1", "192.0.2.2", "2001:db8::1"] * 2
        places = [self.client(factory, host) for host in hosts]
        self.assertEqual([remote.transport.writes for remote in places], [[b"Welcome!"]] * 6)
        self.assertEqual(factory.abort(), 6)
        self.assertTrue(all(remote.lost for remote in places))


class AfterwardsTests(ProxiedTestCase):
    """Behind its header a connection is like any other."""

    def test_half_close_after_it(self) -> None:
        for chunks in [V1 + b"x" * 100_000], [V2, b"x" * 100_000]:
            factory = self.factory(EchoFactory, framing=Raw)
            remote = self.connect(factory)
            for chunk in chunks:
                remote.protocol.dataReceived(chunk)
            remote.half_close()
            while not remote.lost:
                remote.read()
            self.assertEqual(remote.received, b"x" * 100_000)
            self.assertEqual(factory.statistics.closed, {CloseReason.PEER_CLOSED: 1})

    def test_half_close_right_after_it(self) -> None:
        notes: list[Any] = []
        remote = self.connect(self.factory(NotingFactory, notes))
        remote.protocol.dataReceived(V2)
        remote.half_close()
        remote.read()
        self.assertEqual(notes, [SOURCE, "ended", CloseReason.PEER_CLOSED])

    def test_close_after_it_is_orderly(self) -> None:
        factory = self.factory(framing=Lines)
        remote = self.connect(factory)
        remote.protocol.dataReceived(V1 + b"exit\n")
        self.assertTrue(remote.transport.half_closing)
        remote.read()
        remote.half_close()
        self.assertEqual(factory.statistics.closed, {CloseReason.CLOSED: 1})

    def test_the_header_is_a_sign_of_life(self) -> None:
        limits = Limits(idle_seconds=10, first_message_seconds=0)
        factory = self.factory(EchoFactory, limits=limits)
        remote = self.connect(factory)
        self.clock.advance(9)
        remote.protocol.dataReceived(V1)
        self.clock.advance(9)
        self.assertFalse(
            remote.transport.half_closing or remote.transport.disconnecting, "it was not idle for so long"
        )
        self.clock.advance(1)
        self.assertTrue(remote.transport.half_closing)
        remote.read()
        remote.half_close()
        self.assertEqual(factory.statistics.closed, {CloseReason.IDLE: 1})


class LogTests(ProxiedTestCase):
    def events_of(self, proxy: IAddress, *chunks: bytes) -> list[LogEvent]:
        """Give the events of a connection that comes, says something and goes."""
        events = observe(self)
        factory = self.factory()
        remote = self.connect(factory, proxy)
        for chunk in chunks:
            remote.protocol.dataReceived(chunk)
        remote.read()
        remote.lose()
        return list(events)

    def test_the_event_names_the_client(self) -> None:
        for header in V1, V2:
            [event] = self.events_of(THE_PROXY, header + b"Michael\n")
            self.assertEqual((event["peer"], event["host"]), (SOURCE, DESTINATION))
            text = eventAsText(event, includeTimestamp=False, includeSystem=False)
            self.assertIn("greeting connection 1 from 192.0.2.1:5000 closed: peer closed; ", text)

    def test_the_event_of_a_refusal_names_who_was_refused(self) -> None:
        stranger = IPv4Address("TCP", "192.0.2.9", 1)
        for proxy, data, said in [
            (stranger, b"", "192.0.2.9:1 closed: unknown proxy"),
            (THE_PROXY, b"junk", "10.0.0.1:40000 closed: bad proxy header"),
        ]:
            [event] = self.events_of(proxy, data)
            self.assertIn(said, eventAsText(event))

    def test_a_path_cannot_forge_lines(self) -> None:
        path = b"/tmp/a\n2026-11-21 forged\x1b[31m".ljust(108, b"\0")
        [event] = self.events_of(THE_PROXY, v2(UNIX_STREAM, path * 2))
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        self.assertTrue(text.isprintable(), text)


class OptionsTests(TestCase):
    def parse(self, *words: str) -> Options:
        options = Options()
        options.parseOptions(["--port", "0", *words] if "--listen" not in words else list(words))
        return options

    def trusts(self, host: str, *words: str) -> list[bool | None]:
        """Give whether each stream listener takes headers of that host; None where it asks for none."""
        factories = [one.server for one in self.parse(*words).listeners or [] if not one.datagrams]
        return [self.takes_header(factory, host) for factory in factories]

    def takes_header(self, factory: Any, host: str) -> bool | None:
        remote = connect(factory, peer=(IPv6Address if ":" in host else IPv4Address)("TCP", host, 1))
        said, reason = remote.transport.writes, remote.protocol.reason
        remote.lose()
        return None if said else reason is not CloseReason.UNKNOWN_PROXY

    def assert_fails(self, *words: str) -> str:
        """The options are wrong; give the one line that says so."""
        line = str(self.assertRaises(SystemExit, self.parse, *words))
        self.assertEqual(len(line.splitlines()), 1, line)
        return line

    def test_none_are_taken_unless_asked_for(self) -> None:
        self.assertEqual(self.trusts("127.0.0.1"), [None])
        self.assertEqual(self.trusts("127.0.0.1", "--listen", "tcp:0:interface=127.0.0.1"), [None])

    def test_proxy_protocol_is_of_loopback_only(self) -> None:
        for words in ["--proxy-protocol"], ["--proxy-protocol", "--listen", "tcp:0"]:
            for host, believed in ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False):
                self.assertEqual(self.trusts(host, *words), [believed])

    def test_proxy_from_takes_the_place_of_loopback(self) -> None:
        words = "--proxy-protocol", "--proxy-from", "10.0.0.0/8", "--proxy-from", "2001:db8::1"
        for host, believed in ("10.9.9.9", True), ("2001:db8::1", True), ("127.0.0.1", False), ("::1", False):
            self.assertEqual(self.trusts(host, *words), [believed])

    def test_on_every_listener(self) -> None:
        words = ["--proxy-protocol", "--interface", "127.0.0.1", "--interface", "::1"]
        self.assertEqual(self.trusts("127.0.0.1", *words), [True, True])

    def test_listen_haproxy_asks_for_a_header_there_only(self) -> None:
        for kind in "tcp:0", "tcp:0:interface=127.0.0.1", "unix:socket":
            words = "--listen", "tcp:0", "--listen", f"haproxy:{kind}"
            self.assertEqual(self.trusts("127.0.0.1", *words), [None, True])

    def test_proxy_from_with_listen_haproxy(self) -> None:
        words = "--listen", "haproxy:tcp:0", "--proxy-from", "10.0.0.0/8"
        self.assertEqual(self.trusts("10.0.0.1", *words), [True])
        self.assertEqual(self.trusts("127.0.0.1", *words), [False])

    def test_wrong_networks(self) -> None:
        for network in "nope", "10.0.0.0/33", "10.0.0.1/8", "", "::/129", "localhost":
            line = self.assert_fails("--proxy-protocol", "--proxy-from", network)
            self.assertIn("--proxy-from", line)

    def test_proxy_from_without_either(self) -> None:
        for words in [], ["--listen", "tcp:0"], ["--listen", "unix:haproxy"]:
            line = self.assert_fails(*words, "--proxy-from", "10.0.0.0/8")
            self.assertIn("--proxy-protocol", line)

    def test_what_cannot_be_behind_haproxy(self) -> None:
        for rest in "", "udp:0", "unix-dgram:socket", "nope:0":
            self.assertIn("--listen", self.assert_fails("--listen", f"haproxy:{rest}"))

    def test_twisteds_own_wrapper_is_never_made(self) -> None:
        made: list[bool] = []

        def make_factory(proxied: bool = False) -> EchoFactory:
            made.append(proxied)
            return EchoFactory(clock=Clock())

        from_description("echo", "haproxy:tcp:0", make_factory, EchoDatagramProtocol, Clock())
        self.assertEqual(made, [True])
        self.assertRaises(
            OptionError,
            from_description,
            "echo",
            "haproxy:haproxy:tcp:0",
            make_factory,
            EchoDatagramProtocol,
            Clock(),
        )
