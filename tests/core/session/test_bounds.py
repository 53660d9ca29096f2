"""How much a session makes at once, and how much it keeps."""

import sys
from typing import Any

from sockproto.core.actions import HALF_CLOSE, Sleep
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.prefixed import Int8Prefixed, Int32Prefixed
from sockproto.core.framing.raw import Raw
from sockproto.core.limits import WRITE_BYTES
from sockproto.core.session import FRAME_BYTES, Need
from sockproto.errors import SendRefused
from tests.core.session.driving import PEER, PlainLines, SessionTestCase

KIB = b"x" * (1024 - FRAME_BYTES)


class Text(bytes):
    """Bytes of a class of their own are sent as bytes."""


class OutputTests(SessionTestCase):
    def test_64_kib_are_collected_then_written(self) -> None:
        for framing in Lines(), PlainLines():
            self.open(framing, received=lambda message: KIB)
            out = self.session.receive(b"\n" * 100)
            self.assertEqual(out, (KIB + b"\n") * 64)
            self.assertIs(self.session.need, Need.MORE)
            self.assertEqual(self.session.receive(b""), b"")
            self.assertEqual(self.session.go_on(), (KIB + b"\n") * 36)
            self.assertIsNone(self.session.need)

    def test_one_less_is_written_at_once(self) -> None:
        for framing in Lines(), PlainLines():
            self.open(framing, received=lambda message: KIB)
            self.assertEqual(len(self.session.receive(b"\n" * 63)), 63 * (len(KIB) + 1))
            self.assertIsNone(self.session.need)

    def test_a_reply_longer_than_its_share_is_sent_in_its_place(self) -> None:
        for count in 2, 16, 512:
            share = WRITE_BYTES // count - FRAME_BYTES
            for size in share - 1, share, share + 1, 2 * share:
                replies = [b"a", b"b" * size] * (count // 2)
                for framing in Lines(), PlainLines():
                    self.open(framing, received=lambda _, left=replies[::-1]: left.pop())
                    out = [self.session.receive(b"\n" * count)]
                    while self.session.need is Need.MORE:
                        out.append(self.session.go_on())
                    self.assertEqual(b"".join(out), b"".join(reply + b"\n" for reply in replies))
                    self.assertLess(max(map(len, out)), WRITE_BYTES + size + 1)
                    self.assertEqual(self.session.messages_out, count)

    def test_a_script_without_end(self) -> None:
        def script(reply: bytes) -> Any:
            while True:
                yield reply

        for reply in KIB, b"", Text(KIB), Text(b"ab"):
            for framing in Lines(), Raw(), Int32Prefixed():
                self.begin(framing, opened=lambda reply=reply: script(reply))
                made = 0
                for step in range(3):
                    out = self.session.go_on() if step else self.session.open(PEER)
                    self.assertIs(self.session.need, Need.MORE)
                    self.assertLess(len(out), WRITE_BYTES + len(KIB))
                    self.assertLessEqual(self.session.messages_out - made, WRITE_BYTES // FRAME_BYTES)
                    made = self.session.messages_out

    def test_one_reply_may_be_longer(self) -> None:
        for way in (lambda: b"x" * 10**6), (lambda: iter_one(b"x" * 10**6)):
            self.begin(Raw(), opened=way)
            self.assertEqual(len(self.session.open(PEER)), 10**6)
            self.assertIs(self.session.need, Need.MORE)
            self.assertEqual(self.session.go_on(), b"")
            self.assertIsNone(self.session.need)

    def test_what_was_pushed_counts(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"a\nb\n")
        for _ in range(3):
            drive("push", b"x" * 21_000)
        out = self.session.resume()
        self.assertEqual((len(out), self.session.need), (63_003, Sleep(1)))
        drive("push", b"x" * 65_533)
        self.assertEqual(len(self.session.resume()), 65_534)
        self.assertIs(self.session.need, Need.MORE)

    def test_at_most_some_hundred_messages_exist_at_once(self) -> None:
        most = 0

        class Watched(Lines):
            def take(self) -> list[bytes]:
                nonlocal most
                messages = super().take()
                most = max(most, len(messages))
                return messages

            def cut(self, data: bytes) -> Any:
                nonlocal most
                messages = super().cut(data)
                most = max(most, len(messages or []))
                return messages

        drive = self.open(Watched(), received=lambda message: None)
        for lines in 512, 513, 60_000:
            drive("receive", b"\n" * lines)
        self.assertEqual(self.session.messages_in, 61_025)
        self.assertLessEqual(most, 600)

    def test_bytes_held_take_no_more_than_they_are(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"\n" * 60_000)
        self.assertGreaterEqual(self.session.framing.held, 59_000)


class HoldTests(SessionTestCase):
    def test_between_two_messages_of_a_read(self) -> None:
        def received(message: bytes) -> bytes:
            if message == b"b":
                self.session.hold()
            return message

        for framing in Lines(), PlainLines():
            self.open(framing, received=received)
            self.assertEqual(self.session.receive(b"a\nb\nc\nb\nd\n"), b"a\nb\n")
            self.assertIs(self.session.need, Need.MORE)
            self.assertEqual(self.session.receive(b"e\n"), b"")
            self.assertEqual(self.session.go_on(), b"c\nb\n")
            self.assertEqual(self.session.go_on(), b"d\ne\n")
            self.assertIsNone(self.session.need)

    def test_inside_a_script(self) -> None:
        def received(message: bytes) -> Any:
            yield b"1"
            self.session.hold()
            yield b"2"
            yield b"3"

        self.open(received=received)
        self.assertEqual(self.session.receive(b"a\n"), b"1\n2\n")
        self.assertIs(self.session.need, Need.MORE)
        self.assertEqual(self.session.go_on(), b"3\n")

    def test_before_an_answer_of_more_than_bytes(self) -> None:
        def received(message: bytes) -> Any:
            self.session.hold()
            return script()

        def script() -> Any:
            yield b"1"

        self.open(received=received)
        self.assertEqual(self.session.receive(b"a\n"), b"")
        self.assertIs(self.session.need, Need.MORE)
        self.assertEqual(self.session.go_on(), b"1\n")

    def test_from_outside(self) -> None:
        drive = self.open()
        drive("hold")
        self.assertEqual(drive("receive", b"a\n"), b"")
        self.assertEqual(drive("push", b"x"), b"")
        self.assertEqual(drive("go_on"), b"x\r\n<a>\n")

    def test_a_wait_is_a_wait(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"a\nb\n")
        drive("hold")
        self.assertEqual(self.session.need, Sleep(1))
        drive("go_on")
        self.assertEqual(self.session.need, Sleep(1))


class PushTests(SessionTestCase):
    def test_from_outside_between_two_replies(self) -> None:
        def received(message: bytes) -> Any:
            yield b"begin"
            yield Sleep(1)
            yield b"end"

        drive = self.open(received=received)
        self.assertEqual(drive("push", b"first"), b"first\r\n")
        self.assertEqual(drive("receive", b"x\ny\n"), b"begin\n")
        self.assertEqual(drive("push", b"pushed"), b"")
        self.assertEqual(drive("resume"), b"end\npushed\nbegin\n")

    def test_from_inside(self) -> None:
        def received(message: bytes) -> Any:
            self.assertEqual(self.session.push(b"pushed by " + message), b"")
            return None if message == b"mute" else message

        def script(message: bytes) -> Any:
            yield received(message) or b"muted"
            yield b"more"

        for framing in Lines(), PlainLines():
            drive = self.open(framing, received=received)
            wire = b"a\npushed by a\npushed by mute\nb\npushed by b\nc\npushed by c\n"
            self.assertEqual(drive("receive", b"a\nmute\nb\nc\n"), wire)
            drive = self.open(framing, received=script)
            self.assertEqual(drive("receive", b"a\nb\n"), b"a\nmore\npushed by a\nb\nmore\npushed by b\n")

    def test_at_most_64_kib_wait(self) -> None:
        drive = self.open(received=lambda message: Sleep(1))
        drive("receive", b"x\n")
        self.assertRaises(SendRefused, drive, "push", b"x" * WRITE_BYTES)
        taken = 0
        while taken < 100_000:
            try:
                drive("push", b"")
            except SendRefused:
                break
            taken += 1
        self.assertEqual(taken, WRITE_BYTES // 2)
        self.assertEqual(drive("resume"), b"\n" * taken)
        self.assertEqual(drive("push", b"again"), b"again\n")

    def test_nothing_that_waits_is_no_reason_to_refuse_a_long_one(self) -> None:
        drive = self.open()
        self.assertEqual(len(drive("push", b"x" * 100_000)), 100_002)

    def test_refused(self) -> None:
        def half_closing(message: bytes) -> Any:
            yield HALF_CLOSE
            yield Sleep(1)

        drive = self.begin()
        self.assertRaises(SendRefused, drive, "push", b"too early")
        drive = self.open(Int8Prefixed(), received=half_closing)
        self.assertRaises(TypeError, drive, "push", "text")
        self.assertRaises(SendRefused, drive, "push", b"x" * 256)
        drive("receive", b"\1a")
        self.assertRaises(SendRefused, drive, "push", b"after HALF_CLOSE")
        for event in "close", "abort", "lose":
            drive = self.open()
            drive(event, None)
            self.assertRaises(SendRefused, drive, "push", b"too late")
            self.assertEqual(drive.writes, [])

    def test_refused_while_our_half_is_yet_to_be_ended(self) -> None:
        drive = self.open(received=lambda message: HALF_CLOSE)
        self.session.receive(b"a\n")
        self.assertIs(self.session.need, Need.HALF_CLOSE)
        self.assertRaises(SendRefused, self.session.push, b"x")
        drive("go_on")
        self.assertIsNone(self.session.need)
        self.assertEqual(self.failures, [])


class SizeTests(SessionTestCase):
    def test_a_session_is_small(self) -> None:
        drive = self.open()
        drive("receive", b"a\n" * 100)
        self.assertLess(sys.getsizeof(self.session), 320)
        self.assertFalse(hasattr(self.session, "__dict__"))


def iter_one(action: Any) -> Any:
    yield action
