"""What a supervisor and its workers say to each other: JSON objects, each in a netstring, on two pipes.

::

    channel = Channel(tell)         # calls tell with each message that comes
    channel.dataReceived(b'16:{"do": "drain"},')    # tell({"do": "drain"})
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.protocols.basic import NetstringReceiver
from zope.interface import implementer

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Longer than what is told of a thousand connections; those who talk are our own processes."""

Message = Mapping[str, Any]


def encoded(message: Message) -> bytes:
    """Return a message as it is sent."""
    text = json.dumps(message).encode()
    return b"%d:%b," % (len(text), text)


@implementer(IPushProducer)
class Channel(NetstringReceiver):
    """Takes messages apart.

    Args:
        told: Called with each.
        lost: Called when no more can come.

    Attributes:
        full: Whether what was said waits, because nobody reads it: what can be said later should be.
    """

    MAX_LENGTH = MAX_MESSAGE_BYTES

    def __init__(self, told: Callable[[Message], None], lost: Callable[[], None] = lambda: None) -> None:
        self._told = told
        self._lost = lost
        self.full = False

    def connectionMade(self) -> None:
        """Have the transport tell when nobody reads what was said."""
        if IConsumer.providedBy(self.transport):
            self.transport.registerProducer(self, True)

    def pauseProducing(self) -> None:
        """More waits to be read than the transport likes to keep (64 KiB)."""
        self.full = True

    def resumeProducing(self) -> None:
        """All is written."""
        self.full = False

    def stopProducing(self) -> None:
        """Nobody will read."""
        self.full = True

    def stringReceived(self, string: bytes) -> None:
        """A message came."""
        self._told(json.loads(string))

    def connectionLost(self, reason: Any = None) -> None:
        """No more can come."""
        self._lost()

    def say(self, message: Message) -> None:
        """Send a message."""
        self.transport.write(encoded(message))  # type: ignore[union-attr]  # it is connected

    def end(self) -> None:
        """Say no more, once all that was said is written."""
        self.transport.unregisterProducer()  # type: ignore[union-attr]  # or the transport never closes
        self.transport.loseConnection()  # type: ignore[union-attr]  # it is connected
