"""A thermostat: a protocol in a package of its own, served like those that sockproto has.

::

    pip install examples/thermostat
    twistd -n sockproto --protocol thermostat --port 9999 --target 21
"""

from functools import cache
from typing import Any

from sockproto import (
    CommandDatagramProtocol,
    CommandFactory,
    CommandProtocol,
    OptionError,
    ProtocolDefinition,
    ProtocolOption,
)
from thermostat.commands import HIGHEST, LOWEST, TARGET, Thermostat


@cache
def thermostat(target: float) -> Thermostat:
    """Give the thermostat of this process: the TCP and the UDP port of one server need the same."""
    return Thermostat(target)


class ThermostatProtocol(CommandProtocol):
    """One connection; the class is here to give it a name in the log."""


class ThermostatFactory(CommandFactory):
    """Serves the thermostat on streams.

    Args:
        target: The temperature to begin with, in degrees Celsius.
        kwargs: The carrier's.
    """

    protocol = ThermostatProtocol

    def __init__(self, target: float = TARGET, **kwargs: Any) -> None:
        super().__init__(thermostat(target), **kwargs)


class ThermostatDatagramProtocol(CommandDatagramProtocol):
    """Serves the same thermostat on datagrams; takes the same arguments."""

    def __init__(self, target: float = TARGET, **kwargs: Any) -> None:
        super().__init__(thermostat(target), **kwargs)


def degrees(text: str) -> float:
    """Make a target of what was typed.

    Raises:
        OptionError: It can't be one.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not LOWEST <= value <= HIGHEST:
        raise OptionError(f"must be between {LOWEST} and {HIGHEST} degrees Celsius, not {text!r}")
    return value


DEFINITION = ProtocolDefinition(
    name="thermostat",
    description="/get, /target, /mode, /units, /watch: a thermostat in a simulated room",
    factory=ThermostatFactory,
    datagram_protocol=ThermostatDatagramProtocol,
    options=(ProtocolOption("target", degrees, f"{TARGET}", "thermostat: what to begin with, in degrees C"),),
)
