"""The options that the commands share.

::

    @address_options
    def do_probe(address, **given): ...
"""

from collections.abc import Callable, Iterable
from threading import TIMEOUT_MAX
from typing import Any

import click
from click.shell_completion import CompletionItem

from sockproto.core.text import seconds
from sockproto.errors import OptionError


class Seconds(click.ParamType[float]):
    """A number of seconds, 0 for no limit."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Make it."""
        try:
            made = value if isinstance(value, float) else seconds(str(value))
        except OptionError as error:
            self.fail(str(error), param, ctx)
        return min(made, TIMEOUT_MAX)


class Passing(click.Command):
    """A command that passes all it is given to another, which knows the options.

    Args:
        taken: Gives the names of those options.
    """

    def __init__(self, *args: Any, taken: Callable[[], Iterable[str]], **kwargs: Any) -> None:
        kwargs["context_settings"] = {"ignore_unknown_options": True, "allow_extra_args": True}
        kwargs["add_help_option"] = False
        super().__init__(*args, **kwargs)
        self._taken = taken

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Give the options that begin so."""
        return [CompletionItem(option) for option in sorted(self._taken()) if option.startswith(incomplete)]


def address_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whom to call and how to show it."""
    for option in reversed(
        [
            click.option("-u", "--udp", is_flag=True, help="Send datagrams."),
            click.option("-U", "--unix", is_flag=True, help="ADDRESS is the path of a UNIX socket."),
            click.option("--tls", is_flag=True, help="Speak TLS, and check the certificate."),
            click.option(
                "--cacert", type=click.Path(), metavar="FILE", help="Trust these authorities (PEM)."
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
                type=click.IntRange(1, 10),
                default=3,
                show_default=True,
                help="How often a datagram is sent, 1, 2, 4 … seconds apart.",
            ),
            click.option(
                "--hex", is_flag=True, help="Show on standard error what crosses the wire, with times."
            ),
        ]
    ):
        function = option(function)
    return address_options(function)
