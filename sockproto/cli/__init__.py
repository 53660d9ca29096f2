"""The ``sockproto`` command.

``main`` is all that is loaded at first, and with as little as possible, so that a signal ends the command
cleanly even while the rest of it is being loaded, and as process 1 of a container too, where one that has no
handler does nothing (pid_namespaces(7))::

    sockproto greet 127.0.0.1:9999 Michael
"""

import os
import signal
import sys

from sockproto.plain.signals import ENDING, EndsProcess
from sockproto.plain.streams import occupy


def main(arguments: "list[str] | None" = None) -> None:
    """Run the command and exit with its status, which is curl's for the same cause.

    Args:
        arguments: What was typed after ``sockproto``; the process's own if None.
    """
    ending = [
        number
        for number in ENDING
        if signal.getsignal(number) != signal.SIG_IGN  # set by the parent, as shells and nohup do
    ]
    for number in ending:
        signal.signal(number, EndsProcess(os._exit))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)  # one that stays blocked never ends anything
    occupy()
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments[:1] == ["fetch"] and not {"-h", "--help"} & set(arguments):
        # It needs nothing of the others, and starts in half their time.
        from sockproto.cli.fetching import fetch

        sys.exit(fetch(arguments[1:]))
    from sockproto.cli.commands import run
    from sockproto.cli.console import leave

    for number in ending:
        signal.signal(number, EndsProcess(leave))
    leave(run(arguments))
