"""The drain: what is begun is finished, and nothing new is taken."""

from typing import Any

from twisted.internet.task import Clock

from sockproto.core.actions import Sleep
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import QuietLines
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import connect
from tests.carriers.scripted import CarrierTestCase
from tests.endpoints import KernelTransport


class DrainTests(CarrierTestCase):
    def test_an_idle_connection_closes_at_once(self) -> None:
        remote = self.connect()
        self.receive(b"a\nincomplete")
        remote.read()
        self.protocol.drain()
        self.assertEqual((remote.transport.disconnecting, remote.transport.half_closing), (True, False))
        remote.read()
        self.assertEqual(self.notes, [CloseReason.DRAINED])

    def test_unless_there_is_something_unread_that_a_reset_would_follow(self) -> None:
        remote = self.connect(transport=KernelTransport)
        transport: Any = remote.transport
        transport.kernel_peer.send(b"still")
        self.protocol.drain()
        self.assertTrue(remote.transport.half_closing)

    def test_what_has_come_whole_is_answered(self) -> None:
        remote = self.connect(received=lambda message: (yield from (Sleep(1), b"<%b>" % message)))
        self.receive(b"a\nb\nincomplete")
        self.protocol.drain()
        self.protocol.dataReceived(b" line\nnew\n")
        for _ in range(3):
            self.clock.advance(1)
        self.assertEqual(remote.read(), b"<a>\n<b>\n")
        self.assertEqual(remote.ended, "orderly")  # busy when it began: its last words are seen out
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.DRAINED])

    def test_messages_behind_the_opening_are_answered(self) -> None:
        remote = self.connect(opened=lambda: (yield from (Sleep(1), b"welcome")))
        self.receive(b"a\nb\n")
        self.protocol.drain()
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"welcome\r\n<a>\n<b>\n")
        remote.half_close()

    def test_an_incomplete_auto_message_is_cut(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Michael")
        self.protocol.drain()
        self.assertEqual(remote.read(), b"<Michael>")
        remote.half_close()

    def test_an_endless_generator_ends_at_once(self) -> None:
        clock = Clock()
        factory = ChargenFactory(clock=clock)
        remote = connect(factory.buildProtocol(None))
        drained = factory.drain()
        remote.read()
        remote.read()
        self.assertTrue(remote.lost)
        self.successResultOf(drained)

    def test_behind_a_peer_that_does_not_read(self) -> None:
        remote = self.connect(received=lambda message: b"x" * 70_000)
        self.receive(b"1\n2\n3\n")
        self.protocol.drain()
        for _ in range(3):
            remote.read()
        self.assertEqual(len(remote.received), 3 * 70_001)
        remote.half_close()
        remote.read()
        self.assertEqual(self.notes, [CloseReason.DRAINED])

    def test_the_factory_knows_when_all_are_gone_and_can_cut_them(self) -> None:
        clock = Clock()
        factory = GreetingFactory(think_seconds=100, clock=clock)
        remotes = [connect(factory) for _ in range(3)]
        for remote in remotes[1:]:
            remote.protocol.dataReceived(b"x\n")
        drained = factory.drain()
        remotes[0].read()
        self.assertNoResult(drained)
        self.assertEqual(factory.abort(), 2)
        self.assertEqual([remote.ended for remote in remotes[1:]], ["reset", "reset"])
        self.successResultOf(drained)
        self.assertEqual(factory.statistics.closed, {CloseReason.DRAINED: 1, CloseReason.DRAIN_ABORTED: 2})
        self.assertEqual(clock.getDelayedCalls(), [])
        self.successResultOf(GreetingFactory(clock=clock).drain())

    def test_asked_twice(self) -> None:
        factory = GreetingFactory(think_seconds=1, clock=(clock := Clock()))
        remote = connect(factory.buildProtocol(None))
        remote.protocol.dataReceived(b"x\n")
        drained = [factory.drain(), factory.drain()]
        clock.advance(1)
        remote.read()
        remote.half_close()
        for each in drained:
            self.successResultOf(each)
