"""A class whose methods are the commands of a text protocol.

Pure: it returns what the conversation of one connection, ``answering``, sends::

    class Thermostat(CommandSet):
        target = 20.0

        @command
        def set(self, degrees: float) -> None:
            "Set the target temperature."
            self.target = degrees

    endpoint.listen(CommandFactory(Thermostat()))       # "/set 21.5" is answered "ok"
"""

import inspect
import re
import textwrap
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, cast

from sockproto.commands.caller import Caller
from sockproto.commands.declaration import MARK, Declaration, Mark, command
from sockproto.commands.kinds import Kind
from sockproto.commands.rates import LIMITS, RateLimit
from sockproto.commands.table import CommandTable
from sockproto.commands.words import Splitter
from sockproto.core.conversation import CloseReason
from sockproto.errors import CommandError, DeclarationError


class CommandSet:
    """The commands of a protocol: subclass it and decorate methods with ``command``.

    One object serves all its connections: what it keeps is shared by them. What belongs to one connection is
    kept in its ``Caller``, which a method gets that has an argument with that annotation.

    A command returns its answer: text (``str`` or ``bytes``) without a newline, a number, a ``bool`` (``on``
    or ``off``), an ``Enum``; None means ``done``; ``CLOSE`` or ``ABORT`` ends the connection; a list or tuple
    is several of those, one after the other; a dict is a line of JSON. It may be ``async``, or return a
    Deferred: the caller's later lines wait, nobody else's. ``async def`` with ``yield`` streams: each value
    is a line, made when the peer has room for it, until the command is done, the caller sends an empty line,
    or the connection ends; then what it waits for is cancelled. For whatever else a method may return a
    script, which is done as it is: a generator of actions, as in a conversation. ``CommandError`` is answered
    ``error: …``. Any other exception is a bug: it is logged, and the connection closed with ``error: internal
    error``.

    Attributes:
        prefix: What stands before every word, maybe nothing; a line without it gets no reply.
        case_sensitive: Whether upper and lower case differ, in words and in choices.
        separator: What stands between two arguments: ``" "`` means any blanks.
        newline: What ends a reply; None: what ended the line that it answers.
        done: The answer when a command returns None; None: no answer.
        caller: The class of callers: mostly a subclass that keeps the state of one connection.
        kinds: The kinds of further types of arguments, such as ``{IPv4Address: Kind(…)}``.
        help_word: The word of the command that lists and explains the others; None: no help command.
        help_columns: Characters in a line; a longer list of commands takes several lines.
        prefix_hint: Whether the first line of a connection that lacks the prefix is answered with a hint. For
            sets that people type to: what programs send without it is not meant for the set.
        commands: What was declared; made with the class.

    Raises:
        DeclarationError: When the class is made: a method can't be a command.
    """

    prefix: ClassVar[str] = "/"
    case_sensitive: ClassVar[bool] = True
    separator: ClassVar[str] = " "
    newline: ClassVar[bytes | None] = b"\n"
    done: ClassVar[str | None] = "ok"
    caller: ClassVar[type[Caller]] = Caller
    kinds: ClassVar[Mapping[Any, Kind]] = MappingProxyType({})
    help_word: ClassVar[str | None] = "help"
    help_columns: ClassVar[int] = 79
    prefix_hint: ClassVar[bool] = False

    commands: ClassVar[CommandTable]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for attribute, value in vars(cls).items():
            if hasattr(value, MARK) and attribute in _RESERVED:
                raise DeclarationError(
                    f"{cls.__name__}.{attribute}: CommandSet needs that name: name the method otherwise and "
                    f'the command by @command("{attribute}")'
                )
        if not re.fullmatch(r"[ !-/:-@]", cls.separator) or cls.separator in '"\\':
            raise DeclarationError(
                f"{cls.__name__}.separator is one character such as ',', not {cls.separator!r}"
            )
        if not isinstance(cls.kinds, Mapping):
            raise DeclarationError(f"{cls.__name__}.kinds is a dict of types, not {cls.kinds!r}")
        for annotation, kind in cls.kinds.items():
            if not isinstance(kind, Kind):
                raise DeclarationError(
                    f"{cls.__name__}.kinds: that of {annotation!r} must be Kind(name, description, parse), "
                    f"not {kind!r}"
                )
        splitter = Splitter(cls.separator)
        cls.commands = CommandTable(cls.prefix, cls.separator, cls.case_sensitive, cls.help_word)
        for attribute in dir(cls):
            function = inspect.getattr_static(cls, attribute)  # what is computed is no command
            mark = cls._mark(attribute) if inspect.isfunction(function) else None
            if mark is None:
                continue
            try:
                fold = not cls.case_sensitive
                declared = Declaration(function, mark, cls.prefix, fold, splitter, cls.kinds)
                if not issubclass(cls.caller, declared.caller_class):
                    raise DeclarationError(f"{cls.__name__}.caller must be {declared.caller_class.__name__}")
                cls.commands.add(declared)
            except DeclarationError as error:
                raise DeclarationError(f"{cls.__name__}.{attribute}: {error}") from None

    @classmethod
    def _mark(cls, attribute: str) -> Mark | None:
        """Return how a method was decorated, in its own class or where it is overridden from."""
        for base in cls.__mro__:
            method = vars(base).get(attribute)
            if hasattr(method, MARK):
                mark = cast("Mark", getattr(method, MARK))
                word = cls.help_word if attribute == "help" else attribute
                names = mark.names or ((word,) if word is not None else ())
                return replace(mark, names=names, limits=cls._limits(attribute)) if names else None
        return None

    @classmethod
    def _limits(cls, attribute: str) -> tuple[RateLimit, ...]:
        """Return the limits of a method, or of the one that it overrides."""
        methods = (vars(base).get(attribute) for base in cls.__mro__)
        limits = next((getattr(method, LIMITS) for method in methods if hasattr(method, LIMITS)), ())
        # A caller past its own limit spends nothing of what all have together.
        return tuple(sorted(limits, key=lambda limit: not limit.per_caller))

    # What a subclass may override.

    def opened(self, caller: Caller) -> Any:
        """Greet a caller; not called for datagrams.

        Returns:
            The answer, as a command returns it; None: no answer.
        """
        return None

    def closed(self, caller: Caller, reason: CloseReason) -> None:
        """Forget a caller, whose connection ended for a reason; not called for datagrams."""

    def preprocess(self, caller: Caller, line: bytes) -> Any:
        """Look at a line before its command is looked up; the default takes it as it is.

        Returns:
            The line that is meant, as bytes; None: it is not answered. Anything else is the whole answer, as
            a command returns it: text (``str``), a list of lines, something to wait for …
            On datagrams such an answer is as dangerous as an echo: a server that has the same answer for
            whatever comes and another one of its kind would answer each other for ever.

        Raises:
            CommandError: It is refused; the text is what the caller is told.
        """
        return line

    def authorize(self, caller: Caller, declared: Declaration) -> "Awaitable[None] | None":
        """Let a command run, before its arguments are looked at; the default lets every one.

        Raises:
            CommandError: It may not; the text is what the caller is told.
        """
        return None

    def failed(self, caller: Caller, error: CommandError) -> Any:
        """Return what a caller is told of an error.

        Args:
            caller: Who.
            error: What was wrong: one that a command has raised, or one of ``CommandError``'s subclasses.

        Returns:
            Whatever a command may return without waiting: text, a tuple of lines, ``CLOSE`` … But None means
            that nothing is said. On datagrams, nothing should be said to :class:`UnknownCommand` unless it
            begins with ``error:``: two such servers would answer each other for ever.
        """
        return "error: " + str(error)

    @command
    def help(self, name: bytes | None = None) -> "str | list[str]":
        """List the commands, or explain the one of that name."""
        if name is None:
            words = " ".join(self.commands.names)
            if len(words) <= self.help_columns:
                return words
            return textwrap.wrap(words, self.help_columns, break_long_words=False, break_on_hyphens=False)
        declared = self.commands.find_named(name)
        if declared is not None:
            return declared.explain()
        if name.lower() == b"json":
            return self.commands.describe()
        raise self.commands.unknown()


_RESERVED = {name for name in vars(CommandSet) if not name.startswith("_")} - {"help"} | {"commands"}
