"""A thermostat: a protocol in a package of its own, served like those that sockproto has.

::

    pip install examples/thermostat
    twistd -n sockproto --protocol thermostat --port 9999 --target 21
"""

from sockproto import OptionError, ProtocolOption, command_definition
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


DEFINITION = command_definition(
    "thermostat",
    "/get, /target, /mode, /units, /watch: a thermostat in a simulated room",
    Thermostat,
    (ProtocolOption("target", degrees, f"{TARGET}", "thermostat: what to begin with, in degrees C"),),
)
