"""``greet`` and ``welcome`` in memory: what is sent when, and what is taken for a reply."""

from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sockproto.client import converse, greet, welcome
from sockproto.client.conversations.greeting import GreetingClient, Greetings
from sockproto.core.actions import Input, Wait
from sockproto.errors import CutShort, OptionError, TooLarge
from tests.client.calling import ClientTestCase
from tests.endpoints import Endpoint, TLSTransport


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
