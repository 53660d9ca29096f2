"""What a command may return, as its annotation says.

Pure; looked at when the class is made, so that a result which can't be written in a line shows at once::

    require_answer(list[int])       # a line each
    require_answer(set[int])        # DeclarationError
"""

import enum
import inspect
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable
from decimal import Decimal
from typing import Annotated, Any

from sockproto.core.actions import WAITS, End
from sockproto.errors import DeclarationError

LINES = (str, bytes, int, float, Decimal, enum.Enum, dict, End)
RESULTS = (*LINES, list, tuple, types.NoneType, *WAITS, Awaitable)
_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)
_UNIONS = (typing.Union, types.UnionType)


def require_answer(annotation: Any, allowed: tuple[type, ...] = RESULTS) -> None:
    """Refuse the annotation of a result that no line can be made of.

    Args:
        annotation: That of what the method returns. What can't be told from it, as of an abstract class, is
            let through.
        allowed: Its classes; in a list or tuple those of one line.

    Raises:
        DeclarationError: It is a class that a command can't return.
    """
    origin = typing.get_origin(annotation)
    if origin is Annotated or origin in _STREAMS:
        require_answer(typing.get_args(annotation)[0], allowed)  # what else it says is for others
        return
    if origin in (*_UNIONS, list, tuple):
        for member in typing.get_args(annotation):
            require_answer(member, allowed if origin in _UNIONS else LINES)
    if origin in _UNIONS:
        return
    kind = origin or annotation
    if not isinstance(kind, type) or kind in (object, Any) or inspect.isabstract(kind):
        return
    if not issubclass(kind, allowed):
        raise DeclarationError(
            "a command returns text, bytes, a number, a bool, an Enum, None, CLOSE, a list or tuple of those "
            f"(a line each) or a dict (a line of JSON), not {annotation!r}"
        )


def annotated_result(function: Any) -> Any:
    """Return the annotation of what a method returns; Any if there is none that can be read here.

    What another decorator makes of the result is not known: it copies the annotation of what it wraps.
    """
    if hasattr(function, "__wrapped__"):
        return Any
    try:
        return typing.get_type_hints(function).get("return", Any)
    except Exception:  # it may need what is imported for type checkers only
        return Any
