"""Numeric program data: numbers with units and multipliers, and the words that stand for some.

Pure::

    Volts = Annotated[float, Numeric("V", 0, 30, default=5)]    # 500 mV, 1e-3, #H1F, MAX

Source:
    IEEE 488.2-1992, sections 7.7.2 to 7.7.4; SCPI-99, volume 1, section 7.2.1 (numeric values; MINimum,
    MAXimum, DEFault, INFinity).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sockproto.commands.kinds import Kind
from sockproto.errors import DeclarationError, InstrumentError
from sockproto.scpi.message import not_allowed

MAX_DIGITS, MAX_EXPONENT = 255, 32_000
"""IEEE 488.2, 7.7.2.4.1: what has more is an error, -124 and -123."""

_NUMBER = re.compile(
    rb"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[\x00-\x20]*[Ee][\x00-\x20]*([+-]?[0-9]+))?"
    rb"[\x00-\x20]*(/?[A-Za-z][A-Za-z0-9/.\-]*)?"
)
_INTEGER = re.compile(rb"#(?:[Hh]([0-9A-Fa-f]+)|[Qq]([0-7]+)|[Bb]([01]+))")
_BASES = 16, 8, 2
_MULTIPLIERS = {"EX": 18, "PE": 15, "T": 12, "G": 9, "MA": 6, "K": 3, "M": -3, "U": -6, "N": -9, "P": -12,
                "F": -15, "A": -18}  # fmt: skip
"""IEEE 488.2, table 7-2."""

_MEGA = "HZ", "OHM"
"""With these M is mega: IEEE 488.2, 7.7.3.4; milli has no use there."""

_WORDS = {
    word: name
    for name, words in {
        "minimum": (b"MIN", b"MINIMUM"),
        "maximum": (b"MAX", b"MAXIMUM"),
        "default": (b"DEF", b"DEFAULT"),
        "infinity": (b"INF", b"INFINITY"),
        "negative_infinity": (b"NINF", b"NINFINITY"),
    }.items()
    for word in words
}


@dataclass(frozen=True)
class Numeric:
    """What a numeric parameter may be; write it as ``Annotated[float, Numeric("V", 0, 30)]``.

    Attributes:
        unit: Its unit, such as ``V``, ``HZ``, ``OHM``; multipliers stand before it (``mV``, ``MHZ``). None is
            taken if it is empty.
        minimum: The least value, in that unit, which MIN stands for; None: any, and no MIN.
        maximum: The greatest value, in that unit, which MAX stands for; None: any, and no MAX.
        default: The value, in that unit, which DEF stands for; None: no DEF.

    Raises:
        DeclarationError: The unit is no text, or no value is within the limits, or the default is not.
    """

    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    default: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.unit, str):
            raise DeclarationError(
                f"the unit of a Numeric is a text such as 'V', not {self.unit!r}; "
                "without one write Numeric(minimum=0, maximum=30)"
            )
        given = [each for each in (self.minimum, self.default, self.maximum) if each is not None]
        if given != sorted(given):
            raise DeclarationError(
                f"minimum, default and maximum of a Numeric come in that order, not {given}"
            )

    @property
    def is_limited(self) -> bool:
        """Whether a query may ask for MIN, MAX or DEF."""
        return not self.minimum is self.maximum is self.default is None

    def kind(self, number: type) -> Kind:
        """Return the kind of a parameter: *number* is float, or int, to which is rounded (7.7.2.4.3)."""
        exponents = self._exponents()

        def parse(element: bytes) -> Any:
            value = self.word(element)
            if value is None:
                value = parse_number(element, exponents)
            if number is int:
                if not math.isfinite(value):
                    raise InstrumentError(-222)
                value = round(value)
            self.require(value)
            return value

        name = "integer" if number is int else "number"
        return NumericKind(name, self._description(), parse, numeric=self)

    def word(self, element: bytes) -> float | None:
        """Return what *element* stands for: MIN, MAX, DEF, INF or NINF; None: it is no word.

        Raises:
            InstrumentError: It is a word that stands for nothing here (-141).
        """
        if not element[:1].isalpha():
            return None
        name = _WORDS.get(element.upper(), "")
        named = {"infinity": math.inf, "negative_infinity": -math.inf, "": None}
        value = named[name] if name in named else getattr(self, name)
        if value is None:
            raise InstrumentError(-141)
        return float(value)

    def require(self, value: float) -> None:
        """See that a value is within the limits.

        Raises:
            InstrumentError: It is not (-222).
        """
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise InstrumentError(-222)

    def _exponents(self) -> Mapping[bytes, int]:
        """Return the power of ten of each unit with a multiplier, and of that without."""
        if not self.unit:
            return {}
        unit = self.unit.upper()
        exponents = {multiplier + unit: exponent for multiplier, exponent in _MULTIPLIERS.items()}
        if unit in _MEGA:
            exponents["M" + unit] = 6
        return {name.encode(): exponent for name, exponent in {**exponents, unit: 0}.items()}

    def _description(self) -> str:
        low, high = ("" if each is None else f"{each:g}" for each in (self.minimum, self.maximum))
        limits = f" from {low} to {high}" if low and high else f" of {low} at least" if low else ""
        limits = limits or (f" of {high} at most" if high else "")
        return f"a number{limits}" + (f" in {self.unit}" if self.unit else "")


@dataclass(frozen=True)
class NumericKind(Kind):
    """The kind of a numeric parameter.

    Attributes:
        numeric: What it may be.
    """

    numeric: Numeric = field(default_factory=Numeric)

    def limit(self, element: bytes) -> float:
        """Return what a query for MIN, MAX or DEF is answered: SCPI-99, volume 1, section 7.2.1.

        Raises:
            InstrumentError: The element is another one, which such a query does not take (-108).
        """
        value = self.numeric.word(element)
        if value is None:
            raise InstrumentError(-108)
        return round(value) if self.name == "integer" and math.isfinite(value) else value


def parse_number(element: bytes, exponents: Mapping[bytes, int] | None = None) -> float:
    """Read a number: decimal, maybe with a unit, or ``#H``, ``#Q``, ``#B``.

    Args:
        element: As it was received.
        exponents: The power of ten of each unit; no unit is taken if there are none.

    Raises:
        InstrumentError: It is none (-121), of another type, with a unit that is not known (-131) or not
            taken (-138), or too long (-123, -124).
    """
    match = _NUMBER.fullmatch(element)
    if match is None:
        integer = _INTEGER.fullmatch(element)
        if integer is not None:
            digits, base = next(pair for pair in zip(integer.groups(), _BASES, strict=True) if pair[0])
            if len(digits) > MAX_DIGITS:
                raise InstrumentError(-124)
            return float(int(digits, base))
        error = not_allowed(element)
        raise InstrumentError(-121) if error.number == -128 else error
    mantissa, exponent, unit = match.groups()
    if unit is None and exponent is None and len(mantissa) < MAX_DIGITS:
        return float(mantissa)
    if exponent is not None and (len(exponent) > MAX_DIGITS or abs(int(exponent)) > MAX_EXPONENT):
        raise InstrumentError(-123)
    power = int(exponent or 0)
    if unit is not None:
        if not exponents:
            raise InstrumentError(-138)
        if unit.upper() not in exponents:
            raise InstrumentError(-131)
        power += exponents[unit.upper()]
    if len(mantissa) > MAX_DIGITS:
        raise InstrumentError(-124)
    return float(b"%be%d" % (mantissa, power))
