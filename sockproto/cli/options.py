"""The options that the commands share.

::

    @address_options
    def do_probe(address, **given): ...
"""

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.core import ParameterSource

from sockproto.core.text import EMPTY, MAX_COUNT, count, seconds
from sockproto.errors import OptionError
from sockproto.plain.deadline import LONGEST_SECONDS


class Seconds(click.ParamType[float]):
    """A number of seconds, 0 for no limit."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Make it."""
        try:
            made = value if isinstance(value, float) else seconds(str(value))
        except OptionError as error:
            self.fail(str(error), param, ctx)
        return min(made, LONGEST_SECONDS)


class Count(click.ParamType[int]):
    """A whole number.

    Args:
        least: The least it may be.
        most: The most.
    """

    name = "n"

    def __init__(self, least: int, most: int = MAX_COUNT) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Make it."""
        try:
            return count(str(value), self._least, self._most)
        except OptionError as error:
            self.fail(str(error), param, ctx)


class PossiblyEmpty(click.types.StringParamType):
    """A text that may be empty, because that means something; no other may, see ``FilledCommand``."""


class Word(click.Choice[str]):
    """One of several words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word."""
        if value == "":
            self.fail(EMPTY, param, ctx)
        return super().convert(value, param, ctx)


class FilledCommand(click.Command):
    """A command none of whose values may be empty, as that of an unset variable of a shell is.

    Those of the type ``PossiblyEmpty`` may.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the command line.

        Raises:
            BadParameter: A value is empty.
        """
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name or "")
            empty = "" in (value if isinstance(value, tuple) else (value,))
            if empty and not isinstance(parameter.type, PossiblyEmpty) and not ctx.resilient_parsing:
                raise click.BadParameter(EMPTY, ctx, parameter)
        return rest


class Group(click.Group):
    """The commands, each with its meaning in full, however narrow the terminal.

    Attributes:
        later: What makes a command that is only made when somebody asks for it, by its name: it takes long.
    """

    command_class = FilledCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.later: dict[str, Callable[[], click.Command]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in order."""
        return sorted({*self.commands, *self.later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None: there is none of that name."""
        if cmd_name in self.later:
            self.add_command(self.later.pop(cmd_name)(), cmd_name)
        return self.commands.get(cmd_name)

    def all_commands(self) -> dict[str, click.Command]:
        """Return all commands by their names, also those that are made later."""
        for name in tuple(self.later):
            self.get_command(click.Context(self), name)
        return {name: self.commands[name] for name in sorted(self.commands)}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            commands = self.all_commands().items()
            formatter.write_dl([(name, command.get_short_help_str(1_000)) for name, command in commands])


class Passing(click.Command):
    """A command that passes all it is given to another, which knows the options; its help is as the others'.

    Args:
        taken: Returns those options, for the help and for completion.
    """

    def __init__(self, *args: Any, taken: Callable[[], Iterable[click.Parameter]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taken = taken

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options and arguments."""
        return [*self._taken(), *super().get_params(ctx)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take all words as they are; only ask for help is heeded."""
        if {"-h", "--help"} & set(args) and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        ctx.params["words"] = tuple(args)
        return []


def sentence(text: str) -> str:
    """Return another's help text as all commands' are: with a capital letter and a full stop."""
    meaning, bracket, default = text.strip().partition("  [")
    return meaning[:1].upper() + meaning[1:].removesuffix(".") + "." * bool(meaning) + bracket + default


def refuse_unused(name: str, use: str) -> None:
    """Refuse an option that was given where it can't matter.

    Args:
        name: Of the parameter.
        use: What it is for, and what to do.

    Raises:
        BadParameter: It was given.
    """
    ctx = click.get_current_context()
    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        [parameter] = [each for each in ctx.command.params if each.name == name]
        raise click.BadParameter(f"has no effect here, it is {use}", ctx, parameter)


def speaks_tls(given: dict[str, Any]) -> bool:
    """Return whether the options ask for TLS.

    Raises:
        OptionError: There is a key without its certificate.
    """
    if given["key"] and not given["cert"]:
        raise OptionError("--key without --cert: whose key is it?")
    return any(given[name] for name in ("tls", "cacert", "cert", "insecure"))


def address_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whom to call and how to show it."""
    for option in reversed(
        [
            click.option("-u", "--udp", is_flag=True, help="Send datagrams."),
            click.option("-U", "--unix", is_flag=True, help="ADDRESS is the path of a UNIX socket."),
            click.option("--tls", is_flag=True, help="Speak TLS, and check the certificate."),
            click.option(
                "--cacert", type=click.Path(), metavar="FILE", help="TLS, trusting these authorities (PEM)."
            ),
            click.option(
                "-E",
                "--cert",
                type=click.Path(),
                metavar="FILE",
                help="TLS, showing this certificate (PEM, with its key).",
            ),
            click.option(
                "--key", type=click.Path(), metavar="FILE", help="The key of --cert, if it is elsewhere."
            ),
            click.option("-k", "--insecure", is_flag=True, help="TLS, whatever the certificate."),
            click.option(
                "--connect-timeout",
                type=Seconds(),
                default=10.0,
                show_default=True,
                help="How long connecting may take; 0: no limit.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs."),
        ]
    ):
        function = option(function)
    return function


def call_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a client's call."""
    for option in reversed(
        [
            click.option(
                "--reply-timeout",
                type=Seconds(),
                default=30.0,
                show_default=True,
                help="How long the server may be silent when it is its turn; 0: no limit.",
            ),
            click.option(
                "--tries",
                type=Count(1, 10),
                default=3,
                show_default=True,
                help="How often a datagram is sent, 1 to 10 times, 1, 2, 4 … seconds apart.",
            ),
            click.option(
                "--hex", is_flag=True, help="Show on standard error what crosses the wire, with times."
            ),
        ]
    ):
        function = option(function)
    return address_options(function)
