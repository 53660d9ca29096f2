"""``command`` in memory: a line is sent after the reply to the one before."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.defer import CancelledError, Deferred

from sockproto import CommandSet, commands
from sockproto.client import Replies, command, converse
from sockproto.core.actions import CLOSE, Input, Wait
from sockproto.core.conversation import ClientConversation
from sockproto.errors import CutShort, EmptyReply, OptionError, TimedOut, TooLarge
from tests.client.calling import ClientTestCase
from tests.endpoints import Endpoint, TLSTransport


class Room(CommandSet):
    """One that greets and streams."""

    @commands.command
    async def count(self, number: int) -> AsyncIterator[int]:
        """Count."""
        yield number

    @commands.command
    def total(self) -> int:
        """Tell."""
        return 3


DESCRIPTION = Room.commands.describe().encode() + b"\n"


class CommandTests(ClientTestCase):
    def test_the_next_line_after_the_reply(self) -> None:
        call = self.call(command, ["/version", "no command", b"/echo x"], answers="prefix")
        self.assertEqual(self.say(), b"/version\n")
        self.assertEqual(self.say(b"Demo version\n"), b"no command\n/echo x\n")
        self.assertIsNone(self.endpoint.remote.ended)
        self.say(b" x\n")
        self.assertEqual(self.endpoint.remote.ended, "orderly")
        self.say(b"late\n")
        self.end()
        lines = b"/version", b"no command", b"/echo x"
        expected = Replies((), lines, ((b"Demo version",), None, (b" x",)), (b"late",))
        self.assertEqual(self.successResultOf(call), expected)

    def test_a_reply_that_never_comes(self) -> None:
        call = self.call(command, ["/version", "/help"], answers="prefix")
        self.say(b"Demo version\n")
        self.end()
        error = self.failureResultOf(call, CutShort).value
        self.assertIn("the answer to line 2, /help, was due", str(error))
        self.assertEqual(error.partial, Replies((), (b"/version", b"/help"), ((b"Demo version",), ()), ()))

    def test_what_had_come_when_it_is_cancelled(self) -> None:
        call = self.call(command, ["/version", "/help"], answers="prefix")
        self.say(b"Demo version\n")
        call.cancel()
        error: Any = self.failureResultOf(call, CancelledError).value
        self.assertEqual(error.partial, Replies((), (b"/version", b"/help"), ((b"Demo version",), ()), ()))

    def test_more_than_anybody_asked_for_is_bounded(self) -> None:
        for line in "x", "/x":  # in the latter case it comes before the description that was asked for
            call = self.call(command, [line])
            for _ in range(260):
                self.say(b"x" * 65_000 + b"\n")
            self.endpoint.remote.lose()
            self.failureResultOf(call, TooLarge)

    def test_a_line_that_is_too_long(self) -> None:
        call = self.call(command, ["/version"], max_message_bytes=10)
        self.say(b"x" * 12)
        self.clock.advance(1)
        self.end()
        self.failureResultOf(call, TooLarge)

    def test_a_line_with_a_newline_is_refused(self) -> None:
        call = self.call(command, ["/version\n/help"])
        self.endpoint.remote.lose()
        self.failureResultOf(call, OptionError)

    def test_over_tls_what_comes_in_half_a_second_still_counts(self) -> None:
        call = self.call(command, ["/version"], answers="prefix", to=Endpoint(TLSTransport))
        self.endpoint.protocol.handshakeCompleted()
        self.say(b"Demo version\n")
        self.clock.advance(0.4)
        self.say(b"more\n")
        self.clock.advance(0.4)
        self.assertNoResult(call)
        self.clock.advance(0.2)
        self.endpoint.remote.read()
        self.assertEqual(
            self.successResultOf(call), Replies((), (b"/version",), ((b"Demo version",),), (b"more",))
        )

    def test_what_the_server_says_last_is_heard_while_we_wait_for_a_line(self) -> None:
        heard: list[bytes] = []
        lines = [Input(Deferred(lambda _: None)), Input(Deferred(lambda _: None))]
        call = self.call(command, lines, heard=heard.append)
        self.say(b"a\nb\nc\nd")
        self.end()
        self.assertEqual(heard, [b"a", b"b", b"c", b"d"])
        self.failureResultOf(call, EmptyReply, CutShort)

    def described(self, *lines: str, **options: Any) -> Any:
        """Begin a call to a server that greets with two lines and describes itself."""
        call = self.call(command, lines, **options)
        self.assertEqual(self.say(), b"/help json\n")
        first = lines[0].encode() + b"\n/help json\n"
        self.assertEqual(self.say(b"Welcome\n", b"Who is there?\n", DESCRIPTION), first)
        return call

    def test_each_reply_under_its_line(self) -> None:
        call = self.described("/iam T", "/count 2", "note", "/total")
        self.assertEqual(self.say(b"Hello, T\n", DESCRIPTION), b"/count 2\n/help json\n")
        self.assertEqual(self.say(b"2\n"), b"")
        self.assertEqual(self.say(b"1\n", DESCRIPTION), b"note\n/total\n/help json\n")
        self.say(b"3\n", DESCRIPTION)
        self.say(b"late\n")
        self.end()
        replies = (b"Hello, T",), (b"2", b"1"), None, (b"3",)
        lines = b"/iam T", b"/count 2", b"note", b"/total"
        expected = Replies((b"Welcome", b"Who is there?"), lines, replies, (b"late",))
        self.assertEqual(self.successResultOf(call), expected)

    def test_a_line_that_asks_for_the_description_itself(self) -> None:
        call = self.call(command, ["/HELP  json", "/total"])
        self.say(DESCRIPTION)
        self.assertEqual(self.say(DESCRIPTION), b"")
        self.assertEqual(self.say(DESCRIPTION), b"/total\n/help json\n")
        self.say(b"3\n", DESCRIPTION)
        self.end()
        replies = self.successResultOf(call).replies
        self.assertEqual(replies, ((DESCRIPTION.strip(),), (b"3",)))

    def test_a_long_stream(self) -> None:
        heard: list[bytes] = []
        call = self.described("/count 300000", "/total", heard=heard.append)
        for _ in range(3000):
            self.say(b"1\n" * 100)
        self.assertEqual(self.say(DESCRIPTION), b"/total\n/help json\n")
        self.say(b"3\n", DESCRIPTION)
        self.end()
        self.successResultOf(call)
        self.assertEqual(len(heard), 300_003)

    def test_one_that_never_falls_silent(self) -> None:
        call = self.call(command, ["/a"])
        sent = self.say()
        for _ in range(20):
            sent += self.say(b"tick\n")
            self.clock.advance(0.9)
        self.assertEqual(sent + self.say(), b"/help json\n/a\n")
        self.say(b"A\n")
        self.end()
        self.successResultOf(call)

    def test_an_answer_without_a_newline_ends_where_the_description_begins(self) -> None:
        call = self.described("/bytes 4", "/total")
        self.assertEqual(self.say(b"0123", DESCRIPTION), b"/total\n/help json\n")
        self.say(b"3\n", DESCRIPTION)
        self.end()
        self.assertEqual(self.successResultOf(call).replies, ((b"0123",), (b"3",)))

    @given(st.sets(st.integers(1, 400)))
    def test_however_the_bytes_are_split(self, cuts: set[int]) -> None:
        self.setUp()
        call = self.call(command, ["/iam T", "/count 2"])
        said = b"Welcome\n" + DESCRIPTION + b"Hello, T\n" + DESCRIPTION + b"2\n1\n" + DESCRIPTION + b"late"
        places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]
        for begin, end in pairwise(places):
            self.say(said[begin:end])
        self.end()
        expected = Replies(
            (b"Welcome",), (b"/iam T", b"/count 2"), ((b"Hello, T",), (b"2", b"1")), (b"late",)
        )
        self.assertEqual(self.successResultOf(call), expected)

    def test_a_stream_that_the_servers_close_interrupts(self) -> None:
        call = self.described("/count 2")
        self.say(b"2\n")
        self.end()
        error = self.failureResultOf(call, CutShort).value
        self.assertIn("the end of the answer to line 1, /count 2, was due", str(error))
        self.assertEqual(error.partial.replies, ((b"2",),))

    def test_a_stream_that_falls_silent(self) -> None:
        call = self.described("/count 2", reply_seconds=5)
        self.say(b"2\n")
        self.clock.advance(5)
        error = self.failureResultOf(call, TimedOut).value
        self.assertIn("the end of the answer to line 1, /count 2, was due", str(error))
        self.assertEqual(error.partial.replies, ((b"2",),))

    def test_a_last_command_that_closes(self) -> None:
        call = self.described("/quit")
        self.say(b"bye\n")
        self.end()
        self.assertEqual(self.successResultOf(call).replies, ((b"bye",),))

    def test_an_empty_line_ends_a_stream(self) -> None:
        call = self.described("/count 9", "", "/total")
        self.assertEqual(self.say(b"9\n"), b"\n")
        self.assertEqual(self.say(DESCRIPTION), b"/total\n/help json\n")
        self.say(b"3\n", DESCRIPTION)
        self.end()
        self.assertEqual(self.successResultOf(call).replies, ((b"9",), None, (b"3",)))

    def test_a_server_that_does_not_describe_itself(self) -> None:
        for said, greeting in (
            ([b"error: unknown\n"], ()),
            ([b"Hi\n", b"error: unknown\n"], (b"Hi",)),
            ([b"/a /b\n"], ()),
            ([b"What?\n"], ()),
            ([b"Hi\n", b"What?\n"], (b"Hi",)),
            ([], ()),
        ):
            call = self.call(command, ["/a", "/b"])
            sent = self.say()
            for line in said:
                sent += self.say(line)
            self.clock.advance(1)
            self.assertEqual(sent + self.say(), b"/help json\n/a\n")
            self.assertEqual(self.say(b"A\n"), b"/b\n")
            self.say(b"B\n")
            self.end()
            expected = Replies(greeting, (b"/a", b"/b"), ((b"A",), (b"B",)), ())
            self.assertEqual(self.successResultOf(call), expected)

    def test_one_that_turns_us_away(self) -> None:
        call = self.call(command, ["/a"])
        self.say(b"error: too many\n")
        self.end()
        error = self.failureResultOf(call, CutShort).value
        self.assertEqual(error.partial.greeting, (b"error: too many",))

    def test_rules(self) -> None:
        for answers, sent, replies in (
            ("all", b"VOLT 5\n", ((b"1",), (b"2",))),
            ("query", b"VOLT 5\nVOLT?\n", (None, (b"1",))),
            (0, b"VOLT 5\nVOLT?\n", (None, None)),
            ("2", b"VOLT 5\n", ((b"1", b"2"), (b"3", b"4"))),
        ):
            call = self.call(command, ["VOLT 5", "VOLT?"], answers=answers)
            self.assertEqual(self.say(), sent)
            for line in b"1\n", b"2\n", b"3\n", b"4\n":
                self.say(line)
            self.end()
            self.assertEqual(self.successResultOf(call).replies, replies)
        for where in Endpoint(), "udp:127.0.0.1:9":
            self.assertRaises(OptionError, command, where, [], answers="some", reactor=self.clock)

    def test_a_greeting_that_is_waited_for(self) -> None:
        call = self.call(command, ["HELO x"], prefix="", answers="all", greeting=1)
        self.assertEqual(self.say(), b"")
        self.assertEqual(self.say(b"220 ready\n"), b"HELO x\n")
        self.say(b"250 ok\n")
        self.end()
        self.assertEqual(
            self.successResultOf(call), Replies((b"220 ready",), (b"HELO x",), ((b"250 ok",),), ())
        )

    def test_an_ordinary_wait_is_not_given_up(self) -> None:
        waiting: Deferred[Any] = Deferred()

        class Slow(ClientConversation):
            def received(self, message: bytes) -> Any:
                yield (yield Wait(waiting))
                self.done = True
                yield CLOSE

        call = self.call(converse, Slow())
        self.say(b"x\n")
        self.endpoint.remote.half_close()
        waiting.callback(b"result")
        self.assertEqual(self.say(), b"result\n")
        self.successResultOf(call)
