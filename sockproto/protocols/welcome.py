r"""Welcome: says its text and closes.

The socket tutorials' one-shot server. The close is orderly, so that a client reads all of the text even
if it sent something first::

    endpoint.listen(WelcomeFactory("欢迎\n".encode()))
"""

from collections.abc import Callable

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.stream import ConversationFactory, ConversationProtocol
from sockproto.core.actions import CLOSE, End
from sockproto.core.conversation import ClientConversation, OneShot, Peer
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.text import raw_bytes
from sockproto.errors import TooLarge


class Welcome(OneShot):
    """Says its text, its bytes exactly as given, whatever comes.

    Args:
        message: The text.
    """

    def __init__(self, message: bytes = b"Welcome!\r\n") -> None:
        if not isinstance(message, bytes):
            raise TypeError(f"message must be bytes, not {message!r}")
        self.message = message

    def say(self) -> bytes:
        """Give the text."""
        return self.message

    def is_reply(self, datagram: bytes) -> bool:
        """The text itself is."""
        return datagram == self.message


class WelcomeClient(ClientConversation):
    """Reads what a server says until it ends the stream, as ``qotd``, ``daytime`` and ``time`` do too.

    Args:
        request: The datagram that asks for the text, which then is the one that comes back; None on streams.
        heard: Called with what comes, as it comes; then it is not kept for the result.
        max_bytes: The most that is kept.
    """

    framing = Raw

    def __init__(
        self,
        request: bytes | None = None,
        heard: Callable[[bytes], object] | None = None,
        max_bytes: int = 1 << 20,
    ) -> None:
        self._request = request
        self._heard = heard or self._keep
        self._max_bytes = max_bytes
        self.result = b""

    def opened(self, peer: Peer) -> bytes | None:
        """Ask, where that is needed."""
        return self._request

    def received(self, text: bytes) -> End | None:
        """Take more of the text, or all of it."""
        self._heard(text)
        self.done = self._request is not None
        return CLOSE if self.done else None

    def ended(self) -> None:
        """The text is whole."""
        self.done = True

    def _keep(self, text: bytes) -> None:
        if len(self.result) + len(text) > self._max_bytes:
            raise TooLarge(f"more than {self._max_bytes} bytes came")
        self.result += text


class WelcomeProtocol(ConversationProtocol):
    """Welcome on a stream."""

    conversation, framing = Welcome, Discard


class WelcomeFactory(ConversationFactory):
    """Makes :class:`WelcomeProtocol` objects. Takes :class:`Welcome`'s arguments."""

    protocol = WelcomeProtocol


class WelcomeDatagramProtocol(ConversationDatagramProtocol):
    """Welcome on datagrams: the text for each."""

    conversation = Welcome


DEFINITION = ProtocolDefinition(
    name="welcome",
    description="says its text and closes",
    factory=WelcomeFactory,
    datagram_protocol=WelcomeDatagramProtocol,
    options=(ProtocolOption("message", raw_bytes, r"Welcome!\r\n", "the text"),),
)
