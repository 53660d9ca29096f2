"""Definitions of other packages: what makes one unfit, and what twistd makes of the options of a fit one."""

import inspect
import sys
from dataclasses import replace
from typing import Any, cast

from sockproto import ConversationFactory, ConversationProtocol, ProtocolOption
from sockproto.carriers.definition import ProtocolDefinition
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.text import count, raw_bytes
from sockproto.protocols.echo import EchoFactory
from sockproto.server.catalog import definitions
from sockproto.server.options import ServerOptions
from sockproto.server.parameters import described
from sockproto.server.tap import makeService
from sockproto.server.validation import TAKEN_ARGUMENTS, TAKEN_OPTIONS, flaw
from sockproto.testing import connect
from sockproto.workers.foreground import ForegroundOptions
from tests.plugins import PluginsTestCase, shout

LOUD = "(ProtocolOption('loud', count, '1', 'help'),)"
"""Options that the conversation of ``shout`` doesn't take."""


class DefinitionTests(PluginsTestCase):
    def test_what_makes_a_definition_unfit(self) -> None:
        letters = "must be lower-case letters, digits and hyphens, beginning with a letter"
        for part, value, reason in [
            ("name", "'Shout'", f"the name 'Shout' {letters}"),
            ("name", "'my shout'", f"the name 'my shout' {letters}"),
            ("name", "'--shout'", f"the name '--shout' {letters}"),
            ("name", "''", f"the name '' {letters}"),
            ("name", "b'shout'", f"the name b'shout' {letters}"),
            ("description", "'two\\nlines'", "the description must be a line of printable text"),
            ("description", "'\\x1b[2J'", "the description must be a line of printable text"),
            ("description", "None", "the description must be a line of printable text, not None"),
            ("factory", "Shout", "factory must make a ConversationFactory, not be <class"),
            ("factory", "Shout()", "factory must make a ConversationFactory, not be <"),
            ("factory", "None", "factory must make a ConversationFactory, not be None"),
            (
                "factory",
                "lambda volume: 1 / 0",
                "factory can't be made without options: TypeError: <lambda>() missing a required argument",
            ),
            (
                "datagram_protocol",
                "Shout",
                "datagram_protocol must make a ConversationDatagramProtocol",
            ),
            ("conversation", "None", "the conversation must be a class such as Echo, not None"),
            ("conversation", "Lines", "the conversation must be a class such as Echo, not <class"),
            ("conversation", "Shout(9)", "the conversation must be a class such as Echo, not <"),
            ("framing", "int", "the framing must be a class such as Lines, not <class 'int'>"),
            ("framing", "Conversation", "the framing must be a class such as Lines, not <class"),
            ("prepare", "None", "prepare must be a call that makes the arguments, not None"),
            ("framing", "lambda: Lines()", "the framing can't be made: TypeError: "),
            ("framing", "{'lines': int}", "the framing 'lines' must be a class such as Lines, not <class"),
            ("framings", "[Lines]", "framings must be a mapping of words to framings"),
            ("framings", "{'Two words': Lines}", f"the framing 'Two words' {letters}"),
            ("framings", "{'lines': 'Lines'}", "the framing 'lines' must be a class such as Lines"),
            ("options", "MARKS", "options must be a tuple of ProtocolOption, not ProtocolOption("),
            ("options", "('marks',)", "options must be a tuple of ProtocolOption"),
            ("options", "(MARKS, MARKS)", "the option 'marks' is there twice"),
        ]:
            self.assert_unfit({part: value}, reason)

    def test_nothing_of_theirs_is_called_by_a_search(self) -> None:
        calls = "CALLS = []\ndef called(*args, **kwargs):\n    CALLS.append(args)\n    return Shout()\n"
        for parts in [
            {"conversation": "called"},
            {"conversation": "type('Their', (Shout,), {'__init__': called})"},
            {"conversation": "type('Their', (Shout,), {'__new__': called})"},
            {"factory": "called"},
            {"datagram_protocol": "called"},
            {"framing": "called"},
            {"prepare": "called"},
        ]:
            self.forget()
            source = shout(**parts).replace("MARKS =", f"{calls}MARKS =")
            self.search(ape=source + "assert not CALLS\n")
            self.assertEqual(sys.modules["twisted.plugins.ape"].CALLS, [], parts)

    def test_a_class_of_theirs_that_does_more_is_not_made_by_a_search(self) -> None:
        for takes in "DEFINITION.factory", "DEFINITION.factory.protocol", "DEFINITION.datagram_protocol":
            self.forget()
            found = self.search(ape=f"{shout()}{takes}.__init__ = lambda self, *args, **kwargs: 1 / 0\n")
            self.assertEqual(found.broken, ())

    def assert_unfit(self, parts: dict[str, str], reason: str) -> None:
        self.forget()
        [said] = self.reasons(ape=shout(**parts))
        start = f"twisted.plugins.ape has a definition that can't be used: {reason}"
        self.assertEqual(said[: len(start)], start)
        self.assertTrue(said.isprintable(), said)

    def test_a_framing_that_a_class_is_given_by_hand(self) -> None:
        for value, shown in ("'Lines'", "'Lines'"), ("[Lines]", "[<class"):
            self.forget()
            [said] = self.reasons(ape=f"{shout()}DEFINITION.factory.protocol.framing = {value}\n")
            self.assertIn(f"can't be used: the framing must be a class such as Lines, not {shown}", said)

    def test_a_framing_that_conversation_definition_refuses(self) -> None:
        for value, shown in ("'Lines'", "'Lines'"), ("[Lines]", "[<class"), ("{'lines': 'Lines'}", "'Lines'"):
            self.forget()
            [said] = self.reasons(ape=shout(framing=value))
            self.assertIn(
                f"can't be imported: TypeError: framing must be a class such as Lines, not {shown}", said
            )

    def test_what_makes_an_option_unfit(self) -> None:
        for arguments, reason in [
            ("'Marks', count, '1', 'help'", "the option 'Marks' must be lower-case"),
            ("'port', count, '1', 'help'", "the option 'port' is twistd sockproto's own"),
            ("'udp-rate', count, '1', 'help'", "the option 'udp-rate' is twistd sockproto's own"),
            ("'p', count, '1', 'help'", "the option 'p' is twistd sockproto's own"),
            ("'clock', count, '1', 'help'", "the option 'clock' would be an argument of the carrier's"),
            ("'marks', None, '1', 'help'", "convert of the option 'marks' must be a call"),
            ("'marks', count, 1, 'help'", "default of the option 'marks' must be a line"),
            ("'marks', count, '1', 'two\\nlines'", "help of the option 'marks' must be a line"),
        ]:
            self.assert_unfit({"options": f"(ProtocolOption({arguments}),)"}, reason)

    def test_an_option_that_the_conversation_does_not_take(self) -> None:
        whose = "<class 'twisted.plugins.ape.Shout'> takes"
        self.assert_unfit({"options": LOUD}, f"the option 'loud' is no argument that {whose}")
        called = {"conversation": "lambda: Shout()"}
        self.assert_unfit(called, "the option 'marks' is no argument that <function")
        handing_on = "from functools import partial\ndef takes(**values):\n    return Shout()\n"
        for source in [
            shout(options=LOUD, prepare="lambda **values: {}"),
            shout(options=LOUD, conversation="takes").replace("MARKS =", f"{handing_on}MARKS ="),
            shout(conversation="partial(Shout, marks=2)").replace("MARKS =", f"{handing_on}MARKS ="),
        ]:
            self.forget()
            self.assertEqual(self.search(ape=source).broken, ())

    def test_a_class_that_takes_the_options_itself(self) -> None:
        for takes in "DEFINITION.factory", "DEFINITION.factory.protocol":
            self.forget()
            written = (
                f"{shout(options=LOUD)}"
                f"plain = {takes}.__init__\n"
                "def made(self, *args, loud=1, **kwargs):\n    plain(self, *args, **kwargs)\n"
                f"{takes}.__init__ = made\n"
                "DEFINITION.datagram_protocol.conversation = lambda **_: Shout()\n"
            )
            self.assertEqual(self.search(ape=written).broken, ())

    def test_classes_that_can_t_be_made_without_options(self) -> None:
        source = shout().replace("marks=1", "marks")
        [said] = self.reasons(ape=source)
        self.assertIn("factory can't be made without options: TypeError: Shout.__init__() missing", said)

    def test_a_definition_of_another_class(self) -> None:
        other = shout() + (
            "from zope.interface import implementer\nfrom sockproto import IProtocolDefinition\n"
            "@implementer(IProtocolDefinition)\nclass Other:\n    name = 'other'\n"
            "    def __getattr__(self, name):\n        raise ERROR(name)\n"
            "del DEFINITION\nOTHER = Other()\n"
        )
        [said] = self.reasons(ape=other.replace("ERROR", "AttributeError"))
        self.assertRegex(said, r"ape has a definition that can't be used: it has no \w+$")
        self.forget()
        [said] = self.reasons(ape=other.replace("ERROR", "OSError"))
        self.assertRegex(said, r"ape has a definition that can't be used: OSError: \w+$")

    def test_ours_are_fit(self) -> None:
        for definition in definitions().values():
            self.assertIsNone(flaw(definition))

    def test_the_names_that_are_taken_are_twistds(self) -> None:
        options = ServerOptions()
        long = {name.rstrip("=") for name in options.longOpt} | {
            row[0] for row in ForegroundOptions.optParameters
        }
        self.assertEqual(TAKEN_OPTIONS, {*long, *options.shortOpt.replace(":", ""), "protocol", "framing"})
        parameters = [
            *inspect.signature(ConversationFactory).parameters.values(),
            *inspect.signature(ConversationProtocol).parameters.values(),
        ]
        names = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
        self.assertEqual(
            TAKEN_ARGUMENTS, {name for name in names if name.replace("_", "-") not in TAKEN_OPTIONS}
        )


class OptionTests(PluginsTestCase):
    def options_of(self, definition: ProtocolDefinition, *others: ProtocolDefinition) -> ServerOptions:
        """Return options that serve a protocol, and know those of others."""
        offers = (*others, definition)
        members = {"definition": definition, "offered": offers, "optParameters": described(offers)}
        made: ServerOptions = type("TheirOptions", (ServerOptions,), members)()
        return made

    def shout(self, **parts: Any) -> ProtocolDefinition:
        definition = self.search(ape=shout()).definitions["shout"]
        return ProtocolDefinition(**{**vars(definition), **parts})

    def making(self, definition: ProtocolDefinition) -> tuple[list[dict[str, Any]], ProtocolDefinition]:
        """Return what a definition's factory will be called with, and the definition that notes it."""
        made: list[dict[str, Any]] = []

        def factory(**arguments: Any) -> EchoFactory:
            made.append(arguments)
            return EchoFactory()

        return made, replace(definition, factory=factory)

    def test_an_option_becomes_the_conversations_argument(self) -> None:
        options = self.options_of(self.shout())
        options.parseOptions(["--port", "0", "--marks", "3", "--tcp-only"])
        [listener] = makeService(options).listeners
        remote = connect(listener.server)
        remote.send(b"a\n")
        self.assertEqual(remote.read(), b"A!!!\n")
        remote.close()

    def test_options_of_one_name_share_a_row_and_each_converts_its_own(self) -> None:
        message = ProtocolOption("message", count, "7", "how often")
        theirs = self.shout(options=(message,))
        ours = definitions()["welcome"], definitions()["qotd"]
        rows = {row[0]: row[3] for row in described([*ours, theirs])}
        text = "the text, its bytes exactly as given: no backslash means anything, no newline is added"
        row = f"{text}  [default: Welcome! and CR LF]"
        self.assertEqual(rows["message"], f"welcome, qotd: {row}; shout: how often  [default: 7]")
        self.assertEqual({row[0]: row[3] for row in described(ours)}["message"], row)
        for definition, value in (theirs, 5), (ours[0], b"5"):
            made, definition = self.making(definition)
            self.options_of(definition, *ours, theirs).parseOptions(["--message", "5", "--tcp-only"])
            self.assertEqual([arguments["message"] for arguments in made], [value])
        self.assertEqual(ours[0].options, (ProtocolOption("message", raw_bytes, "Welcome! and CR LF", text),))

    def test_the_help_names_each_protocols_framings(self) -> None:
        rows = {row[0]: row[3] for row in described([*definitions().values(), self.shout()])}
        self.assertEqual(
            rows["framing"],
            "what ends a message (auto: lines and bare sends)  "
            "[command: lines; greeting: auto or lines; shout: bare or strict]",
        )
        self.assertEqual([row[0] for row in described([definitions()["echo"]])], [])

    def test_the_first_framing_is_the_default(self) -> None:
        for words, framing in [([], QuietLines), (["--framing", "strict"], Lines)]:
            made, definition = self.making(self.shout())
            self.options_of(definition).parseOptions(["--port", "0", *words])
            self.assertEqual([arguments["framing"] for arguments in made], [framing])

    def test_what_prepare_returns_is_a_mapping(self) -> None:
        wanted = "prepare of the protocol shout must return a mapping of arguments"
        cases: list[tuple[Any, str]] = [
            (3, f"{wanted}, not 3"),
            (None, f"{wanted}, not None"),
            ({1: 2}, f"{wanted}, not {{1: 2}}"),
            (
                {"framing": Lines},
                f"{wanted} of the conversation, not 'framing', which is twistd sockproto's own",
            ),
            ({"proxy_from": []}, f"{wanted} of the conversation, not 'proxy_from'"),
            (
                {"make": 1},
                "the protocol can't be served with these options: Shout.__init__() got an unexpected",
            ),
        ]
        for returned, said in cases:
            prepare = cast("Any", lambda returned=returned: returned)
            options = self.options_of(replace(self.shout(), prepare=prepare))
            error = self.assertRaises(SystemExit, options.parseOptions, ["--port", "0"])
            self.assertEqual(str(error.code)[: len(said) + 11], f"sockproto: {said}")

    def test_what_makes_something_else_is_seen_when_it_is_served(self) -> None:
        for part, made, said in [
            ("factory", 3, "ConversationFactory, not 3"),
            ("factory", "x" * 9_999, f"ConversationFactory, not '{'x' * 99}"),
            ("datagram_protocol", None, "ConversationDatagramProtocol, not None"),
        ]:
            their: Any = {part: lambda made=made, **arguments: made}
            options = self.options_of(replace(self.shout(), **their))
            error = self.assertRaises(SystemExit, options.parseOptions, ["--port", "0"])
            self.assertIn(f"sockproto: the protocol must make a {said} (", str(error.code))

    def test_what_is_wrong_is_one_line(self) -> None:
        for options, words, said in [
            (self.shout().options, ["--marks", "x"], "--marks: must be a whole number, 0 or more, not 'x'"),
            (
                self.shout().options,
                ["--marks", "10"],
                "the protocol can't be served with these options: nobody",
            ),
            (self.shout().options, ["--framing", "x"], "--framing of the protocol shout is bare or strict"),
            (
                (ProtocolOption("marks", int, "1", "help"),),
                ["--marks", "x\n"],
                "--marks: invalid literal for int",
            ),
            (
                (ProtocolOption("loud", count, "1", "help"),),
                ["--loud", "1"],
                "the protocol can't be served with",
            ),
        ]:
            made = self.options_of(self.shout(options=options))
            error = self.assertRaises(SystemExit, made.parseOptions, words)
            self.assertEqual(str(error.code)[: len(said) + 11], f"sockproto: {said}")
            self.assertTrue(str(error.code).isprintable(), error.code)
