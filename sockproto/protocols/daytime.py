r"""Daytime: sends the date and time as text, then closes (RFC 867).

The 26 bytes of ``ctime``, local time, with CR LF (``Thu Jan  1 00:00:00 1970\r\n``), like 4.4BSD's inetd and
all its successors; the RFC doesn't fix the form::

    endpoint.listen(DaytimeFactory())
"""

import time
from collections.abc import Callable

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import OneShot
from sockproto.core.framing.raw import Discard


class Daytime(OneShot):
    """Sends the time as text.

    Args:
        now: Returns the time, in seconds since 1970 (UTC).
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now

    def say(self) -> bytes:
        """Return the time."""
        return time.ctime(self.now()).encode("ascii") + b"\r\n"

    def is_reply(self, datagram: bytes) -> bool:
        """Return whether the datagram has the length and the colons of an answer."""
        return len(datagram) == 26 and datagram[13:14] == datagram[16:17] == b":"


class DaytimeProtocol(ConversationProtocol):
    """Daytime on a stream."""

    conversation, framing = Daytime, Discard


class DaytimeFactory(ConversationFactory):
    """Makes :class:`DaytimeProtocol` objects. Takes :class:`Daytime`'s arguments."""

    protocol = DaytimeProtocol


class DaytimeDatagramProtocol(ConversationDatagramProtocol):
    """Daytime on datagrams: the time for each."""

    conversation = Daytime


DEFINITION = ProtocolDefinition(
    "daytime", "the date and time as text, then closes (RFC 867)", DaytimeFactory, DaytimeDatagramProtocol
)
