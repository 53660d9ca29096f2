"""``sockproto serve``: twistd in the foreground, with the wrong options told as this command's.

::

    serve(["--port", "9999"])
"""

import re
import select
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

import click

from sockproto.cli.options import sentence
from sockproto.errors import ListenError, OptionError, WriteFailed

METAVARS = {
    "allow": "NETWORK",
    "alpn": "NAMES",
    "backlog": "CONNECTIONS",
    "client-ca": "FILE",
    "deny": "NETWORK",
    "fault": "SPEC",
    "framing": None,  # the words that it may be
    "log-connections": None,
    "log-format": None,
    "logfile": "FILE",
    "interface": "ADDRESS",
    "listen": "DESCRIPTION",
    "max-connections-per-peer": "CONNECTIONS",
    "message": "TEXT",
    "protocol": "NAME",
    "workers": "NUMBER",
    "proxy-from": "NETWORK",
}
"""What stands for the values of options; of all others the last word of the option does."""


def serve_options() -> list[click.Parameter]:
    """Return the options that it takes, for the help of all commands."""
    from sockproto.server.catalog import definitions
    from sockproto.server.logs import CONNECTIONS, FORMATS
    from sockproto.workers.foreground import ForegroundOptions

    known = definitions()
    words: dict[str, Sequence[str]] = {"protocol": list(known)}
    words["framing"] = list(dict.fromkeys(name for each in known.values() for name in each.framings))
    words |= {"log-format": FORMATS, "log-connections": CONNECTIONS}
    options = ForegroundOptions()
    short = {name: [f"-{letter}"] for letter, name in options.synonyms.items() if len(letter) == 1}
    return [
        click.Option(
            [*short.get(name, ()), f"--{name}"],
            metavar=METAVARS.get(name, name.rpartition("-")[2].upper()),
            help=sentence(options.docs[name] or ""),
            default=options.defaults.get(name) or None,
            show_default=True,
            is_flag=not valued,
            type=click.Choice(words[name]) if name in words else None,
        )
        for name, valued in sorted((each.rstrip("="), each.endswith("=")) for each in options.longOpt)
        if name != "help"
    ]


def install_reactor() -> None:
    """Have the lean reactor where there can be one; else, or if somebody has chosen already, Twisted's."""
    if hasattr(select, "epoll") and "twisted.internet.reactor" not in sys.modules:
        from sockproto.reactor.epoll import install

        install()


def serve(options: Sequence[str]) -> int:
    """Serve until a signal; return the exit status.

    Args:
        options: Those of ``twistd sockproto``.

    Raises:
        OptionError: An option is wrong.
        WriteFailed: What is asked for can't be printed.
    """
    install_reactor()  # first: a protocol of anybody's may import the reactor where it is defined
    from twisted.application.service import ServiceMaker
    from twisted.scripts import twistd

    from sockproto.workers.foreground import ForegroundOptions

    class Foreground(twistd.ServerOptions):  # type: ignore[name-defined,misc]  # one for each platform
        # Ours alone: to find the others, Twisted prints a traceback of each plugin that can't be imported.
        subCommands: ClassVar[list[Any]] = [("sockproto", None, ForegroundOptions, "")]
        loadedPlugins: ClassVar[dict[str, Any]] = {
            "sockproto": ServiceMaker("sockproto", "sockproto.workers.foreground", "", "sockproto")
        }

    foreground = Foreground()
    try:
        foreground.parseOptions(["-n", "--pidfile=", "sockproto", *options])
    except SystemExit as error:
        if isinstance(error.__cause__, WriteFailed):
            raise error.__cause__ from None
        if not isinstance(error.code, str):
            return int(error.code or 0)
        text = error.code.removeprefix("sockproto serve: ").partition(" (twistd ")[0]
        raise OptionError(_as_click(text, ForegroundOptions().longOpt)) from None
    given: Any = foreground.subOptions
    if given.make_observer is not None:
        foreground["logger"] = given.make_observer
    try:
        twistd.runApp(foreground)
    except ListenError as error:  # told of already
        return error.status
    return 0


def _as_click(text: str, names: Sequence[str]) -> str:
    """Return what getopt says in the words of all our commands.

    Args:
        text: Its words.
        names: The options that there are, as getopt takes them.
    """
    if said := re.fullmatch(r"option (\S+) requires argument", text):
        return f"Option {said[1]!r} requires an argument"
    if said := re.fullmatch(r"option (\S+) not recognized", text):
        near = get_close_matches(said[1], ["--" + name.rstrip("=") for name in names])
        return click.NoSuchOption(said[1], possibilities=near).format_message().rstrip(".")
    return text
