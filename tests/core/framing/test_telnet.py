"""Telnet clients that negotiate: the same lines, however the bytes are split."""

from typing import Any

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.core.actions import Input
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.telnet import MAX_RESPONSE_BYTES, MAX_SUBNEGOTIATION_BYTES, TerminalLines
from sockproto.core.session import Session
from sockproto.interfaces import IFraming
from sockproto.protocols.command import LF_LINES, Command
from sockproto.protocols.greeting import Greeting
from sockproto.testing import cuts, pieces
from tests.core.session.driving import NOTHING, PEER, Drive, Scripted
from tests.telnet import OPENING, REFUSAL, heard, understood

LIMIT = 6
TOKENS = [
    *(b"\xff\xfb\x01", b"\xff\xfd\xff", b"\xff\xfc\x01", b"\xff\xfe\x03"),
    *(b"\xff\xff", b"\xff\xf6", b"\xff\xf1"),
    *(b"\xff\xfa\x18\x01\xff\xff\xff\xf0", b"\xff\xfa\xf0\xff\xf0", b"\xff\xf7", b"\xff\xf8", b"\xff\xf4"),
    *(b"\xff", b"\xffe", b"\xfd", b"\xf0", b"\n", b"\r\n", b"\r\0", b"\r", b"\0", b"a", b"bcd", "é".encode()),
]  # fmt: skip
STREAMS = st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join)


def echo_of(text: bytes) -> tuple[bytes, bool]:
    """Return what an echo of lines says, and whether it says it to all of them."""
    said = b""
    *lines, last = text.split(b"\n")
    for line in [*lines, last] if last else lines:
        if len(line.removesuffix(b"\r")) > LIMIT:
            return said + b"error: message longer than 6 bytes\n", False
        said += b"<%b>\n" % line.rstrip(b"\r")
    return said, True


def talk(chunks: list[bytes], conversation: Any = None, framing: Any = None, ended: bool = True) -> bytes:
    """Return what a server says, mostly an echo of lines, to a stream in chunks."""
    echo = Scripted(received=lambda line: b"<%b>" % line)
    drive = Drive(Session(conversation or echo, framing or Lines(LIMIT, b"\n")))
    said = drive("open", PEER)
    for chunk in chunks:
        said += drive("receive", chunk)
    return said + (drive("end") if ended else b"")


class TerminalTests(TestCase):
    def test_interface(self) -> None:
        verifyObject(IFraming, TerminalLines(Lines()))

    def test_what_putty_begins_with_is_refused(self) -> None:
        for cut in [OPENING + b"/version\r\n"], pieces(OPENING + b"/version\r\n", "bytes"):
            said = talk(cut, Command(), LF_LINES())
            self.assertEqual(heard(said), b"Demo version\n")
            self.assertEqual(said.replace(b"Demo version\n", b""), REFUSAL)

    def test_greeting(self) -> None:
        data = OPENING + b"Michael\r\0Tr\xff\xffcy\r\nBo"
        for cut in [data], pieces(data, "bytes"):
            said = talk(cut, Greeting(), QuietLines())
            self.assertEqual(heard(said), b"Welcome!Hello, Michael!\r\nHello, Tr\xffcy!\r\nHello, Bo!")
            self.assertIn(b"Tr\xff\xffcy", said)

    def test_a_silence_ends_no_line(self) -> None:
        for framing in QuietLines(), Lines():
            drive = Drive(Session(Greeting(), framing))
            drive("open", PEER)
            drive("receive", OPENING)
            self.assertIsNone(drive.session.framing.quiet_seconds)
            drive("receive", b"Mich")
            self.assertEqual(drive("quiet"), b"")
            self.assertEqual(drive("receive", b"ael\r\0"), b"Hello, Michael!\r\n")

    def test_a_lone_255_may_be_a_name(self) -> None:
        drive = Drive(Session(Greeting(), QuietLines()))
        drive("open", PEER)
        drive("receive", b"\xff")
        self.assertEqual(drive("quiet"), b"Hello, \xff!")
        self.assertEqual(drive("receive", b"\xff\xfd\x01\n"), b"Hello, \xff\xfd\x01!\n")

    def test_a_byte_order_mark_may_be_a_name(self) -> None:
        drive = Drive(Session(Greeting(), QuietLines()))
        drive("open", PEER)
        drive("receive", b"\xff")
        drive("receive", b"\xfe")
        self.assertEqual(drive("quiet"), b"Hello, \xff\xfe!")
        for data in b"\xff\xfe\n", b"\xff\xfc\r\n":
            for cut in [data], pieces(data, "bytes"):
                name = data.rstrip(b"\r\n")
                said = talk(cut, Greeting(), Lines())
                self.assertEqual(said, b"Welcome!\r\nHello, " + name + b"!" + data[len(name) :])

    def test_other_clients_are_left_alone(self) -> None:
        for first in (
            b"\xff",
            b"\xff\xff",
            b"\xffn\xe9",
            b"\xff\x00",
            b"\xff\xef",
            b"/\xff\xfd\x01",
            b"\xc3\xbf\xff\xfd",
        ):
            data = first + b"\xff\xfb\x01\n\xff\xfd\x03\n"
            for cut in [data], pieces(data, "bytes"):
                said = talk(cut, framing=Lines(20, b"\n"))
                expected = b"".join(b"<%b>\n" % line for line in data.split(b"\n")[:-1])
                self.assertEqual(said, expected)

    def test_answers_are_never_answered(self) -> None:
        self.assertEqual(talk([b"\xff\xfc\x01\xff\xfe\x01\xff\xf1\xff\xf5\n"]), b"<>\n")

    def test_are_you_there(self) -> None:
        self.assertEqual(talk([b"\xff\xf6"]), b"\r\n[Yes]\r\n")

    def test_erasing(self) -> None:
        for erased, line in [
            (b"ab\xff\xf7", b"a"),
            ("aé".encode() + b"\xff\xf7", b"a"),
            (b"\xff\xf7\xff\xf7b", b"b"),
            (b"ab\xff\xf8c", b"c"),
            (b"ab\xff\xf4c", b"c"),
            (b"toolong\xff\xf8", None),
        ]:
            stream = b"\xff\xf1x\r\n" + erased + b"\r\n"
            answer = b"error: message longer than 6 bytes\n" if line is None else b"<%b>\n" % line
            for cut in [stream], pieces(stream, "bytes"):
                self.assertEqual(talk(cut), b"<x>\n" + answer)

    def test_its_end(self) -> None:
        stream = b"\xff\xf1a\r\nb\xff\xecc\r\n\xff\xf6"
        for cut in [stream], pieces(stream, "bytes"):
            said = Scripted(ended=lambda: b"<bye>")
            drive = Drive(Session(said, Lines(LIMIT, b"\n")))
            drive("open", PEER)
            self.assertEqual(b"".join(drive("receive", chunk) for chunk in cut), b"<a>\n<b>\n<bye>\n")
            self.assertIs(drive.session.reason, CloseReason.PEER_CLOSED)
            self.assertEqual(said.notes, [b"a", b"b", "ended"])

    def test_its_end_gives_up_an_input(self) -> None:
        def relay(message: bytes) -> Any:
            yield b"begin"
            yield Input(NOTHING)
            yield b"never"

        stream = b"\xff\xf1a\r\n\xff\xec"
        for cut in [stream], [stream[:-2], stream[-2:]], pieces(stream, "bytes"):
            drive = Drive(Session(Scripted(received=relay), Lines(LIMIT, b"\n")))
            drive("open", PEER)
            self.assertEqual(b"".join(drive("receive", chunk) for chunk in cut), b"begin\n")
            self.assertIs(drive.session.reason, CloseReason.PEER_CLOSED)

    def test_a_synch(self) -> None:
        """Of IAC DM the second byte is urgent data (RFC 854), which is not in the stream."""
        stream = b"\xff\xf1a\r\n\xffstop\r\n"
        for cut in [stream], pieces(stream, "bytes"):
            self.assertEqual(talk(cut), b"<a>\n<stop>\n")

    def test_a_subnegotiation_has_a_bound(self) -> None:
        for extra, said in (
            (0, b"<a>\n<b>\n"),
            (1, b"<a>\nerror: telnet subnegotiation longer than 4096 bytes\n"),
        ):
            stream = (
                b"\xff\xf1a\r\n\xff\xfa" + b"x" * (MAX_SUBNEGOTIATION_BYTES - 4 + extra) + b"\xff\xf0b\r\n"
            )
            for cut in [stream], pieces(stream, "bytes"):
                self.assertEqual(talk(cut), said)

    def test_a_subnegotiation_without_end(self) -> None:
        drive = Drive(Session(Scripted(), Lines()))
        drive("open", PEER)
        drive("receive", b"\xff\xfa")
        for _ in range(5):
            drive("receive", b"\xff\xff" * 500)
        self.assertIs(drive.session.reason, CloseReason.MALFORMED)

    def test_who_asks_and_does_not_read_is_not_answered(self) -> None:
        drive = Drive(Session(Scripted(), Lines()))
        drive("open", PEER)
        drive("hold")
        for _ in range(1_000):
            self.assertEqual(drive("receive", b"\xff\xf6" + b"\xff\xfb\x01" * 10), b"")
        self.assertLess(len(drive("go_on")), MAX_RESPONSE_BYTES + 10)
        self.assertEqual(drive("receive", b"\xff\xfb\x01"), b"\xff\xfe\x01")

    def test_an_endless_demand(self) -> None:
        framing = TerminalLines(Lines())
        framing.feed(b"\xff\xf6" * 30_000)
        self.assertLess(len(framing.responses()), MAX_RESPONSE_BYTES + 10)
        self.assertEqual((framing.held, framing.ready), (0, False))

    @given(STREAMS, st.data())
    def test_however_split(self, rest: bytes, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from([b"", b"\xff\xf1", OPENING])) + rest
        sent = understood(stream, LIMIT)
        expected, whole = echo_of(sent.text)
        for cut in [stream], data.draw(cuts(stream)), pieces(stream, "bytes"):
            said = talk(cut)
            if sent.by_terminal and whole:
                self.assertEqual(len(said), len(expected.replace(b"\xff", b"\xff\xff") + sent.responses))
            self.assertEqual(heard(said) if sent.by_terminal else said, expected)
