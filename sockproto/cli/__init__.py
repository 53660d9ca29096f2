"""The ``sockproto`` command.

``main`` is all that is loaded at first, and with as little as possible, so that Ctrl-C ends the command
cleanly even while the rest of it is being loaded::

    sockproto greet 127.0.0.1:9999 Michael
"""

import os
import signal
import sys

from sockproto.plain.streams import occupy


def main(arguments: "list[str] | None" = None) -> None:
    """Run the command and exit with its status, which is curl's for the same cause.

    Args:
        arguments: What was typed after ``sockproto``; the process's own if None.
    """
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # by whoever started us, as shells do
    if not ignored:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    occupy()
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments[:1] == ["fetch"] and not {"-h", "--help"} & set(arguments):
        # It needs nothing of the others, and starts in half their time.
        from sockproto.cli.fetching import fetch

        sys.exit(fetch(arguments[1:]))
    from sockproto.cli.commands import run
    from sockproto.cli.console import INTERRUPTED, leave

    if not ignored:
        signal.signal(signal.SIGINT, lambda *_: leave(INTERRUPTED))

    leave(run(arguments))
