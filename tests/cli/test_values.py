"""The values of all options and arguments of all commands, by the same rules everywhere."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import fields

import click
from click.shell_completion import ShellComplete
from twisted.trial.unittest import TestCase

from sockproto.check.registry import cases
from sockproto.cli.commands import run, sockproto
from sockproto.cli.options import Count, Passing, PossiblyEmpty, Seconds
from sockproto.core.limits import Limits
from sockproto.rawhttp.arguments import actions
from sockproto.server.catalog import definitions
from sockproto.server.options import ServerOptions
from sockproto.server.tap import Options, options_for
from sockproto.testing import connect
from sockproto.workers.foreground import ForegroundOptions

NOBODY = "127.0.0.1:1"
ARGUMENTS = {"address": NOBODY, "protocol": "echo", "text": "x", "shell": "bash"}
NO_NUMBERS = [
    *("1e300", "1e3", "inf", "nan", "9" * 20, "9" * 5_000, "-1", "-5", "+5", "0x10", "1_0"),
    *(" 5 ", "5 ", "5\n", "٣", "\uff15", "five"),
]


def told(*words: str) -> tuple[int, str]:
    """Run a command; return its status, and what it says on standard error."""
    saved, written = os.dup(2), io.StringIO()
    with tempfile.TemporaryFile() as file, contextlib.redirect_stderr(written):
        os.dup2(file.fileno(), 2)
        try:
            status = run(words)
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        file.seek(0)
        return status, file.read().decode() + written.getvalue()


def typed() -> Iterator[tuple[str, click.Parameter, list[str]]]:
    """Yield each option with a value of click's commands: command, option, and the arguments it needs."""
    for name, command in sockproto.all_commands().items():
        if isinstance(command, Passing):
            continue
        arguments = [ARGUMENTS[each.name] for each in command.params if each.name in ARGUMENTS]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                yield name, parameter, arguments


class EmptyTests(TestCase):
    def test_of_every_option_of_every_command(self) -> None:
        seen = 0
        for name, parameter, arguments in typed():
            if isinstance(parameter.type, PossiblyEmpty):
                continue
            for option in parameter.opts:
                status, line = told(name, option, "", *arguments)
                self.assertEqual((status, line.count("\n")), (2, 1), (name, option, line))
                self.assertIn(f"{parameter.opts[-1]}: must", line)
                seen += 1
        self.assertGreater(seen, 20)

    def test_of_every_argument(self) -> None:
        for words in [
            ["greet", "", "x"],
            ["greet", NOBODY, ""],
            ["greet", NOBODY, "x", ""],
            ["echo", "", "x"],
            ["echo", NOBODY, ""],
            ["command", "", "/x"],
            ["command", NOBODY, ""],
            ["welcome", ""],
            ["probe", ""],
            ["check", "", NOBODY],
            ["check", "echo", ""],
            ["completion", ""],
        ]:
            status, line = told(*words)
            self.assertEqual((status, line.count("\n")), (2, 1), (words, line))

    def test_of_every_option_of_fetch(self) -> None:
        for action in actions():
            if action.nargs == 0 or action.type is str:
                continue
            for option in action.option_strings:
                status, line = told("fetch", option, "", f"http://{NOBODY}/")
                self.assertEqual((status, line.count("\n")), (2, 1), (option, line))
                self.assertIn(option, line)

    def test_of_every_option_of_the_plugins(self) -> None:
        plugins: list[type[ServerOptions]] = [Options, ForegroundOptions, *map(options_for, definitions())]
        for made in plugins:
            own = {f"{option.name}=" for each in made().offered for option in each.options}
            for option in made().longOpt:
                if option.endswith("=") and option not in own:
                    error = self.assertRaises(SystemExit, made().parseOptions, [f"--{option}"])
                    reason = "there is no ''" if option == "protocol=" else "must not be empty"
                    self.assertIn(f"--{option.rstrip('=')}: {reason}", str(error.code))
        for words in ["--think-seconds="], ["--listen", "tcp:0", "--port="]:
            self.assertRaises(SystemExit, Options().parseOptions, words)

    def test_that_mean_something(self) -> None:
        options = Options()
        options.parseOptions(["--protocol", "welcome", "--message", "", "--tcp-only"])
        [listener] = options.listeners or []
        remote = connect(listener.server)
        self.assertEqual(remote.read(), b"")
        remote.close()


class NumberTests(TestCase):
    def refused(self, text: str, status: int, line: str) -> None:
        """See that it was refused in one line, which says what there may be."""
        self.assertEqual((status, line.count("\n")), (2, 1), (text, line))
        self.assertRegex(
            line, r"must be a (whole number, \d+ or more, .* at most|number of seconds from 0 to) \d+"
        )

    def test_of_every_command(self) -> None:
        for name, parameter, arguments in typed():
            if isinstance(parameter.type, Seconds | Count):
                for text in NO_NUMBERS:
                    self.refused(text, *told(name, f"{parameter.opts[-1]}={text}", *arguments))

    def test_no_number_is_read_by_click(self) -> None:
        for name, parameter, _ in typed():
            kinds = click.types.IntParamType, click.types.FloatParamType
            self.assertFalse(isinstance(parameter.type, kinds), (name, parameter.name))

    def test_of_fetch(self) -> None:
        for action in actions():
            if action.metavar in ("SECONDS", "N", "BYTES"):
                for text in NO_NUMBERS:
                    if (action.metavar, text) == ("N", "-1"):
                        continue
                    status, line = told("fetch", action.option_strings[-1], text, f"http://{NOBODY}/")
                    self.assertEqual((status, line.count("\n")), (2, 1), (action.dest, text, line))
                    self.assertRegex(line, r"at most \d+|from 0 to \d+")

    def test_of_the_plugin(self) -> None:
        limits = [limit.name.replace("_", "-") for limit in fields(Limits)]
        for option in "port", "backlog", "think-seconds", *limits:
            for text in NO_NUMBERS:
                error = self.assertRaises(SystemExit, Options().parseOptions, [f"--{option}={text}"])
                self.assertIn(f"--{option}: ", str(error.code))
                self.assertRegex(str(error.code), r"at most \d+|from 0 to \d+")

    def test_the_longest_time_is_taken_by_whatever_waits(self) -> None:
        for words in [
            ["probe", "--connect-timeout", "1000000000", NOBODY],
            ["probe", "--reply-timeout", "1000000000", NOBODY],
            ["fetch", "--connect-timeout", "1000000000", f"http://{NOBODY}/"],
            ["fetch", "--max-time", "1000000000", "--read-timeout", "1000000000", f"http://{NOBODY}/"],
        ]:
            self.assertEqual(told(*words)[0], 7, words)

    def test_a_value_may_begin_with_a_hyphen(self) -> None:
        status, line = told("fetch", "--max-time", "-1", f"http://{NOBODY}/")
        self.assertEqual(status, 2)
        self.assertIn("--max-time: must be a number of seconds", line)


class EffectTests(TestCase):
    """Options that can't matter are said to be so."""

    def test_of_the_clients(self) -> None:
        for words, option in [
            (["greet", "--tries", "3", NOBODY, "x"], "--tries"),
            (["echo", "--tries=2", "unix:/nonexistent", "x"], "--tries"),
            (["welcome", "--request", "", NOBODY], "--request"),
            (["greet", "-u", "--lines", NOBODY, "x"], "--lines"),
            (["greet", "-u", "--no-welcome", NOBODY, "x"], "--no-welcome"),
            (["probe", "--interval", "2", NOBODY], "--interval"),
        ]:
            status, line = told(*words)
            self.assertEqual((status, line.count("\n")), (2, 1), line)
            self.assertIn(f"{option}: has no effect here", line)

    def test_of_the_server(self) -> None:
        for words, option in [
            (["--udp-only", "--proxy-protocol"], "--proxy-protocol"),
            (["--udp-only", "--backlog", "5"], "--backlog"),
            (["--udp-only", "--framing", "lines"], "--framing"),
            (["--listen", "udp:0", "--framing", "lines"], "--framing"),
        ]:
            error = self.assertRaises(SystemExit, Options().parseOptions, words)
            self.assertIn(f"{option} does not fit", str(error.code))
        for words in ["--udp-only", "--max-connections", "1"], ["--tcp-only", "--udp-rate", "5"]:
            Options().parseOptions(words)


class GuessTests(TestCase):
    def test_the_only_argument_is_no_address(self) -> None:
        for words, guess in [
            (["echo", "hello"], "sockproto echo 127.0.0.1:9999 hello"),
            (["echo", "-u", "hello world"], "sockproto echo 127.0.0.1:9999 'hello world'"),
            (["greet", "Michael"], "sockproto greet 127.0.0.1:9999 Michael"),
            (["command", "/version"], "sockproto command 127.0.0.1:9999 /version"),
        ]:
            status, line = told(*words)
            self.assertEqual((status, line.count("\n")), (2, 1), line)
            self.assertIn("is no address", line)
            self.assertIn(guess, line)

    def test_what_to_send_is_missing(self) -> None:
        for words in ["echo", NOBODY], ["echo", "unix:/s"]:
            status, line = told(*words)
            self.assertEqual(status, 2)
            self.assertIn("what to send is missing", line)


class CompletionTests(TestCase):
    def completed(self, *words: str) -> list[str]:
        found = ShellComplete(sockproto, {}, "sockproto", "_X").get_completions([*words[:-1]], words[-1])
        return [item.value for item in found]

    def test_values_that_are_words(self) -> None:
        self.assertEqual(self.completed("serve", "--protocol", "ec"), ["echo"])
        self.assertEqual(set(self.completed("serve", "--protocol", "")), set(definitions()))
        self.assertEqual(self.completed("serve", "--port", "0", "--framing", ""), ["lines", "auto"])
        self.assertEqual(self.completed("check", "ti"), ["time"])
        self.assertEqual(self.completed("completion", "z"), ["zsh"])

    def test_cases(self) -> None:
        found = self.completed("check", "echo", "--only", "")
        identifiers = {each.identifier for each in cases("echo")}
        self.assertEqual({each for each in found if "." in each}, identifiers)
        self.assertEqual(
            {each for each in found if "." not in each}, {each.partition(".")[0] for each in identifiers}
        )
        some = sorted(identifiers)[0]
        self.assertIn(some, self.completed("check", "--skip", some[:-1]))


class FormTests(TestCase):
    """Help, usage and errors are in one form, however narrow the terminal."""

    def help(self, command: str, width: int) -> str:
        context = click.Context(
            sockproto.all_commands()[command], sockproto.make_context("sockproto", ["x"]), command
        )
        context.terminal_width = width
        return context.get_help()

    def test_of_every_command(self) -> None:
        for name in sockproto.all_commands():
            text = self.help(name, 60)
            self.assertTrue(text.startswith(f"Usage: sockproto {name} "), text)
            self.assertIn("\nOptions:\n", text)
            self.assertRegex(text, r"\n  -h, --help +Show this")
            self.assertRegex(text, r"\n  Example:  ")
            prose = [line for line in text.splitlines() if "Example:" not in line]
            self.assertEqual([line for line in prose if len(line) > 60], [], name)

    def test_the_list_of_commands_cuts_no_meaning(self) -> None:
        context = click.Context(sockproto, info_name="sockproto", terminal_width=60)
        text = " ".join(context.get_help().split())
        for name, command in sockproto.all_commands().items():
            self.assertIn(f" {name} {command.get_short_help_str(1_000)}", text)

    def test_of_errors(self) -> None:
        for words in [
            ["greet", "--nonesuch", NOBODY],
            ["greet", "--tries", "0", NOBODY],
            ["greet", "nonsense:"],
            ["fetch", "--nonesuch", f"http://{NOBODY}/"],
            ["fetch", "-X", "POST", f"http://{NOBODY}/"],
            ["fetch"],
            ["serve", "--nonesuch"],
            ["serve", "--port"],
            ["serve", "--port", "x"],
            ["check", "nonesuch", NOBODY],
            ["nonesuch"],
        ]:
            status, line = told(*words)
            self.assertEqual((status, line.count("\n")), (2, 1), line)
            self.assertRegex(line, r"\Asockproto( \w+)?: .*[^.] \(sockproto( \w+)? --help tells more\)\n\Z")
        for name in sockproto.all_commands():
            self.assertIn(f"sockproto {name}: No such option '--nonesuch'", told(name, "--nonesuch")[1])
        for name, typed, meant in ("serve", "--potr", "--port"), ("welcome", "--trys", "--tries"):
            self.assertRegex(told(name, typed, "1", NOBODY)[1], f"No such option '{typed}'.*'{meant}'")
        self.assertIn("'-X'", told("fetch", "-X", "POST", f"http://{NOBODY}/")[1])

    def test_what_serve_takes_and_takes_unless_told(self) -> None:
        text = " ".join(self.help("serve", 80).split())
        self.assertIn("--max-connections-per-peer CONNECTIONS Connections of one address", text)
        self.assertRegex(text, r"--protocol NAME One of [^.]*\. \[default: greeting\]")

    def test_message_is_shown_as_it_is_meant(self) -> None:
        self.assertNotIn("\\", self.help("serve", 80))
