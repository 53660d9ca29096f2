"""What commands answer on streams and on datagrams, and what they know of who calls them."""

from typing import Any, ClassVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto import (
    Caller,
    CloseReason,
    CommandDatagramProtocol,
    CommandError,
    CommandSet,
    ExtraArgument,
    UnknownCommand,
    WrongArgument,
    WrongQuoting,
)
from tests.commands.talking import PEER, Everything, Instrument, Streams, TalkTests


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

    def test_a_script_is_done_as_it_is(self) -> None:
        self.connect(Everything())
        self.assertEqual(self.say(b"/give script", b"/add 1"), b"a\n")
        self.clock.advance(1)
        self.assertEqual(self.remote.read(), b"b\n1\n")

    def test_a_bug_is_logged_and_neutral(self) -> None:
        for what in "set", "newline", "nonesuch":
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
