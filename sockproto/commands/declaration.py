"""What a decorated method declares: its words, its arguments, its help.

Pure. Declarations are made once, when the class is::

    class Thermostat(CommandSet):
        @command
        def set(self, degrees: float) -> None: ...

    Declaration(Thermostat.set, …).parse(b" 21.5", caller)      # ([21.5], {})
"""

import inspect
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, TypeVar

from sockproto.commands.caller import Caller
from sockproto.commands.kinds import Kind, kind_of, required
from sockproto.commands.words import Splitter
from sockproto.errors import DeclarationError, ExtraArgument, MissingArgument, WrongArgument

MARK = "__sockproto_command__"

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What the decorator was told.

    Attributes:
        names: The command's word and its aliases; empty: the method's name.
        verbatim: Whether the rest of the line keeps the blanks before it.
        endless: Whether a streamed answer has no end of its own.
    """

    names: tuple[str, ...] = ()
    verbatim: bool = False
    endless: bool = False


@typing.overload
def command(function: Method, /) -> Method: ...
@typing.overload
def command(*names: str, verbatim: bool = False, endless: bool = False) -> Callable[[Method], Method]: ...
def command(*names: Any, verbatim: bool = False, endless: bool = False) -> Any:
    """Make a method of a ``CommandSet`` a command; use it bare or with arguments.

    The method stays a method. Its parameters are what is typed behind the word, in their order: ``str``,
    ``bytes``, ``int``, ``float``, ``bool``, an ``Enum`` or a ``Literal``; ``str`` without an annotation. One
    that has a default, or ``| None``, may be left out. ``*names`` takes as many as come. A keyword-only one
    (``*, text: str``) takes the rest of the line as it is; discord.py's commands read the signature so too.
    The first one, or a keyword-only one, whose annotation is ``Caller`` or a subclass of it gets who sent the
    command.

    Args:
        names: The word, then its aliases, without the prefix; the method's name if none is given.
        verbatim: The rest of the line begins right behind the word, blanks and all.
        endless: A streamed answer that has no end of its own: the service's stop ends it.
    """
    if len(names) == 1 and callable(names[0]):
        return command()(names[0])

    def mark(function: Any) -> Any:
        if not inspect.isfunction(function):
            raise DeclarationError(f"a command is a method, not {function!r}")
        setattr(function, MARK, Mark(names, verbatim, endless))
        return function

    return mark


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
        """Give it as help texts write it."""
        shown = self.name + ("..." if self.repeated or self.rest else "")
        return shown if self.needed else f"[{shown}]"

    def parse(self, word: bytes) -> Any:
        """Make the value.

        Raises:
            WrongArgument: It is none.
        """
        value = self.kind.parse(word)
        if value is None:
            raise WrongArgument(self._complaint)
        return value

    @cached_property
    def _complaint(self) -> str:
        return f"{self.name} must be {self.kind.description}"


class Declaration:
    """One command of a set.

    Args:
        function: The method.
        mark: What the decorator was told, with a name at least.
        prefix: What stands before every word.
        fold: Whether upper and lower case are the same.
        splitter: Takes the arguments apart.

    Attributes:
        function: The method.
        words: The command's word and its aliases, with the prefix.
        summary: The first line of its docstring.
        parameters: Its arguments.
        usage: How it is written.
        endless: Whether a streamed answer has no end of its own.
        streams: Whether its answer is streamed.
        verbatim: Whether the rest of the line keeps the blanks before it.
        caller_class: What it wants as the caller.
        is_bare: Whether it takes nothing at all.

    Raises:
        DeclarationError: The signature can't be that of a command.
    """

    def __init__(
        self, function: Callable[..., Any], mark: Mark, prefix: str, fold: bool, splitter: Splitter
    ) -> None:
        self.function = function
        self.words = tuple(prefix + name for name in mark.names)
        self.summary = (inspect.getdoc(function) or "").split("\n")[0]
        self.endless, self.verbatim = mark.endless, mark.verbatim
        self.streams = inspect.isasyncgenfunction(inspect.unwrap(function))
        self._splitter = splitter
        signature = Signature(function, fold)
        self.parameters = tuple(signature.parameters)
        self.caller_class = signature.caller_class
        self._caller_first, self._caller_name = signature.caller_first, signature.caller_name
        self._words = [p for p in self.parameters if not p.rest and not p.repeated]
        self._repeated = next((p for p in self.parameters if p.repeated), None)
        self._rest = next((p for p in self.parameters if p.rest), None)
        self._most = sys.maxsize if self._repeated else len(self._words)
        self._is_raw = self._rest is not None and self._rest.kind.name in ("text", "bytes")
        self._without_default = signature.without_default
        self.is_bare = not (self.parameters or self._caller_first or self._caller_name)
        usages = splitter.separator.join(parameter.usage() for parameter in self.parameters)
        self.usage = f"{self.name} {usages}".rstrip()
        if mark.verbatim and (self._rest is None or self._words):
            raise DeclarationError("verbatim is for a command whose only argument is the rest of the line")

    @property
    def name(self) -> str:
        """The command's word, with the prefix."""
        return self.words[0]

    def parse(self, text: bytes, caller: Caller) -> tuple[list[Any], dict[str, Any]]:
        """Make the method's arguments, without ``self``, of what follows the word.

        Raises:
            CommandError: It is not what the signature says.
        """
        arguments: list[Any] = [caller] if self._caller_first else []
        keywords: dict[str, Any] = {self._caller_name: caller} if self._caller_name else {}
        if self._most:
            words, rest = self._splitter.split(text, self._most)
            arguments += map(Parameter.parse, self._words, words)
            if len(words) < len(self._words):
                self._leave_out(self._words[len(words) :], arguments)
            elif self._repeated is not None:
                arguments += map(self._repeated.parse, words[len(self._words) :])
        else:  # without words the line needs no splitting
            rest = text if self.verbatim else text.lstrip() or None
        if self._rest is not None:
            if rest is not None:
                keywords[self._rest.argument] = self._rest.parse(rest if self._is_raw else rest.strip())
            elif self._rest.needed:
                raise MissingArgument(f"{self._rest.name} is missing; write {self.usage}")
        elif rest is not None:
            raise ExtraArgument(f"too many arguments; write {self.usage}")
        return arguments, keywords

    def _leave_out(self, missing: list[Parameter], arguments: list[Any]) -> None:
        """Add what stands for arguments that were not given and have no default of their own."""
        if missing[0].needed:
            raise MissingArgument(f"{missing[0].name} is missing; write {self.usage}")
        arguments += [None for parameter in missing if parameter.argument in self._without_default]

    def explain(self) -> str:
        """Explain it to people, in one line."""
        notes = [
            f"{parameter.name} is {parameter.kind.description}"
            for parameter in self.parameters
            if parameter.kind.name not in ("text", "bytes")
        ]
        if self.streams:
            notes.append("an empty line ends it")
        explained = f"{self.usage}: {self.summary}" if self.summary else self.usage
        return explained + (f" ({'; '.join(notes)})" if notes else "")

    def describe(self) -> dict[str, Any]:
        """Describe it to programs, as plain data."""
        return {
            "name": self.name,
            "aliases": list(self.words[1:]),
            "usage": self.usage,
            "help": self.summary,
            "streams": self.streams,
            "parameters": [
                {
                    "name": parameter.name,
                    "type": parameter.kind.name,
                    "choices": list(parameter.kind.choices),
                    "required": parameter.needed,
                    "repeated": parameter.repeated,
                    "rest": parameter.rest,
                }
                for parameter in self.parameters
            ],
        }


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Give the annotations of a method's parameters.

    Raises:
        DeclarationError: One can't be read.
    """
    written = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    annotated = SimpleNamespace(__annotations__=written)  # what it gives is nobody's business here
    try:
        return typing.get_type_hints(annotated, inspect.unwrap(function).__globals__)
    except Exception as error:
        raise DeclarationError(f"an annotation can't be read: {error}") from None


class Signature:
    """A method's signature, read as that of a command.

    Args:
        function: The method.
        fold: Whether upper and lower case are the same in choices.

    Attributes:
        parameters: What is typed.
        caller_first: Whether the first argument is who sent the command.
        caller_name: The keyword-only argument that is, None if there is none.
        without_default: The names of those that may be left out and then are None.

    Raises:
        DeclarationError: It can't be that of a command.
    """

    def __init__(self, function: Callable[..., Any], fold: bool) -> None:
        self.parameters: list[Parameter] = []
        self.caller_first = False
        self.caller_name: str | None = None
        self.without_default: set[str] = set()
        self.caller_class: type[Caller] = Caller
        self._fold = fold
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
            kind = kind_of(annotation, self._fold)
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
