r"""Character generator: lines of characters without end (RFC 864).

Lines of 72 characters and CR LF, from a ring of the 95 printing characters of ASCII; each line begins one
character later: the pattern that the RFC shows. It sends as fast as the peer reads::

    endpoint.listen(ChargenFactory())
"""

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import Script
from sockproto.core.conversation import Conversation, Peer
from sockproto.core.framing.raw import Discard

RING = bytes(range(32, 127))
PATTERN = b"".join((RING + RING)[start : start + 72] + b"\r\n" for start in range(len(RING)))
"""The 95 lines of the pattern, which is then repeated."""

MAX_DATAGRAM = 512
"""The longest datagram, in characters (RFC 864)."""


class Chargen(Conversation):
    """Generates characters until the connection ends."""

    def opened(self, peer: Peer) -> Script:
        """Yield the pattern, for ever."""
        while True:
            yield PATTERN

    def datagram(self, message: bytes, peer: Peer) -> bytes:
        """Return as many characters as the request has, not more, so that it can't amplify an attack."""
        return PATTERN[: min(len(message), MAX_DATAGRAM)]

    def is_reply(self, datagram: bytes) -> bool:
        """Return whether the datagram is the beginning of the pattern."""
        return len(datagram) > 0 and PATTERN.startswith(datagram)


class ChargenProtocol(ConversationProtocol):
    """Character generator on a stream; what the peer sends is thrown away."""

    conversation, framing = Chargen, Discard


class ChargenFactory(ConversationFactory):
    """Makes :class:`ChargenProtocol` objects."""

    protocol = ChargenProtocol


class ChargenDatagramProtocol(ConversationDatagramProtocol):
    """Character generator on datagrams."""

    conversation = Chargen


DEFINITION = ProtocolDefinition(
    "chargen", "lines of characters without end (RFC 864)", ChargenFactory, ChargenDatagramProtocol
)
