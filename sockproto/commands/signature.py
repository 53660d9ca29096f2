"""A method's signature, read as that of a command: what is typed behind the word.

Pure::

    Signature(Thermostat.set, kind_of).parameters[0].usage()     # "DEGREES"
"""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from sockproto.commands.caller import Caller
from sockproto.commands.kinds import Kind, required
from sockproto.errors import DeclarationError, WrongArgument


@dataclass(frozen=True)
class Parameter:
    """One argument of a command.

    Attributes:
        name: What help and errors call it.
        argument: Its name in the signature.
        kind: Its type.
        needed: Whether it must be given.
        repeated: Whether any number of them may be given.
        rest: Whether it is the rest of the line.
    """

    name: str
    argument: str
    kind: Kind
    needed: bool = True
    repeated: bool = False
    rest: bool = False

    def usage(self) -> str:
        """Return it as help texts write it."""
        shown = self.name + ("..." if self.repeated or self.rest else "")
        return shown if self.needed else f"[{shown}]"

    def parse(self, word: bytes) -> Any:
        """Make the value.

        Raises:
            WrongArgument: It is none.
        """
        try:
            value = self.kind.parse(word)
        except (ValueError, ArithmeticError):
            value = None
        if value is None:
            # Without __init__, which would clean the text again.
            raise WrongArgument.__new__(WrongArgument, self._complaint)
        return value

    @cached_property
    def _complaint(self) -> str:
        return str(WrongArgument(f"{self.name} must be {self.kind.description}"))


class Signature:
    """A method's signature, read as that of a command.

    Args:
        function: The method.
        kind_of: Finds the kind of an annotation.

    Attributes:
        parameters: What is typed.
        caller_first: Whether the first argument is the sender of the command.
        caller_name: The keyword-only argument that is the sender; None if there is no such argument.
        without_default: The names of those that may be left out and then are None.

    Raises:
        DeclarationError: It can't be that of a command.
    """

    def __init__(self, function: Callable[..., Any], kind_of: Callable[[Any], Kind]) -> None:
        self.parameters: list[Parameter] = []
        self.caller_first = False
        self.caller_name: str | None = None
        self.without_default: set[str] = set()
        self.caller_class: type[Caller] = Caller
        self._kind_of = kind_of
        if inspect.isgeneratorfunction(function):
            raise DeclarationError("a command is no generator; 'async def' with 'yield' streams its answer")
        hints = _hints(function)
        parameters = list(inspect.signature(function).parameters.values())
        positional = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
        if not parameters or parameters[0].kind not in positional:
            raise DeclarationError("a command is a method, whose first argument is self")
        for parameter in parameters[1:]:
            self._add(parameter, hints.get(parameter.name, str))

    def _add(self, parameter: inspect.Parameter, hint: Any) -> None:
        if isinstance(hint, type) and issubclass(hint, Caller):
            self._add_caller(parameter, hint)
            return
        annotation, needed = required(hint)
        repeated = parameter.kind is parameter.VAR_POSITIONAL
        rest = parameter.kind is parameter.KEYWORD_ONLY
        if parameter.kind is parameter.VAR_KEYWORD:
            raise DeclarationError(f"a command can't take **{parameter.name}")
        if any(p.rest or p.repeated for p in self.parameters):
            raise DeclarationError(f"{parameter.name} comes after what takes all the rest of the line")
        if not needed and parameter.default is parameter.empty and not repeated:
            if rest:
                raise DeclarationError(f"{parameter.name} needs a default")
            self.without_default.add(parameter.name)
        try:
            kind = self._kind_of(annotation)
        except DeclarationError as error:
            raise DeclarationError(f"{parameter.name}: {error}") from None
        needed = needed and parameter.default is parameter.empty and not repeated
        if needed and any(not p.needed for p in self.parameters):
            raise DeclarationError(f"{parameter.name} must be given, but not what stands before it")
        self.parameters.append(
            Parameter(parameter.name.upper(), parameter.name, kind, needed, repeated, rest)
        )

    def _add_caller(self, parameter: inspect.Parameter, hint: type[Caller]) -> None:
        self.caller_class = hint
        if parameter.kind is parameter.KEYWORD_ONLY:
            self.caller_name = parameter.name
        elif not self.parameters and not self.caller_first:
            self.caller_first = True
        else:
            raise DeclarationError(f"{parameter.name} must be the first argument, or come after '*'")


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a method's parameters.

    Raises:
        DeclarationError: One can't be read.
    """
    written = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    annotated = SimpleNamespace(__annotations__=written)  # what it returns doesn't matter here
    try:
        return typing.get_type_hints(annotated, inspect.unwrap(function).__globals__, include_extras=True)
    except Exception as error:
        raise DeclarationError(f"an annotation can't be read: {error}") from None
