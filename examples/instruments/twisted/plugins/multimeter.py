"""A multimeter that speaks SCPI.

::

    PYTHONPATH=examples/instruments twistd -n sockproto --protocol multimeter --port 5025
"""

from typing import Annotated

from sockproto.scpi import Instrument, InstrumentError, Numeric, Setting, instrument_definition, scpi

VOLTS = 4.2  # what is always measured here
RANGES = {0.1: 1e-7, 1.0: 1e-6, 10.0: 1e-5, 100.0: 1e-4, 1000.0: 1e-3}  # and how fine each can be, in volts
Range = Annotated[float, Numeric("V", -1000, 1000, default=10)]
Resolution = Annotated[float, Numeric("V")]


class Multimeter(Instrument):
    """Measures a voltage."""

    identity = "sockproto,MULTIMETER,0,1.0"
    range = 10.0
    resolution = RANGES[range]
    samples = Setting("SAMPle:COUNt", Annotated[int, Numeric(minimum=1, maximum=1000)], 1)

    def reset(self) -> None:
        """Measure as at first."""
        super().reset()
        self.configure()

    @scpi("CONFigure:VOLTage[:DC]")
    def configure(self, range: Range = 10, resolution: Resolution | None = None) -> None:
        """Choose the range for a voltage, and how fine it is to be measured, in volts."""
        chosen = next(each for each in RANGES if abs(range) <= each)
        if resolution is not None and not RANGES[chosen] <= resolution <= chosen:
            raise InstrumentError(-222, "resolution")
        self.range, self.resolution, self.samples = chosen, resolution or RANGES[chosen], 1

    @scpi("READ?")
    def read(self) -> list[float]:
        """Measure as configured; more than the range is SCPI's infinity."""
        value = round(round(VOLTS / self.resolution) * self.resolution, 9)
        return [float("inf") if self.range < VOLTS else value] * self.samples

    @scpi("MEASure:VOLTage[:DC]?")
    def measure(self, range: Range = 10, resolution: Resolution | None = None) -> list[float]:
        """Configure and measure."""
        self.configure(range, resolution)
        return self.read()


DEFINITION = instrument_definition("multimeter", "a multimeter that speaks SCPI", Multimeter)
