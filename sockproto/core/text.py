"""Values of what people type: numbers and bytes, for the options of protocols and commands.

Pure: an option's ``convert`` is one of these, or any call that raises ValueError for what is wrong::

    ProtocolOption("think-seconds", seconds, "0", "how long to think about each name")
"""

import math
import os

from sockproto.errors import OptionError


def seconds(text: str) -> float:
    """Make a number of seconds of *text*.

    Raises:
        OptionError: It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (value >= 0 and math.isfinite(value)):
        raise OptionError(f"must be a number of seconds, 0 or more, such as 0.5, not {text!r}")
    return value


def count(text: str) -> int:
    """Make a number of *text*.

    Raises:
        OptionError: It is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise OptionError(f"must be a whole number, 0 or more, not {text!r}")
    return int(text)


def raw_bytes(text: str) -> bytes:
    """Give the bytes that were typed, whatever the locale made of them."""
    return os.fsencode(text)
