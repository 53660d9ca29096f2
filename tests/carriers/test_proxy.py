"""Connections through a proxy: a conversation waits for the header, and is told the client."""

from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.logger import LogEvent, eventAsText

from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.raw import Raw
from sockproto.core.limits import Limits
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.echo import EchoFactory
from tests.carriers.proxied import THE_PROXY, NotingFactory, ProxiedTestCase
from tests.core.proxy_headers import (
    BLOCK4,
    DESTINATION,
    LOCAL,
    SOURCE,
    TCP4,
    TLV,
    UNIX_STREAM,
    UNSPEC,
    V1,
    V2,
    one_by_one,
    v2,
)
from tests.events import observe


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
        """Return the events of a connection that comes, says something and goes."""
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
            self.assertEqual((event["peer"], event["host"]), (str(SOURCE), str(DESTINATION)))
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
