"""Connections over Twisted's TLS, in memory: what its transport does that TCP's doesn't."""

import ssl
from typing import Any

from twisted.internet.protocol import Factory

from sockproto.core.actions import Sleep
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoProtocol
from tests.carriers.over_tls import TLSTests


class ClosedByThePeerTests(TLSTests):
    """The peer's close_notify comes while the transport has enough to send."""

    def test_while_the_conversation_speaks_without_end(self) -> None:
        made: list[None] = []

        def speak() -> Any:
            while len(made) < 1_000:
                made.append(None)
                yield b"x" * 10_000

        peer = self.connect(Discard, opened=speak)
        peer.send(b"x")
        self.clock.advance(0)
        [protocol] = self.factory.registry.connections
        self.assertTrue(protocol.paused)
        peer.send(end=True)
        before = len(made)
        self.read_all()
        self.assertEqual(len(made), before, "what nobody can get was made")
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.conversation.notes, [CloseReason.PEER_CLOSED])

    def test_while_the_conversation_answers(self) -> None:
        peer = self.connect(Raw, received=lambda data: data * 8)
        peer.send(b"x" * 16_000, b"y" * 16_000, end=True)
        self.assertFalse(self.remote.lost)
        self.read_all()
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.conversation.notes, [CloseReason.PEER_CLOSED])

    def test_while_the_conversation_goes_on_and_the_peer_reads_nothing(self) -> None:
        def speak() -> Any:
            while True:
                yield Sleep(1)
                yield b"tick"

        self.serve(Discard, limits=Limits(idle_seconds=5, write_stall_seconds=10), opened=speak)
        peer = self.peer()
        peer.shake_hands()
        self.clock.advance(1.1)
        peer.send(end=True)
        for _ in range(20):
            self.assertFalse(self.remote.lost)
            self.clock.advance(0.5)  # what was said before is still to be sent, less than would pause us
        for _ in range(20):
            self.clock.advance(0.5)
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.conversation.notes, [CloseReason.WRITE_STALL])


class ProtocolNegotiationTests(TLSTests):
    """A client offers protocols by ALPN (RFC 7301)."""

    def test_the_server_declares_none(self) -> None:
        for context in self.options(), None:
            self.serve(context=context)
            peer = self.peer(offered=["h2", "http/1.1"])
            peer.shake_hands()
            self.assertEqual(peer.protocol, None)
            peer.send(b"x\n")
            self.clock.advance(0)
            self.assertEqual(peer.read(), b"<x>\n")

    def test_the_server_has_one_in_common(self) -> None:
        self.serve(context=self.options(acceptableProtocols=[b"greeting", b"http/1.1"]))
        peer = self.peer(offered=["h2", "http/1.1", "greeting"])
        peer.shake_hands()
        self.assertEqual(peer.protocol, "greeting")

    def test_the_server_declares_others(self) -> None:
        """It is left to those who declare them, and to Twisted, what that means."""
        self.serve(context=self.options(acceptableProtocols=[b"greeting"]))
        self.assertRaises(ssl.SSLError, self.peer(offered=["h2"]).shake_hands)
        self.assertEqual(self.factory.statistics.closed, {CloseReason.TLS_FAILED: 1})

    def test_a_factory_of_twisteds(self) -> None:
        self.serve(context=self.options(), factory=Factory.forProtocol(EchoProtocol))
        peer = self.peer(offered=["h2"])
        peer.shake_hands()
        peer.send(b"x")
        self.clock.advance(0)
        self.assertEqual(peer.read(), b"x")


class DrainTests(TLSTests):
    def test_a_connection_that_was_busy_and_says_nothing_waits_for_the_peers_end(self) -> None:
        peer = self.connect(Lines, received=lambda message: Sleep(1))
        peer.send(b"x\n")
        self.factory.drain()
        self.clock.advance(1)
        self.assertFalse(self.remote.lost)
        peer.end()
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.remote.ended, "orderly")
        self.assertEqual(self.conversation.notes, [CloseReason.DRAINED])
