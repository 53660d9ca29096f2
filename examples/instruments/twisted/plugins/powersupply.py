"""A power supply that speaks SCPI, with two outputs and a load of 10 ohms at each.

::

    PYTHONPATH=examples/instruments twistd -n sockproto --protocol powersupply --port 5025
"""

from typing import Annotated

from sockproto.scpi import Instrument, Numeric, Setting, instrument_definition, scpi

OHMS = 10.0
CURRENT_LIMITED = 2  # in STATus:QUEStionable: the bit for currents (SCPI-99, volume 1, section 9.4)

Channel = Annotated[int, Numeric(minimum=1, maximum=2)]
Volts = Annotated[float, Numeric("V", 0, 30, default=5)]
Amperes = Annotated[float, Numeric("A", 0, 3, default=1)]


class PowerSupply(Instrument):
    """Two outputs: ``VOLT 5;CURR 1`` is about the first, ``SOUR2:VOLT 5`` about the second."""

    identity = "sockproto,POWER SUPPLY,0,1.0"
    label = Setting("DISPlay:TEXT", str, "")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Switch off."""
        super().reset()
        self.volts, self.amperes = {1: 0.0, 2: 0.0}, {1: 1.0, 2: 1.0}
        self.on = {1: False, 2: False}
        self.status.questionable.condition = 0

    @scpi("[SOURce<channel>]:VOLTage[:LEVel][:IMMediate][:AMPLitude]")
    def set_voltage(self, channel: Channel, volts: Volts) -> None:
        """Set the voltage of an output."""
        self.volts[channel] = volts
        self.regulate()

    @scpi("[SOURce<channel>]:VOLTage[:LEVel][:IMMediate][:AMPLitude]?")
    def voltage(self, channel: Channel) -> float:
        """Return what was set."""
        return self.volts[channel]

    @scpi("[SOURce<channel>]:CURRent[:LEVel][:IMMediate][:AMPLitude]")
    def set_current(self, channel: Channel, amperes: Amperes) -> None:
        """Limit the current of an output."""
        self.amperes[channel] = amperes
        self.regulate()

    @scpi("[SOURce<channel>]:CURRent[:LEVel][:IMMediate][:AMPLitude]?")
    def current(self, channel: Channel) -> float:
        """Return the limit."""
        return self.amperes[channel]

    @scpi("OUTPut<channel>[:STATe]")
    def switch(self, channel: Channel, on: bool) -> None:
        """Switch an output on or off."""
        self.on[channel] = on
        self.regulate()

    @scpi("OUTPut<channel>[:STATe]?")
    def switched(self, channel: Channel) -> bool:
        """Return whether it is on."""
        return self.on[channel]

    @scpi("MEASure<channel>[:SCALar]:CURRent[:DC]?")
    def measure_current(self, channel: Channel) -> float:
        """Measure the current of an output."""
        return min(self.volts[channel] / OHMS, self.amperes[channel]) if self.on[channel] else 0.0

    @scpi("MEASure<channel>[:SCALar][:VOLTage][:DC]?")
    def measure_voltage(self, channel: Channel) -> float:
        """Measure the voltage of an output."""
        return self.measure_current(channel) * OHMS

    def regulate(self) -> None:
        """Say in the status whether an output limits the current."""
        limited = any(self.on[n] and self.volts[n] / OHMS > self.amperes[n] for n in self.on)
        self.status.questionable.condition = CURRENT_LIMITED * limited


DEFINITION = instrument_definition("powersupply", "a power supply that speaks SCPI", PowerSupply)
