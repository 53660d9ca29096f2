"""When something must be done: one end for several steps.

::

    deadline = Deadline(10.0)
    sock.settimeout(deadline.timeout(3.0))      # for this step 3 s at most, and no more than is left
"""

import math
import time
from collections.abc import Callable

from sockproto.errors import TimedOut

LONGEST_SECONDS = 2_147_483
"""The longest time-out of one step: 24 days, since ``poll`` takes milliseconds as a C int."""


class Deadline:
    """The end of the time for all of it.

    Args:
        seconds: How long it may take; None: as long as it likes.
        clock: Returns the time in seconds.

    Attributes:
        seconds: How long it may take, ``math.inf`` without an end.
    """

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = math.inf if seconds is None else seconds
        self._began, self._clock = clock(), clock

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left, 0 if none are."""
        return max(0.0, self.seconds - self.passed)

    def timeout(self, bound: float | None = None) -> float | None:
        """Return the time-out of the next step in seconds, as sockets take it; None: no time-out.

        Args:
            bound: The most that the step may take; None: all that is left.

        Raises:
            TimedOut: No time is left.
        """
        left = min(self.left, math.inf if bound is None else bound)
        if left <= 0:
            raise TimedOut(f"timed out after {self.passed:.1f} seconds")
        return None if math.isinf(left) else left
