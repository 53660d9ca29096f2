"""Program messages end at a newline, but not in a string or block; however the bytes are split."""

from typing import Any

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.core.framing.program import ProgramMessages
from sockproto.errors import MessageTooLong
from sockproto.interfaces import IFraming
from sockproto.testing import cuts

TOKENS = [
    b"\n",
    b"\r\n",
    b'"',
    b"'",
    b'""',
    b"a",
    b" ",
    b",",
    b"#",
    b"#0",
    b"#13",
    b"#212",
    b"#H1F",
    b";",
    b"9",
]
STREAMS = st.lists(st.sampled_from(TOKENS), max_size=16).map(b"".join)
LONG_LINE = b"x" * 20_000


def run(pieces: list[bytes], limit: int = 0, eager: bool = True, end: bool = True) -> list[Any]:
    """Feed pieces; return the messages, and the error."""
    framing = ProgramMessages(limit)
    found: list[Any] = []

    def take() -> None:
        while found[-1:] != ["too long"]:
            ready = framing.ready
            try:
                messages = framing.take()
            except MessageTooLong:
                found.append("too long")
                return
            assert ready == bool(messages)
            if not messages:
                return
            found.extend(messages)

    for piece in pieces:
        framing.feed(piece)
        if eager:
            take()
    if end:
        framing.end()
    take()
    return found


class ProgramMessagesTests(TestCase):
    def test_it_is_a_framing(self) -> None:
        verifyObject(IFraming, ProgramMessages())

    def test_a_newline_ends_a_message(self) -> None:
        self.assertEqual(run([b"*IDN?\n*RST\r\n\nVOLT 5"]), [b"*IDN?", b"*RST\r", b"", b"VOLT 5"])

    def test_a_newline_in_a_string_or_block_ends_none(self) -> None:
        for message in (
            b'DISP "a\nb"',
            b"DISP 'a\n\"b'",
            b'DISP "a""\n"',
            b"DISP 1,'\n'",
            b"DATA #15a\nb\nc",
            b"DATA #210\n\n\n\n\n\n\n\n\n\n",
            b"DATA #11\n;DATA 1, #11\n",
            b'DATA #9000000002\n"',
        ):
            self.assertEqual(run([message + b"\n*IDN?\n"]), [message, b"*IDN?"])

    def test_a_quote_or_number_sign_elsewhere_means_nothing(self) -> None:
        for message in (
            b"DISP don't",
            b"VOLT#15",
            b"VOLT #H1F",
            b"VOLT #0abc",
            b"VOLT #1x",
            b"VOLT #",
            b"VOLT #2 3",
        ):
            self.assertEqual(run([message + b"\n*IDN?\n"]), [message, b"*IDN?"])

    def test_a_string_that_is_not_closed_ends_when_nothing_follows(self) -> None:
        framing = ProgramMessages()
        framing.feed(b"DISP 'oops\n*IDN?\nDISP \"a\nb")
        self.assertEqual(framing.take(), [])
        framing.quiet()
        self.assertEqual(framing.take(), [b"DISP 'oops", b"*IDN?", b'DISP "a'])
        self.assertEqual(framing.unfinished, 1)
        framing.feed(b"\n")
        self.assertEqual(framing.take(), [b"b"])

    def test_the_end_of_the_stream_does_so_too(self) -> None:
        self.assertEqual(run([b"DISP 'oops\n*IDN?\nx"]), [b"DISP 'oops", b"*IDN?", b"x"])

    def test_a_silence_cuts_no_block_nor_an_unfinished_line(self) -> None:
        for begun, rest in (b"DATA #15a\n", b"b\nc"), (b"*ID", b"N?"), (b"DISP 'a", b"\nb'"):
            framing = ProgramMessages()
            framing.feed(begun)
            framing.quiet()
            framing.feed(rest + b"\n")
            self.assertEqual(framing.take(), [begun + rest])

    def test_what_is_unfinished_is_told(self) -> None:
        framing = ProgramMessages()
        framing.feed(b"*IDN?\nDATA #15a\n")
        self.assertEqual((framing.held, framing.unfinished), (16, 10))

    def test_one_past_the_limit(self) -> None:
        self.assertEqual(run([b"12345\n12345\r\n123456\n1\n"], limit=5), [b"12345", b"12345\r", "too long"])
        self.assertEqual(run([b"1\n#19abcdef"], limit=5, end=False), [b"1", "too long"])
        self.assertEqual(run([b"12345\r"], limit=5, end=False), [])

    def test_nothing_is_cut_behind_one_past_the_limit(self) -> None:
        framing = ProgramMessages(5)
        framing.feed(b"1234567\n")
        self.assertIsNone(framing.cut(b"a\n"))
        framing.feed(b"a\n")
        self.assertRaises(MessageTooLong, framing.take)

    def test_replies_are_lines(self) -> None:
        self.assertEqual(ProgramMessages().encode(b"1;2", b""), b"1;2\n\n")

    @given(STREAMS, st.data(), st.sampled_from([0, 3]), st.booleans(), st.booleans())
    def test_however_the_bytes_are_split(
        self, stream: bytes, data: Any, limit: int, eager: bool, end: bool
    ) -> None:
        whole = run([stream], limit, end=end)
        self.assertEqual(run(data.draw(cuts(stream)), limit, eager, end), whole)
        self.assertEqual(run([bytes([byte]) for byte in stream], limit, eager, end), whole)

    @given(STREAMS)
    def test_a_read_that_is_cut_is_cut_alike(self, stream: bytes) -> None:
        messages = ProgramMessages().cut(stream)
        if messages is not None:
            self.assertEqual(messages, run([stream], end=False))

    @given(STREAMS)
    def test_nothing_is_lost(self, stream: bytes) -> None:
        self.assertIn(b"\n".join(run([stream])), (stream, stream.removesuffix(b"\n")))

    def test_it_costs_linear_time(self) -> None:
        for stream in (
            LONG_LINE,
            b"A '" + LONG_LINE,
            b"A #9000020000" + LONG_LINE,
            b"\n" * 20_000,
            b" #" * 10_000,
        ):
            framing = ProgramMessages()
            for byte in stream:
                framing.feed(bytes([byte]))
            while framing.take():
                pass
            self.assertEqual(framing.unfinished, len(stream) if stream != b"\n" * 20_000 else 0)
