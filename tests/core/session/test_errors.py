"""A bug ends its connection: what was yielded is sent, then the error is told, then comes the close."""

import asyncio
from collections.abc import Callable
from typing import Any

from sockproto.core.actions import CLOSE, HALF_CLOSE, Input, Sleep
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.prefixed import Int8Prefixed, Netstrings
from sockproto.core.session import Need
from sockproto.errors import ActionError, MessageUnsendable
from tests.core.session.driving import PEER, Drive, PlainLines, SessionTestCase

TOLD = b"error: internal error\n"


def fault(*args: object) -> Any:
    raise ZeroDivisionError


class ErrorTestCase(SessionTestCase):
    def assert_ended(self, *errors: type[BaseException]) -> None:
        self.assertIs(self.session.need, Need.CLOSE)
        self.assertIs(self.session.reason, CloseReason.CONVERSATION_ERROR)
        self.assertEqual(self.failures, list(errors))
        self.assertFalse(self.session.running)
        written = list(self.drive.writes)
        self.drive("receive", b"more\n")
        self.drive("lose", CloseReason.PEER_CLOSED)
        self.assertEqual(self.drive.writes, written)
        self.assertEqual(self.notes[-1], CloseReason.CONVERSATION_ERROR)


class ConversationTests(ErrorTestCase):
    def test_in_every_method(self) -> None:
        for name in "opened", "received", "ended":
            methods: dict[str, Any] = {name: fault}
            drive = self.open(**methods)
            drive("receive", b"a\n")
            drive("end")
            self.assertIn(TOLD, drive.writes)
            self.assert_ended(ZeroDivisionError)

    def test_what_was_said_before_is_sent(self) -> None:
        def received(message: bytes) -> Any:
            if message == b"script":
                return script()
            return message if message != b"bad" else fault()

        def script() -> Any:
            yield b"before"
            fault()

        for framing, text in (Lines(), True), (PlainLines(), True), (Lines(), False):
            told = TOLD if text else b""
            for last, said in (b"bad", b""), (b"script", b"before\n"):
                drive = self.open(framing.__class__(), text, received=received)
                self.assertEqual(drive("receive", b"a\nb\n%b\nc\n" % last), b"a\nb\n" + said + told)
                self.assertEqual(self.session.messages_in, 3)
                self.assert_ended(ZeroDivisionError)

    def test_the_only_message_of_a_read_counts_too(self) -> None:
        drive = self.open(received=fault)
        self.assertEqual(drive("receive", b"a\n"), TOLD)
        self.assertEqual(self.session.messages_in, 1)

    def test_the_error_is_the_last_word(self) -> None:
        def received(message: bytes) -> Any:
            self.session.push(b"pushed")
            yield b"before"
            fault()

        drive = self.open(received=received)
        self.assertEqual(drive("receive", b"a\n"), b"before\npushed\n" + TOLD)

    def test_what_ends_the_process_is_raised_again(self) -> None:
        for error in SystemExit, KeyboardInterrupt:

            def ends(*_: Any, error: type[BaseException] = error) -> Any:
                raise error

            def script(*_: Any, ends: Any = ends) -> Any:
                yield b"before"
                yield Sleep(1)
                ends()

            def at_its_end(*_: Any, ends: Any = ends) -> Any:
                try:
                    yield Sleep(1)
                finally:
                    ends()

            methods: list[tuple[dict[str, Any], list[tuple[Any, ...]]]] = [
                ({"received": ends}, [("receive", b"a\n")]),
                ({"received": ends}, [("receive", b"a\nb\n")]),
                ({"ended": ends}, [("end",)]),
                ({"received": script}, [("receive", b"a\n"), ("resume",)]),
                ({"received": lambda message: Sleep(1)}, [("receive", b"a\n"), ("throw", error())]),
                ({"received": at_its_end}, [("receive", b"a\n"), ("close", CloseReason.CLOSED)]),
                ({"received": at_its_end}, [("receive", b"a\n"), ("lose", CloseReason.PEER_RESET)]),
            ]
            for given, events in methods:
                drive = self.open(**given)
                for event in events[:-1]:
                    drive(*event)
                self.assertRaises(error, drive, *events[-1])
                self.assertTrue(self.session.final)
                self.assertFalse(self.session.running)
                self.assertEqual(drive("receive", b"b\n"), b"")
                self.assertIs(type(self.session.errors[0][1]), error)

    def test_it_is_raised_again_as_the_conversation_is_opened_and_closed(self) -> None:
        def ends(*_: Any) -> Any:
            raise SystemExit

        self.assertRaises(SystemExit, self.open, opened=ends)
        drive = self.open(closed=ends)
        self.assertRaises(SystemExit, drive, "lose", CloseReason.PEER_CLOSED)
        self.session.closed()  # it was told once

    def test_whatever_else_is_raised(self) -> None:
        for error in GeneratorExit, asyncio.CancelledError:

            def received(message: bytes, error: type[BaseException] = error) -> bytes:
                raise error

            drive = self.open(received=received)
            self.assertEqual(drive("receive", b"a\n"), TOLD)
            self.assert_ended(error)

    def test_what_is_no_action(self) -> None:
        for wrong in "text", 7, [b"list"], bytearray(b"x"):
            for received in (lambda message, wrong=wrong: wrong), (lambda message, wrong=wrong: iter_(wrong)):
                drive = self.open(received=received)
                self.assertEqual(drive("receive", b"a\n"), TOLD)
                self.assert_ended(ActionError)

    def test_a_failure_that_nobody_catches(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"a\n")
        self.assertEqual(drive("throw", ZeroDivisionError()), TOLD)
        self.assert_ended(ZeroDivisionError)

    def test_what_the_carrier_met(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"a\n")
        self.assertEqual(drive("fail", OSError()), TOLD)
        self.assert_ended(OSError)

    def test_at_the_end_an_error_is_noted_and_stops_nothing(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield Sleep(1)
            finally:
                fault()

        for end in "close", "lose", "abort":
            drive = self.open(received=received, closed=fault)
            drive("receive", b"a\n")
            drive(end, CloseReason.IDLE)
            drive("lose", CloseReason.PEER_CLOSED)
            self.assertEqual(self.failures, [ZeroDivisionError] * 2)
            self.assertEqual(self.notes, [b"a", CloseReason.IDLE])
            self.assertEqual(drive.writes, [])

    def test_in_finally_of_what_is_given_up(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield Input(None)  # type: ignore[arg-type]
            finally:
                fault()

        drive = self.open(received=received)
        drive("receive", b"a\n")
        self.assertEqual(drive("end"), TOLD)
        self.assert_ended(ZeroDivisionError)

    def test_a_script_that_goes_on_when_it_is_closed(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield Sleep(1)
            finally:
                yield b"never written"

        drive = self.open(received=received)
        drive("receive", b"a\n")
        drive("lose", CloseReason.PEER_RESET)
        self.assertEqual(self.failures, [RuntimeError])
        self.assertEqual(self.notes[-1], CloseReason.PEER_RESET)

    def test_what_cant_be_sent(self) -> None:
        long = b"x" * 300
        way: Callable[[bytes], Any]
        for way in (
            (lambda m: long if m == b"l" else m),
            (lambda m: iter_(b"o", long, b"x") if m == b"l" else m),
        ):
            for last in b"", b"\1c":
                drive = self.open(Int8Prefixed(), received=way)
                out = drive("receive", b"\1a\1l" + last)
                self.assertEqual(out[:2], b"\1a")
                self.assertEqual(out[-22:], b"\x15error: internal error")
                self.assert_ended(MessageUnsendable)

    def test_what_cant_be_sent_is_told_though_close_follows(self) -> None:
        drive = self.open(Int8Prefixed(), received=lambda m: CLOSE if m == b"c" else b"x" * 300)
        self.assertEqual(drive("receive", b"\1a\1c"), b"\x15error: internal error")
        self.assert_ended(MessageUnsendable)

    def test_bytes_after_our_half_has_ended(self) -> None:
        def received(message: bytes) -> Any:
            return HALF_CLOSE if message == b"half" else message

        for framing in Lines(), PlainLines():
            drive = self.open(framing, received=received)
            self.assertEqual(drive("receive", b"a\nhalf\n"), b"a\n")
            self.assertEqual(drive("receive", b"b\n"), b"")
            self.assert_ended(ActionError)


class FramingTests(ErrorTestCase):
    def broken(self, base: type[Lines], **methods: Any) -> Drive:
        return self.open(type("Broken", (base,), methods)())

    def test_in_each_method(self) -> None:
        for base in Lines, PlainLines:
            for name in "feed", "take":
                drive = self.broken(base, **{name: fault})
                self.assertEqual(drive("receive", b"a\r\n"), TOLD)
                self.assert_ended(ZeroDivisionError)
        for event in "end", "quiet", "drain":
            drive = self.broken(QuietLines, end=fault, quiet=fault)
            self.assertEqual(drive("receive", b"a\nb"), b"<a>\n")
            self.assertEqual(drive(event), TOLD)
            self.assert_ended(ZeroDivisionError)

    def test_what_can_be_encoded_is_sent(self) -> None:
        def encode(self: Any, *messages: bytes) -> bytes:
            if b"<bad>" in messages:
                raise ValueError
            return Lines.encode(self, *messages)

        for base in Lines, PlainLines:
            drive = self.broken(base, encode=encode)
            self.assertEqual(drive("receive", b"a\nb\nbad\nc\n"), b"<a>\n<b>\n" + TOLD)
            self.assertEqual(self.session.messages_out, 2)
            self.assert_ended(ValueError)

    def test_it_encodes_one_message_at_a_time(self) -> None:
        def encode(self: Any, message: bytes) -> bytes:
            return Lines.encode(self, message)

        for base in Lines, PlainLines:
            drive = self.broken(base, encode=encode)
            self.assertEqual(drive("receive", b"a\nb\n"), b"<a>\n<b>\n")
            self.assertIsNone(self.session.need)

    def test_it_encodes_to_what_is_no_bytes(self) -> None:
        drive = self.broken(PlainLines, encode=lambda self, *messages: "text")
        drive("receive", b"a\n")
        self.assert_ended(TypeError)

    def test_it_cant_tell_of_errors(self) -> None:
        drive = self.broken(Lines, encode=fault, encode_error=fault)
        self.assertEqual(drive("receive", b"a\n"), b"")
        self.assert_ended(ZeroDivisionError, ZeroDivisionError)


class NoMessageTests(SessionTestCase):
    def test_those_before_are_answered_then_it_is_told(self) -> None:
        told = b"error: message longer than 4 bytes\n"
        for data in b"a\nb\r\n12345\nc\n", b"a\nb\r\n123456", b"a\nb\r\n1234\r\r\nc\n":
            for text in True, False:
                for framing in Lines, PlainLines:
                    drive = self.open(framing(4), text)
                    self.assertEqual(drive("receive", data), b"<a>\n<b>\r\n" + told * text)
                    self.assertIs(self.session.need, Need.CLOSE)
                    self.assertIs(self.session.reason, CloseReason.TOO_LONG)
                    self.assertEqual(self.failures, [])

    def test_the_limit_itself_is_none(self) -> None:
        for framing in Lines, PlainLines:
            drive = self.open(framing(4))
            self.assertEqual(drive("receive", b"1234\n1234\r\n"), b"<1234>\n<1234>\r\n")

    def test_behind_a_wait(self) -> None:
        def received(message: bytes) -> Any:
            yield Sleep(1)
            yield message

        drive = self.open(Lines(4), received=received)
        self.assertEqual(drive("receive", b"a\n12345\n"), b"")
        self.assertEqual(drive("resume"), b"a\nerror: message longer than 4 bytes\n")

    def test_malformed(self) -> None:
        drive = self.open(Netstrings())
        out = drive("receive", b"1:a,x")
        self.assertEqual(out, b"3:<a>,58:error: malformed message: it doesn't begin with its length,")
        self.assertIs(self.session.reason, CloseReason.MALFORMED)

    def test_what_was_pushed_comes_before_the_error(self) -> None:
        def opened() -> Any:
            yield Sleep(1)

        drive = self.begin(Lines(4), opened=opened)
        drive("open", PEER)
        drive("receive", b"12345\n")
        drive("push", b"pushed")
        self.assertEqual(drive("resume"), b"pushed\r\nerror: message longer than 4 bytes\n")


def iter_(*actions: Any) -> Any:
    yield from actions
