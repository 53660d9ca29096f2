"""The clients on streams: what they say, what they make of what comes, and how they fail."""

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import (
    ConnectError,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    TimeoutError as ConnectTimeout,
)
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.client import Replies, command, converse, echo, greet, welcome
from sockproto.client.conversations.greeting import GreetingClient, Greetings
from sockproto.client.pump import MAX_OUTSTANDING_BYTES
from sockproto.core.actions import CLOSE, Input, Wait
from sockproto.core.conversation import ClientConversation, Conversation, Peer
from sockproto.errors import (
    CallFailed,
    CutShort,
    EmptyReply,
    NameNotFound,
    OptionError,
    Refused,
    Reset,
    TimedOut,
    TLSFailed,
    TooLarge,
    Unreachable,
    WrongReply,
)
from sockproto.testing import Transport
from tests.endpoints import Endpoint, TLSTransport


def settle(call: "Deferred[Any]") -> None:
    """Take a call's failure where the test is not about how it ends."""
    call.addErrback(lambda _: None)


class ClientTestCase(TestCase):
    """Has a call to a server that the test plays."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.endpoints: list[Endpoint] = []
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), [], "a timer was left behind"))

    def call(self, client: Callable[..., Any], *args: Any, to: Endpoint | None = None, **options: Any) -> Any:
        self.endpoint = to or Endpoint()
        self.endpoints.append(self.endpoint)
        self.addCleanup(self.endpoint.assert_no_faults)
        call = client(self.endpoint, *args, reactor=self.clock, **options)
        self.addCleanup(settle, call)
        return call

    def failureResultOf(self, call: Any, *kinds: Any) -> Any:
        for endpoint in self.endpoints:
            endpoint.run()  # what cuts its connection has its answer a turn later
        return TestCase.failureResultOf(self, call, *kinds)

    def say(self, *pieces: bytes) -> bytes:
        return self.endpoint.say(*pieces)

    def end(self) -> None:
        self.endpoint.end()


class GreetTests(ClientTestCase):
    def test_one_name_after_the_others_reply(self) -> None:
        call = self.call(greet, ["Michael", "Trä".encode()])
        self.assertEqual(self.say(), b"")
        self.assertEqual(self.say(b"Welcome!"), b"Michael")
        self.assertEqual(self.say(b"Hello, Michael!"), "Trä".encode())
        self.assertEqual(self.say("Hello, Trä!".encode()), b"exit")
        self.end()
        expected = Greetings(b"Welcome!", (b"Hello, Michael!", "Hello, Trä!".encode()))
        self.assertEqual(self.successResultOf(call), expected)

    @given(st.data())
    def test_replies_are_found_however_they_are_split_and_joined(self, data: Any) -> None:
        names = data.draw(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=3))
        names = [name.replace(b"\n", b"n").replace(b"\r", b"r").replace(b"exit", b"x") for name in names]
        newline = data.draw(st.sampled_from([b"", b"\n", b"\r\n"]))
        said: list[bytes] = []
        self.clock = Clock()
        client = GreetingClient(names, newline=newline, heard=said.append)
        call = self.call(converse, client)
        replies = iter([b"Welcome!" + newline, *(b"Hello, %b!%b" % (name, newline) for name in names)])
        waiting = b""
        for reply in replies:
            waiting += reply
            for size in data.draw(st.lists(st.integers(0, 9), max_size=4)):
                # What the server says may come in any pieces, but it says nothing before it is asked.
                piece, waiting = waiting[:size], waiting[size:]
                self.endpoint.protocol.dataReceived(piece) if piece else None
                self.clock.advance(0)
            self.endpoint.protocol.dataReceived(waiting) if waiting else None
            waiting = b""
            self.endpoint.remote.read()
        expected = b"".join(name + newline for name in [*names, b"exit"])
        self.assertEqual(self.endpoint.remote.received, expected)
        self.assertEqual(said, [b"Welcome!", *(b"Hello, %b!" % name for name in names)])
        self.end()
        self.successResultOf(call)

    def test_the_beginning_of_the_expected_reply_is_waited_for(self) -> None:
        call = self.call(greet, ["Michael"])
        self.say(b"Wel")
        self.clock.advance(5)
        self.assertEqual(self.say(b"come!"), b"Michael")
        self.say(b"Hello, Mich")
        self.clock.advance(5)
        self.assertEqual(self.say(b"ael!"), b"exit")
        self.end()
        self.assertEqual(self.successResultOf(call).replies, (b"Hello, Michael!",))

    def test_other_words_are_what_comes_until_silence(self) -> None:
        call = self.call(greet, ["Michael"])
        self.assertEqual(self.say(b"Good ", b"day"), b"")
        self.clock.pump([0.1, 0.1, 0])
        self.assertEqual(self.say(), b"Michael")
        self.say(b"Hi, Michael\r\n")
        self.clock.pump([0.2, 0])
        self.assertEqual(self.say(), b"exit")
        self.end()
        self.assertEqual(self.successResultOf(call), Greetings(b"Good day", (b"Hi, Michael",)))

    def test_without_a_welcome(self) -> None:
        call = self.call(greet, ["Michael"], welcome=None)
        self.assertEqual(self.say(), b"Michael")
        self.say(b"Hello, Michael!")
        self.end()
        self.assertEqual(self.successResultOf(call), Greetings(None, (b"Hello, Michael!",)))

    def test_the_servers_end_is_not_needed_after_exit(self) -> None:
        call = self.call(greet, [])
        self.assertEqual(self.say(b"Welcome!"), b"exit")
        self.assertEqual(self.endpoint.remote.ended, "orderly")
        self.clock.pump([1, 1])  # close_seconds
        self.endpoint.run()
        self.assertEqual(self.successResultOf(call), Greetings(b"Welcome!", ()))

    def test_names_that_get_no_reply_are_refused(self) -> None:
        for name in "", "exit", "two\nnames", b"one\r":
            call = self.call(greet, [name])
            self.say(b"Welcome!")
            self.endpoint.remote.lose()
            self.failureResultOf(call, OptionError)

    def test_names_that_come_later(self) -> None:
        later: Deferred[Any] = Deferred()
        heard: list[bytes] = []
        call = self.call(greet, [Wait(later)], heard=heard.append)
        self.assertEqual(self.say(b"Welcome!"), b"")
        self.clock.advance(100)  # our own time is not the server's
        later.callback(b"Michael")
        self.assertEqual(self.say(), b"Michael")
        self.say(b"Hello, Michael!")
        self.end()
        self.assertEqual(self.successResultOf(call), Greetings(None, ()))
        self.assertEqual(heard, [b"Welcome!", b"Hello, Michael!"])

    def test_a_server_that_ends_while_we_wait_for_a_name(self) -> None:
        waiting: Deferred[Any] = Deferred()
        call = self.call(greet, [Input(waiting)])
        self.say(b"Welcome!")
        self.end()
        self.failureResultOf(call, CutShort)
        self.assertTrue(waiting.called, "it was not cancelled")

    def test_a_name_that_comes_later_is_looked_at_too(self) -> None:
        later: Deferred[Any] = Deferred()
        call = self.call(greet, [Wait(later)])
        self.say(b"Welcome!")
        later.callback(b"exit")
        self.end()
        self.failureResultOf(call, OptionError)


class EchoTests(ClientTestCase):
    def test_what_comes_back_is_given(self) -> None:
        call = self.call(echo, b"hello")
        self.assertEqual(self.say(), b"hello")
        self.say(b"he", b"llo")
        self.end()
        self.assertEqual(self.successResultOf(call), b"hello")

    def test_nothing_to_send(self) -> None:
        call = self.call(echo, b"")
        self.end()
        self.assertEqual(self.successResultOf(call), b"")

    def test_it_listens_while_it_speaks(self) -> None:
        # The server reads no more until its own words are read, as any with bounded memory does.
        pieces = [bytes([i]) * 50_000 for i in range(40)]
        heard: list[bytes] = []
        call = self.call(echo, pieces, heard=heard.append)
        remote = self.endpoint.remote
        while not remote.transport.half_closing:
            data = remote.read()
            self.assertTrue(remote.transport.reading)
            if data:
                self.endpoint.protocol.dataReceived(data)
            else:
                self.clock.advance(0)
        self.end()
        self.successResultOf(call)
        self.assertEqual(b"".join(heard), b"".join(pieces))

    def test_what_is_outstanding_is_bounded(self) -> None:
        endless = itertools.repeat(bytes(1 << 20))
        self.call(echo, endless)
        remote = self.endpoint.remote
        for _ in range(50):
            remote.read()
            self.clock.advance(0)
        self.assertGreaterEqual(len(remote.received), MAX_OUTSTANDING_BYTES)
        self.assertLessEqual(len(remote.received), MAX_OUTSTANDING_BYTES + (1 << 20))
        self.say(bytes(1 << 20), bytes(1 << 20))
        for _ in range(9):
            remote.read()
        self.assertGreater(len(remote.received), MAX_OUTSTANDING_BYTES + (1 << 20))
        remote.lose()

    def test_what_differs_is_told_with_its_place(self) -> None:
        for came, told in {
            b"heLlo": "byte 2 came back as 0x4c, not as 0x6c",
            b"hello!": "more came back",
        }.items():
            call = self.call(echo, b"hello")
            self.say()
            self.say(came)
            self.assertIn(told, str(self.failureResultOf(call, WrongReply).value))

    def test_a_server_that_ends_too_early(self) -> None:
        call = self.call(echo, b"hello")
        self.say(b"")
        self.say(b"hel")
        self.end()
        self.failureResultOf(call, CutShort)
        later: Deferred[Any] = Deferred(lambda _: None)
        call = self.call(echo, [b"x", Wait(later)])
        self.say(b"x")
        self.end()
        self.failureResultOf(call, CutShort)

    def test_a_failure_of_who_takes_the_bytes(self) -> None:
        call = self.call(echo, b"hello", heard=lambda data: 1 / 0)
        self.say(b"h")
        self.failureResultOf(call, ZeroDivisionError)
        self.assertTrue(self.endpoint.remote.transport.aborted)


class WelcomeTests(ClientTestCase):
    def test_all_until_the_end(self) -> None:
        call = self.call(welcome)
        self.say(b"Wel", b"come!\r\n")
        self.assertNoResult(call)
        self.end()
        self.assertEqual(self.successResultOf(call), b"Welcome!\r\n")

    def test_no_more_than_is_wanted(self) -> None:
        call = self.call(welcome, max_bytes=10)
        self.say(b"x" * 11)
        self.endpoint.remote.lose()
        self.failureResultOf(call, TooLarge)

    def test_nothing_at_all(self) -> None:
        call = self.call(welcome)
        self.end()
        self.assertEqual(self.successResultOf(call), b"")

    def test_over_tls_the_end_is_the_end_of_both_halves(self) -> None:
        call = self.call(welcome, to=Endpoint(TLSTransport))
        self.endpoint.protocol.handshakeCompleted()
        self.say(b"text")
        self.endpoint.remote.lose()
        self.assertEqual(self.successResultOf(call), b"text")


class CommandTests(ClientTestCase):
    def test_the_next_line_after_the_reply(self) -> None:
        call = self.call(command, ["/version", "no command", b"/echo x"])
        self.assertEqual(self.say(), b"/version\n")
        self.assertEqual(self.say(b"Demo version\n"), b"no command\n/echo x\n")
        self.assertIsNone(self.endpoint.remote.ended)
        self.say(b" x\n")
        self.assertEqual(self.endpoint.remote.ended, "orderly")
        self.say(b"late\n")
        self.end()
        expected = Replies((b"Demo version", None, b" x"), (b"late",))
        self.assertEqual(self.successResultOf(call), expected)

    def test_a_reply_that_never_comes(self) -> None:
        call = self.call(command, ["/version", "/help"])
        self.say(b"Demo version\n")
        self.end()
        self.failureResultOf(call, CutShort)

    def test_more_than_anybody_asked_for_is_bounded(self) -> None:
        call = self.call(command, ["x"])
        for _ in range(20):
            self.say(b"x" * 65_000 + b"\n")
        self.endpoint.remote.lose()
        self.failureResultOf(call, TooLarge)

    def test_a_line_that_is_too_long(self) -> None:
        call = self.call(command, ["/version"], max_message_bytes=10)
        self.say(b"x" * 12)
        self.end()
        self.failureResultOf(call, TooLarge)

    def test_a_line_with_a_newline_is_refused(self) -> None:
        call = self.call(command, ["/version\n/help"])
        self.endpoint.remote.lose()
        self.failureResultOf(call, OptionError)

    def test_over_tls_what_comes_in_half_a_second_still_counts(self) -> None:
        call = self.call(command, ["/version"], to=Endpoint(TLSTransport))
        self.endpoint.protocol.handshakeCompleted()
        self.say(b"Demo version\n")
        self.clock.advance(0.4)
        self.say(b"more\n")
        self.clock.advance(0.4)
        self.assertNoResult(call)
        self.clock.advance(0.2)
        self.endpoint.remote.read()
        self.assertEqual(self.successResultOf(call), Replies((b"Demo version",), (b"more",)))

    def test_what_the_server_says_last_is_heard_while_we_wait_for_a_line(self) -> None:
        heard: list[bytes] = []
        lines = [Input(Deferred(lambda _: None)), Input(Deferred(lambda _: None))]
        call = self.call(command, lines, heard=heard.append)
        self.say(b"a\nb\nc\nd")
        self.end()
        self.assertEqual(heard, [b"a", b"b", b"c", b"d"])
        self.failureResultOf(call, EmptyReply, CutShort)

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


class ConverseTests(ClientTestCase):
    def test_any_conversation(self) -> None:
        class Sum(ClientConversation):
            result = 0

            def opened(self, peer: Peer) -> bytes:
                return b"numbers?"

            def received(self, message: bytes) -> Any:
                if message == b"end":
                    self.done = True
                    return CLOSE
                self.result += int(message)
                return None

        call = self.call(converse, Sum())
        self.assertEqual(self.say(), b"numbers?\r\n")
        self.say(b"1\n2\n39\nend\n")
        self.end()
        self.assertEqual(self.successResultOf(call), 42)

    def test_a_servers_conversation_holds_its_side_too(self) -> None:
        notes: list[Any] = []

        class Plain(Conversation):
            def received(self, message: bytes) -> bytes:
                return b"<%b>" % message

            def closed(self, reason: Any) -> None:
                notes.append(str(reason))

        call = self.call(converse, Plain())
        self.assertEqual(self.say(b"x\n"), b"<x>\n")
        self.end()
        self.assertIsNone(self.successResultOf(call))
        self.assertEqual(notes, ["peer closed"])

    def test_an_error_of_the_conversation_is_the_callers(self) -> None:
        class Faulty(ClientConversation):
            def received(self, message: bytes) -> Any:
                raise ZeroDivisionError

        call = self.call(converse, Faulty())
        self.say(b"x\n")
        self.end()
        self.failureResultOf(call, ZeroDivisionError)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_the_wire_can_be_watched(self) -> None:
        crossed: list[Any] = []
        self.call(greet, ["x"], trace=lambda *event: crossed.append(event))
        self.say(b"Wel", b"come!")
        self.assertEqual(crossed, [("<", b"Wel"), ("<", b"come!"), (">", b"x")])
        self.endpoint.remote.lose()

    def test_cancelling_cuts_the_connection(self) -> None:
        call = self.call(greet, ["x"])
        call.cancel()
        self.assertTrue(self.endpoint.remote.transport.aborted)
        self.failureResultOf(call, CancelledError)
        call = self.call(greet, ["x"], to=Endpoint(late=True))
        call.cancel()
        self.failureResultOf(call, CancelledError)

    def test_half_close_is_seen_through_twisteds_endpoints(self) -> None:
        # They wrap the protocol, and claim only one of its interfaces.
        class Wrapped(Protocol):
            """As twisted.internet.endpoints wraps it."""

        wrapper = Wrapped()

        class Wrapping(Transport):
            def __init__(self, socket: Any, protocol: Any, *args: Any) -> None:
                super().__init__(socket, wrapper, *args)

        endpoint = Endpoint(Wrapping, late=True)
        call = self.call(welcome, to=endpoint)
        endpoint.connect_now()
        self.assertTrue(IHalfCloseableProtocol.providedBy(wrapper))
        endpoint.remote.transport.protocol = endpoint.protocol
        endpoint.remote.lose()
        self.successResultOf(call)

    def test_what_is_no_address(self) -> None:
        self.assertRaises(OptionError, greet, "nonsense", [], reactor=self.clock)
        self.assertRaises(OptionError, greet, "bad:endpoint:description", [], reactor=self.clock)


class FailureTests(ClientTestCase):
    def test_connecting_fails(self) -> None:
        for error, kind, status in [
            (DNSLookupError(), NameNotFound, 6),
            (ConnectionRefusedError(111, "x"), Refused, 7),
            (NoRouteError(101, "x"), Unreachable, 7),
            (ConnectError(2, "x"), Unreachable, 7),
            (OSError(2, "x"), Unreachable, 7),
            (ConnectTimeout(), TimedOut, 28),
            (TCPTimedOutError(), TimedOut, 28),
        ]:
            call = self.call(greet, [], to=Endpoint(error=error))
            failure = self.failureResultOf(call, kind).value
            self.assertEqual((failure.status, failure.phase), (status, "name" if status == 6 else "connect"))
            self.assertIn("Endpoint: ", str(failure))

    def test_connecting_takes_too_long(self) -> None:
        call = self.call(greet, [], to=Endpoint(late=True), connect_seconds=3)
        self.clock.advance(2.9)
        self.assertNoResult(call)
        self.clock.advance(0.2)
        failure = self.failureResultOf(call, TimedOut).value
        self.assertEqual((failure.phase, round(failure.seconds)), ("connect", 3))

    def test_a_full_backlog_is_tried_again_until_the_time_is_over(self) -> None:
        endpoint = Endpoint(error=ConnectError())
        call = self.call(greet, [], to=endpoint, connect_seconds=3)
        self.clock.pump([0.1] * 29)
        self.assertNoResult(call)
        self.clock.pump([0.1] * 2)
        self.failureResultOf(call, TimedOut)
        call = self.call(greet, [], to=endpoint, connect_seconds=3)
        self.clock.pump([0.1] * 5)
        endpoint.error = None
        self.clock.advance(0.1)
        self.say(b"Welcome!")
        self.end()
        self.successResultOf(call)

    def test_each_reply_has_its_time(self) -> None:
        call = self.call(greet, ["a", "b"], reply_seconds=3)
        self.clock.advance(2.9)
        self.say(b"Welcome!")
        self.clock.advance(2.9)
        self.say(b"Hello, a!")
        self.clock.advance(2.9)
        self.assertNoResult(call)
        self.clock.advance(0.2)
        failure = self.failureResultOf(call, TimedOut).value
        self.assertEqual((failure.phase, failure.status), ("reply", 28))
        self.assertTrue(self.endpoint.remote.transport.aborted)

    def test_bytes_that_are_no_reply_don_t_prolong_it(self) -> None:
        call = self.call(command, ["/version"], reply_seconds=3)
        for _ in range(4):
            self.say(b"x")
            self.clock.advance(1)
        self.failureResultOf(call, TimedOut)

    def test_the_progress_of_an_echo_prolongs_it(self) -> None:
        call = self.call(echo, b"xxxx", reply_seconds=3)
        for _ in range(4):
            self.clock.advance(2)
            self.say(b"x")
        self.end()
        self.successResultOf(call)

    def test_without_limits_of_time(self) -> None:
        call = self.call(greet, [], reply_seconds=0, connect_seconds=0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.endpoint.remote.lose()
        self.failureResultOf(call, EmptyReply)

    def test_a_server_that_reads_nothing(self) -> None:
        call = self.call(command, ["x" * 1_000] * 400, reply_seconds=3)
        for _ in range(8):
            self.clock.advance(0.5)
            self.endpoint.run()
        failure = self.failureResultOf(call, TimedOut).value
        self.assertIn("has read nothing for 3 seconds", str(failure))

    def test_over_tls_what_is_not_read_is_not_done(self) -> None:
        call = self.call(command, ["x"], to=Endpoint(TLSTransport), reply_seconds=3)
        call_endpoint = self.endpoint
        self.endpoint.protocol.handshakeCompleted()
        self.clock.pump([0.1] * 10)
        self.assertNoResult(call)
        stalled = self.call(command, ["x"], to=Endpoint(TLSTransport), reply_seconds=3)
        endpoint, self.endpoint = self.endpoint, call_endpoint
        endpoint.protocol.handshakeCompleted()
        self.say()
        self.clock.pump([0.1] * 6)
        self.endpoint.remote.read()
        self.assertEqual(self.successResultOf(call).replies, (None,))
        self.clock.pump([0.1] * 31)
        self.failureResultOf(stalled, TimedOut)

    def test_how_a_connection_ends(self) -> None:
        for said, lost, kind, status in [
            ([], None, EmptyReply, 52),
            ([b"Welcome!"], None, CutShort, 18),
            ([b"Welcome!", b"Hello"], ConnectionLost(), Reset, 56),
        ]:
            call = self.call(greet, ["a"])
            self.say(*said)
            if lost is None:
                self.end()
            else:
                self.endpoint.remote.lose(lost)
            failure = self.failureResultOf(call, kind).value
            self.assertEqual((failure.status, failure.phase), (status, "reply"))
            self.assertIsInstance(failure, CallFailed)

    def test_a_handshake_that_ends(self) -> None:
        call = self.call(greet, [], to=Endpoint(TLSTransport))
        self.endpoint.remote.lose(ConnectionLost())
        failure = self.failureResultOf(call, TLSFailed).value
        self.assertEqual((failure.phase, failure.status), ("handshake", 35))

    def test_a_handshake_that_takes_too_long(self) -> None:
        call = self.call(greet, [], to=Endpoint(TLSTransport), connect_seconds=3)
        self.clock.advance(3)
        self.assertEqual(self.failureResultOf(call, TimedOut).value.phase, "handshake")
