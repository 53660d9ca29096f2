"""Echo: every byte comes back (RFC 862).

Works on bytes as they come: it has no messages, so ``max_message_bytes`` doesn't apply::

    endpoint.listen(EchoFactory())
"""

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import Conversation
from sockproto.core.framing.raw import Raw


class Echo(Conversation):
    """Returns every byte."""

    def received(self, message: bytes) -> bytes:
        """Return the same bytes."""
        return message


class EchoProtocol(ConversationProtocol):
    """Echo on a stream: after the peer's half-close it sends all unsent bytes, then closes."""

    conversation, framing = Echo, Raw


class EchoFactory(ConversationFactory):
    """Makes :class:`EchoProtocol` objects."""

    protocol = EchoProtocol


class EchoDatagramProtocol(ConversationDatagramProtocol):
    """Echo on datagrams: the same datagram comes back, 0 to 65,507 bytes, never cut."""

    conversation = Echo


DEFINITION = ProtocolDefinition("echo", "every byte comes back (RFC 862)", EchoFactory, EchoDatagramProtocol)
