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

_VALUES = (str, bytes, int, float, Decimal, enum.Enum, dict, list, tuple, types.NoneType)
RESULTS = (*_VALUES, End, *WAITS, Awaitable)
_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)
_OF_SEVERAL = (typing.Union, types.UnionType, list, tuple)


def require_answer(annotation: Any) -> None:
    """Refuse the annotation of a result that no line can be made of.

    Args:
        annotation: That of what the method returns. What can't be told from it, as of an abstract class, is
            let through.

    Raises:
        DeclarationError: It is a class that a command can't return.
    """
    origin = typing.get_origin(annotation)
    if origin is Annotated or origin in _STREAMS:
        require_answer(typing.get_args(annotation)[0])  # what else it says is for others
        return
    if origin in _OF_SEVERAL:
        for member in typing.get_args(annotation):
            require_answer(member)
        return
    kind = origin or annotation
    if not isinstance(kind, type) or kind in (object, Any) or inspect.isabstract(kind):
        return
    if not issubclass(kind, RESULTS):
        raise DeclarationError(
            "a command returns text, bytes, a number, a bool, an Enum, None, CLOSE, a list or tuple of those "
            f"(a line each) or a dict (a line of JSON), not {annotation!r}"
        )


def annotated_result(function: Any) -> Any:
    """Return the annotation of what a method returns; Any if it has no annotation that can be read here."""
    try:
        return typing.get_type_hints(function).get("return", Any)
    except Exception:  # it may need what is imported for type checkers only
        return Any
