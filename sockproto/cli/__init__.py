"""The ``sockproto`` command.

``main`` is all that is loaded at first, so that Ctrl-C ends the command cleanly even while the rest of it is
being loaded::

    sockproto greet 127.0.0.1:9999 Michael
"""

import signal
import sys
from collections.abc import Sequence

from sockproto.cli.console import INTERRUPTED, leave


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its status, which is curl's for the same cause.

    Args:
        arguments: What was typed after ``sockproto``; the process's own if None.
    """
    signal.signal(signal.SIGINT, lambda *_: leave(INTERRUPTED))
    from sockproto.cli.commands import run

    leave(run(sys.argv[1:] if arguments is None else list(arguments)))
