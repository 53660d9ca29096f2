r"""Command: ``/version``, ``/echo TEXT``, ``/help``; one line of text each.

The socket tutorials' telnet-style server, declared as a ``CommandSet``, and the classes that serve any other
``CommandSet``. A line that doesn't begin with ``/`` gets no reply, an unknown word gets an ``error:`` line;
replies end in LF::

    endpoint.listen(CommandFactory())               # the tutorials' commands
    endpoint.listen(CommandFactory(Thermostat()))   # yours
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.commands import CommandSet, command
from sockproto.commands.answering import CommandConversation
from sockproto.commands.caller import end_of
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


def name_of(commands: CommandSet) -> str:
    """Return what the log calls the protocol of a set: its class's name in lower case."""
    return "command" if commands is DEMO else type(commands).__name__.lower()


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
        conversation = self.session.conversation
        if isinstance(conversation, CommandConversation):
            conversation.end_connection = end_of(self)


class CommandFactory(ConversationFactory):
    """Makes :class:`CommandProtocol` objects, which share one ``CommandSet`` object.

    Args:
        commands: The commands; the tutorials' if not given. Log and metrics call the protocol as their class.
        kwargs: The carrier's.
    """

    protocol = CommandProtocol

    def __init__(self, commands: CommandSet = DEMO, **kwargs: Any) -> None:
        super().__init__(commands, **kwargs)
        self.name = self.name or name_of(commands)


class CommandDatagramProtocol(ConversationDatagramProtocol):
    """Commands on datagrams: one line each.

    Args:
        commands: The commands; the tutorials' if not given. The log calls the protocol as their class.
        kwargs: The carrier's.
    """

    conversation = Command

    def __init__(self, commands: CommandSet = DEMO, **kwargs: Any) -> None:
        super().__init__(commands, **kwargs)
        self.name = self.name or name_of(commands)


def command_definition(
    name: str,
    description: str,
    commands: Callable[..., CommandSet],
    options: tuple[ProtocolOption, ...] = (),
    framings: Mapping[str, Callable[[int], Any]] = MappingProxyType({}),
) -> ProtocolDefinition:
    """Return the definition of a protocol whose commands are a ``CommandSet``, one for all listeners.

    Args:
        name: The name that people type.
        description: One line, for help texts.
        commands: Called with the options' values as keyword arguments, returns the ``CommandSet``;
            usually its class.
        options: The protocol's own options.
        framings: What ``--framing`` may say, with a call that makes the framing, given the longest message in
            bytes; the first is the default. If empty: lines whose replies end as the set says.

    Returns:
        The definition.
    """
    return ProtocolDefinition(
        name,
        description,
        CommandFactory,
        CommandDatagramProtocol,
        options=options,
        framings=dict(framings),
        prepare=lambda **values: {"commands": commands(**values)},
    )


DEFINITION = ProtocolDefinition(
    "command",
    "/version, /echo TEXT, /help: a text command a line",
    CommandFactory,
    CommandDatagramProtocol,
    framings={"lines": LF_LINES},
)
