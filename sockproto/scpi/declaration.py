"""What a decorated method declares: its header, its parameters, its answer.

Pure::

    class Supply(Instrument):
        @scpi("[SOURce<channel>]:VOLTage")
        def set_voltage(self, channel: int, volts: Annotated[float, Numeric("V", 0, 30)]) -> None: ...
"""

import enum
import inspect
import typing
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, TypeVar, cast

from sockproto.commands.caller import Caller
from sockproto.commands.signature import Parameter, Signature
from sockproto.errors import CommandError, DeclarationError, InstrumentError
from sockproto.scpi.message import elements
from sockproto.scpi.notation import ProgramHeader, parse_header, short_form
from sockproto.scpi.numeric import NumericKind
from sockproto.scpi.program_data import choice_words, kind_of
from sockproto.scpi.response_data import response

MARK = "__sockproto_scpi__"

Method = TypeVar("Method", bound=Callable[..., Any])


def scpi(header: str, *, overlapped: bool = False) -> Callable[[Method], Method]:
    """Make a method of an ``Instrument`` a command, or a query; the method stays one.

    Args:
        header: What it is called, as the standard writes it: ``MEASure:VOLTage[:DC]?``. Capital letters are
            the short form, brackets hold what may be left out, a question mark makes it a query, and
            ``OUTPut<channel>`` has a numeric suffix, which is the parameter ``channel``.
        overlapped: It is ``async``, and goes on while later commands are done; ``*OPC``, ``*OPC?`` and
            ``*WAI`` wait for its end (IEEE 488.2, chapter 12).

    Returns:
        What makes the method a command.

    Raises:
        DeclarationError: What is declared is no function, has parameters that no command has, or can't be
            overlapped.
    """
    parsed = parse_header(header)
    if overlapped and parsed.is_query:
        raise DeclarationError(f"{header} can't be overlapped: its answer is waited for")

    def mark(function: Any) -> Any:
        if not inspect.isfunction(function):
            raise DeclarationError(f"a command is a method, not {function!r}")
        setattr(function, MARK, (*getattr(function, MARK, ()), (parsed, overlapped)))
        return function

    return mark


def declared_headers(attribute: Any) -> frozenset[ProgramHeader]:
    """Return the headers that a method was decorated with; none for anything else."""
    return frozenset(header for header, _ in getattr(attribute, MARK, ()))


class ScpiCommand:
    """One command or query of an instrument.

    Args:
        function: The method.
        header: What it is called.
        overlapped: Whether later commands are done while it goes on.

    Attributes:
        function: The method.
        header: What it is called.
        is_query: Whether it is answered.
        overlapped: Whether later commands are done while it goes on.
        caller_class: What it wants as the caller.
        numeric: The kind of its only parameter, where that is a number with limits.
        limits: The same of the command whose query this is; the query is asked for them.

    Raises:
        DeclarationError: The signature can't be that of a command.
    """

    def __init__(self, function: Callable[..., Any], header: ProgramHeader, overlapped: bool) -> None:
        self.function, self.header, self.overlapped = function, header, overlapped
        self.is_query = header.is_query
        self.limits: NumericKind | None = None
        if inspect.isasyncgenfunction(inspect.unwrap(function)):
            raise DeclarationError("an instrument streams no answers")
        signature = Signature(function, kind_of)
        self.caller_class: type[Caller] = signature.caller_class
        self._caller_first, self._caller_name = signature.caller_first, signature.caller_name
        named = [mnemonic.suffix for mnemonic in header.mnemonics if mnemonic.suffix]
        count = len(named)
        self._suffixes, self._parameters = signature.parameters[:count], signature.parameters[count:]
        if [parameter.argument for parameter in self._suffixes] != named:
            raise DeclarationError(
                f"the suffixes of {header} come first among the parameters: {', '.join(named)}"
            )
        if any(parameter.rest for parameter in self._parameters):
            raise DeclarationError("a parameter of an instrument's command is not keyword-only")
        self._repeated = next((each for each in self._parameters if each.repeated), None)
        self._words = [each for each in self._parameters if not each.repeated]
        self._needed = sum(each.needed for each in self._words)
        self._without_default = signature.without_default
        returned = _returned(function)
        self._words_of_answer = {v: short_form(w) for v, w in _choices(returned).items()}
        if header.is_query and returned is type(None):
            raise DeclarationError(f"{header} is a query, which answers with something")
        kinds = [parameter.kind for parameter in self._words]
        only = kinds[0] if len(kinds) == 1 else None
        self.numeric = only if isinstance(only, NumericKind) and only.numeric.is_limited else None

    def parse_suffixes(self, suffixes: tuple[int, ...]) -> tuple[object, ...]:
        """Make the values of the numeric suffixes that are parameters.

        Args:
            suffixes: One for each node of the header.

        Raises:
            InstrumentError: One is not taken (-114).
        """
        values = []
        parameters = iter(self._suffixes)
        for mnemonic, suffix in zip(self.header.mnemonics, suffixes, strict=True):
            if mnemonic.suffix:
                try:
                    values.append(next(parameters).parse(b"%d" % suffix))
                except CommandError:
                    raise InstrumentError(-114) from None
            elif suffix != 1:
                raise InstrumentError(-114)
        return tuple(values)

    def bind(self, data: bytes) -> tuple[Callable[..., Any] | None, list[object]]:
        """Return what to call with the text after the header, and its arguments.

        The instrument comes before them, and the numeric suffixes.

        Returns:
            The method, or None where it wants the caller: that is for :meth:`call`. And the arguments.

        Raises:
            CommandError: The data is not what the signature says.
        """
        given = elements(data)
        if self.limits is not None and len(given) == 1 and not self._parameters:
            limit = self.limits.limit(given[0])
            return lambda instrument, *suffixes: limit, []
        if len(given) < self._needed:
            raise InstrumentError(-109)
        arguments: list[Any] = list(map(Parameter.parse, self._words, given))
        rest = given[len(self._words) :]
        if rest:
            if self._repeated is None:
                raise InstrumentError(-108)
            arguments += map(self._repeated.parse, rest)
        elif self._without_default:
            missing = self._words[len(given) :]
            arguments += [None for parameter in missing if parameter.argument in self._without_default]
        wants_caller = self._caller_first or self._caller_name
        return None if wants_caller else self.function, arguments

    def call(self, instrument: Any, arguments: tuple[object, ...], caller: Caller) -> Any:
        """Call a method that wants the caller; return what it returns.

        Raises:
            CommandError: The method refuses.
        """
        if self._caller_first:
            return self.function(instrument, caller, *arguments)
        return self.function(instrument, *arguments, **{cast("str", self._caller_name): caller})

    def answer(self, value: Any) -> bytes:
        """Write what a query's method has returned as response data; a choice is written in its short form.

        Raises:
            TypeError: It is nothing that can be written.
            ValueError: It holds a newline that would end the answer.
        """
        if self._words_of_answer:
            with suppress(TypeError):  # a list is no choice
                value = self._words_of_answer.get(value, value)
        return response(value)


def _returned(function: Callable[..., Any]) -> Any:
    """Return the annotation of what a method returns; None if it has no readable one."""
    annotation = function.__annotations__.get("return", inspect.Signature.empty)
    if annotation is None:
        return type(None)
    try:
        return typing.get_type_hints(function).get("return")
    except Exception:  # one of another kind than a choice may need what is imported for type checkers only
        return None


def _choices(annotation: Any) -> dict[Any, str]:
    """Return the words of a choice that is returned."""
    if typing.get_origin(annotation) is Literal:
        return dict(choice_words(typing.get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return dict(choice_words(tuple(annotation)))
    return {}
