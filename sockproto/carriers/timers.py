"""Many scheduled calls that share few timers.

A timer of its own for each connection takes half a kilobyte, and two microseconds to be made and cancelled.
Here calls that are due at about the same time share one timer::

    tick = timers.enter(connection, 60, now)  # connection.look() is called in 60 seconds, or a little later
    timers.leave(connection, tick)            # it isn't
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
        self._calling: set[Any] = set()
        self._entered = 0

    def enter(self, item: Any, seconds: float, now: float) -> int:
        """Have *item* called *seconds* after *now*; return the tick that ``leave`` needs."""
        tick = ceil((now + seconds) / self._grain)
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = set()
            self._timers[tick] = self._clock.callLater(max(tick * self._grain - now, 0), self._call, tick)
        due.add(item)
        self._entered += 1
        return tick

    def leave(self, item: Any, tick: int) -> None:
        """Don't call *item*; do nothing if it has been called already."""
        due = self._due.get(tick)
        if due is None or item not in due:
            due = self._calling
            if item not in due:
                return
        due.remove(item)
        self._entered -= 1
        if not self._entered:
            self._stop()

    def _stop(self) -> None:
        # A timer that nothing is left of may soon be somebody else's: none is cancelled before all have left.
        self._due.clear()
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()

    def _call(self, tick: int) -> None:
        del self._timers[tick]
        self._calling = due = self._due.pop(tick)
        try:
            while due:
                item = due.pop()
                self._entered -= 1
                if not self._entered:
                    self._stop()
                item.look()
        finally:
            if due:  # an error: the others are not to suffer from it
                self._due[tick] = due | self._due.get(tick, set())
                if tick not in self._timers:
                    self._timers[tick] = self._clock.callLater(0, self._call, tick)
