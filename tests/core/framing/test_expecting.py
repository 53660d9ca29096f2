"""The framings of clients."""

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.core.framing.expecting import Datagrams, Expecting, Sink
from sockproto.errors import MessageTooLong
from sockproto.interfaces import IFraming


class ExpectingTests(TestCase):
    @given(st.lists(st.integers(0, 30)))
    def test_the_same_reply_however_it_is_split(self, cuts: list[int]) -> None:
        stream = b"\r\nHello, Hello, a!Hello, b!"
        replies = Expecting()
        replies.expect(b"Hello, a!")
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
            replies.feed(stream[start:end])
        self.assertEqual(replies.take(), [b"\r\nHello, Hello, a!"])
        self.assertEqual(replies.take(), [])
        replies.expect(b"Hello, b!")
        self.assertEqual(replies.take(), [b"Hello, b!"])

    def test_silence_ends_what_is_not_expected_and_not_its_beginning(self) -> None:
        replies = Expecting()
        replies.expect(b"Hello")
        for said, taken in {b"Hel": [], b"p!": [b"Help!"]}.items():
            replies.feed(said)
            replies.quiet()
            self.assertEqual(replies.take(), taken)

    def test_the_longest_reply(self) -> None:
        for said in b"x" * 6, b"Hello" * 2:
            replies = Expecting(max_message_bytes=5)
            replies.expect(b"HelloHello")
            replies.feed(said)
            self.assertRaises(MessageTooLong, replies.take)

    def test_the_end_ends_it(self) -> None:
        replies = Expecting()
        replies.feed(b"bye")
        self.assertEqual((replies.take(), replies.unfinished), ([], 3))
        replies.end()
        self.assertEqual(replies.take(), [b"bye"])


class OtherTests(TestCase):
    def test_each_is_a_framing(self) -> None:
        for framing in Expecting(), Sink(print), Datagrams():
            self.assertTrue(verifyObject(IFraming, framing))

    def test_a_sink_hands_over_and_keeps_nothing(self) -> None:
        came: list[bytes] = []
        sink = Sink(came.append)
        sink.feed(b"ab")
        self.assertEqual((came, sink.held, sink.take(), sink.discards), ([b"ab"], 0, [], True))

    def test_datagrams_stay_apart_and_empty_ones_count(self) -> None:
        datagrams = Datagrams()
        for datagram in b"a", b"", b"b":
            datagrams.feed(datagram)
        self.assertEqual(datagrams.held, 5)
        self.assertEqual(datagrams.take(), [b"a", b"", b"b"])
