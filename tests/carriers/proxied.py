"""Connections in memory that come through a proxy."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import Transport, assert_no_faults, connect
from tests.endpoints import TLSTransport


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
