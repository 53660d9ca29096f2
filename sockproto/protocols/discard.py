"""Discard: throws away whatever comes (RFC 863).

::

    endpoint.listen(DiscardFactory())
"""

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import Conversation
from sockproto.core.framing.raw import Discard


class DiscardProtocol(ConversationProtocol):
    """Discard on a stream: sends nothing, and closes when the peer has closed."""

    conversation, framing = Conversation, Discard


class DiscardFactory(ConversationFactory):
    """Makes :class:`DiscardProtocol` objects."""

    protocol = DiscardProtocol


class DiscardDatagramProtocol(ConversationDatagramProtocol):
    """Discard on datagrams: none is answered."""

    conversation = Conversation


DEFINITION = ProtocolDefinition(
    "discard", "throws away whatever comes (RFC 863)", DiscardFactory, DiscardDatagramProtocol
)
