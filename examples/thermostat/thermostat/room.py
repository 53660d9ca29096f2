"""A simulated room, where others have a sensor and a heater: the time alone says how warm it is.

::

    room = Room(clock)
    room.drive(20.0)
    clock.advance(5)
    room.celsius        # 18.5
"""

import math

from twisted.internet.interfaces import IReactorTime

OUTSIDE = 12.0  # degrees Celsius, what the room goes to if it is neither heated nor cooled
CELSIUS_A_SECOND = 0.1


class Room:
    """Goes to a temperature, a step each second.

    Args:
        clock: What time it is.
        celsius: How warm it is in the beginning.
    """

    def __init__(self, clock: IReactorTime, celsius: float = 18.0) -> None:
        self._clock = clock
        self._from = self._goal = celsius
        self._since = clock.seconds()

    @property
    def celsius(self) -> float:
        """How warm it is."""
        moved = CELSIUS_A_SECOND * int(self._clock.seconds() - self._since)
        gap = self._goal - self._from
        return self._goal if abs(gap) <= moved else self._from + math.copysign(moved, gap)

    def drive(self, goal: float) -> None:
        """Have it go to another temperature from now on."""
        self._from, self._since, self._goal = self.celsius, self._clock.seconds(), goal
