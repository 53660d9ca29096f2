"""Greeting: ``Welcome!``, then ``Hello, NAME!`` for each name, until ``exit``.

The socket tutorials' server. Their clients send a name without a newline and wait; programs and people
send lines. Both are understood (framing ``auto``); ``lines`` is for lines only::

    endpoint.listen(GreetingFactory(welcome=b"Hi!", think_seconds=1))
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.stream import ConversationFactory, ConversationProtocol
from sockproto.core.actions import CLOSE, Actions, Script, Sleep, Wait, next_of
from sockproto.core.conversation import ClientConversation, Conversation, Peer
from sockproto.core.framing.expecting import Expecting
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.text import seconds
from sockproto.errors import OptionError


class Greeting(Conversation):
    """Greets by name. Names are bytes and come back as they came.

    Args:
        welcome: What is said first.
        think_seconds: How long to think about each name.
    """

    speaks_text = True

    def __init__(self, welcome: bytes = b"Welcome!", think_seconds: float = 0) -> None:
        if not isinstance(welcome, bytes):
            raise TypeError(f"welcome must be bytes, not {welcome!r}")
        self.welcome = welcome
        self.think_seconds = think_seconds

    def opened(self, peer: Peer) -> bytes:
        """Say welcome."""
        return self.welcome

    def received(self, name: bytes) -> Actions:
        """Greet; ``exit`` closes, unanswered; no name, no answer."""
        if name == b"exit":
            return CLOSE
        if not name:
            return None
        greeting = b"Hello, " + name + b"!"
        return self._think(greeting) if self.think_seconds else greeting

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """Greet; one newline at the end is not part of the name, and comes back after it."""
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
        """``Hello, …!`` is."""
        return datagram.startswith(b"Hello, ") and datagram.rstrip(b"\r\n").endswith(b"!")


class Greetings(NamedTuple):
    """What a server said to a greeting client.

    Attributes:
        welcome: What it said first, None where it was not waited for.
        replies: Its reply to each name.
    """

    welcome: bytes | None
    replies: tuple[bytes, ...]


class GreetingClient(ClientConversation):
    """Gives names, one after the other's reply, and says ``exit``.

    It knows the reply that it expects; another one is what comes until the server falls silent.

    Args:
        names: The names: bytes, or an ``Input`` for bytes or None.
        welcome: What the server says first, None if it says nothing; in other words it is understood too.
        newline: What ends a message; nothing, as in the tutorials, or a newline for a server of lines.
        farewell: What is said last.
        heard: Called with the welcome and each reply as it comes; then they are not kept for the result.
    """

    def __init__(
        self,
        names: Iterable[bytes | Wait],
        welcome: bytes | None = b"Welcome!",
        newline: bytes = b"",
        farewell: bytes = b"exit",
        heard: Callable[[bytes], object] | None = None,
    ) -> None:
        self._names = iter(names)
        self._welcome = welcome
        self._newline, self._farewell = newline, farewell
        self._heard = heard or self._keep
        self._said: list[bytes] = []
        self._welcomed = welcome is None
        self._replies = Expecting()

    @staticmethod
    def check(name: bytes) -> None:
        """Refuse what gets no reply.

        Raises:
            OptionError: *name* is no name.
        """
        if name in (b"", b"exit") or b"\n" in name:
            raise OptionError(f"{name!r} is no name: it gets no reply")

    def framing(self, max_message_bytes: int) -> Expecting:
        """Make the framing, which is told what to expect."""
        self._replies = Expecting(max_message_bytes)
        self._replies.expect(self._welcome or b"")
        return self._replies

    def opened(self, peer: Peer) -> Script | None:
        """Wait for the welcome, or begin."""
        return self._next() if self._welcomed else None

    def received(self, reply: bytes) -> Script | None:
        """Take the welcome or a reply; give the next name."""
        reply = reply.strip(b"\r\n")
        if not reply:  # the newline of the message before
            return None
        self._welcomed = True
        self._heard(reply)
        return self._next()

    def _keep(self, reply: bytes) -> None:
        self._said.append(reply)

    def _next(self) -> Script:
        name = yield from next_of(self._names)
        if name is not None:
            self.check(name)
            self._replies.expect(b"Hello, %b!" % name)
            yield name + self._newline
            return
        said = self._said[:]
        welcome = said.pop(0) if said and self._welcome is not None else None
        self.done, self.result = True, Greetings(welcome, tuple(said))
        if self._farewell:
            yield self._farewell + self._newline
        yield CLOSE


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
    name="greeting",
    description="Welcome!, then Hello, NAME! for each name, until exit",
    factory=GreetingFactory,
    datagram_protocol=GreetingDatagramProtocol,
    framings={"auto": QuietLines, "lines": Lines},
    options=(ProtocolOption("think-seconds", seconds, "0", "how long to think about each name"),),
)
