"""A class whose methods are the commands of a text protocol.

Pure: it gives what the conversation of one connection, ``answering``, sends::

    class Thermostat(CommandSet):
        target = 20.0

        @command
        def set(self, degrees: float) -> None:
            "Set the target temperature."
            self.target = degrees

    endpoint.listen(CommandFactory(Thermostat()))       # "/set 21.5" is answered "ok"
"""

import json
import re
from collections.abc import Awaitable
from typing import Any, ClassVar

from sockproto.commands.caller import Caller
from sockproto.commands.declaration import MARK, Declaration, command
from sockproto.commands.words import Splitter
from sockproto.conversation import CloseReason
from sockproto.errors import CommandError, DeclarationError, UnknownCommand


class CommandSet:
    """The commands of a protocol: subclass it and decorate methods with ``command``.

    One object serves all its connections: what it keeps is shared by them. What belongs to one connection is
    kept in its ``Caller``, which a method gets that has an argument with that annotation.

    A command gives its answer: text (``str`` or ``bytes``) without a newline, a number, a ``bool`` (``on`` or
    ``off``), an ``Enum``; None means ``done``; ``CLOSE`` or ``ABORT`` ends the connection; a tuple is several
    of those, one after the other. It may be ``async``, or give a Deferred: the caller's later lines wait,
    nobody else's. ``async def`` with ``yield`` streams: each value is a line, made when the peer has room for
    it, until the command is done, the caller sends an empty line, or the connection ends; then what it waits
    for is cancelled. ``CommandError`` is answered ``error: …``. Any other exception is a bug: it is logged,
    and the connection closed with ``error: internal error``.

    Attributes:
        prefix: What stands before every word, maybe nothing; a line without it gets no reply.
        case_sensitive: Whether upper and lower case differ, in words and in choices.
        separator: What stands between two arguments: ``" "`` means any blanks.
        newline: What ends a reply; None: what ended the line that it answers.
        done: What is answered where a command gives None; None: nothing.
        caller: The class of callers: mostly a subclass that keeps the state of one connection.

    Raises:
        DeclarationError: When the class is made: a method can't be a command.
    """

    prefix: ClassVar[str] = "/"
    case_sensitive: ClassVar[bool] = True
    separator: ClassVar[str] = " "
    newline: ClassVar[bytes | None] = b"\n"
    done: ClassVar[str | None] = "ok"
    caller: ClassVar[type[Caller]] = Caller

    commands: ClassVar[dict[bytes, Declaration]] = {}
    """The commands by their words, prefix included, in upper case where case doesn't matter."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.commands = {}
        splitter = Splitter(cls.separator)
        for attribute in dir(cls):
            function = getattr(cls, attribute)
            if not hasattr(function, MARK):
                continue
            try:
                cls._declare(Declaration(function, attribute, cls.prefix, not cls.case_sensitive, splitter))
            except DeclarationError as error:
                raise DeclarationError(f"{cls.__name__}.{attribute}: {error}") from None

    @classmethod
    def _declare(cls, declared: Declaration) -> None:
        if not issubclass(cls.caller, declared.caller_class):
            raise DeclarationError(f"{cls.__name__}.caller must be {declared.caller_class.__name__}")
        for word in declared.words:
            if not re.fullmatch(r"[!-~]+", word):
                raise DeclarationError(f"a command's word is ASCII without blanks, not {word!r}")
            if cls.folded(word.encode()) in cls.commands:
                raise DeclarationError(f"there are two commands {word}")
            cls.commands[cls.folded(word.encode())] = declared

    @classmethod
    def folded(cls, word: bytes) -> bytes:
        """Give a word as ``commands`` has it."""
        return word if cls.case_sensitive else word.upper()

    @property
    def unknown(self) -> str:
        """What is told of an unknown command."""
        listing = f"{self.prefix}help"
        known = self.folded(listing.encode()) in self.commands
        return f"unknown command, see {listing}" if known else "unknown command"

    # What a subclass may override.

    def opened(self, caller: Caller) -> Any:
        """Greet a caller; not called for datagrams.

        Returns:
            What is said, as a command gives it; None: nothing.
        """
        return None

    def closed(self, caller: Caller, reason: CloseReason) -> None:
        """Forget a caller; not called for datagrams."""

    def authorize(self, caller: Caller, declared: Declaration) -> "Awaitable[None] | None":
        """Let a command run, before its arguments are looked at; the default lets every one.

        Raises:
            CommandError: It may not; the text is what the caller is told.
        """
        return None

    def failed(self, caller: Caller, error: CommandError) -> Any:
        """Give what a caller is told of an error, as a command gives its answer; None: nothing.

        Args:
            caller: Who.
            error: What was wrong: one that a command has raised, or one of ``CommandError``'s subclasses.
        """
        return f"error: {error}"

    @command
    def help(self, name: bytes | None = None) -> str:
        """List the commands, or explain one."""
        if name is None:
            return " ".join(sorted({declared.name for declared in self.commands.values()}))
        word = self.prefix.encode() + name.removeprefix(self.prefix.encode())
        declared = self.commands.get(self.folded(word))
        if declared is not None:
            return declared.explain()
        if name.lower() == b"json":
            return self.description()
        raise UnknownCommand(self.unknown)

    def description(self) -> str:
        """Describe the commands to programs: one line of JSON."""
        commands = {declared.name: declared.describe() for declared in self.commands.values()}
        return json.dumps(
            {
                "prefix": self.prefix,
                "separator": self.separator,
                "case_sensitive": self.case_sensitive,
                "commands": [commands[name] for name in sorted(commands)],
            }
        )
