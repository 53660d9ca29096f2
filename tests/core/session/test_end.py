"""How a session ends in good order: the end of the stream, half-close, drain."""

from typing import Any

from sockproto.core.actions import HALF_CLOSE, Sleep, Until
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.prefixed import Netstrings
from sockproto.core.session import Need
from tests.core.session.driving import NOTHING, PEER, PlainLines, SessionTestCase


class StreamEndTests(SessionTestCase):
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


class HalfCloseTests(SessionTestCase):
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


class DrainTests(SessionTestCase):
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
