"""The types of program data: what a parameter may be, and how it is written.

Pure; the kinds of a ``CommandSet``'s arguments, as instruments have them::

    kind_of(Annotated[float, Numeric("V", 0, 30)]).parse(b"500 mV")     # 0.5
    kind_of(Literal["VOLTage", "CURRent"]).parse(b"volt")               # "VOLTage"

Source:
    IEEE 488.2-1992, section 7.7; SCPI-99, volume 1, chapter 7 (data types), volume 2, chapter 21 (errors).
"""

import enum
import re
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from sockproto.commands.kinds import Kind, written
from sockproto.core.framing.program import block_end
from sockproto.errors import DeclarationError, InstrumentError
from sockproto.scpi.message import not_allowed
from sockproto.scpi.notation import short_form
from sockproto.scpi.numeric import Numeric, parse_number

_TRUTH = {b"ON": True, b"OFF": False}


def kind_of(annotation: Any) -> Kind:
    """Find the kind of an annotation.

    Args:
        annotation: ``float`` or ``int``, maybe ``Annotated`` with a ``Numeric``; ``bool``; ``str``, for
            string data; ``bytes``, for a block; a ``Literal`` or an ``Enum``, for character data.

    Raises:
        DeclarationError: It is something else.
    """
    numeric = Numeric()
    if typing.get_origin(annotation) is Annotated:
        annotation, *notes = typing.get_args(annotation)
        numeric = next((note for note in notes if isinstance(note, Numeric)), numeric)
    if annotation in (float, int):
        return numeric.kind(annotation)
    if annotation in _KINDS:
        return _KINDS[annotation]
    if typing.get_origin(annotation) is Literal:
        return _choice(typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choice(tuple(annotation))
    raise DeclarationError(
        f"a parameter is float, int, bool, str, bytes, a Literal or an Enum, not {annotation!r}"
    )


def choice_words(choices: tuple[Any, ...]) -> Mapping[Any, str]:
    """Return the word of each choice; in it capital letters are the short form.

    Raises:
        DeclarationError: A word is no character data, or two can be written alike.
    """
    words = {value: written(value) for value in choices}
    forms = [form for word in words.values() for form in {short_form(word), word.upper()}]
    if not words or not all(re.fullmatch(r"[A-Z][A-Z0-9_]*|[0-9]+", form) for form in forms):
        raise DeclarationError("choices are words such as 'VOLTage', or numbers, and at least one")
    if len(set(forms)) < len(forms):
        raise DeclarationError("two choices can be written alike")
    return words


def _choice(choices: tuple[Any, ...]) -> Kind:
    """Return the kind of character data: section 7.7.1; a number stands for itself."""
    words = choice_words(choices)
    table = {
        form.encode(): value for value, word in words.items() for form in (short_form(word), word.upper())
    }

    def parse(element: bytes) -> Any:
        try:
            return table[element.upper()]
        except KeyError:
            if element[:1].isalpha():
                number = -141
            else:
                number = (
                    -224 if any(word.isdigit() for word in words.values()) else not_allowed(element).number
                )
            raise InstrumentError(number) from None

    return Kind("choice", " or ".join(words.values()), parse, tuple(words.values()))


def _boolean(element: bytes) -> bool:
    """Read a boolean: SCPI-99, volume 1, section 7.3; a number that rounds to 0 is OFF."""
    value = _TRUTH.get(element.upper())
    if value is not None:
        return value
    if element[:1].isalpha():
        raise InstrumentError(-141)
    return round(parse_number(element)) != 0


def _string(element: bytes) -> str:
    """Read a string in quotes of either kind: section 7.7.5; one in it is written twice."""
    quote = element[:1]
    if not quote or quote not in b"\"'":
        raise not_allowed(element)
    inner = element[1:-1].replace(quote * 2, b"")
    if len(element) < 2 or not element.endswith(quote) or quote in inner:
        raise InstrumentError(-151)
    return element[1:-1].replace(quote * 2, quote).decode("utf-8", "surrogateescape")


def _block(element: bytes) -> bytes:
    """Read arbitrary block data: section 7.7.6; an indefinite one goes on to the end of the message."""
    if element.startswith(b"#0"):
        return element[2:]
    if element[:1] != b"#" or not element[1:2].isdigit():
        raise not_allowed(element)
    end = block_end(element, 0)
    if not end or end != len(element):
        raise InstrumentError(-161)
    return element[2 + element[1] - 48 :]


_KINDS: dict[Any, Kind] = {
    bool: Kind("boolean", "ON or OFF", _boolean),
    str: Kind("string", "a string in quotes", _string),
    bytes: Kind("block", "a block such as #15hello", _block),
}
