"""One way to run a script of actions."""

from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, Action, Input, Sleep, Until, Wait
from sockproto.core.script import advance, script_of
from sockproto.errors import ActionError

NOTHING: Any = object()


class Text(bytes):
    """Bytes of a class of their own."""


class AdvanceTests(TestCase):
    def setUp(self) -> None:
        self.sent: list[bytes] = []
        self.enough = 10**6

    def put(self, message: bytes) -> bool:
        self.sent.append(message)
        return len(self.sent) >= self.enough

    def test_it_stops_at_all_that_is_not_to_be_sent(self) -> None:
        stops: list[Action] = [
            Sleep(1),
            Wait(NOTHING),
            Until(NOTHING, bool),
            Input(NOTHING),
            CLOSE,
            ABORT,
            HALF_CLOSE,
        ]
        for stop in stops:

            def script(stop: Action = stop) -> Any:
                yield b"a"
                yield b"b"
                yield stop
                yield b"c"

            running = script()
            self.sent = []
            self.assertIs(advance(running, self.put), stop)
            self.assertEqual(self.sent, [b"a", b"b"])
            self.assertIsNone(advance(running, self.put))
            self.assertEqual(self.sent, [b"a", b"b", b"c"])
            self.assertIsNone(advance(running, self.put))

    def test_what_was_waited_for_comes_back(self) -> None:
        def script() -> Any:
            try:
                yield (yield Sleep(1))
                yield Sleep(2)
            except ValueError:
                yield b"failed"

        running = script()
        self.assertEqual(advance(running, self.put), Sleep(1))
        self.assertEqual(advance(running, self.put, b"result"), Sleep(2))
        self.assertIsNone(advance(running, self.put, None, ValueError()))
        self.assertEqual(self.sent, [b"result", b"failed"])

    def test_it_stops_when_that_is_enough_for_now(self) -> None:
        def script() -> Any:
            while True:
                yield b"a"
                yield Text(b"b")

        running, self.enough = script(), 2
        self.assertEqual(advance(running, self.put), b"b")
        self.enough = 3
        self.assertEqual(advance(running, self.put), b"a")
        self.assertEqual(self.sent, [b"a", b"b", b"a"])

    def test_bytes_of_any_class_are_sent_as_bytes(self) -> None:
        advance(script_of(Text(b"a")), self.put)
        self.assertIs(type(self.sent[0]), bytes)

    def test_ten_thousand_messages_do_not_recurse(self) -> None:
        self.assertIsNone(advance((b"x" for _ in range(10_000)), self.put))
        self.assertEqual(len(self.sent), 10_000)

    def test_what_it_raises_and_what_is_no_action(self) -> None:
        def fault() -> Any:
            yield b"a"
            raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, advance, fault(), self.put)
        self.assertRaises(ZeroDivisionError, advance, script_of(b"x"), lambda message: 1 / 0)
        for wrong in "text", 7, None, [b"list"], bytearray(b"x"), Sleep:
            self.assertRaises(ActionError, advance, script_of(wrong), self.put)
        self.assertEqual(self.sent, [b"a"])


class ScriptTests(TestCase):
    def test_a_generator_is_one_and_an_action_is_one_of_it_alone(self) -> None:
        generator = (action for action in [CLOSE])
        self.assertIs(script_of(generator), generator)
        self.assertEqual(list(script_of(CLOSE)), [CLOSE])
        self.assertEqual(list(script_of([CLOSE])), [[CLOSE]])
