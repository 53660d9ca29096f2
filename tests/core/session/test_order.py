"""What a session handles and sends, and in what order."""

from collections.abc import Iterator
from typing import Any

from sockproto.core.actions import CLOSE, Sleep, Wait
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.prefixed import Netstrings
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.session import Need, Session
from tests.core.session.driving import NOTHING, PEER, Drive, PlainLines, Scripted, SessionTestCase


class OrderTests(SessionTestCase):
    def test_a_read_is_answered_in_one_piece(self) -> None:
        for framing in Lines(), PlainLines():
            self.open(framing)
            self.assertEqual(self.session.receive(b"a\nb\nc\n"), b"<a>\n<b>\n<c>\n")
            self.assertIsNone(self.session.need)
            self.assertEqual((self.session.messages_in, self.session.messages_out), (3, 3))
            self.assertEqual(self.session.receive(b"d\n"), b"<d>\n")

    def test_nothing_is_handled_before_it_is_open(self) -> None:
        drive = self.begin(opened=lambda: b"Welcome!")
        self.assertIs(self.session.need, Need.OPEN)
        self.assertEqual(drive("receive", b"a\nb"), b"")
        self.assertEqual(drive("open", PEER), b"Welcome!\r\n<a>\n")
        self.assertEqual(drive("open", PEER), b"")
        self.assertEqual(drive("receive", b"\n"), b"<b>\n")

    def test_what_comes_while_a_script_waits_is_answered_after_it(self) -> None:
        def received(message: bytes) -> Any:
            if message != b"wait":
                return b"<%b>" % message
            return script()

        def script() -> Any:
            yield b"begin"
            yield Sleep(1)
            yield b"end"

        drive = self.open(received=received)
        self.assertEqual(drive("receive", b"a\nwait\nb\n"), b"<a>\nbegin\n")
        self.assertEqual(self.session.need, Sleep(1))
        self.assertEqual(drive("receive", b"c\n"), b"")
        self.assertEqual(drive("resume"), b"end\n<b>\n<c>\n")

    def test_what_was_waited_for_comes_back_from_the_yield(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield (yield Wait(NOTHING))
                yield Wait(NOTHING)
            except ValueError:
                yield b"failed"

        drive = self.open(received=received)
        drive("receive", b"a\n")
        self.assertEqual(drive("resume", b"result"), b"result\n")
        self.assertEqual(drive("throw", ValueError()), b"failed\n")
        self.assertIsNone(self.session.need)

    def test_nothing_comes_back_where_nothing_is_waited_for(self) -> None:
        drive = self.open(received=lambda message: CLOSE)
        drive("resume", b"x")
        drive("throw", ValueError())
        self.assertIsNone(self.session.need)
        drive("receive", b"a\n")
        for event, argument in ("resume", b"x"), ("throw", ValueError()):
            drive(event, argument)
            self.assertIs(self.session.need, Need.CLOSE)
        self.assertEqual(self.failures, [])

    def test_each_reply_ends_as_its_message(self) -> None:
        for framing in Lines(), PlainLines():
            drive = self.open(framing)
            self.assertEqual(drive("receive", b"a\nb\r\nc\n"), b"<a>\n<b>\r\n<c>\n")
            self.assertEqual(drive("receive", b""), b"")
            self.assertEqual(drive("receive", b"d\r\n"), b"<d>\r\n")
            self.assertEqual(drive("receive", b""), b"")
            self.assertEqual(drive("push", b"x"), b"x\r\n")

    def test_a_bare_send_is_answered_when_it_is_quiet(self) -> None:
        drive = self.open(QuietLines(), opened=lambda: b"Welcome!")
        self.assertEqual(drive.writes, [b"Welcome!"])
        self.assertEqual(drive("receive", b"a\nMich"), b"<a>\n")
        self.assertEqual(drive("receive", b"ael"), b"")
        self.assertEqual(drive("quiet"), b"<Michael>")
        self.assertEqual(drive("quiet"), b"")

    def test_no_bytes_are_no_message(self) -> None:
        for framing in Lines(), PlainLines(), QuietLines(), Raw(), Netstrings(), Discard():
            drive = self.open(framing)
            self.assertEqual(drive("receive", b""), b"")
            self.assertEqual((self.notes, self.session.messages_in), ([], 0))
            self.assertIsNone(self.session.need)

    def test_what_the_conversation_makes_of_itself_while_it_is_at_work_waits(self) -> None:
        """A read, or a quiet period, that comes inside ``received`` is seen when that is done."""
        depth = 0

        def received(message: bytes) -> bytes:
            nonlocal depth
            depth += 1
            self.assertEqual(depth, 1)
            if message == b"a":
                self.assertEqual(self.session.receive(b"b\nc"), b"")
                self.assertEqual(self.session.quiet(), b"")
            depth -= 1
            return message

        for script in False, True:

            def answer(message: bytes) -> Iterator[bytes]:
                yield received(message)

            drive = self.open(QuietLines(), received=answer if script else received)
            self.assertEqual(drive("receive", b"a\nd\n"), b"a\nd\nb\nc")

    def test_ten_thousand_messages_that_wait_do_not_recurse(self) -> None:
        drive = self.open(received=lambda message: Sleep(0))
        drive("receive", b"\n" * 10_000)
        for _ in range(10_000):
            self.assertEqual(self.session.need, Sleep(0))
            drive("resume")
        self.assertIsNone(self.session.need)
        self.assertEqual(self.session.messages_in, 10_000)

    def test_messages_are_counted_when_they_are_handled_and_sent(self) -> None:
        drive = self.open(received=lambda message: None if message == b"mute" else [message][0])
        drive("receive", b"a\nmute\nb\nc\r\n")
        drive("push", b"x")
        self.assertEqual((self.session.messages_in, self.session.messages_out), (4, 4))

    def test_a_session_needs_no_driver_where_bytes_answer(self) -> None:
        session = Session(Scripted(), Raw())
        self.assertEqual(session.open(PEER), b"")
        self.assertEqual(session.receive(b"any\n"), b"<any\n>")
        Drive(session)("lose", None)
