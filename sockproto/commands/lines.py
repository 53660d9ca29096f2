"""How a command's result becomes a line: text, a number, or JSON.

Pure::

    message_of(21.5, b"")               # b"21.5"
    message_of({"degrees": 21.5}, b"")  # b'{"degrees": 21.5}'
"""

import enum
import json
from decimal import Decimal
from typing import Any

from sockproto.commands.kinds import written
from sockproto.core.actions import Action, End

_LF = 10  # "10 in line" takes a tenth of the time that b"\n" in line takes


def message_of(result: Any, ending: bytes) -> Action:
    """Return the message that one line of a command's answer is.

    Args:
        result: What the command returned, or a part of it; an ``End`` stays what it is.
        ending: What ends a message of a datagram; empty on streams, whose framing ends it.

    Raises:
        TypeError: A command can't return that.
        ValueError: It has a newline, and would be taken for two answers.
    """
    if type(result) is bytes:
        message = result
    elif type(result) is str:
        message = result.encode() if result.isascii() else result.encode("utf-8", "surrogateescape")
    elif type(result) is int:
        message = b"%d" % result
    elif isinstance(result, End):
        return result
    elif isinstance(result, dict):
        message = _json(result)
    elif isinstance(result, str | bytes | int | float | Decimal | enum.Enum):
        message = result if isinstance(result, bytes) else written(result).encode("utf-8", "surrogateescape")
    else:
        raise TypeError(
            f"a command returns text, a number, an Enum, a list of lines or a dict, not {result!r}"
        )
    if ending:
        return message + ending
    if _LF in message:  # it would be taken for two answers
        raise ValueError("a command returned a text with a newline; return a list of lines instead")
    return message


def _json(value: "dict[Any, Any]") -> bytes:
    """Return a dict as one line of JSON, which every reader of it takes.

    A number that is not finite is null, as of ``JSON.stringify`` (RFC 8259, section 6, has none); half of a
    surrogate pair, as in a path that is not UTF-8, is an escape (section 8.1: JSON is UTF-8).
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=written)
    except ValueError:  # of Python's constants
        plain = json.loads(json.dumps(value, default=written), parse_constant=lambda name: None)
        text = json.dumps(plain, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")
