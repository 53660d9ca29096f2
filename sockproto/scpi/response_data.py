"""Response data: how values are written in an answer.

Pure::

    response(1e-07)             # b"1.0E-07"
    response([1, True, "a"])    # b"1,1,a"
    response(b"hello")          # b"#15hello"

Source:
    IEEE 488.2-1992, section 8.7 (response data); SCPI-99, volume 1, section 7.2.1.4 (infinity, not a number).
"""

import enum
import math
import re
from typing import Any

from sockproto.commands.kinds import written
from sockproto.scpi.notation import short_form

_STRING = re.compile('"[^"]*"')
INFINITY, NOT_A_NUMBER = b"9.9E+37", b"9.91E+37"


def response(value: Any) -> bytes:
    """Write a value as response data.

    Args:
        value: A number; a bool (1 or 0); a ``str``, sent as it is (``string_data`` puts it in quotes);
            ``bytes``, a definite block; an ``Enum``, as the short form of its word; a list or tuple of those.

    Raises:
        TypeError: It is something else.
        ValueError: A text holds a newline, not in quotes, which would end the answer.
    """
    if type(value) is float:  # what most queries answer with
        return _real(value)
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return _text(value)
    if isinstance(value, float):
        return _real(float(value))
    if isinstance(value, enum.Enum):
        return short_form(written(value)).encode()
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, bytes | bytearray | memoryview):
        return block_data(bytes(value))
    if isinstance(value, list | tuple):
        return b",".join([response(each) for each in value])
    raise TypeError(f"a query answers with a number, text, bytes, an Enum or a list of them, not {value!r}")


def string_data(text: str) -> str:
    """Return a text as string response data: in double quotes, those in it twice (8.7.8)."""
    return '"' + text.replace('"', '""') + '"'


def block_data(data: bytes) -> bytes:
    """Return bytes as a definite length arbitrary block (8.7.9)."""
    size = b"%d" % len(data)
    return b"#%d%b%b" % (len(size), size, data)


def _text(text: str) -> bytes:
    if "\n" in text and "\n" in _STRING.sub("", text):
        raise ValueError("a query answered with a newline, which would end the answer; see string_data()")
    return text.encode() if text.isascii() else text.encode("utf-8", "surrogateescape")


def _real(value: float) -> bytes:
    """Return a number as NR2 or NR3 (8.7.3, 8.7.4)."""
    text = repr(value)
    if "e" in text:
        text = text.upper() if "." in text else text.replace("e", ".0E")
    elif "n" in text:  # inf, nan
        return NOT_A_NUMBER if math.isnan(value) else (b"-" if value < 0 else b"") + INFINITY
    return text.encode()
