"""Netstrings and length-prefixed messages: however split, and within limits."""

import gc
from typing import Any

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.core.framing.expecting import Expecting
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.prefixed import Int8Prefixed, Int16Prefixed, Int32Prefixed, Netstrings
from sockproto.core.framing.raw import Raw
from sockproto.errors import LocalError, MessageMalformed, MessageTooLong, MessageUnsendable, RemoteError
from sockproto.interfaces import IFraming
from sockproto.testing import cuts, pieces
from tests.core.framing.prefixed import FRAMINGS, MALFORMED

LIMIT = 12  # two digits, so that a length may be refused at its second
NETSTRINGS = [b"0", b"1", b"2", b"9", b":", b",", b"a", b"3:abc,", b"0:,"]  # and parts of some


def run(framing: Any, chunks: list[bytes], eager: bool = True, end: bool = True) -> list[Any]:
    """Feed chunks; return the messages, and the text of the error, which must be raised again."""
    events: list[Any] = []

    def take() -> None:
        try:
            while messages := framing.take():
                events.extend(messages)
        except RemoteError as error:
            if not (events and isinstance(events[-1], str)):
                events.append(str(error))

    for chunk in chunks:
        framing.feed(chunk)
        if eager:
            take()
    if end:
        framing.end()
    take()
    return events


def ways(cut: list[bytes]) -> list[list[bytes]]:
    """Return bytes whole, cut so, and one by one."""
    data = b"".join(cut)
    return [[data], cut, pieces(data, "bytes")]


class PlainNetstrings:
    """What netstrings are, in the plainest words: the whole stream is there, read byte by byte."""

    def run(self, data: bytes) -> list[Any]:
        events: list[Any] = []
        while data:
            digits = b""
            while len(digits) < len(data) and data[len(digits) :][:1] in b"0123456789":
                digits = data[: len(digits) + 1]
                if len(digits) > 1 and digits.startswith(b"0"):
                    return [*events, "malformed message: its length begins with a zero"]
                if int(digits) > LIMIT:
                    return [*events, f"message longer than {LIMIT} bytes"]
            rest = data[len(digits) :]
            if not rest:
                break
            if not digits:
                return [*events, "malformed message: it doesn't begin with its length"]
            if not rest.startswith(b":"):
                return [*events, "malformed message: no colon behind its length"]
            message, after = rest[1 : 1 + int(digits)], rest[1 + int(digits) :]
            if not after:
                break
            if not after.startswith(b","):
                return [*events, "malformed message: no comma where its length says"]
            events.append(message)
            data = after[1:]
        return events


class MessageTests(TestCase):
    def test_wire(self) -> None:
        for framing, wire in [
            (Netstrings(), b"0:,7:Michael,2:,,,"),
            (Int8Prefixed(), b"\0\7Michael\2,,"),
            (Int16Prefixed(), b"\0\0\0\7Michael\0\2,,"),
            (Int32Prefixed(), b"\0\0\0\0\0\0\0\7Michael\0\0\0\2,,"),
        ]:
            messages = [b"", b"Michael", b",,"]
            self.assertEqual(b"".join(map(framing.encode, messages)), wire)
            self.assertEqual(run(framing, [wire]), messages)

    def test_a_long_one(self) -> None:
        message = bytes(range(256)) * 255
        for make in Netstrings, Int16Prefixed, Int32Prefixed:
            self.assertEqual(run(make(), [make().encode(message)]), [message])

    @given(st.lists(st.binary(max_size=LIMIT)), st.data())
    def test_however_split(self, messages: list[bytes], drawn: st.DataObject) -> None:
        for make in FRAMINGS:
            data = b"".join(map(make().encode, messages))
            for chunks in ways(drawn.draw(cuts(data))):
                for eager in True, False:
                    self.assertEqual(run(make(LIMIT), chunks, eager), messages)

    @given(st.lists(st.sampled_from(NETSTRINGS)).map(b"".join).flatmap(cuts))
    def test_anything_as_netstrings_however_split(self, cut: list[bytes]) -> None:
        expected = PlainNetstrings().run(b"".join(cut))
        for chunks in ways(cut):
            for eager in True, False:
                self.assertEqual(run(Netstrings(LIMIT), chunks, eager), expected)

    @given(st.binary(max_size=60).flatmap(cuts))
    def test_anything_as_prefixed_however_split(self, cut: list[bytes]) -> None:
        for make in FRAMINGS:
            whole = run(make(LIMIT), [b"".join(cut)])
            for chunks in ways(cut):
                for eager in True, False:
                    self.assertEqual(run(make(LIMIT), chunks, eager), whole)

    def test_what_the_end_cuts_short_is_no_message(self) -> None:
        for make in FRAMINGS:
            data = make().encode(b"whole") + make().encode(b"cut short")
            for count in range(1, len(make().encode(b"cut short"))):
                framing = make()
                self.assertEqual(run(framing, [data[:-count]], eager=False), [b"whole"])
                self.assertEqual((framing.held, framing.unfinished, framing.take()), (0, 0, []))

    def test_there_is_no_quiet_period(self) -> None:
        for make in FRAMINGS:
            framing = make()
            data = framing.encode(b"message")
            framing.feed(data[:-1])
            framing.quiet()
            self.assertEqual((framing.quiet_seconds, framing.take()), (None, []))
            self.assertEqual(run(framing, [data[-1:]]), [b"message"])

    def test_held_and_unfinished(self) -> None:
        for make in FRAMINGS:
            framing = make()
            one = make().encode(b"abc")
            for data, unfinished in [
                (one[:1], 1),
                (one[1:-1], len(one) - 1),
                (one[-1:] + one + one[:-1], -1),
            ]:
                framing.feed(data)
                self.assertEqual(framing.unfinished, unfinished % len(one))
            self.assertEqual(framing.held, 3 * len(one) - 1)
            self.assertEqual(framing.take(), [b"abc"] * 2)
            self.assertEqual((framing.held, framing.unfinished), (len(one) - 1, len(one) - 1))


class LimitTests(TestCase):
    def test_the_length_alone_says_it(self) -> None:
        for make, header in [
            (Netstrings, b"13"),
            (Int8Prefixed, b"\15"),
            (Int16Prefixed, b"\0\15"),
            (Int32Prefixed, b"\0\0\0\15"),
        ]:
            longest = make(LIMIT).encode(b"x" * LIMIT)
            self.assertEqual(run(make(LIMIT), [longest]), [b"x" * LIMIT])
            framing = make(LIMIT)
            framing.feed(longest + header[:-1])
            self.assertEqual((framing.take(), framing.take()), ([b"x" * LIMIT], []))
            framing.feed(header[-1:])
            for _ in range(2):
                self.assertEqual(self.assertRaises(MessageTooLong, framing.take).limit, LIMIT)

    def test_the_messages_before_come_first_and_nothing_after_is_kept(self) -> None:
        for make in FRAMINGS:
            framing = make(LIMIT)
            whole = make().encode(b"a") + make().encode(b"b")
            for chunk in whole + make().encode(b"x" * 13), b"x" * 10_000, make().encode(b"c"):
                framing.feed(chunk)
                self.assertEqual((framing.held, framing.unfinished), (len(whole), 0))
            self.assertEqual(framing.take(), [b"a", b"b"])
            self.assertRaises(MessageTooLong, framing.take)
            framing.end()
            self.assertRaises(MessageTooLong, framing.take)

    def test_more_digits_than_the_limit_has_need_no_colon(self) -> None:
        for limit, digits, shown in [(LIMIT, b"100", LIMIT), (0, b"9" * 20, 2**63 - 1)]:
            self.assertEqual(run(Netstrings(limit), [digits]), [f"message longer than {shown} bytes"])
        self.assertEqual(run(Netstrings(0), [b"%d:" % (2**63 - 1)], end=False), [])

    def test_no_limit(self) -> None:
        message = b"x" * 100_000
        for make in Netstrings, Int32Prefixed:
            self.assertEqual(run(make(0), [make().encode(message)]), [message])
            self.assertEqual(run(make(), [make().encode(message)]), ["message longer than 65536 bytes"])

    def test_the_error_leaves_no_cycle(self) -> None:
        framing = Int8Prefixed(1)
        framing.feed(b"\2")
        gc.collect()
        gc.disable()
        try:
            self.assertEqual(run(framing, []), ["message longer than 1 bytes"])
            self.assertEqual([o for o in gc.get_objects() if isinstance(o, MessageTooLong)], [])
        finally:
            gc.enable()


class MalformedTests(TestCase):
    def test_netstrings(self) -> None:
        for wrong, why in MALFORMED.items():
            for chunks in ways([b"1:a," + wrong]):
                framing = Netstrings()
                for chunk in chunks:
                    framing.feed(chunk)
                self.assertEqual((framing.held, framing.unfinished, framing.take()), (4, 0, [b"a"]), wrong)
                for _ in range(2):
                    error = self.assertRaises(MessageMalformed, framing.take)
                    self.assertIn(why, str(error))
                framing.feed(b"1:b,")
                self.assertRaises(MessageMalformed, framing.take)

    def test_it_is_known_at_the_first_wrong_byte(self) -> None:
        for wrong in b"x", b"01", b"1x", b"1:ab":
            framing = Netstrings()
            framing.feed(wrong[:-1])
            self.assertEqual(framing.take(), [])
            framing.feed(wrong[-1:])
            self.assertRaises(MessageMalformed, framing.take)

    def test_what_comes_first_decides(self) -> None:
        for data, error in [(b"70000x", MessageTooLong), (b"6x0000", MessageMalformed)]:
            framing = Netstrings()
            framing.feed(data)
            self.assertRaises(error, framing.take)

    def test_the_text_has_none_of_the_peers_bytes(self) -> None:
        for wrong in b"\x1b[31m", b"1\x1b[31m", b"1:a\x1b[31m":
            [text] = run(Netstrings(), [wrong])
            self.assertTrue(text.isprintable(), text)
            self.assertNotIn("31m", text)


class EncodingTests(TestCase):
    def test_longer_than_the_prefix_can_say(self) -> None:
        class Long(bytes):
            def __len__(self) -> int:
                return 2**32

        for framing, message in [
            (Int8Prefixed(), b"x" * 2**8),
            (Int16Prefixed(), b"x" * 2**16),
            (Int32Prefixed(), Long()),
        ]:
            error = self.assertRaises(MessageUnsendable, framing.encode, message)
            self.assertIsInstance(error, ValueError)
            self.assertIsInstance(error, LocalError)
            self.assertRegex(str(error), rf"^a message of {len(message)} bytes .* {framing.longest} .* parts")
            self.assertNotIn("\n", str(error))

    def test_the_longest(self) -> None:
        for framing in Int8Prefixed(), Int16Prefixed(0):
            message = b"x" * framing.longest
            self.assertEqual(run(framing, [framing.encode(message)]), [message])

    def test_the_limit_is_the_peers(self) -> None:
        for make in FRAMINGS:
            self.assertEqual(make(1).encode(b"abc"), make().encode(b"abc"))

    def test_errors(self) -> None:
        for make in FRAMINGS:
            self.assertEqual(make(1).encode_error(b"no"), make().encode(b"error: no"))
            self.assertEqual(run(make(0), [make(1).encode_error(b"x" * 240)]), [b"error: " + b"x" * 240])
        self.assertEqual(Int8Prefixed().encode_error(b"x" * 300), b"\xfferror: " + b"x" * 248)
        for framing in Raw(), Lines(), Expecting():
            self.assertEqual(framing.encode_error(b"no"), b"error: no\n")


class InterfaceTests(TestCase):
    def test_framings_provide_iframing(self) -> None:
        for make in FRAMINGS:
            self.assertTrue(verifyObject(IFraming, make()))
            self.assertIs(make().discards, False)
