"""Attributes that declare several commands at once: settings, and the registers of the status system.

A setting is a command that sets a value, the query that asks for it, and what ``*RST`` sets it back to.

::

    class Supply(Instrument):
        voltage = Setting("[SOURce]:VOLTage[:LEVel]", Annotated[float, Numeric("V", 0, 30)], 0.0)

    supply.voltage      # 0.0; after "VOLT 500 mV" 0.5, which "VOLT?" answers
"""

from collections.abc import Callable
from typing import Annotated, Any

from sockproto.errors import CommandError, DeclarationError
from sockproto.scpi.declaration import ScpiCommand
from sockproto.scpi.notation import ProgramHeader, parse_header
from sockproto.scpi.numeric import Numeric
from sockproto.scpi.program_data import kind_of
from sockproto.scpi.response_data import response, string_data
from sockproto.scpi.status import StatusRegister

Bits = Annotated[int, Numeric(minimum=0, maximum=65_535)]


class Setting:
    """A setting of an instrument; an attribute of its objects.

    Args:
        header: The command's, without a question mark, as :func:`scpi` takes it; it has no numeric suffixes.
        annotation: What it may be, as that of a parameter.
        reset: Its value at first, and after ``*RST``.
    """

    def __init__(self, header: str, annotation: Any, reset: Any) -> None:
        self.header, self.annotation, self.reset = parse_header(header), annotation, reset

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instrument: Any, owner: type | None = None) -> Any:
        return self if instrument is None else vars(instrument).get(self._name, self.reset)

    def __set__(self, instrument: Any, value: Any) -> None:
        vars(instrument)[self._name] = value

    def set_back(self, instrument: Any) -> None:
        """Set an instrument back to the value of ``*RST``."""
        vars(instrument).pop(self._name, None)

    def commands(self) -> list[ScpiCommand]:
        """Return the command and the query.

        Raises:
            DeclarationError: The annotation is that of no parameter, or the value of ``*RST`` is none of it.
        """
        name, reset = self._name, self.reset
        if not self._takes_reset():
            kind = kind_of(self.annotation).description
            raise DeclarationError(f"its value after *RST must be {kind}, not {reset!r}")

        def value(instrument: Any) -> Any:
            return vars(instrument).get(name, reset)

        def own_value(instrument: Any) -> Any:
            return getattr(instrument, name)

        def set_value(instrument: Any, value: Any) -> None:
            setattr(instrument, name, value)

        is_plain = type(self).__get__ is Setting.__get__  # then it takes half the time
        return _set_and_ask(self.header, self.annotation, value if is_plain else own_value, set_value)

    def _takes_reset(self) -> bool:
        """Tell whether the value of ``*RST``, as the query answers it, is one that the command takes."""
        kind, reset = kind_of(self.annotation), self.reset
        try:
            data = response(string_data(reset) if self.annotation is str is type(reset) else reset)
            value = kind.parse(data)
        except (CommandError, TypeError):
            return False
        return bool(value == reset or response(value) == data)  # infinity is answered as a number


class RegisterCommands:
    """The commands of a status register: SCPI-99, volume 2, chapter 20.

    Args:
        header: What they begin with.
        register: Returns the register of an instrument.
    """

    def __init__(self, header: str, register: Callable[[Any], StatusRegister]) -> None:
        self._header, self._register = header, register

    def commands(self) -> list[ScpiCommand]:
        """Make the commands and queries."""
        register = self._register

        def event(instrument: Any) -> int:
            return register(instrument).read_event()

        def condition(instrument: Any) -> int:
            return register(instrument).condition

        made = [
            ScpiCommand(event, parse_header(f"{self._header}[:EVENt]?"), overlapped=False),
            ScpiCommand(condition, parse_header(f"{self._header}:CONDition?"), overlapped=False),
        ]
        for node, name in ("ENABle", "enable"), ("PTRansition", "positive"), ("NTRansition", "negative"):
            made += self._mask(parse_header(f"{self._header}:{node}"), name)
        return made

    def _mask(self, header: ProgramHeader, name: str) -> list[ScpiCommand]:
        register = self._register

        def value(instrument: Any) -> Any:
            return getattr(register(instrument), name)

        def set_value(instrument: Any, value: Any) -> None:
            setattr(register(instrument), name, value)

        return _set_and_ask(header, Bits, value, set_value)


def _set_and_ask(
    header: ProgramHeader,
    annotation: Any,
    value: Callable[[Any], Any],
    set_value: Callable[[Any, Any], None],
) -> list[ScpiCommand]:
    """Make a command, which sets a value of that type, and the query that asks for it."""

    def quoted(instrument: Any) -> str:
        return string_data(value(instrument))

    set_value.__annotations__["value"] = annotation
    value.__annotations__["return"] = annotation
    query = ProgramHeader(header.mnemonics, is_query=True)
    return [
        ScpiCommand(set_value, header, overlapped=False),
        ScpiCommand(quoted if annotation is str else value, query, overlapped=False),
    ]
