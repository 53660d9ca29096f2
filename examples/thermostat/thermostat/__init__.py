"""A thermostat: a protocol in a package of its own, served like those that sockproto has.

::

    pip install examples/thermostat
    twistd -n sockproto --protocol thermostat --port 9999 --target 21
"""

from typing import Any

from sockproto import (
    CommandDatagramProtocol,
    CommandFactory,
    OptionError,
    ProtocolDefinition,
    ProtocolOption,
)
from thermostat.commands import HIGHEST, LOWEST, TARGET, Thermostat


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


def prepare(target: float = TARGET) -> dict[str, Any]:
    """Make the one thermostat of all the ports of a server."""
    return {"commands": Thermostat(target)}


DEFINITION = ProtocolDefinition(
    name="thermostat",
    description="/get, /target, /mode, /units, /watch: a thermostat in a simulated room",
    factory=CommandFactory,
    datagram_protocol=CommandDatagramProtocol,
    options=(ProtocolOption("target", degrees, f"{TARGET}", "thermostat: what to begin with, in degrees C"),),
    prepare=prepare,
)
