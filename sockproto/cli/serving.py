"""``sockproto serve``: twistd in the foreground, with the wrong options told as this command's.

::

    serve(["--port", "9999"], example)
"""

import select
import signal
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from sockproto.errors import ListenError, OptionError


def serve_options() -> list[str]:
    """Give the options that it takes, as they are typed."""
    from sockproto.server.tap import Options

    return [f"--{name.rstrip('=')}" for name in Options().longOpt]


def install_reactor() -> None:
    """Have the lean reactor where there can be one; else, or if somebody has chosen already, Twisted's."""
    if hasattr(select, "epoll") and "twisted.internet.reactor" not in sys.modules:
        from sockproto.reactor.epoll import install

        install()


def serve(options: Sequence[str], example: str) -> int:
    """Serve until a signal; give the exit status.

    Args:
        options: Those of ``twistd sockproto``.
        example: The last line of the help.

    Raises:
        OptionError: An option is wrong.
    """
    install_reactor()  # first: a protocol of anybody's may import the reactor where it is defined
    from twisted.application.app import run
    from twisted.application.service import ServiceMaker
    from twisted.scripts import twistd

    from sockproto.server.tap import Options

    class Checked(Options):
        tapname = "sockproto serve"
        synopsis = "sockproto serve [options]"

    class Foreground(twistd.ServerOptions):  # type: ignore[name-defined,misc]  # one for each platform
        # Ours alone: to find the others, Twisted prints a traceback of each plugin that can't be imported.
        subCommands: ClassVar[list[Any]] = [("sockproto", None, Options, "")]
        loadedPlugins: ClassVar[dict[str, Any]] = {
            "sockproto": ServiceMaker("sockproto", "sockproto.server.tap", "", "sockproto")
        }

    checked = Checked()
    if {"-h", "--help"} & set(options):
        print(f"{checked}\nExample:  {example}")
        return 0
    try:
        checked.parseOptions(list(options))
    except SystemExit as error:
        if not isinstance(error.code, str):
            return int(error.code or 0)
        text = error.code.removeprefix("sockproto serve: ").replace("(twistd ", "(")
        raise OptionError(text) from None
    from twisted.internet import reactor

    # Until the reactor runs, Ctrl-C ends the process as in every other command.
    running: Any = reactor
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        running.callWhenRunning(signal.signal, signal.SIGINT, running.sigInt)
    sys.argv = ["twistd", "-n", "--pidfile=", "sockproto", *options]
    try:
        run(twistd.runApp, Foreground)
    except ListenError as error:  # told of already
        return error.status
    return 0
