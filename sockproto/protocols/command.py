r"""Command: ``/version``, ``/echo TEXT``, ``/help``; one line of text each.

The socket tutorials' telnet-style server. A line that doesn't begin with ``/`` gets no reply, an unknown
word gets an ``error:`` line; replies end in LF::

    endpoint.listen(CommandFactory())
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sockproto.conversation import (
    HALF_CLOSE,
    ClientConversation,
    Conversation,
    Peer,
    Script,
    Wait,
    next_of,
)
from sockproto.datagram import ConversationDatagramProtocol
from sockproto.definition import ProtocolDefinition
from sockproto.errors import TooLarge
from sockproto.framing import Lines
from sockproto.stream import ConversationFactory, ConversationProtocol

UNKNOWN = b"error: unknown command, see /help"


def version(rest: bytes) -> bytes:
    """/version: gives the version."""
    return b"Demo version"


def echo(rest: bytes) -> bytes:
    """/echo TEXT: gives back what follows the word /echo."""
    return rest


def help(rest: bytes) -> bytes:
    """/help [NAME]: lists the commands, or explains one."""
    name = rest.strip().removeprefix(b"/")
    if not name:
        return b" ".join(b"/" + word for word in sorted(COMMANDS))
    command = COMMANDS.get(name)
    return (command.__doc__ or "").encode() if command else UNKNOWN


COMMANDS: dict[bytes, Callable[[bytes], bytes]] = {
    b"echo": echo,
    b"help": help,
    b"version": version,
}
"""The commands: each takes what follows its word and gives one line; its docstring is its help."""


class Command(Conversation):
    """Does what a line says."""

    speaks_text = True

    def received(self, line: bytes) -> bytes | None:
        """Answer a line with a line, or nothing if it doesn't begin with ``/``."""
        match = re.match(rb"/(\S*)(.*)", line, re.DOTALL)
        if match is None:
            return None
        command = COMMANDS.get(match[1])
        return command(match[2]) if command else UNKNOWN

    def datagram(self, message: bytes) -> bytes | None:
        """Answer a datagram, which is one line, as on a stream."""
        line = message.removesuffix(b"\n").rstrip(b"\r")
        reply = self.received(line)
        return None if reply is None else reply + b"\n"

    def is_reply(self, datagram: bytes) -> bool:
        """An ``error:`` line is."""
        return datagram.startswith(b"error:")


class LFLines(Lines):
    """Lines whose replies end in LF, whatever ended the line.

    Args:
        max_message_bytes: The longest line, terminator not counted; 0 means no limit.
    """

    def __init__(self, max_message_bytes: int = 65_536) -> None:
        super().__init__(max_message_bytes, newline=b"\n")


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

    A line that begins with ``/`` is replied to with a line; others get no reply.

    Args:
        lines: The lines: bytes, or an ``Input`` for bytes or None.
        heard: Called with each line that comes; then they are not kept for the result.
        max_bytes: The most that is kept of the lines that come besides the replies.
    """

    framing = LFLines

    def __init__(
        self,
        lines: Iterable[bytes | Wait],
        heard: Callable[[bytes], object] | None = None,
        max_bytes: int = 1 << 20,
    ) -> None:
        self._lines = iter(lines)
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
            self._due = line.startswith(b"/")
            if self._heard is None:
                self._replies.append(None)
            yield line
            if self._due:
                return
        self._asked = True
        yield HALF_CLOSE


class CommandProtocol(ConversationProtocol):
    """Command on a stream: lines only."""

    conversation, framing = Command, LFLines


class CommandFactory(ConversationFactory):
    """Makes :class:`CommandProtocol` objects."""

    protocol = CommandProtocol


class CommandDatagramProtocol(ConversationDatagramProtocol):
    """Command on datagrams: one line each."""

    conversation = Command


DEFINITION = ProtocolDefinition(
    name="command",
    description="/version, /echo TEXT, /help: a text command a line",
    factory=CommandFactory,
    datagram_protocol=CommandDatagramProtocol,
    framings={"lines": LFLines},
)
