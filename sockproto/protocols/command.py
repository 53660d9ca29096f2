r"""Command: ``/version``, ``/echo TEXT``, ``/help``; one line of text each.

The socket tutorials' telnet-style server, declared as a ``CommandSet``, and what serves any other one. A line
that doesn't begin with ``/`` gets no reply, an unknown word gets an ``error:`` line; replies end in LF::

    endpoint.listen(CommandFactory())               # the tutorials' commands
    endpoint.listen(CommandFactory(Thermostat()))   # yours
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.commands import CommandSet, command
from sockproto.commands.answering import CommandConversation
from sockproto.core.framing.lines import Lines

LF_LINES = partial(Lines, newline=b"\n")


class Demo(CommandSet):
    """The tutorials' commands."""

    @command
    def version(self) -> str:
        """Return the version."""
        return "Demo version"

    @command(verbatim=True)
    def echo(self, *, text: bytes = b"") -> bytes:
        """Return back what follows the word /echo, verbatim."""
        return text


DEMO = Demo()


class Command(CommandConversation):
    """Does what a line says.

    Args:
        commands: The commands; the tutorials' if not given.
    """

    def __init__(self, commands: CommandSet = DEMO) -> None:
        super().__init__(commands)


class CommandProtocol(ConversationProtocol):
    """Commands on a stream: lines only. Takes :class:`Command`'s argument, and the carrier's.

    Args:
        commands: The commands; the tutorials' if not given.
        framing: Makes the framing; lines whose replies end as ``commands`` says if None.
        kwargs: The carrier's.
    """

    conversation = Command

    def __init__(
        self,
        commands: CommandSet = DEMO,
        *,
        framing: Callable[[int], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        newline = getattr(commands, "newline", None)  # of what is none, the conversation complains
        super().__init__(commands, framing=framing or partial(Lines, newline=newline), **kwargs)


class CommandFactory(ConversationFactory):
    """Makes :class:`CommandProtocol` objects, which share one ``CommandSet`` object."""

    protocol = CommandProtocol


class CommandDatagramProtocol(ConversationDatagramProtocol):
    """Commands on datagrams: one line each."""

    conversation = Command


def command_definition(
    name: str,
    description: str,
    commands: Callable[..., CommandSet],
    options: tuple[ProtocolOption, ...] = (),
) -> ProtocolDefinition:
    """Make the definition of a protocol whose commands are a ``CommandSet``; all listeners share one object.

    Args:
        name: What people type.
        description: One line, for help texts.
        commands: Makes the object, mostly its class; the options' values are its keyword arguments.
        options: The options that fit it.

    Returns:
        The definition.
    """
    return ProtocolDefinition(
        name,
        description,
        CommandFactory,
        CommandDatagramProtocol,
        options=options,
        prepare=lambda **values: {"commands": commands(**values)},
    )


DEFINITION = ProtocolDefinition(
    "command",
    "/version, /echo TEXT, /help: a text command a line",
    CommandFactory,
    CommandDatagramProtocol,
    framings={"lines": LF_LINES},
)
