"""Many scheduled calls that share few timers.

A timer of its own for each connection takes half a kilobyte, and two microseconds to be made and cancelled.
Here calls that are due at about the same time share one timer::

    tick = timers.enter(connection, 60, now)  # connection.look() is called in 60 seconds, or a little later
    tick.discard(connection)                  # it isn't
    timers.stop()                             # nobody is called any more
"""

from math import ceil
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Timers:
    """Calls ``look()`` of each item when it is due.

    Args:
        clock: The clock of the timers.
        grain_seconds: How many seconds later than asked for a call may come.
    """

    def __init__(self, clock: IReactorTime, grain_seconds: float) -> None:
        self._clock, self._grain = clock, grain_seconds
        self._due: dict[int, set[Any]] = {}
        self._timers: dict[int, IDelayedCall] = {}
        # The tick of the item before, since most have the same: between which times, and its items.
        self._after = self._until = 0.0
        self._latest: set[Any] = set()

    def enter(self, item: Any, seconds: float, now: float) -> set[Any]:
        """Have *item* called *seconds* after *now*.

        Returns:
            All that are called then, until they are: what isn't to be called is discarded from it.
        """
        if not self._after < now + seconds <= self._until:
            self._find(now + seconds, now)
        self._latest.add(item)
        return self._latest

    def _find(self, time: float, now: float) -> None:
        """Make *time*'s tick the latest one."""
        tick = ceil(time / self._grain)
        self._after, self._until = (tick - 1) * self._grain, tick * self._grain
        if tick not in self._due:
            self._watch(tick, set(), max(self._until - now, 0))
        self._latest = self._due[tick]

    def _watch(self, tick: int, items: set[Any], seconds: float) -> None:
        self._due[tick] = items
        self._timers[tick] = self._clock.callLater(seconds, self._call, tick)

    def stop(self) -> None:
        """Cancel all timers: nothing is left of any tick.

        A timer that nothing is left of may soon be somebody else's: none is cancelled before.
        """
        if self._timers:
            self._after = self._until = 0.0
            self._due.clear()
            timers, self._timers = self._timers, {}
            for timer in timers.values():
                timer.cancel()

    def _call(self, tick: int) -> None:
        del self._timers[tick]
        due = self._due.pop(tick)
        self._after = self._until = 0.0
        try:
            while due:
                due.pop().look()
        finally:
            if due:  # an error: the others are not to suffer from it
                self._watch(min(0, min(self._due, default=0)) - 1, due, 0)  # no time's tick
