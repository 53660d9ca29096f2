"""The signals that end a process, and what handles them while it starts.

::

    for number in ENDING:
        signal.signal(number, EndsProcess(sys.exit))    # until there is a better handler
"""

import signal
from collections.abc import Callable

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that end a command. They let a server drain."""


class EndsProcess:
    """A handler of signals that only ends the process: whoever knows better what to do may replace it.

    Args:
        leave: Called with the exit status: 128 and the number of the signal, as shells say it.
    """

    def __init__(self, leave: Callable[[int], object]) -> None:
        self._leave = leave

    def __call__(self, number: int, frame: object) -> None:
        """End the process."""
        self._leave(128 + number)
