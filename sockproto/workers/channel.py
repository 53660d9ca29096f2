"""What a supervisor and its workers say to each other: JSON objects, each in a netstring, on two pipes.

::

    channel = Channel(tell)         # gives the messages that come
    channel.dataReceived(b'16:{"do": "drain"},')    # tell({"do": "drain"})
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.protocols.basic import NetstringReceiver

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Longer than what is told of a thousand connections; those who talk are our own processes."""

Message = Mapping[str, Any]


def encoded(message: Message) -> bytes:
    """Return a message as it is sent."""
    text = json.dumps(message).encode()
    return b"%d:%b," % (len(text), text)


class Channel(NetstringReceiver):
    """Takes messages apart.

    Args:
        told: Called with each.
        lost: Called when no more can come.
    """

    MAX_LENGTH = MAX_MESSAGE_BYTES

    def __init__(self, told: Callable[[Message], None], lost: Callable[[], None] = lambda: None) -> None:
        self._told = told
        self._lost = lost

    def stringReceived(self, string: bytes) -> None:
        """A message came."""
        self._told(json.loads(string))

    def connectionLost(self, reason: Any = None) -> None:
        """No more can come."""
        self._lost()

    def say(self, message: Message) -> None:
        """Send a message."""
        self.transport.write(encoded(message))  # type: ignore[union-attr]  # it is connected
