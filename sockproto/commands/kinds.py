"""The types that an argument may have, as they are written in a line.

Each is strict: what ``/help`` says is taken, nothing else is. Pure::

    kind_of(float, fold=False).parse(b"21.5")       # 21.5
    kind_of(Literal["heat", "cool"], fold=False).description     # "heat or cool"
"""

import enum
import math
import re
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from sockproto.errors import DeclarationError

_SIGNS = (b"-", b"+")
_MOST_DIGITS = 1_000  # what is longer takes long to convert, and Python refuses it in the end
_NUMBER = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUTH = {b"on": True, b"true": True, b"yes": True, b"1": True,
          b"off": False, b"false": False, b"no": False, b"0": False}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A type of argument.

    Attributes:
        name: What programs call it: ``text``, ``bytes``, ``integer``, ``number``, ``boolean`` or ``choice``.
        description: What people call it: "must be …".
        parse: Makes the value; None if the text is none.
        choices: All that is accepted, for a choice.
    """

    name: str
    description: str
    parse: Callable[[bytes], Any]
    choices: tuple[str, ...] = ()


def _text(word: bytes) -> str | None:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return None


def _integer(word: bytes) -> int | None:
    digits = word[1:] if word[:1] in _SIGNS else word
    return int(word) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None


def _number(word: bytes) -> float | None:
    value = float(word) if _NUMBER.fullmatch(word) else math.inf
    return value if math.isfinite(value) else None


def _truth(word: bytes) -> bool | None:
    return _TRUTH.get(word.lower())


_KINDS = {
    str: Kind("text", "text in UTF-8", _text),
    bytes: Kind("bytes", "bytes", bytes),
    int: Kind("integer", "a whole number", _integer),
    float: Kind("number", "a number", _number),
    bool: Kind("boolean", "on or off", _truth),
}


def written(value: object) -> str:
    """Return a value as it is written in a line."""
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def kind_of(annotation: Any, fold: bool) -> Kind:
    """Find the kind of an annotation.

    Args:
        annotation: ``str``, ``bytes``, ``int``, ``float``, ``bool``, an Enum, or a ``Literal``.
        fold: Whether upper and lower case are the same in choices.

    Raises:
        DeclarationError: It is something else.
    """
    if typing.get_origin(annotation) is Annotated:  # what else it says is for others
        annotation = typing.get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choice(annotation, fold)
    if typing.get_origin(annotation) is Literal:
        return _choice(typing.get_args(annotation), fold)
    kind = _KINDS.get(annotation)
    if kind is None:
        raise DeclarationError(
            f"an argument is str, bytes, int, float, bool, an Enum or a Literal, not {annotation!r}"
        )
    return kind


def required(annotation: Any) -> tuple[Any, bool]:
    """Take ``None`` from an annotation such as ``int | None``; return whether it was not there."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        others = [member for member in typing.get_args(annotation) if member is not type(None)]
        if len(others) == 1:
            return others[0], False
    return annotation, True


def _choice(annotated: Iterable[Any], fold: bool) -> Kind:
    values = list(annotated)
    members = {written(value): value for value in values}
    table = {_folded(word.encode(), fold): value for word, value in members.items()}
    if None in values:
        raise DeclarationError("None is no choice; what may be left out is annotated '| None'")
    if not values or not all(word.isprintable() for word in members):
        raise DeclarationError("choices are printable, and at least one")
    if len(table) < len(values):
        raise DeclarationError("two choices are written alike")

    def parse(word: bytes) -> Any:
        return table.get(_folded(word, fold))

    *first, last = members
    description = f"{', '.join(first)} or {last}" if first else last
    return Kind("choice", description, parse, tuple(members))


def _folded(word: bytes, fold: bool) -> bytes:
    return word.upper() if fold else word
