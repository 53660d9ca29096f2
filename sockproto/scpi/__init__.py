"""Instruments that speak SCPI, declared as methods: ``Instrument``, ``scpi``, ``Setting``, ``Numeric``.

::

    class Meter(Instrument):
        @scpi("MEASure:VOLTage[:DC]?")
        def measure(self) -> float:
            return 4.2

    endpoint.listen(InstrumentFactory(Meter()))     # "meas:volt?" is answered "4.2"

In reading order; IEEE 488.2-1992 and SCPI-99 are what they keep to:

=============  ========================================================================
notation       headers as they are declared: ``MEASure:VOLTage[:DC]?``
headers        the tree of all headers, and what a received one means in it
message        a message, taken apart: units, headers, elements of data
numeric        numbers, their units and multipliers, MIN, MAX and DEF
program_data   the types of parameters
response_data  the types of answers
calls          what a message asks for: which methods are called, with what
error_queue    the error queue; SCPI's numbers and texts
status         the status registers and the status byte
operations     overlapped commands
declaration    ``scpi``, and what a decorated method declares
setting        ``Setting``: a value to set and to ask for
base           how a class becomes an instrument
common         the common commands: ``*IDN?``, ``*RST`` …
instrument     ``Instrument``, the class to subclass, with SYSTem and STATus
answering      the conversation that answers program messages with it
protocol       ``InstrumentFactory`` and what else serves it
=============  ========================================================================
"""

from sockproto.errors import InstrumentError
from sockproto.scpi.declaration import scpi
from sockproto.scpi.instrument import Instrument
from sockproto.scpi.numeric import Numeric
from sockproto.scpi.protocol import (
    InstrumentDatagramProtocol,
    InstrumentFactory,
    InstrumentProtocol,
    instrument_definition,
)
from sockproto.scpi.response_data import string_data
from sockproto.scpi.setting import Setting

__all__ = [
    "Instrument",
    "InstrumentDatagramProtocol",
    "InstrumentError",
    "InstrumentFactory",
    "InstrumentProtocol",
    "Numeric",
    "Setting",
    "instrument_definition",
    "scpi",
    "string_data",
]
