"""What a prompt completes, whatever the server's help says."""

import json
from typing import Any

from hypothesis import given, strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from twisted.trial.unittest import TestCase

from sockproto.cli.completing import Commands

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=10,
)


def completed(commands: Commands, typed: str) -> list[str]:
    return [found.text for found in commands.get_completions(Document(typed), CompleteEvent())]


def described(*parameters: Any, name: str = "/set") -> str:
    return json.dumps({"commands": [{"name": name, "aliases": ["/s"], "parameters": parameters}]})


class CompletionTests(TestCase):
    def test_words_that_help_lists(self) -> None:
        commands = Commands("/")
        self.assertTrue(commands.learn("/set /sat /get"))
        self.assertEqual(completed(commands, "/s"), ["/set", "/sat"])
        self.assertEqual(completed(commands, "/set "), [])

    def test_what_is_no_list_of_words(self) -> None:
        for line in "", "Hello, /help!", "error: unknown", "/a b":
            commands = Commands("/")
            self.assertFalse(commands.learn(line), line)
            self.assertEqual(completed(commands, ""), [])

    def test_arguments_with_a_choice(self) -> None:
        commands = Commands("/")
        commands.learn("/set")
        parameters = [("boolean", []), ("choice", ["heat", "cool"]), ("number", [])]
        commands.learn_more(described(*({"type": kind, "choices": found} for kind, found in parameters)))
        for word in "/set", "/s":
            self.assertEqual(completed(commands, f"{word} o"), ["on", "off"])
            self.assertEqual(completed(commands, f"{word} on h"), ["heat"])
            self.assertEqual(completed(commands, f"{word} on heat "), [])
            self.assertEqual(completed(commands, f"{word} on heat 1 "), [])

    def test_nothing_that_a_terminal_would_obey(self) -> None:
        commands = Commands("/")
        commands.learn("/set /\x1b[31mred")
        self.assertEqual(completed(commands, "/"), ["/set"])
        commands.learn_more(described({"type": "choice", "choices": ["\x1b[2J", "a b", "ok"]}))
        self.assertEqual(completed(commands, "/set "), ["ok"])

    @given(JSON | JSON.map(lambda value: {"commands": [{"name": "/a", "aliases": [], "parameters": value}]}))
    def test_any_answer_at_all(self, value: Any) -> None:
        commands = Commands("/")
        commands.learn("/help")
        commands.learn_more(json.dumps(value))
        for typed in "", "/a", "/a ", "/help x y ":
            for found in completed(commands, typed):
                self.assertTrue(found.isprintable())
