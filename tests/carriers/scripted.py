"""A connection in memory whose conversation does what a test says."""

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.testing import Remote, Transport, assert_no_faults, connect


class Scripted(Conversation):
    """Does what the test says, and notes what happens to it."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.notes: list[Any] = []
        self.methods = methods

    def opened(self, peer: Peer) -> Any:
        return self.methods["opened"]() if "opened" in self.methods else None

    def received(self, message: bytes) -> Any:
        return self.methods["received"](message) if "received" in self.methods else b"<%b>" % message

    def ended(self) -> Any:
        self.notes.append("ended")
        return self.methods["ended"]() if "ended" in self.methods else None

    def closed(self, reason: CloseReason) -> None:
        self.notes.append(reason)


class CarrierTestCase(TestCase):
    """Has a connection whose conversation is scripted.

    Attributes:
        transport: What carries it, where the test doesn't say.
    """

    transport: type[Transport] = Transport

    def setUp(self) -> None:
        self.clock = Clock()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), [], "a timer was left behind"))

    def connect(
        self,
        framing: Callable[[int], Any] = Lines,
        limits: Limits | None = None,
        speaks_text: bool = True,
        transport: type[Transport] | None = None,
        **methods: Any,
    ) -> Remote:
        self.conversation: Any = Scripted(**methods)
        self.conversation.speaks_text = speaks_text

        class ScriptedProtocol(ConversationProtocol):
            conversation = staticmethod(lambda: self.conversation)

        self.protocol = ScriptedProtocol(framing=framing, limits=limits, clock=self.clock)
        self.remote = connect(self.protocol, kernel_bytes=0, transport=transport or self.transport)
        self.addCleanup(assert_no_faults, self.remote)
        self.addCleanup(self.remote.lose)
        return self.remote

    def receive(self, data: bytes) -> None:
        self.remote.send(data)

    @property
    def notes(self) -> list[Any]:
        self.remote.run()
        notes: list[Any] = self.conversation.notes
        return notes
