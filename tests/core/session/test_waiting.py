"""``Until``, which a message may end, and ``Input``, which ends with the stream."""

from typing import Any

from sockproto.core.actions import Input, Interrupted, Sleep, Until
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.session import Need
from tests.core.session.driving import NOTHING, PEER, Drive, SessionTestCase


class UntilTestCase(SessionTestCase):
    """Has a conversation that waits where the message is ``wait``, until one is ``stop``."""

    def open_until(self, endless: bool = False, ends: Any = None, **methods: Any) -> Drive:
        self.shown: list[bytes] = []

        def is_stop(message: bytes) -> bool:
            self.shown.append(message)
            return message == b"stop"

        self.action = Until(NOTHING, ends or is_stop, endless)
        methods.setdefault("received", lambda message: self.wait() if message == b"wait" else message)
        return self.open(**methods)

    def wait(self) -> Any:
        try:
            yield (yield self.action)
        except Interrupted:
            yield b"interrupted"


class UntilTests(UntilTestCase):
    def test_a_message_ends_it_and_is_handled_by_that(self) -> None:
        drive = self.open_until()
        self.assertEqual(drive("receive", b"wait\na\n"), b"")
        self.assertIs(self.session.need, self.action)
        self.assertFalse(self.session.interrupted)
        self.assertEqual(drive("receive", b"b\nstop\nc\nstop\n"), b"interrupted\na\nb\nc\nstop\n")
        self.assertEqual(self.notes, [b"wait", b"a", b"b", b"c", b"stop"])
        self.assertEqual(self.session.messages_in, 6)

    def test_one_that_has_come_before(self) -> None:
        drive = self.open_until()
        self.assertEqual(drive("receive", b"wait\na\nstop\nb\n"), b"interrupted\na\nb\n")

    def test_its_result_comes_as_after_any_wait(self) -> None:
        drive = self.open_until()
        drive("receive", b"wait\na\n")
        self.assertEqual(drive("resume", b"result"), b"result\na\n")
        self.assertIsNone(self.session.ahead)

    def test_each_message_is_shown_once(self) -> None:
        drive = self.open_until()
        for data in b"wait\na\nb\n", b"c", b"\nd\n", b"":
            drive("receive", data)
        self.assertEqual(self.shown, [b"a", b"b", b"c", b"d"])
        drive("resume", b"over")
        self.assertEqual(self.session.messages_in, 5)

    def test_each_script_is_shown_all_that_wait(self) -> None:
        drive = self.open_until()
        drive("receive", b"wait\nwait\na\n")
        self.assertEqual(drive("resume", b"1"), b"1\n")
        self.assertEqual(drive("resume", b"2"), b"2\na\n")
        self.assertEqual(self.shown, [b"wait", b"a", b"a"])

    def test_a_message_that_comes_between_two_waits_of_a_script_ends_the_second(self) -> None:
        def script(message: bytes) -> Any:
            yield self.action
            yield b"one"
            yield Sleep(1)
            yield b"two"
            try:
                yield self.action
            except Interrupted:
                yield b"interrupted"

        drive = self.open_until(received=script)
        drive("receive", b"x\n")
        drive("resume")
        drive("receive", b"stop\n")
        self.assertEqual(self.session.need, Sleep(1))
        self.assertFalse(self.session.interrupted)
        self.assertEqual(drive("resume"), b"two\ninterrupted\n")

    def test_one_that_nothing_waited_for_any_more_is_handled_in_its_turn(self) -> None:
        def received(message: bytes) -> Any:
            if message == b"wait":
                yield self.action
                yield Sleep(1)
            yield b"<%b>" % message

        drive = self.open_until(received=received)
        drive("receive", b"wait\na\n")
        drive("resume")
        drive("receive", b"stop\nb\n")
        self.assertEqual(drive("resume"), b"<wait>\n<a>\n<stop>\n<b>\n")

    def test_a_second_wait_of_a_script_is_ended_by_a_second_message(self) -> None:
        def script(message: bytes) -> Any:
            for _ in range(2):
                try:
                    yield self.action
                except Interrupted:
                    yield b"interrupted"

        drive = self.open_until(received=lambda m: script(m) if m == b"wait" else m)
        self.assertEqual(drive("receive", b"wait\na\nstop\nb\n"), b"interrupted\n")
        self.assertEqual(self.shown, [b"a", b"stop", b"b"])
        self.assertIs(self.session.need, self.action)
        self.assertEqual(drive("receive", b"c\nstop\nd\n"), b"interrupted\na\nb\nc\nd\n")

    def test_the_end_of_the_stream_ends_no_wait_but_its_last_message_may(self) -> None:
        drive = self.open_until()
        drive("receive", b"wait\na\nsto")
        self.assertEqual(drive("end"), b"")
        drive = self.open_until()
        drive("receive", b"wait\na\nstop")
        self.assertEqual(drive("end"), b"interrupted\na\n")
        self.assertEqual(self.notes[-1], "ended")

    def test_it_looks_ahead_only_so_far(self) -> None:
        drive = self.open_until()
        drive("receive", b"wait\n")
        drive("receive", b"\n" * 5_000 + b"stop\n")
        self.assertLess(len(self.shown), 1_024)
        self.assertGreater(len(self.shown), 255)
        self.assertGreater(self.session.framing.held, 4_000)
        drive = self.open_until()
        drive("receive", b"wait\n")
        drive("receive", (b"x" * 5_000 + b"\n") * 20)
        self.assertLess(len(self.shown), 3)

    def test_what_is_no_message_is_told_in_its_turn(self) -> None:
        drive = self.open_until(framing=Lines(10))
        self.assertEqual(drive("receive", b"wait\na\n" + b"x" * 11 + b"\n"), b"")
        out = drive("resume", b"over")
        self.assertEqual(out, b"over\na\nerror: message longer than 10 bytes\n")

    def test_a_bug_in_what_it_asks(self) -> None:
        def ends(message: bytes) -> bool:
            raise ZeroDivisionError

        drive = self.open_until(ends=ends)
        drive("receive", b"wait\n")
        self.assertEqual(drive("receive", b"a\n"), b"error: internal error\n")
        self.assertEqual(self.failures, [ZeroDivisionError])
        self.assertIs(self.session.reason, CloseReason.CONVERSATION_ERROR)

    def test_what_it_asks_may_close(self) -> None:
        def ends(message: bytes) -> bool:
            self.assertEqual(self.session.push(b"pushed"), b"")
            self.assertEqual(self.session.close(CloseReason.CLOSED), b"")
            return message == b"a"

        for last in b"a\n", b"b\n":
            drive = self.open_until(ends=ends)
            drive("receive", b"wait\n")
            self.assertEqual(drive("receive", last), b"pushed\n")
            self.assertIs(self.session.need, Need.CLOSE)
            self.assertEqual((self.failures, self.notes), ([], [b"wait"]))

    def test_a_drain_ends_an_endless_one_alone(self) -> None:
        for endless, out in (False, b""), (True, b"interrupted\n"):
            drive = self.open_until(endless)
            drive("receive", b"wait\n")
            self.assertEqual(drive("drain"), out)
            self.assertEqual(self.session.final, endless)


class InputTests(SessionTestCase):
    def test_it_is_given_up_at_the_end_of_the_stream(self) -> None:
        def opened() -> Any:
            try:
                yield b"begin"
                yield Input(NOTHING)
                raise AssertionError("it went on")
            finally:
                self.conversation.notes.append("finally")

        drive = self.begin(opened=opened)
        drive("open", PEER)
        drive("receive", b"a\nb\n")
        self.assertEqual(drive("end"), b"<a>\n<b>\n")
        self.assertEqual(self.notes, ["finally", b"a", b"b", "ended"])
        self.assertIs(self.session.reason, CloseReason.PEER_CLOSED)

    def test_one_that_begins_after_it(self) -> None:
        def script(message: bytes) -> Any:
            yield Sleep(1)
            yield b"before"
            yield Input(NOTHING)
            raise AssertionError("it went on")

        drive = self.open(received=script)
        drive("receive", b"a\n")
        drive("end")
        self.assertEqual(self.session.need, Sleep(1))
        self.assertEqual(drive("resume"), b"before\n")
        self.assertIs(self.session.reason, CloseReason.PEER_CLOSED)

    def test_another_wait_is_not(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"a\n")
        drive("end")
        self.assertEqual(self.session.need, Sleep(1))
