"""Where ``twistd sockproto`` finds the protocol. Beside this file there must be no ``__init__.py``."""

from thermostat import DEFINITION

__all__ = ["DEFINITION"]
