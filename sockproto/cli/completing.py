"""Completion of a command server's lines, from what its help says.

Knows no terminal and no connection::

    commands = Commands("/")
    commands.learn("/help /set")        # what /help said
    commands.learn_more('{"commands": [{"name": "/set", …')     # what /help json said
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document


class Commands(Completer):
    """The words of a server's commands, and those of their arguments that have a choice.

    Args:
        prefix: What stands before every word.

    Attributes:
        words: What ``/help`` listed.
        described: Whether ``/help json`` has told what there is to know.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.words: list[str] = []
        self.described = False
        self._arguments: dict[str, list[list[str]]] = {}

    def learn(self, help_line: str) -> bool:
        """Take a line of what ``/help`` said; return whether it was a list of commands, or a part of it."""
        words = help_line.split()
        if not words or not all(word.startswith(self._prefix) for word in words):
            return False
        self.words = list(dict.fromkeys([*self.words, *_safe(words)]))
        return True

    def learn_more(self, description: str) -> bool:
        """Take what ``/help json`` said; return whether it was what a ``CommandSet`` says, or a list."""
        try:
            commands = json.loads(description)["commands"]
            self._arguments = {
                name: [_choices(parameter) for parameter in one["parameters"]]
                for one in commands
                for name in (one["name"], *one["aliases"])
            }
            self.words = _safe(one["name"] for one in commands)
            self.described = True
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            self._arguments = {}
            return self.learn(description)  # another server's, which knows only /help
        return True

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield what the word before the cursor may become."""
        *before, word = document.text_before_cursor.split(" ")
        found = self.words
        if before:
            arguments = self._arguments.get(before[0], [])
            found = arguments[len(before) - 1] if len(before) <= len(arguments) else []
        for one in found:
            if one.startswith(word):
                yield Completion(one, start_position=-len(word))


def _choices(parameter: Any) -> list[str]:
    if parameter["type"] == "boolean":
        return ["on", "off"]
    return _safe(parameter["choices"])


def _safe(words: Iterable[str]) -> list[str]:
    """Leave out what a terminal would not show as it is."""
    return [word for word in words if re.fullmatch(r"\S+", word) and word.isprintable()]
