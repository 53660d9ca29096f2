"""Close, abort, and the connection's loss: what is sent, what runs, who is told, and when."""

from typing import Any

from sockproto.core.actions import ABORT, CLOSE, Sleep
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.session import Need
from tests.core.session.driving import PEER, Drive, PlainLines, SessionTestCase


class CloseTests(SessionTestCase):
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
            drive = self.open(framing.__class__(), received=received)
            self.assertEqual(drive("receive", b"close\n"), b"pushed\n")  # the only one of a read
            self.assertEqual(self.session.messages_in, 1)
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


class AbortTests(SessionTestCase):
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


class LossTests(SessionTestCase):
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
