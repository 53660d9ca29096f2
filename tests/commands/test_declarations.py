"""Commands are declared as methods: what belongs to one, and what can't be declared."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto import Caller, CommandFactory, CommandSet, DeclarationError, Lines, command
from sockproto.cli.completing import Commands
from sockproto.testing import connect
from tests.commands.talking import Everything, Instrument, Session, TalkTests


def declare(
    method: Callable[..., Any], *names: str, base: type[CommandSet] = CommandSet, **options: Any
) -> Any:
    """Declare a class with one command."""
    return type("Set", (base,), {method.__name__: command(*names, **options)(method)})


class OneMethodTests(TalkTests):
    def test_a_new_command_is_one_method(self) -> None:
        """Nothing else is written, and all that belongs to a command is there."""

        class Before(CommandSet):
            @command
            def one(self) -> None: ...

        class After(Before):
            @command
            def roll(self, dice: int, colour: Literal["red", "blue"] = "red") -> str:
                """Roll some dice."""
                return f"{dice} {colour}"

        added = [name for name, value in vars(After).items() if inspect.isfunction(value)]
        self.assertEqual(added, ["roll"])
        self.answers(
            After(),
            **{
                "/help": b"/help /one /roll",
                "/help roll": b"/roll DICE [COLOUR]: Roll some dice. "
                b"(DICE is a whole number; COLOUR is red or blue)",
                "/roll 2 blue": b"2 blue",
                "/roll two": b"error: DICE must be a whole number",
                "/roll": b"error: DICE is missing; write /roll DICE [COLOUR]",
            },
        )
        completing = Commands("/")
        completing.learn_more(After().commands.describe())
        found = completing.get_completions(Document("/roll 2 b"), CompleteEvent())
        self.assertEqual([each.text for each in found], ["blue"])


class DeclarationTests(TestCase):
    def wrong(self, text: str, method: Any, *names: str, **options: Any) -> None:
        error = self.assertRaises(DeclarationError, declare, method, *names, **options)
        self.assertEqual(str(error), f"Set.{method.__name__}: {text}")

    def test_kinds_that_are_none(self) -> None:
        for kinds, text in (
            ({set: int}, "Set.kinds: that of <class 'set'> must be Kind(name, description, parse), not "),
            ([set], "Set.kinds is a dict of types, not "),
        ):
            error = self.assertRaises(DeclarationError, type, "Set", (CommandSet,), {"kinds": kinds})
            self.assertTrue(str(error).startswith(text), error)

    def test_what_can_not_be_a_command(self) -> None:
        def generator(self: Any) -> Iterator[str]:
            yield ""

        def mapping(self: Any, what: dict[str, int]) -> None: ...
        def keywords(self: Any, **options: str) -> None: ...
        def unknown(self: Any, what: "Nonesuch") -> None: ...  # type: ignore[name-defined]  # noqa: F821
        def after(self: Any, *, rest: str, more: str) -> None: ...
        def session(self: Any, caller: Session) -> None: ...
        def last(self: Any, word: str, caller: Caller) -> None: ...
        def plain(self: Any) -> None: ...
        def rest(self: Any, *, text: str | None) -> None: ...

        def nobody() -> None: ...

        self.wrong("a command is a method, whose first argument is self", nobody)
        kinds = (
            "str, bytes, int, float, Decimal, bool, an Enum, a Literal, a type that the set's kinds name, "
            "or a union of those"
        )
        self.wrong("a command is no generator; 'async def' with 'yield' streams its answer", generator)
        self.wrong(f"what: an argument is {kinds}, not dict[str, int]", mapping)
        self.wrong("a command can't take **options", keywords)
        self.wrong("an annotation can't be read: name 'Nonesuch' is not defined", unknown)
        self.wrong("more comes after what takes all the rest of the line", after)
        self.wrong("Set.caller must be Session", session)
        self.wrong("caller must be the first argument, or come after '*'", last)
        self.wrong("text needs a default", rest)
        self.wrong("there are two commands /plain", plain, "plain", "plain")
        self.wrong("a command's word is ASCII without blanks, not '/a b'", plain, "a b")
        self.wrong(
            "verbatim is for a command whose only argument is the rest of the line", plain, verbatim=True
        )

    def test_words_that_differ_in_case_only(self) -> None:
        def plain(self: Any) -> None: ...

        self.assertRaises(DeclarationError, declare, plain, "a", "A", base=Instrument)
        declare(plain, "a", "A")

    def test_names_that_the_class_needs(self) -> None:
        for name in "closed", "done", "commands":

            def method(self: Any) -> None: ...

            method.__name__ = name
            self.wrong(
                "CommandSet needs that name: name the method otherwise and the command by "
                f'@command("{name}")',
                method,
            )

    def test_what_is_computed_is_looked_at_by_nobody(self) -> None:
        class Raising:
            def __get__(self, instance: Any, owner: Any) -> Any:
                raise AttributeError

        made = type("Set", (CommandSet,), {"raising": Raising()})
        self.assertEqual(made.commands.names, ["/help"])  # type: ignore[attr-defined]

    def test_only_a_function_can_be_decorated(self) -> None:
        self.assertRaises(DeclarationError, command, staticmethod(len))
        self.assertRaises(DeclarationError, command, property(len))

    def test_a_class_where_an_object_is_needed(self) -> None:
        error = self.assertRaises(TypeError, CommandFactory, Everything)
        self.assertIn("such as Thermostat()", str(error))

    def test_a_subclass_adds_replaces_and_removes(self) -> None:
        class More(Everything):
            add = None  # type: ignore[assignment]

            @command
            def plain(self) -> str:  # type: ignore[override]
                return "new"

        self.assertEqual({*Everything.commands.names} - {*More.commands.names}, {"/add"})
        self.assertEqual(More.commands.by_word[b"/plain"].usage, "/plain")

    def test_another_framing(self) -> None:
        factory = CommandFactory(Everything(), clock=Clock(), framing=lambda longest: Lines(longest, b"\r\n"))
        remote = connect(factory.buildProtocol(None))
        remote.protocol.dataReceived(b"/add\n")
        self.assertEqual(remote.read(), b"0\r\n")


class UnexplainableTests(TestCase):
    """What ``/help`` could not say truly is refused when the class is made."""

    def assert_refused(self, function: Any, why: str, **attributes: Any) -> None:
        with self.assertRaisesRegex(DeclarationError, why):
            type("Made", (CommandSet,), {"do": command(function), **attributes})

    def test_what_must_be_given_behind_what_may_be_left_out(self) -> None:
        def word(self: Any, one: int | None, two: int) -> None: ...
        def rest(self: Any, one: int = 1, *, two: str) -> None: ...

        for function in (word, rest):
            self.assert_refused(function, "Made.do: two must be given, but not what stands before it")

    def test_two_choices_that_nobody_can_tell_apart(self) -> None:
        def do(self: Any, one: Literal["up", "UP"]) -> None: ...

        type("Made", (CommandSet,), {"do": command(do)})
        self.assert_refused(do, "Made.do: one: two choices are written alike", case_sensitive=False)

    def test_none_as_a_choice(self) -> None:
        def do(self: Any, one: Literal["up", None]) -> None: ...

        self.assert_refused(do, "Made.do: one: None is no choice")
