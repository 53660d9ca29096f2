"""The parts of docs/reference that are made of the code, against the code."""

from twisted.trial.unittest import TestCase

from sockproto.cli.commands import sockproto
from sockproto.core.states import State
from sockproto.server.tap import Options, options_for
from tests.drawing import drawing
from tests.reference import DIRECTORY, PAGES, named, records, rewritten

TEXTS = {path.name: path.read_text("utf-8") for path in PAGES}


class ReferenceTests(TestCase):
    def test_each_page_is_as_the_code_has_it(self) -> None:
        for name, text in TEXTS.items():
            self.assertEqual(rewritten(text), text, f"{name} is old: python -m tests.reference")

    def test_the_drawing_is_as_the_code_has_it(self) -> None:
        drawn = (DIRECTORY / "states.svg").read_text("utf-8")
        self.assertEqual(drawn, drawing(), "states.svg is old: python -m tests.reference")
        for state in State:
            self.assertIn(f">{state.name}</text>", drawn)

    def test_every_option_of_a_server_is_in_one_table(self) -> None:
        names = named(TEXTS["options.md"], "options")
        self.assertEqual(sorted(names), sorted(records("serve")))
        serving_alone = {"log-format", "logfile", "workers"}
        self.assertEqual(
            set(names) - serving_alone, {name.rstrip("=") for name in Options().longOpt} - {"help"}
        )

    def test_every_command_has_its_section(self) -> None:
        self.assertEqual(sorted(named(TEXTS["cli.md"], "command")), sorted(sockproto.commands))

    def test_the_plugins_of_one_protocol_that_are_named_exist(self) -> None:
        self.assertIn("`twistd sockproto-echo`, `sockproto-greeting` and", TEXTS["options.md"])
        for name in "echo", "greeting", "command":
            options_for(name)().parseOptions(["--port", "0"])
