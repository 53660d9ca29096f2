"""Time: sends the seconds since 1900 as four bytes, then closes (RFC 868).

Most significant byte first. The 32 bits overflow in 2036 and begin again at 0, as in NTP
(RFC 4330, section 3)::

    endpoint.listen(TimeFactory())
"""

import time
from collections.abc import Callable

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import OneShot
from sockproto.core.framing.raw import Discard

SECONDS_1900_TO_1970 = 2_208_988_800
"""The value for 00:00 of 1 January 1970, from the RFC."""


class Time(OneShot):
    """Sends the time as a number.

    Args:
        now: Returns the time, in seconds since 1970 (UTC).
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now

    def say(self) -> bytes:
        """Return the time."""
        return ((int(self.now()) + SECONDS_1900_TO_1970) % 2**32).to_bytes(4, "big")

    def is_reply(self, datagram: bytes) -> bool:
        """Return whether the datagram has four bytes; a request is empty."""
        return len(datagram) == 4


class TimeProtocol(ConversationProtocol):
    """Time on a stream."""

    conversation, framing = Time, Discard


class TimeFactory(ConversationFactory):
    """Makes :class:`TimeProtocol` objects. Takes :class:`Time`'s arguments."""

    protocol = TimeProtocol


class TimeDatagramProtocol(ConversationDatagramProtocol):
    """Time on datagrams: the time for each."""

    conversation = Time


DEFINITION = ProtocolDefinition(
    "time", "the seconds since 1900 as four bytes, then closes (RFC 868)", TimeFactory, TimeDatagramProtocol
)
