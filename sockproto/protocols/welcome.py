r"""Welcome: sends its text and closes.

The socket tutorials' one-shot server. The close is orderly, so that a client reads all of the text even
if it sent something first::

    endpoint.listen(WelcomeFactory("欢迎\n".encode()))
"""

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import OneShot
from sockproto.core.framing.raw import Discard
from sockproto.core.text import raw_bytes

MESSAGE = ProtocolOption(
    "message",
    raw_bytes,
    "Welcome! and CR LF",
    "the text, its bytes exactly as given: no backslash means anything, no newline is added",
)


class Welcome(OneShot):
    """Sends its text, exactly the bytes given, whatever the peer sends.

    Args:
        message: The text.

    Raises:
        TypeError: It is not bytes.
    """

    def __init__(self, message: bytes = b"Welcome!\r\n") -> None:
        if not isinstance(message, bytes):
            raise TypeError(f"message must be bytes, not {message!r}")
        self.message = message

    def say(self) -> bytes:
        """Return the text."""
        return self.message

    def is_reply(self, datagram: bytes) -> bool:
        """Return whether the datagram is the text itself."""
        return datagram == self.message


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
    "welcome",
    "says its text and closes",
    WelcomeFactory,
    WelcomeDatagramProtocol,
    options=(MESSAGE,),
)
