"""``command`` in memory: a line is sent after the reply to the one before."""

from typing import Any

from twisted.internet.defer import Deferred

from sockproto.client import Replies, command, converse
from sockproto.core.actions import CLOSE, Input, Wait
from sockproto.core.conversation import ClientConversation
from sockproto.errors import CutShort, EmptyReply, OptionError, TooLarge
from tests.client.calling import ClientTestCase
from tests.endpoints import Endpoint, TLSTransport


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
