"""``sockproto fetch``: the command of ``sockproto.rawhttp``, which has all its options.

::

    fetch(["-o", "page.html", "http://127.0.0.1:8080/"])    # gives the exit status
"""

import signal
from collections.abc import Sequence

EXAMPLE = "sockproto fetch -o page.html http://127.0.0.1:8080/"


def fetch(arguments: Sequence[str]) -> int:
    """Run it; give its exit status."""
    from sockproto.rawhttp import main

    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # no part of a file is left behind
    try:
        return main(list(arguments), prog="sockproto fetch", epilog=f"Example:  {EXAMPLE}")
    except KeyboardInterrupt:  # before or after its own work
        return 130


def fetch_options() -> list[str]:
    """Give the names of its options."""
    from sockproto.rawhttp.arguments import options

    return list(options())
