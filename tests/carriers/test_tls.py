"""Connections over Twisted's TLS, in memory: what its transport does that TCP's doesn't."""

import contextlib
import ssl
from collections.abc import Callable
from typing import Any

import trustme
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import Sleep
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.raw import Discard, Raw
from sockproto.testing import Remote, connect
from tests.carriers.scripted import Scripted


class TLSPeer:
    """A client: the standard library's TLS over a connection in memory.

    Args:
        remote: The connection.
        issuer: Whom it believes.
    """

    def __init__(self, remote: Remote, issuer: trustme.CA) -> None:
        self._remote = remote
        self._inbound, self._outbound = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context()
        issuer.configure_trust(context)
        self._tls = context.wrap_bio(self._inbound, self._outbound, server_hostname="localhost")

    def shake_hands(self) -> None:
        """Do the handshake."""
        while True:
            try:
                return self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._remote.send(self._outbound.read())
                self._inbound.write(self._remote.read())

    def end(self) -> None:
        """End TLS, as the other end has: an error if it hasn't."""
        self._inbound.write(self._remote.read())
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.read()
        self._tls.unwrap()
        self._remote.send(self._outbound.read())

    def send(self, *pieces: bytes, end: bool = False) -> None:
        """Send so many pieces, and close_notify behind them, all at once."""
        for piece in pieces:
            self._tls.write(piece)
        if end:
            with contextlib.suppress(ssl.SSLError):  # the other end's close_notify is yet to come
                self._tls.unwrap()
        self._remote.send(self._outbound.read())


class TLSTests(TestCase):
    def setUp(self) -> None:
        self.clock, self.issuer, self.path = Clock(), trustme.CA(), self.mktemp()
        made = self.issuer.issue_cert("localhost")
        made.private_key_and_cert_chain_pem.write_to_path(self.path)

    def connect(self, framing: Callable[[int], Any], **methods: Any) -> TLSPeer:
        self.conversation: Any = Scripted(**methods)

        class ScriptedProtocol(ConversationProtocol):
            conversation = staticmethod(lambda: self.conversation)

        class ScriptedFactory(ConversationFactory):
            protocol = ScriptedProtocol

        self.factory = ScriptedFactory(framing=framing, clock=self.clock)
        context = DefaultOpenSSLContextFactory(self.path, self.path)
        self.remote = connect(TLSMemoryBIOFactory(context, False, self.factory, self.clock), kernel_bytes=0)
        self.addCleanup(self.remote.lose)
        peer = TLSPeer(self.remote, self.issuer)
        peer.shake_hands()
        return peer

    def read_all(self) -> None:
        """Let time pass and the client read, until nothing more comes."""
        for _ in range(10):
            self.clock.advance(0.01)
            self.remote.read()


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
