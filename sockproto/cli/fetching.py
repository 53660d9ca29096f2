"""``sockproto fetch``: the command of ``sockproto.rawhttp``, which has all its options.

::

    fetch(["-o", "page.html", "http://127.0.0.1:8080/"])    # returns the exit status
"""

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

EXAMPLE = "sockproto fetch -o page.html http://127.0.0.1:8080/"


def fetch(arguments: Sequence[str]) -> int:
    """Run it; return its exit status."""
    from sockproto.rawhttp import main

    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # no part of a file is left behind
    try:
        return main(list(arguments), prog="sockproto fetch", epilog=f"Example:  {EXAMPLE}")
    except KeyboardInterrupt:  # before or after its own work
        return 130


def fetch_options() -> "list[click.Parameter]":
    """Return its options and arguments, for the help of all commands."""
    import click

    from sockproto.cli.options import sentence
    from sockproto.rawhttp.arguments import actions

    return [
        click.Option(
            [*action.option_strings, action.dest],
            metavar=action.metavar,
            help=sentence((action.help or "").replace("%%", "%")),
            is_flag=action.nargs == 0,
            type=click.Path() if action.metavar == "FILE" else None,
        )
        if action.option_strings
        else click.Argument([action.dest], metavar=action.metavar)
        for action in actions()
        if action.dest != "help"
    ]
