"""What reading a prefix costs, counted in calls."""

import sys
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.core.framing.prefixed import Int16Prefixed, Int32Prefixed, Netstrings, Prefixed
from tests.core.framing.prefixed import FRAMINGS


def calls(work: Callable[[], object]) -> int:
    """Return how many functions of Python's are called meanwhile."""
    called: list[object] = []
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code) if event == "call" else None)
    try:
        work()
    finally:
        sys.setprofile(None)
    return len(called)


class CostTests(TestCase):
    """Counted, not timed: to look for a prefix is one call more than what a byte or a message costs."""

    def test_a_huge_message_byte_by_byte(self) -> None:
        """Its prefix is read while it comes, and once or twice after it."""
        for make in Netstrings, Int16Prefixed, Int32Prefixed:
            framing, data = make(0), make().encode(b"x" * 60_000)

            def feed(framing: Prefixed = framing, data: bytes = data) -> None:
                for i in range(len(data)):
                    framing.take()
                    framing.feed(data[i : i + 1])

            self.assertLess(calls(feed), 3 * len(data) + 30)
            self.assertEqual(len(framing.take()), 1)

    def test_many_messages_in_one_read(self) -> None:
        for make in FRAMINGS:
            framing, data = make(0), make().encode(b"abc") * 10_000 + make().encode(b"abc")[:-1]
            taken: list[list[bytes]] = [[b""]]

            def take(framing: Prefixed = framing, data: bytes = data, taken: Any = taken) -> None:
                framing.feed(data)
                while taken[-1]:
                    taken.append(framing.take())

            self.assertLess(calls(take), 30_100)
            self.assertEqual(sum(map(len, taken)), 10_001)

    def test_the_prefix_itself_is_bounded(self) -> None:
        """A length that never ends is not read again and again."""
        framing = Netstrings(0)

        def feed() -> None:
            for _ in range(1000):
                framing.feed(b"1")

        self.assertLess(calls(feed), 1_060)

    def test_messages_are_made_as_they_are_taken(self) -> None:
        for make in FRAMINGS:
            framing = make()
            data = framing.encode(b"") * 20_000
            framing.feed(data)
            self.assertEqual(framing.held, len(data))
            self.assertTrue(100 <= len(framing.take()) <= 600)
            self.assertGreater(framing.held, len(data) * 0.9)
