"""A client of command: sends lines and takes replies.

::

    converse("127.0.0.1:9999", CommandClient([b"/version", b"/help"]))
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sockproto.core.actions import HALF_CLOSE, Script, Wait, next_of
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.errors import TooLarge
from sockproto.protocols.command import LF_LINES


class Replies(NamedTuple):
    """What a server said to a command client.

    Attributes:
        replies: Its reply to each line, None where none was due.
        more: The lines that came besides.
    """

    replies: tuple[bytes | None, ...]
    more: tuple[bytes, ...]


class CommandClient(ClientConversation):
    """Sends lines, the next one when the reply to the last has come, then ends its half of the stream.

    A line that begins with the prefix is replied to with a line; others, and empty ones, get no reply.

    Args:
        lines: The lines: bytes, or an ``Input`` for bytes or None.
        heard: Called with each line that comes; then they are not kept for the result.
        max_bytes: The most that is kept of the lines that come besides the replies.
        prefix: What stands before every command; empty: nothing.
    """

    framing = LF_LINES

    def __init__(
        self,
        lines: Iterable[bytes | Wait],
        heard: Callable[[bytes], object] | None = None,
        max_bytes: int = 1 << 20,
        prefix: bytes = b"/",
    ) -> None:
        self._lines = iter(lines)
        self._prefix = prefix
        self._heard = heard
        self._max_bytes = self._room = max_bytes
        self._due = self._asked = False
        self._replies: list[bytes | None] = []
        self._more: list[bytes] = []

    @property
    def awaiting(self) -> bool:
        """Whether a reply is due, or the end."""
        return self._due or self._asked

    def opened(self, peer: Peer) -> Script:
        """Send the first line."""
        return self._next()

    def received(self, reply: bytes) -> Script | None:
        """Take a line; go on if it was waited for."""
        reply = reply.removesuffix(b"\n").removesuffix(b"\r")  # as a datagram has it
        if self._heard is not None:
            self._heard(reply)
        elif self._due:
            self._replies[-1] = reply
        else:
            self._room -= len(reply) + 1
            if self._room < 0:
                raise TooLarge(f"more than {self._max_bytes} bytes came that nothing had asked for")
            self._more.append(reply)
        if not self._due:
            return None
        self._due = False
        return self._next()

    def ended(self) -> None:
        """The server has said all; was anything left to ask?"""
        self.done = self._asked and not self._due
        self.result = Replies(tuple(self._replies), tuple(self._more))

    def _next(self) -> Script:
        while (line := (yield from next_of(self._lines))) is not None:
            self._due = bool(line) and line.startswith(self._prefix)
            if self._heard is None:
                self._replies.append(None)
            yield line
            if self._due:
                return
        self._asked = True
        yield HALF_CLOSE
