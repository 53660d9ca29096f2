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
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal

from sockproto.errors import DeclarationError

_UNIONS = (typing.Union, types.UnionType)
_SIGNS = (b"-", b"+")
_MOST_DIGITS = 1_000  # more take long to convert, and Python refuses far more
_NUMBER = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUTH = {b"on": True, b"true": True, b"yes": True, b"1": True,
          b"off": False, b"false": False, b"no": False, b"0": False}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A type of argument; make one for a type of your own.

    ::

        Percent = Annotated[int, Kind("percent", "a percentage from 0 to 100", parse_percent)]

    Attributes:
        name: What programs call it in ``/help json``: ``text``, ``bytes``, ``integer``, ``number``,
            ``boolean``, ``choice``, or a word of your own.
        description: What people call it, in help and errors: "must be …".
        parse: Makes the value of a word (``bytes``). None, ``ValueError`` or ``ArithmeticError`` means that
            the word is none; a ``CommandError`` says so in its own words.
        choices: The words that completion offers.
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


def _decimal(word: bytes) -> Decimal | None:
    if len(word) > _MOST_DIGITS or not _NUMBER.fullmatch(word):
        return None
    value = Decimal(word.decode())
    # The exponent is the number of digits of a whole number: 1e999999999 would fill the memory.
    return value if abs(value.adjusted()) <= _MOST_DIGITS else None


def _truth(word: bytes) -> bool | None:
    return _TRUTH.get(word.lower())


_OFFERED = {"boolean": ("on", "off")}

_KINDS = {
    str: Kind("text", "text in UTF-8", _text),
    bytes: Kind("bytes", "bytes", bytes),
    int: Kind("integer", "a whole number", _integer),
    float: Kind("number", "a number", _number),
    Decimal: Kind("number", "a number", _decimal),
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


def kind_of(annotation: Any, fold: bool, own: Mapping[Any, Kind] = MappingProxyType({})) -> Kind:
    """Find the kind of an annotation.

    Args:
        annotation: ``str``, ``bytes``, ``int``, ``float``, ``Decimal``, ``bool``, an Enum, a ``Literal``,
            what is in *own*, a union of those, or an ``Annotated`` with a ``Kind``.
        fold: Whether upper and lower case are the same in choices.
        own: Kinds of further types, or other kinds of these.

    Raises:
        DeclarationError: It is something else.
    """
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        kinds = [each for each in members[1:] if isinstance(each, Kind)]
        return kinds[0] if kinds else kind_of(members[0], fold, own)  # what else it says is for others
    if annotation in own:
        return own[annotation]
    if origin in _UNIONS:
        # A choice is looked at first: of "float | Literal[1]" the word 1 is that one.
        choices = [member for member in members if typing.get_origin(member) is Literal]
        ordered = choices + [member for member in members if member not in choices]
        return _either([kind_of(member, fold, own) for member in ordered])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choice(annotation, fold)
    if origin is Literal:
        return _choice(members, fold)
    kind = _KINDS.get(annotation)
    if kind is None:
        raise DeclarationError(
            "an argument is str, bytes, int, float, Decimal, bool, an Enum, a Literal, a type that the set's "
            f"kinds name, or a union of those, not {annotation!r}"
        )
    return kind


def required(annotation: Any) -> tuple[Any, bool]:
    """Take ``None`` from an annotation such as ``int | None``; return whether it was not there."""
    if typing.get_origin(annotation) in _UNIONS:
        members = typing.get_args(annotation)
        others = [member for member in members if member is not type(None)]
        if others and len(others) < len(members):
            return typing.Union[tuple(others)], False  # noqa: UP007  # of members that are not known here
    return annotation, True


def _either(kinds: list[Kind]) -> Kind:
    """Make the kind of a union: the first that takes a word is meant."""
    if any(kind.name in ("text", "bytes") for kind in kinds[:-1]):
        raise DeclarationError("str and bytes take every word: in a union they stand last")

    def parse(word: bytes) -> Any:
        for kind in kinds:
            with suppress(ValueError, ArithmeticError):
                value = kind.parse(word)
                if value is not None:
                    return value
        return None

    names = dict.fromkeys(kind.name for kind in kinds)
    choices = tuple(word for kind in kinds for word in kind.choices or _OFFERED.get(kind.name, ()))
    return Kind(" or ".join(names), " or ".join(kind.description for kind in reversed(kinds)), parse, choices)


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
