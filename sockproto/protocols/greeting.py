"""Greeting: ``Welcome!``, then ``Hello, NAME!`` for each name, until ``exit``.

The socket tutorials' server. Their clients send a name without a newline and wait; programs and people
send lines. Framing ``auto`` accepts both; framing ``lines`` accepts only lines::

    endpoint.listen(GreetingFactory(welcome=b"Hi!", think_seconds=1))
"""

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import CLOSE, Actions, Script, Sleep
from sockproto.core.conversation import Conversation, Peer
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.text import seconds


class Greeting(Conversation):
    """Greets by name. Names are bytes and come back as they came.

    Args:
        welcome: What is said first.
        think_seconds: How long to think about each name.

    Raises:
        TypeError: The welcome is not bytes.
    """

    speaks_text = True

    def __init__(self, welcome: bytes = b"Welcome!", think_seconds: float = 0) -> None:
        if not isinstance(welcome, bytes):
            raise TypeError(f"welcome must be bytes, not {welcome!r}")
        self.welcome = welcome
        self.think_seconds = think_seconds

    def opened(self, peer: Peer) -> bytes:
        """Send the welcome."""
        return self.welcome

    def received(self, name: bytes) -> Actions:
        """Greet; ``exit`` closes without an answer; an empty name gets no answer."""
        if name == b"exit":
            return CLOSE
        if not name:
            return None
        greeting = b"Hello, " + name + b"!"
        return self._think(greeting) if self.think_seconds else greeting

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """Greet; one newline at the end is not part of the name, and comes back after the ``!``."""
        name = message.removesuffix(b"\n")
        if len(name) < len(message):
            name = name.removesuffix(b"\r")
        if not name:
            return None
        if name == b"exit":
            return CLOSE
        greeting = b"Hello, " + name + b"!" + message[len(name) :]
        return self._think(greeting) if self.think_seconds else greeting

    def _think(self, greeting: bytes) -> Script:
        yield Sleep(self.think_seconds)
        yield greeting

    def is_reply(self, datagram: bytes) -> bool:
        """Return whether the datagram has the form ``Hello, …!``."""
        return datagram.startswith(b"Hello, ") and datagram.rstrip(b"\r\n").endswith(b"!")


class GreetingProtocol(ConversationProtocol):
    """Greeting on a stream."""

    conversation, framing = Greeting, QuietLines


class GreetingFactory(ConversationFactory):
    """Makes :class:`GreetingProtocol` objects. Takes :class:`Greeting`'s arguments."""

    protocol = GreetingProtocol


class GreetingDatagramProtocol(ConversationDatagramProtocol):
    """Greeting on datagrams: one name each, no welcome."""

    conversation = Greeting


DEFINITION = ProtocolDefinition(
    "greeting",
    "Welcome!, then Hello, NAME! for each name, until exit",
    GreetingFactory,
    GreetingDatagramProtocol,
    framings={"auto": QuietLines, "lines": Lines},
    options=(ProtocolOption("think-seconds", seconds, "0", "how long to think about each name"),),
)
