r"""Command: ``/version``, ``/echo TEXT``, ``/help``; one line of text each.

The socket tutorials' telnet-style server, declared as a ``CommandSet``, and the classes that serve any other
``CommandSet``. A line that doesn't begin with ``/`` gets no reply, an unknown word gets an ``error:`` line;
replies end in LF::

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
        """Return what follows the word /echo, verbatim."""
        return text


DEMO = Demo()


class Command(CommandConversation):
    """Runs the command of each line.

    Args:
        commands: The commands; the tutorials' if not given.
    """

    def __init__(self, commands: CommandSet = DEMO) -> None:
        super().__init__(commands)


class CommandProtocol(ConversationProtocol):
    """Commands on a stream: lines only. Takes :class:`Command`'s argument, and the carrier's.

    Args:
        commands: The commands; the tutorials' if not given.
        framing: Called with the longest message in bytes, returns the framing; None: lines, with the newline
            of *commands*.
        kwargs: Keyword arguments of the carrier.
    """

    conversation = Command

    def __init__(
        self,
        commands: CommandSet = DEMO,
        *,
        framing: Callable[[int], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        newline = getattr(commands, "newline", None)  # what is no CommandSet is refused by the conversation
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
    """Return the definition of a protocol whose commands are a ``CommandSet``, one for all listeners.

    Args:
        name: The name that people type.
        description: One line, for help texts.
        commands: Called with the options' values as keyword arguments, returns the ``CommandSet``;
            usually its class.
        options: The protocol's own options.
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
