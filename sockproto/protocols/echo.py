"""Echo: every byte comes back (RFC 862).

Works on bytes as they come: it has no messages, so no limit of theirs applies::

    endpoint.listen(EchoFactory())
"""

from collections.abc import Callable, Iterable

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.carriers.stream import ConversationFactory, ConversationProtocol
from sockproto.core.actions import CLOSE, Script, Wait, next_of
from sockproto.core.conversation import ClientConversation, Conversation, Peer
from sockproto.core.framing.raw import Raw
from sockproto.errors import WrongReply


class Echo(Conversation):
    """Gives back what comes."""

    def received(self, message: bytes) -> bytes:
        """Give the same bytes."""
        return message


class EchoClient(ClientConversation):
    """Sends datagrams, one after the other's reply, each of which must be the same again.

    Args:
        datagrams: What to send: bytes, or an ``Input`` for bytes or None.
        heard: Called with each reply as it comes; then they are not kept for the result.
    """

    def __init__(
        self, datagrams: Iterable[bytes | Wait], heard: Callable[[bytes], object] | None = None
    ) -> None:
        self._datagrams = iter(datagrams)
        self._said: list[bytes] = []
        self._heard = heard or self._said.append

    def opened(self, peer: Peer) -> Script:
        """Send the first."""
        return self._next()

    def received(self, reply: bytes) -> Script:
        """Compare; send the next."""
        if reply != self._sent:
            raise WrongReply(f"{len(reply)} bytes came back that differ from the {len(self._sent)} sent")
        self._heard(reply)
        return self._next()

    def _next(self) -> Script:
        datagram = yield from next_of(self._datagrams)
        if datagram is None:
            self.done, self.result = True, tuple(self._said)
            yield CLOSE
        else:
            self._sent = datagram
            yield datagram


class EchoProtocol(ConversationProtocol):
    """Echo on a stream: after the peer's half-close all that is unsent is sent, then it closes."""

    conversation, framing = Echo, Raw


class EchoFactory(ConversationFactory):
    """Makes :class:`EchoProtocol` objects."""

    protocol = EchoProtocol


class EchoDatagramProtocol(ConversationDatagramProtocol):
    """Echo on datagrams: the same datagram comes back, 0 to 65,507 bytes, never cut."""

    conversation = Echo


DEFINITION = ProtocolDefinition(
    name="echo",
    description="every byte comes back (RFC 862)",
    factory=EchoFactory,
    datagram_protocol=EchoDatagramProtocol,
)
