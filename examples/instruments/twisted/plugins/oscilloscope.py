"""An oscilloscope that speaks SCPI: an acquisition that takes its time, and its waveform as a block or text.

::

    PYTHONPATH=examples/instruments twistd -n sockproto --protocol oscilloscope --port 5025
"""

import math
import struct
from typing import Annotated, Any, Literal

from twisted.internet import interfaces
from twisted.internet.task import deferLater

from sockproto.scpi import Instrument, InstrumentError, Numeric, Setting, instrument_definition, scpi

HERTZ, VOLTS = 1_000.0, 2.0  # of the sine wave at its input
MEASURING = 16  # in STATus:OPERation (SCPI-99, volume 1, section 9.3)


class Oscilloscope(Instrument):
    """One channel.

    Args:
        clock: What time it is; the global reactor if None.
    """

    identity = "sockproto,OSCILLOSCOPE,0,1.0"
    points = Setting("ACQuire:POINts", Annotated[int, Numeric(minimum=10, maximum=100_000)], 1000)
    seconds = Setting("[TIMebase]:RANGe", Annotated[float, Numeric("S", 1e-6, 10)], 1e-3)
    form = Setting("FORMat[:DATA]", Literal["ASCii", "INTeger", "REAL"], "ASCii")
    order = Setting("FORMat:BORDer", Literal["NORMal", "SWAPped"], "NORMal")

    def __init__(self, clock: interfaces.IReactorTime | None = None) -> None:
        self.clock = clock
        self.wave: list[float] = []

    def reset(self) -> None:
        """Forget what was acquired."""
        super().reset()
        self.wave = []

    @scpi("INITiate[:IMMediate]", overlapped=True)
    async def acquire(self) -> None:
        """Acquire for as long as the time base says; *OPC? waits for the end."""
        points, seconds = self.points, self.seconds
        self.status.operation.condition |= MEASURING
        try:
            await deferLater(self.clock or default_clock(), seconds)
        finally:
            self.status.operation.condition &= ~MEASURING
        self.wave = [VOLTS * math.sin(math.tau * HERTZ * seconds * n / points) for n in range(points)]

    @scpi("FETCh[:WAVeform]?")
    def fetch(self) -> list[float] | bytes:
        """Return the waveform, in volts; as integers, in millivolts."""
        if not self.wave:
            raise InstrumentError(-230)
        if self.form == "ASCii":
            return self.wave
        order = ">" if self.order == "NORMal" else "<"
        if self.form == "REAL":
            return struct.pack(f"{order}{len(self.wave)}f", *self.wave)
        return struct.pack(f"{order}{len(self.wave)}h", *(round(1000 * volts) for volts in self.wave))


def default_clock() -> Any:
    """Return the reactor, which must not be chosen before it runs."""
    from twisted.internet import reactor

    return reactor


DEFINITION = instrument_definition("oscilloscope", "an oscilloscope that speaks SCPI", Oscilloscope)
