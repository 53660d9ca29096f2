"""What can be said to the thermostat.

::

    CommandFactory(Thermostat(21.0))    # "/target 22.5" is answered "22.5 C"
"""

from collections.abc import AsyncGenerator
from enum import Enum
from functools import cached_property
from typing import Literal, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from sockproto import Caller, CommandError, CommandSet, command
from thermostat.room import OUTSIDE, Room

TARGET, LOWEST, HIGHEST = 20.0, 5.0, 30.0  # degrees Celsius

Units = Literal["celsius", "fahrenheit"]


class Mode(Enum):
    """What the thermostat does to the room."""

    HEAT = "heat"
    COOL = "cool"
    OFF = "off"


class Reader(Caller):
    """One connection; the units in which it reads and writes are its own."""

    units: Units = "celsius"

    def shown(self, celsius: float) -> str:
        """Write a temperature."""
        return f"{celsius:.1f} C" if self.units == "celsius" else f"{celsius * 9 / 5 + 32:.1f} F"

    def meant(self, degrees: float) -> float:
        """Return what was written in degrees Celsius."""
        return degrees if self.units == "celsius" else (degrees - 32) * 5 / 9


class Thermostat(CommandSet):
    """One thermostat in one room, for all who connect.

    Args:
        target: The temperature to begin with, in degrees Celsius.
        clock: What time it is in the room; the reactor's, from the first command on, if None.
    """

    caller = Reader

    def __init__(self, target: float = TARGET, clock: IReactorTime | None = None) -> None:
        self._target = target
        self._mode = Mode.HEAT
        self._given_clock = clock

    @cached_property
    def _clock(self) -> IReactorTime:
        if self._given_clock is not None:
            return self._given_clock
        # Not before: whoever only imports a module chooses no reactor, and twistd --reactor still can.
        from twisted.internet import reactor

        return cast("IReactorTime", reactor)

    @cached_property
    def _room(self) -> Room:
        room = Room(self._clock)
        room.drive(self._goal())
        return room

    @command
    def get(self, reader: Reader) -> str:
        """Say the temperature."""
        return reader.shown(self._room.celsius)

    @command
    def target(self, reader: Reader, degrees: float | None = None) -> str:
        """Set what the temperature is to be, or only say it."""
        if degrees is not None:
            celsius = reader.meant(degrees)
            if not LOWEST <= celsius <= HIGHEST:
                raise CommandError(
                    f"DEGREES must be between {reader.shown(LOWEST)} and {reader.shown(HIGHEST)}"
                )
            self._target = celsius
            self._room.drive(self._goal())
        return reader.shown(self._target)

    @command
    def mode(self, mode: Mode | None = None) -> Mode:
        """Choose what to do, or only say it."""
        if mode is not None:
            self._mode = mode
            self._room.drive(self._goal())
        return self._mode

    @command
    def units(self, reader: Reader, units: Units) -> None:
        """Choose the units of this connection."""
        reader.units = units

    @command(endless=True)
    async def watch(self, reader: Reader) -> AsyncGenerator[str, None]:
        """Say the temperature, and again whenever it changes."""
        said = ""
        while True:
            now = reader.shown(self._room.celsius)
            if now != said:
                yield now
                said = now
            await deferLater(self._clock, 1)

    def _goal(self) -> float:
        if self._mode is Mode.OFF:
            return OUTSIDE
        # A heater doesn't cool, nor does a cooler heat.
        return max(self._target, OUTSIDE) if self._mode is Mode.HEAT else min(self._target, OUTSIDE)
