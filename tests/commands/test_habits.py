"""What a set may do otherwise: results, help, hints, hooks, rate limits, ends."""

import functools
import json
import math
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher

from sockproto import (
    Caller,
    CommandDatagramProtocol,
    CommandError,
    CommandFactory,
    CommandSet,
    command,
    rate_limit,
)
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.framing.prefixed import Netstrings
from sockproto.errors import DeclarationError
from sockproto.protocols.command import command_definition
from sockproto.server.validation import flaw
from tests.commands.talking import TalkTests


class Room(CommandSet):
    """Has a bit of everything."""

    prefix_hint = True

    def __init__(self, clock: Any = None) -> None:
        self.callers: list[Caller] = []

    def opened(self, caller: Caller) -> str:
        self.callers.append(caller)
        return f"Hello, {caller.peer.host}"

    @command
    def table(self) -> list[int]:
        """Return rows."""
        return [1, 2]

    @command
    def state(self) -> dict[str, Any]:
        """Return all."""
        return {"name": "a\nb", "on": True, "who": Sequence, "names": ["ü"]}

    @command(hidden=True)
    def secret(self) -> str:
        """Tell the secret."""
        return "42"

    @command("old", deprecated="use /table")
    def outdated(self) -> str:
        """Return the rows as they were."""
        return "1 2"


class Measurements(CommandSet):
    @command
    def measured(self) -> dict[Any, Any]:
        """Return numbers that are none, and what is no UTF-8."""
        never = {"low": -math.inf, "high": math.inf, "mean": math.nan, "mode": Decimal("nan")}
        return {"count": 0, "ratio": 0.1, "of": [never, (math.nan, 1)], math.nan: "\udcff ü"}

    @command
    def endless(self) -> dict[str, Any]:
        """Return what has no end."""
        found: dict[str, Any] = {"ratio": math.nan}
        found["self"] = found
        return found


class GreetedTests(TalkTests):
    """Has a connection whose greeting was read."""

    def connected(self, commands: CommandSet) -> None:
        self.connect(commands)
        self.remote.read()


class ResultTests(GreetedTests):
    def test_a_list_is_lines_and_a_dict_is_json(self) -> None:
        self.connected(Room())
        self.assertEqual(self.say(b"/table"), b"1\n2\n")
        [line] = self.say(b"/state").splitlines()
        self.assertEqual(json.loads(line)["names"], ["ü"])
        self.assertEqual(json.loads(line)["name"], "a\nb")

    def test_json_has_no_nan_no_infinity_and_only_utf_8(self) -> None:
        self.connect(Measurements())
        self.assertEqual(
            self.say(b"/measured").decode(),
            '{"count": 0, "ratio": 0.1, "of": [{"low": null, "high": null, "mean": null, "mode": "NaN"}, '
            '[null, 1]], "NaN": "\\udcff ü"}\n',
        )

    def test_a_dict_that_holds_itself_is_a_bug(self) -> None:
        self.connect(Measurements())
        self.assertEqual(self.say(b"/endless"), b"error: internal error\n")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_what_can_not_be_a_line_is_refused_when_it_is_declared(self) -> None:
        def method(returned: Any) -> Any:
            def made(self: Any) -> Any: ...

            made.__annotations__["return"] = returned
            return command(made)

        right: list[Any] = [
            str, bytes, int, float, bool, None, list[int], tuple[str, ...], dict[str, int], Any, object,
            Literal["a"], str | None, Deferred[str], AsyncIterator[int], Sequence[str], "Nonesuch",
            Annotated[int, datetime],
        ]  # fmt: skip
        for returned in right:
            type("Set", (CommandSet,), {"made": method(returned)})
        wrong: list[Any] = [
            set[int], datetime, list[datetime], str | datetime, list[list[int]], tuple[int | None, ...],
            list[Deferred[int]], AsyncIterator[datetime],
        ]  # fmt: skip
        for returned in wrong:
            error = self.assertRaises(
                DeclarationError, type, "Set", (CommandSet,), {"made": method(returned)}
            )
            self.assertIn("a command returns text, bytes, a number", str(error))

    def test_what_another_decorator_makes_of_a_result_is_not_refused(self) -> None:
        def in_text(method: Any) -> Any:
            @functools.wraps(method)
            def made(self: Any) -> str:
                return str(method(self).year)

            return made

        class Calendar(CommandSet):
            @command
            @in_text
            def today(self) -> datetime:
                """Return the day."""
                return datetime(2026, 11, 29)

        self.connect(Calendar())
        self.assertEqual(self.say(b"/today"), b"2026\n")


class HelpTests(GreetedTests):
    def test_hidden_and_deprecated_ones_are_done_but_not_listed(self) -> None:
        self.connected(Room())
        self.assertEqual(self.say(b"/help"), b"/help /state /table\n")
        self.assertEqual(self.say(b"/secret", b"/old"), b"42\n1 2\n")
        self.assertEqual(self.say(b"/help secret"), b"/secret: Tell the secret.\n")
        self.assertEqual(
            self.say(b"/help old"), b"/old: Return the rows as they were. (deprecated: use /table)\n"
        )
        described = {each["name"]: each for each in json.loads(self.say(b"/help json"))["commands"]}
        self.assertEqual(described["/old"]["deprecated"], "use /table")
        self.assertEqual(described["/table"]["deprecated"], "")
        self.assertNotIn("/secret", described)

    def test_it_may_have_another_word(self) -> None:
        class French(Room):
            help_word = "aide"

        self.connected(French())
        self.assertEqual(self.say(b"/aide"), b"/aide /state /table\n")
        self.assertEqual(self.say(b"/help"), b"error: unknown command, see /aide\n")

    def test_the_log_tells_once_that_a_deprecated_one_is_used(self) -> None:
        class Old(CommandSet):
            @command(deprecated="use /new")
            def outdated(self, number: int) -> int:
                return number

        self.connect(Old())
        logged: list[Any] = []
        observer: Any = logged.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.assertEqual(self.say(b"/outdated 1", b"/outdated 2"), b"1\n2\n")
        [event] = [each for each in logged if each.get("event") == "deprecated_command"]
        self.assertEqual(
            formatEvent(event),
            "Old: /outdated is deprecated and was used by 192.168.1.1:54321; use /new",
        )

    def test_another_word_is_also_that_of_a_help_of_ones_own(self) -> None:
        class French(Room):
            help_word = "aide"

            def help(self, name: bytes | None = None) -> str:
                return "débrouille-toi"

        self.connected(French())
        self.assertEqual(
            self.say(b"/aide", b"/help"), "débrouille-toi\n".encode() + b"error: unknown command, see /aide\n"
        )

    def test_it_may_be_left_out(self) -> None:
        class Terse(Room):
            help_word = None

        self.connected(Terse())
        self.assertEqual(self.say(b"/help"), b"error: unknown command\n")
        self.assertNotIn("/help", Terse.commands.names)

        class Own(Room):
            help_word = None

            def help(self, name: bytes | None = None) -> str:
                return "no command"

        self.assertNotIn("/help", Own.commands.names)

    def test_a_long_list_takes_several_lines(self) -> None:
        names = [f"command-number-{number}" for number in range(20)]
        methods = {name.replace("-", "_"): command(name)(lambda self: None) for name in names}
        made: Any = type("Many", (CommandSet,), methods)
        self.connect(made())
        lines = self.say(b"/help").decode().splitlines()
        self.assertGreater(len(lines), 3)
        self.assertLessEqual(max(map(len, lines)), 79)
        self.assertEqual(" ".join(lines).split(), made.commands.names)


class HookTests(GreetedTests):
    def test_a_forgotten_prefix_is_told_once(self) -> None:
        self.connected(Room())
        self.assertEqual(self.say(b"", b" "), b"")
        self.assertEqual(self.say(b"table", b"table"), b"error: commands begin with /, see /help\n")
        self.assertEqual(self.say(b"/table"), b"1\n2\n")
        self.connected(Room())
        self.assertEqual(self.say(b"again"), b"error: commands begin with /, see /help\n")

    def test_it_is_not_told_to_datagrams_nor_without_being_asked_for(self) -> None:
        answer = (
            CommandDatagramProtocol(Room()).conversation(Room()).datagram(b"table\n", Peer("192.0.2.7", 5000))
        )
        self.assertIsNone(answer)

        class Plain(Room):
            prefix_hint = False

        self.connected(Plain())
        self.assertEqual(self.say(b"table"), b"")

    def test_a_line_is_looked_at_before_its_command_is(self) -> None:
        class Rewriting(Room):
            def preprocess(self, caller: Caller, line: bytes) -> bytes | None:
                if line == b"please":
                    raise CommandError(f"say what, {caller.peer.host}")
                return None if line.startswith(b"#") else b"/" + line.lower().lstrip(b"/")

        self.connected(Rewriting())
        self.assertEqual(
            self.say(b"TABLE", b"# a comment", b"please"), b"1\n2\nerror: say what, 192.168.1.1\n"
        )

    def test_a_line_may_be_answered_before_any_command_is(self) -> None:
        later: Deferred[str] = Deferred()

        class Chat(Room):
            def preprocess(self, caller: Caller, line: bytes) -> Any:
                if line == b"later":
                    return later
                return line if line.startswith(b"/") else ["heard", len(line)]

        self.connected(Chat())
        self.assertEqual(self.say(b"table", b"/table", b"later", b"/table"), b"heard\n5\n1\n2\n")
        later.callback("now")
        self.assertEqual(self.remote.read(), b"now\n1\n2\n")

    def test_two_servers_on_datagrams_do_not_answer_each_other_for_ever(self) -> None:
        class Checked(CommandSet):
            def preprocess(self, caller: Caller, line: bytes) -> bytes | None:
                if b"*" not in line:
                    raise CommandError("checksum")
                return b"/" + line.removeprefix(b"/")

            def failed(self, caller: Caller, error: CommandError) -> str:
                return f"ERR {error}"

        class Plain(CommandSet):
            prefix = ""

            def failed(self, caller: Caller, error: CommandError) -> list[str]:
                return ["ERR", str(error)]

        server = CommandDatagramProtocol(Checked()).conversation(Checked())
        peer = Peer("192.0.2.7", 5000)
        for line in b"hello\n", b"nonesuch*1\n":
            self.assertIsNone(server.datagram(line, peer))
        plain = CommandDatagramProtocol(Plain()).conversation(Plain())
        self.assertIsNone(plain.datagram(b"ERR\nunknown command, see help\n", peer))
        self.assertEqual(server.datagram(b"/hello\n", peer), b"ERR checksum\n")
        self.assertEqual(server.datagram(b"/nonesuch*1\n", peer), b"ERR unknown command, see /help\n")

    def test_each_caller_is_greeted_by_its_own_words(self) -> None:
        self.connect(Room())
        self.assertEqual(self.remote.read(), b"Hello, 192.168.1.1\n")


class CloseTests(GreetedTests):
    def test_a_caller_is_sent_away_from_outside(self) -> None:
        room = Room()
        self.connected(room)
        [caller] = room.callers
        caller.close()
        self.assertEqual(self.protocol.reason, CloseReason.CLOSED)
        self.assertEqual(self.say(b"/table"), b"")
        caller.close()

    def test_without_a_connection_nothing_happens(self) -> None:
        Caller(Peer("192.0.2.7", 5000)).close()


class NameTests(GreetedTests):
    def test_the_log_names_the_set(self) -> None:
        self.assertEqual(CommandFactory(Room()).name, "room")
        self.assertEqual(CommandFactory().name, "command")
        self.assertEqual(CommandDatagramProtocol(Room()).name, "room")

        class Named(CommandFactory):
            name = "lobby"

        self.assertEqual(Named(Room()).name, "lobby")

    def test_a_definition_may_have_other_framings(self) -> None:
        definition = command_definition("room", "a room", Room, framings={"netstrings": Netstrings})
        self.assertIsNone(flaw(definition))
        self.assertEqual(list(definition.framings), ["netstrings"])


class RateTests(TalkTests):
    def limited(self, per_caller: bool) -> CommandSet:
        self.time = Clock()

        class Door(CommandSet):
            @command
            @rate_limit(2, seconds=10, per_caller=per_caller, now=self.time.seconds)
            def open(self, code: int) -> str:
                """Open."""
                return "open"

            @rate_limit(1, seconds=1, now=self.time.seconds)
            @command
            def knock(self) -> str:
                """Knock."""
                return "who is there?"

        return Door()

    TOO_OFTEN = b"error: too often: 2 calls in 10 seconds are allowed\n"

    def test_so_many_calls_in_so_many_seconds(self) -> None:
        self.connect(self.limited(per_caller=True))
        self.assertEqual(self.say(b"/open 1", b"/open x", b"/open 1").splitlines(True)[2], self.TOO_OFTEN)
        self.time.advance(5)
        self.assertEqual(self.say(b"/open 1", b"/open 1"), b"open\n" + self.TOO_OFTEN)
        self.time.advance(1000)
        self.assertEqual(self.say(*[b"/open 1"] * 3), b"open\nopen\n" + self.TOO_OFTEN)

    def test_above_or_below_the_other_decorator(self) -> None:
        self.connect(self.limited(per_caller=True))
        self.assertEqual(self.say(b"/knock", b"/knock")[:20], b"who is there?\nerror:")

    def test_of_each_caller(self) -> None:
        door = self.limited(per_caller=True)
        for _ in range(2):
            self.connect(door)
            self.assertEqual(self.say(*[b"/open 1"] * 3), b"open\nopen\n" + self.TOO_OFTEN)

    def test_of_all_together(self) -> None:
        door = self.limited(per_caller=False)
        self.connect(door)
        self.assertEqual(self.say(b"/open 1", b"/open 1"), b"open\nopen\n")
        self.connect(door)
        self.assertEqual(self.say(b"/open 1"), self.TOO_OFTEN)

    def test_two_sets_have_limits_of_their_own(self) -> None:
        door = self.limited(per_caller=False)
        for each in door, type(door)():
            self.connect(each)
            self.assertEqual(self.say(b"/open 1", b"/open 1"), b"open\nopen\n")

    def test_one_of_each_caller_and_of_all(self) -> None:
        now = Clock().seconds

        class Bell(CommandSet):
            @rate_limit(1, seconds=9, now=now)
            @command
            @rate_limit(2, seconds=9, per_caller=False, now=now)
            def ring(self) -> None: ...

        bell = Bell()
        for answers in [b"ok", b"error: too often: 1 calls"], [b"ok"], [b"error: too often: 2 calls"]:
            self.connect(bell)
            for answer in answers:
                self.assertEqual(self.say(b"/ring")[: len(answer)], answer)

    def test_a_method_that_overrides_one_keeps_its_limit(self) -> None:
        class Ajar(type(self.limited(per_caller=True))):  # type: ignore[misc]
            def open(self, code: int) -> str:
                return "ajar"

        self.connect(Ajar())
        self.assertEqual(self.say(*[b"/open 1"] * 3), b"ajar\najar\n" + self.TOO_OFTEN)

    def test_wrong_ones(self) -> None:
        self.assertRaises(DeclarationError, rate_limit, 0)
        self.assertRaises(DeclarationError, rate_limit, 1, seconds=0)
