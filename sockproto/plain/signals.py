"""Signals while a command starts.

::

    signal.signal(signal.SIGHUP, EndsProcess(sys.exit))    # until there is a better one
"""

from collections.abc import Callable


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
