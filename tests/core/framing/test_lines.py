"""Framings give the same messages, and the same error, however the bytes are split."""

from typing import Any
from unittest.mock import patch

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.core.framing import lines
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.raw import Discard, Raw
from sockproto.errors import MessageTooLong
from sockproto.interfaces import IFraming
from sockproto.testing import cuts, pieces

QUIET, END = "quiet", "end"
LIMIT = 5
TOKENS = [b"\n", b"\r", b"\0", b"a", b"bc", b"\r\n", b"\r\0", b"x" * LIMIT]
SMALL = st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join)
SMALL_CUT = SMALL.flatmap(cuts)


def run(framing: Any, script: list[bytes | str], eager: bool = True) -> list[Any]:
    """Feed a script; return the encoded replies of an echo, and the error.

    An eager one takes messages after every feed, the other only once all of it has been fed.
    """
    events: list[Any] = []

    def take() -> None:
        while not (events and events[-1] == "too long"):
            ready = framing.ready
            try:
                messages = framing.take()
            except MessageTooLong:
                assert ready
                events.append("too long")
                return
            if not messages:
                return
            assert ready
            assert len(messages) <= 600
            events.extend((message, framing.encode(message)) for message in messages)

    for step in script:
        if isinstance(step, bytes):
            framing.feed(step)
        else:
            getattr(framing, step)()
        if eager:
            take()
    take()
    return events


class Model:
    """What lines are, in the plainest words: the whole stream is there, cut by quiet periods."""

    def __init__(self, bare_newline: bytes | None) -> None:
        self.bare_newline = bare_newline

    def run(self, parts: list[bytes]) -> list[Any]:
        newline = b"\r\n" if self.bare_newline is None else b""
        events: list[Any] = []
        for part in parts:
            *lines, last = part.replace(b"\r\0", b"\r\n").split(b"\n")
            for line, terminated in [(line, True) for line in lines] + [(last, False)]:
                if not line and not terminated:
                    continue
                if len(line.removesuffix(b"\r")) > LIMIT:
                    return [*events, "too long"]
                message = line.rstrip(b"\r")
                if terminated:
                    newline = b"\r\n" if message != line else b"\n"
                elif self.bare_newline is not None:
                    newline = self.bare_newline
                events.append((message, message + newline))
        return events


class LinesTests(TestCase):
    def test_newlines(self) -> None:
        events = run(Lines(), [b"a\nb\r\n\nc\r\r\nd", END])
        messages = [(b"a", b"a\n"), (b"b", b"b\r\n"), (b"", b"\n"), (b"c", b"c\r\n"), (b"d", b"d\r\n")]
        self.assertEqual(events, messages)

    def test_the_other_newline_of_terminals(self) -> None:
        messages = [(b"a", b"a\r\n"), (b"b\rc\0", b"b\rc\0\n"), (b"", b"\r\n"), (b"\0d", b"\0d\n")]
        self.assertEqual(run(Lines(), [b"a\r\0b\rc\0\n\r", b"\0\0d\n"]), messages)
        self.assertEqual(run(QuietLines(), [b"a\r", QUIET, b"\0", END]), [(b"a", b"a"), (b"\0", b"\0")])

    def test_before_the_first_message(self) -> None:
        self.assertEqual(Lines().encode(b"Welcome!"), b"Welcome!\r\n")
        self.assertEqual(QuietLines().encode(b"Welcome!"), b"Welcome!")
        self.assertEqual(Lines(newline=b"\n").encode(b"Welcome!"), b"Welcome!\n")

    def test_fixed_newline(self) -> None:
        self.assertEqual(run(Lines(newline=b"\n"), [b"a\r\nb"]), [(b"a", b"a\n")])

    def test_lines_have_no_quiet_period(self) -> None:
        framing = Lines()
        self.assertIsNone(framing.quiet_seconds)
        self.assertEqual(run(framing, [b"a", QUIET, b"b\n"]), [(b"ab", b"ab\n")])

    def test_bare_sends(self) -> None:
        framing = QuietLines(quiet_seconds=0.5)
        self.assertEqual(framing.quiet_seconds, 0.5)
        events = run(framing, [b"a", b"b", QUIET, b"c\r", QUIET, b"\nd", END])
        self.assertEqual(events, [(b"ab", b"ab"), (b"c", b"c"), (b"", b"\n"), (b"d", b"d")])

    def test_unfinished(self) -> None:
        framing = QuietLines()
        for data, unfinished in [(b"a", 1), (b"b", 2), (b"c\nde", 2), (b"\n", 0), (b"c\r", 2), (b"\n", 0)]:
            framing.feed(data)
            self.assertEqual(framing.unfinished, unfinished)
        framing.feed(b"d")
        framing.quiet()
        self.assertEqual(framing.unfinished, 0)

    def test_limit_without_terminator(self) -> None:
        for ending in b"\n", b"\r\n":
            self.assertEqual(run(Lines(LIMIT), [b"x" * LIMIT + ending])[0][0], b"x" * LIMIT)
            self.assertEqual(run(Lines(LIMIT), [b"a\n" + b"x" * (LIMIT + 1) + ending])[1:], ["too long"])

    def test_no_limit(self) -> None:
        data = b"x" * 100_000
        self.assertEqual(run(Lines(0), [data + b"\n"]), [(data, data + b"\n")])

    def test_nothing_after_the_error(self) -> None:
        framing = Lines(LIMIT)
        framing.feed(b"x" * 9)
        for _ in range(2):
            error = self.assertRaises(MessageTooLong, framing.take)
            self.assertEqual(error.limit, LIMIT)

    def test_a_read_of_newlines_is_taken_piecemeal(self) -> None:
        framing = Lines()
        framing.feed(b"\n" * 65_536)
        self.assertLess(len(framing.take()), 600)
        self.assertGreater(framing.held, 64_000)

    @given(SMALL_CUT)
    def test_lines_however_split(self, cut: list[bytes]) -> None:
        data = b"".join(cut)
        expected = Model(None).run([data])
        for chunks in [data], cut, pieces(data, "bytes"):
            for eager in True, False:
                self.assertEqual(run(Lines(LIMIT), [*chunks, END], eager), expected)

    @given(st.lists(SMALL_CUT, min_size=1, max_size=4))
    def test_quiet_lines_however_split_between_quiet_periods(self, parts: list[list[bytes]]) -> None:
        expected = Model(b"").run([b"".join(cut) for cut in parts])
        script: list[bytes | str] = []
        for cut in parts:
            script += [*cut, QUIET]
        for eager in True, False:
            self.assertEqual(run(QuietLines(LIMIT), [*script, END], eager), expected)

    @given(st.integers(0, 3000), st.integers(1, 700), st.sampled_from([b"\n", b"\r\n"]))
    def test_long_lines_around_the_window(self, length: int, step: int, newline: bytes) -> None:
        data = (b"y" * 7 + newline) * 90 + b"x" * length + newline + b"z" + newline
        chunks = [data[i : i + step] for i in range(0, len(data), step)]
        whole = run(Lines(), [data])
        self.assertEqual(run(Lines(), [*chunks]), whole)
        self.assertEqual([m for m, _ in whole], [b"y" * 7] * 90 + [b"x" * length, b"z"])


class CostTests(TestCase):
    def test_byte_by_byte_is_linear(self) -> None:
        """Every byte of a long line is searched once: counted, not timed."""
        searched = []

        class Counting(bytearray):
            def rfind(self, *args: Any) -> int:
                searched.append(min(args[2], len(self)) - args[1])
                return super().rfind(*args)

            def find(self, *args: Any) -> int:
                searched.append(args[2] - args[1])
                return super().find(*args)

        with patch.object(lines, "bytearray", Counting, create=True):
            framing = Lines()
        for _ in range(20_000):
            framing.feed(b"x")
            framing.take()
        self.assertLess(sum(n for n in searched if n > 0), 50_000)


class RawTests(TestCase):
    @given(st.lists(st.binary(max_size=5)))
    def test_same_bytes(self, chunks: list[bytes]) -> None:
        framing = Raw()
        for chunk in chunks:
            framing.feed(chunk)
        self.assertEqual(framing.held, len(b"".join(chunks)))
        self.assertEqual(b"".join(framing.take()), b"".join(chunks))
        self.assertEqual((framing.held, framing.take()), (0, []))

    def test_discard_holds_nothing(self) -> None:
        framing = Discard()
        framing.feed(b"x" * 1000)
        framing.end()
        self.assertEqual((framing.held, framing.take(), framing.discards), (0, [], True))


class InterfaceTests(TestCase):
    def test_framings_provide_iframing(self) -> None:
        for framing in Raw(), Discard(), Lines(), QuietLines(), Lines(newline=b"\n"):
            verifyObject(IFraming, framing)
