"""Commands declared as methods: what is accepted, what is answered, what can't be declared."""

import enum
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar, Literal

from hypothesis import given, strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto import (
    ABORT,
    CLOSE,
    Caller,
    CloseReason,
    CommandDatagramProtocol,
    CommandError,
    CommandFactory,
    CommandSet,
    DeclarationError,
    ExtraArgument,
    Lines,
    UnknownCommand,
    WrongArgument,
    WrongQuoting,
    command,
    quote,
)
from sockproto.cli.completing import Commands
from sockproto.commands.words import Splitter
from sockproto.testing import Remote, assert_no_faults, connect

PEER = ("192.0.2.7", 5000)


class Mode(enum.Enum):
    HEAT = "heat"
    COOL = "cool down"
    OFF = 0


class Session(Caller):
    """Counts its own commands."""

    count = 0


class Everything(CommandSet):
    """Has a command of each sort."""

    caller = Session

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.waiting: Deferred[Any] = Deferred(lambda _: self.log.append("cancelled"))

    @command
    def typed(
        self,
        whole: int,
        number: float = 0.5,
        flag: bool = False,
        mode: Mode = Mode.OFF,
        side: Literal["left", 2] = 2,
    ) -> str:
        """Show what came."""
        return repr((whole, number, flag, mode.name, side))

    @command
    def text(self, first: str, second: bytes | None) -> str:
        return repr((first, second))

    @command
    def plain(self, word) -> str:  # type: ignore[no-untyped-def]
        return repr(word)

    @command
    def add(self, *numbers: int) -> int:
        return sum(numbers)

    @command
    def tell(self, who: str, *, text: str) -> str:
        return f"{who}: {text}"

    @command("count", "c")
    def counted(self, caller: Session) -> int:
        caller.count += 1
        return caller.count

    @command
    def where(self, *, caller: Caller) -> str:
        return caller.peer.host

    @command
    def give(self, what: str) -> Any:
        return {
            "none": None,
            "yes": True,
            "float": 1.5,
            "mode": Mode.HEAT,
            "bytes": b"\xff",
            "surrogate": "\udcff",
            "two": ("a", b"b"),
            "bye": ("bye", CLOSE),
            "abort": ABORT,
            "list": [],
            "newline": "a\nb",
        }[what]

    @command
    def refuse(self, reason: str = "no") -> None:
        raise CommandError(f"{reason}\nline\x1b[2J")

    @command
    async def later(self) -> str:
        return f"got {await self.waiting}"

    @command
    def deferred(self) -> "Deferred[Any]":
        return self.waiting


class Instrument(CommandSet):
    prefix, separator, case_sensitive, done, newline = "", ",", False, None, None

    @command("MEAS:VOLT?", "measure:voltage?")
    def measure(self, scale: float = 1.0, unit: Literal["V", "mV"] = "V") -> str:
        return f"{scale} {unit}"

    @command("*RST")
    def reset(self) -> None: ...


class TalkTests(TestCase):
    """Has a connection to a set of commands."""

    def connect(self, commands: CommandSet, **options: Any) -> Remote:
        self.clock = Clock()
        self.factory = CommandFactory(commands, clock=self.clock, **options)
        self.protocol = self.factory.buildProtocol(None)
        self.remote = connect(self.protocol)
        self.addCleanup(assert_no_faults, self.remote)
        return self.remote

    def say(self, *lines: bytes) -> bytes:
        for line in lines:
            self.protocol.dataReceived(line + b"\n")
        return self.remote.read()

    def answers(self, commands: CommandSet, **expected: bytes) -> None:
        self.connect(commands)
        for line, reply in expected.items():
            self.assertEqual(self.say(line.encode()), reply + b"\n", line)


class ArgumentTests(TalkTests):
    def test_each_type(self) -> None:
        self.answers(
            Everything(),
            **{
                "/typed -7": b"(-7, 0.5, False, 'OFF', 2)",
                '/typed "7" +.5e1 ON  "cool down"\tleft': b"(7, 5.0, True, 'COOL', 'left')",
                "/typed 7 1. off off 2 ": b"(7, 1.0, False, 'OFF', 2)",
                r'/text "a \"b\" \\ \n"': b"('a \"b\" \\\\ \\\\n', None)",
                "/text it's x\"y": b"(\"it's\", b'x\"y')",
                '/text "" \xff'.encode("latin-1").decode("latin-1"): b"('', b'\\xc3\\xbf')",
                "/plain x": b"'x'",
                "/add": b"0",
                "/add 1 2 -4": b"-1",
                '/tell Bob  say "hi"  there ': b'Bob: say "hi"  there ',
                '/tell "Big Bob" x': b"Big Bob: x",
            },
        )

    def test_what_is_wrong_is_told(self) -> None:
        usage = b"/typed WHOLE [NUMBER] [FLAG] [MODE] [SIDE]"
        self.answers(
            Everything(),
            **{
                "/typed": b"error: WHOLE is missing; write " + usage,
                "/typed 1.0": b"error: WHOLE must be a whole number",
                "/typed 1_0": b"error: WHOLE must be a whole number",
                "/typed \u0661": b"error: WHOLE must be a whole number",
                "/typed " + "9" * 5000: b"error: WHOLE must be a whole number",
                "/typed 1 nan": b"error: NUMBER must be a number",
                "/typed 1 1e999": b"error: NUMBER must be a number",
                "/typed 1 1 maybe": b"error: FLAG must be on or off",
                "/typed 1 1 on HEAT": b"error: MODE must be heat, cool down or off",
                "/typed 1 1 on heat 3": b"error: SIDE must be left or 2",
                "/typed 1 1 on heat 2 x": b"error: too many arguments; write " + usage,
                "/tell Bob ": b"error: TEXT is missing; write /tell WHO TEXT...",
                "/add 1 two": b"error: NUMBERS must be a whole number",
                '/plain "x': b"error: a quote is not closed, or something follows it without a separator",
                '/plain "x"y': b"error: a quote is not closed, or something follows it without a separator",
                "/nope": b"error: unknown command, see /help",
                "/": b"error: unknown command, see /help",
                "/TYPED 1": b"error: unknown command, see /help",
            },
        )
        self.assertEqual(self.say(b"/plain \xff"), b"error: WORD must be text in UTF-8\n")
        self.assertEqual(self.say(b"no command", b"", b" /add"), b"")

    def test_an_instruments_rules(self) -> None:
        self.answers(
            Instrument(),
            **{
                "meas:volt?": b"1.0 V",
                " MEASURE:Voltage? 2": b"2.0 V",
                'MEAS:VOLT? 2 , "mv"': b"2.0 mV",
                "MEAS:VOLT? 2,mV,": b"error: too many arguments; write MEAS:VOLT? [SCALE],[UNIT]",
                "MEAS:VOLT? ,mV": b"error: SCALE must be a number",
                "nope": b"error: unknown command, see help",
                "help": b"*RST MEAS:VOLT? help",
            },
        )
        self.assertEqual(self.say(b"*rst", b"", b"  "), b"")
        self.assertEqual(self.say(b"MEAS:VOLT?\r"), b"1.0 V\r\n")

    @given(st.lists(st.binary().filter(lambda word: b"\n" not in word)), st.sampled_from(" ,"))
    def test_what_is_quoted_comes_back(self, words: list[bytes], separator: str) -> None:
        line = separator.encode().join(map(quote, words))
        self.assertEqual(Splitter(separator).split(line, len(words)), (words, None))

    def test_a_newline_can_not_be_quoted(self) -> None:
        self.assertRaises(ValueError, quote, "a\nb")
        self.assertEqual(quote("plain-1.5"), b"plain-1.5")


class HelpTests(TalkTests):
    def test_words_and_one_word(self) -> None:
        self.answers(
            Everything(),
            **{
                "/help": b"/add /count /deferred /give /help /later /plain /refuse /tell /text /typed /where",
                "/help typed": b"/typed WHOLE [NUMBER] [FLAG] [MODE] [SIDE]: Show what came. (WHOLE is a "
                b"whole number; NUMBER is a number; FLAG is on or off; MODE is heat, cool down or off; "
                b"SIDE is left or 2)",
                "/help /c": b"/count",
                "/help add": b"/add [NUMBERS...] (NUMBERS is a whole number)",
                "/help nope": b"error: unknown command, see /help",
                "/help a b": b"error: too many arguments; write /help [NAME]",
            },
        )

    def test_for_programs(self) -> None:
        self.connect(Everything())
        described = json.loads(self.say(b"/help json"))
        self.assertEqual((described["prefix"], described["separator"]), ("/", " "))
        commands = {one["name"]: one for one in described["commands"]}
        self.assertEqual(commands["/count"]["aliases"], ["/c"])
        first, second = commands["/text"]["parameters"]
        self.assertEqual((first["name"], first["type"], first["required"]), ("FIRST", "text", True))
        self.assertEqual((second["name"], second["type"], second["required"]), ("SECOND", "bytes", False))
        self.assertTrue(commands["/tell"]["parameters"][1]["rest"])
        self.assertTrue(commands["/add"]["parameters"][0]["repeated"])
        self.assertEqual(commands["/typed"]["parameters"][3]["choices"], ["heat", "cool down", "off"])

    def test_a_command_called_json_is_explained(self) -> None:
        class Set(CommandSet):
            @command
            def json(self) -> None:
                """Mine."""

        self.answers(Set(), **{"/help json": b"/json: Mine."})

    def test_a_set_without_help(self) -> None:
        class Set(CommandSet):
            help = None  # type: ignore[assignment]

        self.answers(Set(), **{"/help": b"error: unknown command"})


class AnswerTests(TalkTests):
    def test_what_is_given_is_said(self) -> None:
        self.answers(
            Everything(),
            **{
                "/give none": b"ok",
                "/give yes": b"on",
                "/give float": b"1.5",
                "/give mode": b"heat",
                "/give bytes": b"\xff",
                "/give surrogate": b"\xff",
                "/give two": b"a\nb",
            },
        )
        self.assertEqual(self.say(b"/give bye", b"/add"), b"bye\n")
        self.assertEqual(self.protocol.reason, CloseReason.CLOSED)
        self.connect(Everything())
        self.say(b"/give abort")
        self.assertTrue(self.remote.transport.aborted)

    def test_a_bug_is_logged_and_neutral(self) -> None:
        for what in "list", "newline", "nonesuch":
            self.connect(Everything())
            self.assertEqual(
                self.say(b"/add 1", b"/give " + what.encode(), b"/add"), b"1\nerror: internal error\n"
            )
            self.assertEqual(self.protocol.reason, CloseReason.CONVERSATION_ERROR)
            self.assertEqual(len(self.flushLoggedErrors(TypeError, ValueError, KeyError)), 1)

    def test_an_error_on_purpose_is_one_line(self) -> None:
        self.answers(Everything(), **{"/refuse": b"error: no line [2J", '/refuse ""': b"error: line [2J"})

    def test_answers_are_in_order(self) -> None:
        for line, reply in (b"/later", b"got 7"), (b"/deferred", b"7"):
            commands = Everything()
            self.connect(commands)
            self.assertEqual(self.say(b"/add 1", line, b"/add 2"), b"1\n")
            commands.waiting.callback(7)
            self.assertEqual(self.remote.read(), reply + b"\n2\n")

    def test_an_error_that_comes_later(self) -> None:
        for line in b"/later", b"/deferred":
            commands = Everything()
            self.connect(commands)
            self.say(line, b"/add 2")
            commands.waiting.errback(CommandError("too late"))
            self.assertEqual(self.remote.read(), b"error: too late\n2\n")

    def test_a_lost_connection_cancels_and_an_eof_does_not(self) -> None:
        commands = Everything()
        self.connect(commands)
        self.say(b"/later")
        self.remote.half_close()
        self.assertEqual(commands.log, [])
        self.remote.lose()
        self.assertEqual(commands.log, ["cancelled"])

    def test_methods_stay_methods(self) -> None:
        self.assertEqual(Everything().add(1, 2), 3)


class CallerTests(TalkTests):
    def test_state_of_one_and_of_all(self) -> None:
        commands = Everything()
        self.connect(commands)
        self.assertEqual(self.say(b"/count", b"/c"), b"1\n2\n")
        self.connect(commands)
        self.assertEqual(self.say(b"/count", b"/where"), b"1\n192.168.1.1\n")

    def test_a_greeting_and_a_farewell(self) -> None:
        class Polite(CommandSet):
            said: ClassVar[list[Any]] = []

            def opened(self, caller: Caller) -> Any:
                return f"Hello {caller.peer.host}", "Type /help"

            def closed(self, caller: Caller, reason: CloseReason) -> None:
                self.said.append((caller.peer.host, reason))

        remote = self.connect(Polite())
        self.assertEqual(remote.read(), b"Hello 192.168.1.1\nType /help\n")
        remote.lose()
        self.assertEqual(Polite.said, [("192.168.1.1", CloseReason.PEER_CLOSED)])

    def test_a_hook_refuses(self) -> None:
        class Guarded(Everything):
            def authorize(self, caller: Caller, declared: Any) -> Any:
                if declared.name == "/add":
                    raise CommandError("not you")
                return self.waiting if declared.name == "/plain" else None

        commands = Guarded()
        self.connect(commands)
        self.assertEqual(self.say(b"/add x", b"/count"), b"error: not you\n1\n")
        self.assertEqual(self.say(b"/plain x", b"/count"), b"")
        commands.waiting.callback(None)
        self.assertEqual(self.remote.read(), b"'x'\n2\n")
        commands.waiting = Deferred()
        self.say(b"/plain x", b"/count")
        commands.waiting.errback(CommandError("nor you"))
        self.assertEqual(self.remote.read(), b"error: nor you\n3\n")
        commands.waiting = succeed(None)
        self.assertEqual(self.say(b"/plain"), b"error: WORD is missing; write /plain WORD\n")

    def test_errors_may_be_kept_for_later(self) -> None:
        class Silent(Instrument):
            errors: ClassVar[list[CommandError]] = []

            def failed(self, caller: Caller, error: CommandError) -> None:
                self.errors.append(error)

        self.connect(Silent())
        lines = b"nope", b"meas:volt? x", b'meas:volt? "', b"meas:volt? 1,V,2"
        self.assertEqual(self.say(*lines), b"")
        self.assertEqual(
            [type(error) for error in Silent.errors],
            [UnknownCommand, WrongArgument, WrongQuoting, ExtraArgument],
        )
        self.assertEqual(str(Silent.errors[0]), "unknown command, see help")


class DatagramTests(TestCase):
    def ask(self, commands: CommandSet, *datagrams: bytes) -> list[bytes]:
        transport = FakeDatagramTransport()
        self.port = CommandDatagramProtocol(commands, clock=Clock())
        self.port.makeConnection(transport)
        for datagram in datagrams:
            self.port.datagramReceived(datagram, PEER)
        return [reply for reply, _ in transport.written]

    def test_the_same_answers(self) -> None:
        self.assertEqual(
            self.ask(
                Everything(), b"/add 1", b"/add 2\r\n", b"x", b"/where", b"/count", b"/count\n", b"/nope"
            ),
            [b"1\n", b"2\n", b"192.0.2.7\n", b"1\n", b"1\n", b"error: unknown command, see /help\n"],
        )
        self.assertEqual(self.ask(Everything(), b"/give two"), [b"a\nb\n"])
        self.assertEqual(self.ask(Instrument(), b"*RST", b"MEAS:VOLT?"), [b"1.0 V\n"])

    def test_a_newline_inside_is_refused(self) -> None:
        self.assertEqual(self.ask(Everything(), b"/plain a\nb"), [b"error: a line can't hold a newline\n"])

    def test_what_comes_later(self) -> None:
        commands = Everything()
        commands.waiting = succeed(7)
        self.assertEqual(self.ask(commands, b"/later"), [b"got 7\n"])

    def test_what_is_too_long_is_told(self) -> None:
        self.assertEqual(self.ask(Everything(), b"/help"), [b"error: reply too long\n"])
        self.assertEqual(self.port.statistics.dropped, {"amplification": 1})
        [reply] = self.ask(Everything(), b"/help" + b" " * 30)
        self.assertTrue(reply.startswith(b"/add "))

    def test_a_stream_is_not_for_datagrams(self) -> None:
        self.assertEqual(self.ask(Streams(), b"/rows"), [b"error: not over datagrams\n"])


class Streams(CommandSet):
    """Streams rows, as many as are asked for."""

    def __init__(self) -> None:
        self.made = 0
        self.ended: list[str] = []
        self.next: Deferred[None] = Deferred()
        self.cleaning: Deferred[None] = succeed(None)

    @command
    async def rows(self, count: int = 2) -> AsyncIterator[str]:
        """Give rows."""
        try:
            for number in range(count):
                self.made += 1
                yield f"row {number} " + "x" * 1000
        finally:
            self.ended.append("rows")

    @command
    async def follow(self, wrong: bool = False) -> AsyncIterator[str]:
        """Give a row whenever there is one."""
        async for row in self._rows(wrong):
            yield row

    @command(endless=True)
    async def watch(self) -> AsyncIterator[str]:
        """Give a row whenever there is one, for ever."""
        async for row in self._rows(False):
            yield row

    @command
    async def broken(self, how: Literal["refused", "bug"]) -> AsyncIterator[str]:
        """Go wrong."""
        yield "one"
        raise CommandError("no more") if how == "refused" else ZeroDivisionError

    async def _rows(self, wrong: bool) -> AsyncIterator[str]:
        try:
            while True:
                yield "row"
                self.next = Deferred()
                await self.next
        except CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            await self.cleaning
            self.ended.append("clean")

    @command
    def now(self) -> str:
        """Answer at once."""
        return "now"


class StreamTests(TalkTests):
    def test_lines_come_as_they_are_made(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"/now"), b"row\n")
        commands.next.callback(None)
        self.assertEqual(self.remote.read(), b"row\n")

    def test_it_ends_when_it_is_done(self) -> None:
        self.connect(Streams())
        self.assertEqual(self.say(b"/rows", b"/now").count(b"row"), 2)
        self.assertEqual(self.say(b"/rows 0"), b"")

    def test_an_empty_line_ends_it(self) -> None:
        for ending in b"", b"\r":
            commands = Streams()
            self.connect(commands)
            self.assertEqual(self.say(b"/follow", ending, b"/now"), b"row\nnow\n")
            self.assertEqual(commands.ended, ["cancelled", "clean"])

    def test_an_empty_line_behind_others_ends_it(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"/now", b"/now"), b"row\n")
        self.assertEqual(self.say(b"", b"/now"), b"now\nnow\nnow\n")
        self.assertEqual(self.say(b"/follow\n/now\n\n/now\n/follow\n\n\n/now"), b"row\nnow\nnow\nrow\nnow\n")
        self.assertEqual(self.protocol.messages_in, 13)

    def test_it_looks_ahead_so_far_only(self) -> None:
        for ahead, ended in (250, ["cancelled", "clean"]), (512, []):
            commands = Streams()
            self.connect(commands)
            self.say(b"/follow", *[b"/now"] * ahead)
            self.assertEqual(self.say(b""), b"now\n" * ahead if ended else b"")
            self.assertEqual(commands.ended, ended)

    def test_a_long_line_ahead_is_told_when_its_turn_comes(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"/now", b"x" * 70_000), b"row\n")
        commands.next.errback(CommandError("over"))
        self.assertEqual(self.remote.read(), b"error: over\nnow\nerror: message longer than 65536 bytes\n")

    def test_an_eof_lets_it_go_on_and_the_loss_cancels(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.say(b"/follow")
        self.remote.half_close()
        commands.next.callback(None)
        self.assertEqual(self.remote.read(), b"row\n")
        self.remote.lose()
        self.assertEqual(commands.ended, ["cancelled", "clean"])

    def test_no_line_is_made_that_the_peer_has_no_room_for(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.protocol.dataReceived(b"/rows 1000\n")
        for _ in range(10):
            self.clock.advance(0)
        self.assertTrue(60 < commands.made < 140, commands.made)
        while self.remote.read():
            self.clock.advance(0)
        self.assertEqual((commands.made, commands.ended), (1000, ["rows"]))

    def test_the_loss_ends_one_that_waits_for_the_peer(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.protocol.dataReceived(b"/rows 1000\n")
        self.remote.lose()
        self.assertEqual(commands.ended, ["rows"])

    def test_errors(self) -> None:
        self.connect(Streams())
        self.assertEqual(self.say(b"/broken refused", b"/now"), b"one\nerror: no more\nnow\n")
        self.assertEqual(self.say(b"/broken bug", b"/now"), b"one\nerror: internal error\n")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_drain_ends_what_is_endless_and_lets_the_rest_finish(self) -> None:
        for line, at_once in (b"/watch", True), (b"/follow", False):
            commands = Streams()
            self.connect(commands)
            self.say(line, b"/now")
            drained = self.factory.drain()
            self.assertEqual(self.remote.read(), b"now\n" if at_once else b"")
            if not at_once:
                commands.next.errback(CommandError("done"))
                self.assertEqual(self.remote.read(), b"error: done\nnow\n")
            self.remote.half_close()
            self.remote.read()
            self.successResultOf(drained)

    def test_a_drain_ends_what_is_endless_once_the_peer_has_read(self) -> None:
        class Endless(CommandSet):
            @command(endless=True)
            async def watch(self, next: bool = False) -> AsyncIterator[str]:
                while True:
                    yield "x" * 100_000
                    await Deferred()

        self.connect(Endless())
        self.protocol.dataReceived(b"/watch\n")
        drained = self.factory.drain()
        self.assertNoResult(drained)
        self.assertEqual(len(self.remote.read()), 100_001)
        self.remote.read()
        self.remote.half_close()
        self.remote.read()
        self.successResultOf(drained)

    def test_cleaning_up_may_take_time(self) -> None:
        commands = Streams()
        commands.cleaning = Deferred()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"", b"/now"), b"row\nnow\n")
        commands.cleaning.callback(None)
        self.assertEqual(commands.ended, ["cancelled", "clean"])


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
        completing.learn_more(After().help(b"json"))
        found = completing.get_completions(Document("/roll 2 b"), CompleteEvent())
        self.assertEqual([each.text for each in found], ["blue"])


class DeclarationTests(TestCase):
    def wrong(self, text: str, method: Any, *names: str, **options: Any) -> None:
        error = self.assertRaises(DeclarationError, declare, method, *names, **options)
        self.assertEqual(str(error), f"Set.{method.__name__}: {text}")

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
        kinds = "str, bytes, int, float, bool, an Enum or a Literal"
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
