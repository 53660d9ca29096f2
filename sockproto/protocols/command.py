r"""Command: ``/version``, ``/echo TEXT``, ``/help``; one line of text each.

The socket tutorials' telnet-style server. A line that doesn't begin with ``/`` gets no reply, an unknown
word gets an ``error:`` line; replies end in LF::

    endpoint.listen(CommandFactory())
"""

import re
from collections.abc import Callable

from sockproto.conversation import Conversation
from sockproto.datagram import ConversationDatagramProtocol
from sockproto.definition import ProtocolDefinition
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
