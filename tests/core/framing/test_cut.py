"""``cut`` gives what ``feed`` and ``take`` would, or None and leaves no trace."""

from copy import deepcopy
from typing import Any

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.core.framing import expecting, lines, prefixed, program, raw
from sockproto.core.framing.expecting import Datagrams, Sink
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.program import ProgramMessages
from sockproto.core.framing.raw import Discard, Raw
from sockproto.errors import MessageMalformed, MessageTooLong
from sockproto.testing import cuts

LIMIT = 12
FRAMINGS: dict[str, Any] = {
    "Lines": lambda: Lines(LIMIT),
    "QuietLines": lambda: QuietLines(LIMIT),
    "Lines that always end alike": lambda: Lines(LIMIT, b"\r\n"),
    "Lines without limit": lambda: Lines(0),
    "ProgramMessages": lambda: ProgramMessages(LIMIT),
    "Raw": Raw,
    "Discard": Discard,
    "Datagrams": Datagrams,
}
TOKENS = [b"a\n", b"bc\n", b"\n", b"\r\n", b"\r", b"\r\0", b"\0", b"d", b"x" * (LIMIT - 1)]
STREAMS = st.lists(st.sampled_from(TOKENS), max_size=8).map(b"".join).flatmap(cuts)
STEPS = st.one_of(st.sampled_from(["quiet", "cut"]), st.sampled_from(["cut", "feed"]))


def take_all(framing: Any) -> list[Any]:
    """Take all messages, each with how it is answered; an error is the last."""
    found: list[Any] = []
    while not found or found[-1] != "no message":
        try:
            messages = framing.take()
        except (MessageTooLong, MessageMalformed):
            messages = None
        if messages == []:
            break
        found += [(message, framing.encode(message)) for message in messages] if messages else ["no message"]
    return found


def state(framing: Any) -> Any:
    """Return what can be seen of a framing, and what comes of it."""
    ends = deepcopy(framing)
    ends.end()
    seen = framing.held, framing.ready, framing.unfinished, framing.encode(b"reply")
    return seen, take_all(deepcopy(framing)), take_all(ends)


def of_ours() -> set[type]:
    """Return the classes of framings."""
    modules = (expecting, lines, prefixed, program, raw)
    return {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and hasattr(each, "take")
    }


class CutTests(TestCase):
    def assert_same(self, framing: Any, data: bytes) -> list[bytes] | None:
        """Cut; see that it is what feeding and taking would give."""
        before, plain = state(framing), deepcopy(framing)
        held, unseen = framing.held, framing.held or framing.ready
        messages: list[bytes] | None = framing.cut(data)
        if messages is None:
            self.assertEqual(state(framing), before)
            return None
        self.assertFalse(unseen, "something was held before")
        self.assertEqual(held, 0)
        self.assertLessEqual(len(messages), 512)
        plain.feed(data)
        expected = take_all(plain)
        self.assertEqual([(message, framing.encode(message)) for message in messages], expected)
        self.assertEqual(state(framing), state(plain))
        return messages

    @given(st.sampled_from(sorted(FRAMINGS)), STREAMS, st.lists(STEPS, min_size=1, max_size=4))
    def test_it_gives_the_same_or_leaves_no_trace(
        self, name: str, stream: list[bytes], steps: list[str]
    ) -> None:
        framing = FRAMINGS[name]()
        for number, data in enumerate(stream):
            step = steps[number % len(steps)]
            if step == "quiet":
                framing.quiet()
            if step == "feed" or self.assert_same(framing, data) is None:
                framing.feed(data)
                if step == "cut" and "no message" in take_all(framing):
                    return

    def test_whole_lines_are_cut(self) -> None:
        for name in "Lines", "QuietLines", "Lines that always end alike", "Lines without limit":
            framing = FRAMINGS[name]()
            for data in b"a\nbc\n", b"\n", b"123456789\n":
                self.assertEqual(self.assert_same(framing, data), data.split(b"\n")[:-1])
            for data in b"a", b"a\r\n", b"a\nb", b"":
                self.assertIsNone(self.assert_same(framing, data))

    def test_no_read_of_more_than_some_hundred(self) -> None:
        framing = Lines(10**6)
        self.assertEqual(self.assert_same(framing, b"\n" * 512), [b""] * 512)
        self.assertIsNone(self.assert_same(framing, b"\n" * 513))

    def test_nor_one_that_may_have_a_line_too_long(self) -> None:
        for data in b"x" * (LIMIT + 1) + b"\n", b"x" * LIMIT + b"\n", b"a\n" * LIMIT:
            self.assertIsNone(self.assert_same(Lines(LIMIT), data))

    def test_after_bytes_held_there_is_none(self) -> None:
        for name in "Lines", "QuietLines", "Raw":
            framing = FRAMINGS[name]()
            framing.feed(b"a")
            self.assertIsNone(self.assert_same(framing, b"b\n"))
            framing.quiet()
            self.assertIsNone(self.assert_same(framing, b"b\n"))
            framing.feed(b"b\n")
            take_all(framing)
            self.assertIsNotNone(self.assert_same(framing, b"b\n"))

    def test_a_sink_is_handed_all(self) -> None:
        came: list[bytes] = []
        self.assertEqual(Sink(came.append).cut(b"a\nb"), [])
        self.assertEqual(came, [b"a\nb"])

    def test_every_framing_that_has_it_is_tested(self) -> None:
        have = {each for each in of_ours() if hasattr(each, "cut")}
        self.assertEqual(have, {type(make()) for make in FRAMINGS.values()} | {Sink})
