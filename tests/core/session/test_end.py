"""How a session ends: half-close, drain, close, abort, the connection's loss; who is told, and when."""

from typing import Any

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, Sleep, Until
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.prefixed import Netstrings
from sockproto.core.session import Need
from tests.core.session.driving import NOTHING, PEER, Drive, SessionTestCase
from tests.core.session.test_order import PlainLines


class EndTestCase(SessionTestCase):
    def script(self, *actions: Any) -> Any:
        """Do actions; note where it goes on, and when it is closed."""
        try:
            for action in actions:
                yield action
                self.notes.append("went on")
        finally:
            self.notes.append("finally")

    def assert_closed(self, reason: CloseReason) -> None:
        self.assertIs(self.session.need, Need.CLOSE)
        self.assertIs(self.session.reason, reason)
        self.assertEqual(self.failures, [])


class StreamEndTests(EndTestCase):
    def test_the_last_line_is_a_message(self) -> None:
        drive = self.open(ended=lambda: b"bye")
        drive("receive", b"a\r\nb")
        self.assertEqual(drive("end"), b"<b>\r\nbye\r\n")
        self.assertEqual(self.notes, [b"a", b"b", "ended"])
        self.assert_closed(CloseReason.PEER_CLOSED)

    def test_a_message_cut_short_is_none(self) -> None:
        drive = self.open(Netstrings())
        self.assertEqual(drive("receive", b"1:a,2:b"), b"3:<a>,")
        self.assertEqual(drive("end"), b"")
        self.assertEqual(self.notes, [b"a", "ended"])

    def test_it_cancels_nothing(self) -> None:
        drive = self.open(received=lambda message: self.script(Sleep(1), message))
        drive("receive", b"a\nb")
        self.assertEqual(drive("end"), b"")
        self.assertEqual(drive("resume"), b"a\n")
        self.assertEqual(drive("resume"), b"b\n")
        self.assert_closed(CloseReason.PEER_CLOSED)

    def test_what_is_left_to_say_is_written_before_the_end_is_told(self) -> None:
        self.open(ended=lambda: self.script(b"bye", Sleep(1), b"now"))
        self.session.receive(b"a")
        self.assertEqual(self.session.end(), b"<a>\r\n")
        self.assertIs(self.session.need, Need.MORE)
        self.assertEqual(self.notes, [b"a"])
        self.assertEqual(self.session.go_on(), b"bye\r\n")
        self.assertEqual(self.session.resume(), b"now\r\n")
        self.assert_closed(CloseReason.PEER_CLOSED)

    def test_the_end_is_not_told_once_the_connection_is_lost(self) -> None:
        self.open()
        self.session.receive(b"a")
        self.session.end()
        self.session.lose(CloseReason.PEER_RESET)
        self.assertEqual(self.notes, [b"a"])

    def test_it_may_come_while_a_message_is_handled(self) -> None:
        def received(message: bytes) -> bytes:
            self.assertEqual(self.session.end(), b"")
            return message

        for framing in Lines(), PlainLines():
            drive = self.open(framing, received=received)
            self.assertEqual(drive("receive", b"a\nb\n"), b"a\nb\n")
            self.assertEqual(self.notes, [b"a", b"b", "ended"])
            self.assert_closed(CloseReason.PEER_CLOSED)

    def test_it_may_come_before_the_beginning(self) -> None:
        drive = self.begin(opened=lambda: b"hello")
        drive("receive", b"a\nb")
        drive("end")
        self.assertEqual(drive("open", PEER), b"hello\r\n<a>\n<b>\n")
        self.assert_closed(CloseReason.PEER_CLOSED)


class HalfCloseTests(EndTestCase):
    def test_what_was_said_is_written_first_and_what_comes_is_handled(self) -> None:
        self.open(received=lambda message: self.script(b"last", HALF_CLOSE) if message == b"half" else None)
        self.session.push(b"pushed")
        self.assertEqual(self.session.receive(b"half\na\n"), b"last\n")
        self.assertIs(self.session.need, Need.HALF_CLOSE)
        self.assertFalse(self.session.half_closed)
        self.assertEqual(self.session.go_on(), b"")
        self.assertTrue(self.session.half_closed)
        self.assertEqual(self.notes, [b"half", "went on", "went on", "finally", b"a"])
        self.drive("end")
        self.assert_closed(CloseReason.PEER_CLOSED)

    def test_what_was_pushed_is_among_it(self) -> None:
        drive = self.open(received=lambda message: self.script(Sleep(1), HALF_CLOSE))
        drive("receive", b"a\n")
        drive("push", b"pushed")
        self.assertEqual(drive("resume"), b"pushed\n")
        self.assertEqual(drive.half_closed, 1)

    def test_a_second_time_is_none(self) -> None:
        drive = self.open(received=lambda message: HALF_CLOSE)
        drive("receive", b"a\nb\n")
        drive("receive", b"c\n")
        self.assertEqual(drive.half_closed, 1)
        self.assertEqual(self.notes, [b"a", b"b", b"c"])

    def test_an_error_is_not_told_any_more(self) -> None:
        drive = self.open(Lines(4), received=lambda message: HALF_CLOSE)
        drive("receive", b"a\n")
        self.assertEqual(drive("receive", b"12345\n"), b"")
        self.assert_closed(CloseReason.TOO_LONG)


class DrainTests(EndTestCase):
    def test_what_has_come_whole_is_answered(self) -> None:
        def received(message: bytes) -> Any:
            yield Sleep(1)
            yield message

        drive = self.open(received=received)
        drive("receive", b"a\nb\nc")
        self.assertEqual(drive("drain"), b"")
        self.assertTrue(self.session.draining)
        self.assertEqual(drive("resume"), b"a\n")
        self.assertEqual(drive("resume"), b"b\n")
        self.assert_closed(CloseReason.DRAINED)

    def test_what_is_unfinished_is_cut_as_by_silence(self) -> None:
        for framing, out in (Lines(), b""), (QuietLines(), b"<a>"):
            drive = self.open(framing)
            drive("receive", b"a")
            self.assertEqual(drive("drain"), out)
            self.assert_closed(CloseReason.DRAINED)

    def test_what_else_comes_is_not_handled(self) -> None:
        drive = self.open(received=lambda message: self.script(Sleep(1), message))
        drive("receive", b"a\nb")
        drive("drain")
        drive("receive", b"c\nd\n")
        self.assertEqual(drive("resume"), b"a\n")
        self.assert_closed(CloseReason.DRAINED)

    def test_an_idle_one_closes_at_once(self) -> None:
        drive = self.open()
        self.assertEqual(drive("drain"), b"")
        self.assert_closed(CloseReason.DRAINED)
        drive("drain")
        drive = self.begin()
        drive("drain")
        self.assert_closed(CloseReason.DRAINED)
        self.assertEqual(drive("open", PEER), b"")

    def test_what_it_does_of_its_own_accord_ends_at_once(self) -> None:
        drive = self.open(opened=lambda: self.script(b"begin", Sleep(1)))
        drive("receive", b"unfinished")
        self.assertEqual(drive("drain"), b"")
        self.assertEqual(self.notes, ["went on", "finally"])
        self.assert_closed(CloseReason.DRAINED)

    def test_unless_a_message_waits(self) -> None:
        until = Until(NOTHING, lambda message: False)
        for wait in Sleep(1), until:
            drive = self.open(opened=lambda wait=wait: self.script(wait))
            drive("receive", b"a\n")
            self.assertEqual(drive("drain"), b"")
            self.assertIs(self.session.need, wait)
            self.assertEqual(drive("resume"), b"<a>\n")
            self.assert_closed(CloseReason.DRAINED)

    def test_while_a_message_is_handled(self) -> None:
        def received(message: bytes) -> bytes:
            self.assertEqual(self.session.drain(), b"")
            return message

        for framing in Lines(), PlainLines():
            drive = self.open(framing, received=received)
            self.assertEqual(drive("receive", b"a\nb\nc"), b"a\nb\n")
            self.assert_closed(CloseReason.DRAINED)


class CloseTests(EndTestCase):
    def test_the_conversation_closes(self) -> None:
        def plain(message: bytes) -> Any:
            return CLOSE if message == b"c" else message

        def script(message: bytes) -> Any:
            return self.script(b"bye", CLOSE, b"never") if message == b"c" else message

        for framing in Lines, PlainLines:
            for received, said in (plain, b""), (script, b"bye\n"):
                drive = self.open(framing(), received=received)
                self.assertEqual(drive("receive", b"a\nc\nb\n"), b"a\n" + said)
                self.assertEqual(drive("receive", b"d\n"), b"")
                self.assertNotIn(b"b", self.notes)
                self.assert_closed(CloseReason.CLOSED)

    def test_the_application_closes(self) -> None:
        drive = self.open(received=lambda message: self.script(b"a", Sleep(1), b"never"))
        drive("receive", b"x\ny\n")
        drive("push", b"pushed")
        self.assertEqual(drive("close", CloseReason.CLOSED), b"pushed\n")
        self.assertEqual(self.notes, [b"x", "went on", "finally"])
        self.assert_closed(CloseReason.CLOSED)

    def test_inside_a_message_those_answered_before_are_sent_and_no_action_follows(self) -> None:
        def received(message: bytes) -> Any:
            if message == b"close":
                self.session.push(b"pushed")
                self.assertEqual(self.session.close(CloseReason.CLOSED), b"")
            return message

        for framing in Lines(), PlainLines():
            drive = self.open(framing, received=received)
            self.assertEqual(drive("receive", b"a\nb\r\nclose\nc\n"), b"a\nb\r\npushed\n")
            self.assertEqual(self.session.messages_in, 3)
            self.assert_closed(CloseReason.CLOSED)

    def test_inside_a_script(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield b"before"
                self.session.close(CloseReason.CLOSED)
                yield b"after"
                raise AssertionError("it went on")
            finally:
                self.notes.append("finally")

        drive = self.open(received=received)
        self.assertEqual(drive("receive", b"a\nb\n"), b"before\n")
        self.assertEqual(self.notes, [b"a", "finally"])
        self.assert_closed(CloseReason.CLOSED)

    def test_before_it_is_open(self) -> None:
        drive = self.begin()
        drive("receive", b"a\n")
        drive("close", CloseReason.TOO_MANY)
        self.assertEqual(drive("open", PEER), b"")
        self.assert_closed(CloseReason.TOO_MANY)
        drive("lose", CloseReason.PEER_CLOSED)
        self.assertEqual(self.notes, [])

    def test_the_first_reason_counts_but_for_an_abort(self) -> None:
        drive = self.open()
        for reason in CloseReason.IDLE, CloseReason.LIFETIME:
            drive("close", reason)
        self.assert_closed(CloseReason.IDLE)
        drive("abort", CloseReason.WRITE_STALL)
        self.assert_closed(CloseReason.WRITE_STALL)
        drive("lose", CloseReason.PEER_CLOSED)
        self.assertEqual(self.notes, [CloseReason.WRITE_STALL])


class AbortTests(EndTestCase):
    def test_what_is_not_written_is_dropped(self) -> None:
        def plain(message: bytes) -> Any:
            return ABORT if message == b"abort" else message

        def script(message: bytes) -> Any:
            return self.script(message, ABORT, b"never") if message == b"abort" else message

        def inside(message: bytes) -> Any:
            if message == b"abort":
                self.session.push(b"pushed")
                self.session.abort(CloseReason.ABORTED)
            return message

        for framing in Lines, PlainLines:
            for received in plain, script, inside:
                drive = self.open(framing(), received=received)
                self.assertEqual(drive("receive", b"a\nb\r\nabort\nc\n"), b"")
                self.assertTrue(self.session.aborted)
                self.assertNotIn(b"c", self.notes)
                self.assert_closed(CloseReason.ABORTED)

    def test_between_two_messages(self) -> None:
        drive = self.open(received=lambda message: self.script(Sleep(1), b"never"))
        drive("receive", b"a\nb\n")
        drive("push", b"pushed")
        drive("abort", CloseReason.LIFETIME)
        self.assertEqual((drive.writes, self.notes), ([], [b"a", "finally"]))
        self.assert_closed(CloseReason.LIFETIME)

    def test_when_the_connection_is_lost_it_is_nothing(self) -> None:
        drive = self.open()
        drive("lose", CloseReason.PEER_RESET)
        drive("abort", CloseReason.LIFETIME)
        self.assertEqual((self.session.aborted, self.session.need), (False, Need.LOST))
        self.assertIs(self.session.reason, CloseReason.PEER_RESET)


class LossTests(EndTestCase):
    def lose(self, drive: Drive) -> None:
        drive("lose", CloseReason.PEER_RESET)

    def test_the_script_is_closed_then_the_conversation_is_told(self) -> None:
        drive = self.open(received=lambda message: self.script(Sleep(1), b"never"))
        drive("receive", b"a\nb\n")
        self.session.lose(CloseReason.PEER_RESET)
        self.assertEqual(self.notes, [b"a", "finally"])
        self.assertIs(self.session.need, Need.LOST)
        self.session.closed()
        self.session.closed()
        self.lose(drive)
        self.assertEqual(self.notes, [b"a", "finally", CloseReason.PEER_RESET])

    def test_between_two_messages(self) -> None:
        drive = self.open()
        drive("receive", b"a\nunfinished")
        self.lose(drive)
        events: list[Any] = [("receive", b"\n"), ("quiet",), ("end",), ("drain",), ("close", None)]
        for event in events:
            self.assertEqual(drive(*event), b"")
        self.assertEqual(self.notes, [b"a", CloseReason.PEER_RESET])
        self.assertEqual(drive.writes, [b"<a>\n"])

    def test_inside_a_message(self) -> None:
        def plain(message: bytes) -> Any:
            if message == b"lose":
                self.session.lose(CloseReason.PEER_RESET)
                self.assertEqual(self.notes, [b"a", b"lose"])
            return message

        def script(message: bytes) -> Any:
            try:
                yield plain(message)
                yield b"more"
            finally:
                self.notes.append("finally")

        for framing in Lines, PlainLines:
            for received in plain, script:
                drive = self.open(framing(), received=lambda m, r=received: m if m == b"a" else r(m))
                self.assertEqual(drive("receive", b"a\nlose\nc\n"), b"")
                self.assertEqual(
                    [note for note in self.notes if note != "finally"][1:], [b"lose", CloseReason.PEER_RESET]
                )
                self.assertEqual(self.notes[-1], CloseReason.PEER_RESET)
                self.assertIs(self.session.need, Need.LOST)
                self.assertEqual(self.failures, [])

    def test_inside_opened_and_ended(self) -> None:
        def methods(script: bool) -> dict[str, Any]:
            def method() -> Any:
                self.session.lose(CloseReason.PEER_RESET)
                return self.script(b"never") if script else b"never"

            return {"opened": method, "ended": method}

        for name in "opened", "ended":
            for script in False, True:
                drive = self.open(**{name: methods(script)[name]})
                drive("end")
                self.assertEqual(drive.writes, [])
                self.assertEqual(self.notes[-1], CloseReason.PEER_RESET)
                self.assertEqual(self.notes.count(CloseReason.PEER_RESET), 1)

    def test_in_finally(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield b"never written"
                yield CLOSE
            finally:
                self.session.lose(CloseReason.PEER_RESET)

        drive = self.open(received=received)
        self.assertEqual(drive("receive", b"a\n"), b"")
        self.assertEqual(self.notes, [b"a", CloseReason.CLOSED])

    def test_closed_is_told_only_if_opened_was_and_only_when_lost(self) -> None:
        drive = self.begin()
        self.lose(drive)
        self.assertEqual(self.notes, [])
        drive = self.open()
        drive("close", CloseReason.IDLE)
        self.session.closed()
        self.assertEqual(self.notes, [])
        self.lose(drive)
        self.assertEqual(self.notes, [CloseReason.IDLE])

    def test_what_is_over_keeps_nothing(self) -> None:
        drive = self.open(received=lambda message: self.script(Sleep(1)))
        drive("receive", b"a\n" + b"x" * 10_000)
        drive("close", CloseReason.IDLE)
        self.assertEqual((self.session.framing.held, self.session.ahead), (0, None))
