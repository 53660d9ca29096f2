"""What a decorated method declares: its words, its arguments, its help.

Pure. Declarations are made once, when the class is::

    class Thermostat(CommandSet):
        @command
        def set(self, degrees: float) -> None: ...

    Declaration(Thermostat.set, …).call(thermostat, b" 21.5", caller)      # thermostat.set(21.5)
"""

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, cast

from twisted.logger import Logger

from sockproto.commands.caller import Caller
from sockproto.commands.kinds import Kind, kind_of
from sockproto.commands.rates import RateLimit
from sockproto.commands.results import annotated_result, require_answer
from sockproto.commands.signature import Parameter, Signature
from sockproto.commands.words import Splitter
from sockproto.errors import DeclarationError, ExtraArgument, MissingArgument

_LOG = Logger("sockproto")
MARK = "__sockproto_command__"

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What the decorator was told.

    Attributes:
        names: The command's word and its aliases; empty: the method's name.
        verbatim: Whether the rest of the line keeps the blanks before it.
        endless: Whether a streamed answer never ends by itself.
        hidden: Whether lists of commands leave it out.
        deprecated: What to use instead, in words; empty: it is not deprecated.
        limits: How often it may be called.
    """

    names: tuple[str, ...] = ()
    verbatim: bool = False
    endless: bool = False
    hidden: bool = False
    deprecated: str = ""
    limits: tuple[RateLimit, ...] = ()


@typing.overload
def command(function: Method, /) -> Method: ...
@typing.overload
def command(
    *names: str, verbatim: bool = False, endless: bool = False, hidden: bool = False, deprecated: str = ""
) -> Callable[[Method], Method]: ...
def command(
    *names: Any, verbatim: bool = False, endless: bool = False, hidden: bool = False, deprecated: str = ""
) -> Any:
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
        endless: The streamed answer never ends by itself: the service's stop ends it.
        hidden: ``/help`` doesn't list it, but explains it to who knows its word.
        deprecated: What to use instead, such as ``"use /set"``: ``/help`` doesn't list it either, and
            says this where it explains it; the log tells of its first use.

    Returns:
        The method, or what makes it a command.

    Raises:
        DeclarationError: What is declared is no function, or has parameters that no command has.
    """
    if len(names) == 1 and callable(names[0]):
        return command()(names[0])

    for name in names:
        if not isinstance(name, str):
            raise DeclarationError(f"a command is a method, and its name a text, not {name!r}")

    def mark(function: Any) -> Any:
        if not inspect.isfunction(function):
            raise DeclarationError(f"a command is a method, not {function!r}")
        setattr(function, MARK, Mark(names, verbatim, endless, hidden, deprecated))
        return function

    return mark


class Declaration:
    """One command of a set.

    Args:
        function: The method.
        mark: What the decorator was told, with a name at least.
        prefix: What stands before every word.
        fold: Whether upper and lower case are the same.
        splitter: Takes the arguments apart.
        kinds: Kinds of further types.

    Attributes:
        function: The method.
        words: The command's word and its aliases, with the prefix.
        summary: The first line of its docstring.
        parameters: Its arguments.
        usage: How it is written.
        endless: Whether a streamed answer never ends by itself.
        streams: Whether its answer is streamed.
        verbatim: Whether the rest of the line keeps the blanks before it.
        hidden: Whether descriptions leave it out.
        deprecated: What to use instead; empty: it is not deprecated.
        caller_class: What it wants as the caller.

    Raises:
        DeclarationError: The signature can't be that of a command.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        mark: Mark,
        prefix: str,
        fold: bool,
        splitter: Splitter,
        kinds: Mapping[Any, Kind] = MappingProxyType({}),
    ) -> None:
        self.function = function
        self.words = tuple(prefix + name for name in mark.names)
        self.summary = (inspect.getdoc(function) or "").split("\n")[0]
        self.endless, self.verbatim = mark.endless, mark.verbatim
        self.hidden, self.deprecated = mark.hidden, mark.deprecated
        require_answer(annotated_result(function))
        self.streams = inspect.isasyncgenfunction(inspect.unwrap(function))
        self._splitter = splitter
        signature = Signature(function, partial(kind_of, fold=fold, own=kinds))
        self.parameters = tuple(signature.parameters)
        self.caller_class = signature.caller_class
        self._caller_first, self._caller_name = signature.caller_first, signature.caller_name
        self._words = [p for p in self.parameters if not p.rest and not p.repeated]
        self._repeated = next((p for p in self.parameters if p.repeated), None)
        self._rest = next((p for p in self.parameters if p.rest), None)
        self._most = sys.maxsize if self._repeated else len(self._words)
        self._is_raw = self._rest is not None and self._rest.kind.name in ("text", "bytes")
        self._without_default = signature.without_default
        wants_caller = self._caller_first or self._caller_name is not None
        # The argument of one that takes the rest of the line as it is.
        plain = self._rest is not None and not self._words and self._rest.kind.name == "bytes"
        self._taker = cast("Parameter", self._rest).argument if plain and not wants_caller else ""
        # Calls the method of a set with what follows the word, for a caller; returns what that returns. The
        # last way would do for all, and take half as long again.
        self.call: Callable[[Any, bytes, Caller], Any] = (
            self._call_with_rest
            if self._taker
            else self._call_without_arguments
            if not (self.parameters or wants_caller)
            else self._call
        )
        if mark.limits:
            self.call = self._limited(mark.limits, self.call)
        if mark.deprecated:
            self.call = self._told_once(self.call)
        usages = splitter.separator.join(parameter.usage() for parameter in self.parameters)
        self.usage = f"{self.name} {usages}".rstrip()
        if mark.verbatim and (self._rest is None or self._words):
            raise DeclarationError("verbatim is for a command whose only argument is the rest of the line")

    @property
    def name(self) -> str:
        """The command's word, with the prefix."""
        return self.words[0]

    @staticmethod
    def _limited(
        limits: tuple[RateLimit, ...], call: Callable[[Any, bytes, Caller], Any]
    ) -> Callable[[Any, bytes, Caller], Any]:
        def limited(commands: Any, text: bytes, caller: Caller) -> Any:
            for limit in limits:
                limit.spend(commands, caller)
            return call(commands, text, caller)

        return limited

    def _told_once(self, call: Callable[[Any, bytes, Caller], Any]) -> Callable[[Any, bytes, Caller], Any]:
        """Have the log told of the first call: somebody still uses what is deprecated."""

        def told(commands: Any, text: bytes, caller: Caller) -> Any:
            self.call = call
            _LOG.warn(
                "{commands}: {command} is deprecated and was used by {peer}; {instead}",
                event="deprecated_command",
                commands=type(commands).__name__,
                command=self.name,
                peer=str(caller.peer),
                instead=self.deprecated,
            )
            return call(commands, text, caller)

        return told

    def _call_without_arguments(self, commands: Any, text: bytes, caller: Caller) -> Any:
        return self._call(commands, text, caller) if text else self.function(commands)

    def _call_with_rest(self, commands: Any, text: bytes, caller: Caller) -> Any:
        rest = text if self.verbatim else text.lstrip()
        if not rest and not self.verbatim:
            return self._call(commands, text, caller)
        return self.function(commands, **{self._taker: rest})

    def _call(self, commands: Any, text: bytes, caller: Caller) -> Any:
        rest: bytes | None
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
        return self.function(commands, *arguments, **keywords)

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
        if self.deprecated:
            notes.append(f"deprecated: {self.deprecated}")
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
            "deprecated": self.deprecated,
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
