"""The commands of a set, by their words; what can be said about all of them.

Pure. A ``CommandSet`` class has one::

    Thermostat.commands.find(b"/set").usage     # "/set DEGREES"
"""

import json
import re

from sockproto.commands.declaration import Declaration
from sockproto.errors import DeclarationError, UnknownCommand


class CommandTable:
    """Finds commands.

    Args:
        prefix: What stands before every word.
        separator: What stands between two arguments.
        case_sensitive: Whether upper and lower case differ.
        help_word: The word of the command that lists the others; None: no help command.

    Attributes:
        by_word: The commands by their words and aliases, prefix included, in upper case if that is the same.
        at_once: The same by their words as they are written, where upper and lower case differ; else empty.
    """

    def __init__(
        self, prefix: str, separator: str, case_sensitive: bool, help_word: str | None = "help"
    ) -> None:
        self._help_word = help_word
        self._prefix, self._separator, self._case_sensitive = prefix, separator, case_sensitive
        self.by_word: dict[bytes, Declaration] = {}
        self.at_once: dict[bytes, Declaration] = {}

    @property
    def names(self) -> list[str]:
        """The words of the commands that help lists, without their aliases, in order."""
        return sorted({each.name for each in self.by_word.values() if not (each.hidden or each.deprecated)})

    def add(self, declared: Declaration) -> None:
        """Add a command.

        Raises:
            DeclarationError: Its words can't be.
        """
        for word in declared.words:
            if not re.fullmatch(r"[!-~]+", word):
                raise DeclarationError(f"a command's word is ASCII without blanks, not {word!r}")
            if self.find(word.encode()) is not None:
                raise DeclarationError(f"there are two commands {word}")
            self.by_word[self._folded(word.encode())] = declared
            if self._case_sensitive:
                self.at_once[word.encode()] = declared

    def find(self, word: bytes) -> Declaration | None:
        """Return the command of a word, prefix included."""
        return self.by_word.get(self._folded(word))

    def find_named(self, name: bytes) -> Declaration | None:
        """Return the command of a word with the prefix or without it."""
        prefix = self._prefix.encode()
        return self.find(prefix + name.removeprefix(prefix))

    def unknown(self) -> UnknownCommand:
        """Make the error for a word that none has."""
        return UnknownCommand(f"unknown command{self._see_help()}")

    def unprefixed(self) -> UnknownCommand:
        """Make the error for a line without the prefix."""
        return UnknownCommand(f"commands begin with {self._prefix}{self._see_help()}")

    def _see_help(self) -> str:
        known = self._help_word is not None and self.find_named(self._help_word.encode()) is not None
        return f", see {self._prefix}{self._help_word}" if known else ""

    def describe(self) -> str:
        """Describe the commands to programs: one line of JSON."""
        commands = {each.name: each.describe() for each in self.by_word.values() if not each.hidden}
        return json.dumps(
            {
                "prefix": self._prefix,
                "separator": self._separator,
                "case_sensitive": self._case_sensitive,
                "commands": [commands[name] for name in sorted(commands)],
            }
        )

    def _folded(self, word: bytes) -> bytes:
        return word if self._case_sensitive else word.upper()
