"""A client of greeting: sends names and receives greetings.

::

    converse("127.0.0.1:9999", GreetingClient([b"Michael", b"Tracy"]))
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sockproto.core.actions import CLOSE, Script, Wait, next_of
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.core.framing.expecting import Expecting
from sockproto.errors import OptionError


class Greetings(NamedTuple):
    """What a server said to a greeting client.

    Attributes:
        welcome: What it said first; None if the client did not wait for it.
        replies: Its reply to each name.
    """

    welcome: bytes | None
    replies: tuple[bytes, ...]


class GreetingClient(ClientConversation):
    """Sends names, each after the reply to the one before, and then ``exit``.

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
        """Take the welcome or a reply; return the next name."""
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
