"""Clients with netstrings and length-prefixed messages."""

from typing import Any

from sockproto.client import converse
from sockproto.core.actions import CLOSE
from sockproto.core.conversation import ClientConversation
from sockproto.core.framing.prefixed import Int32Prefixed, Netstrings
from sockproto.errors import CutShort, WrongReply
from tests.client.calling import ClientTestCase


class Asker(ClientConversation):
    """Says one thing and wants one reply."""

    def opened(self, peer: Any) -> bytes:
        return b"question"

    def received(self, message: bytes) -> Any:
        self.result, self.done = message, True
        return CLOSE


class ClientTests(ClientTestCase):
    def test_a_reply(self) -> None:
        call = self.call(converse, Asker(), framing=Netstrings)
        self.assertEqual(self.say(b"6:ans", b"wer,"), b"8:question,")
        self.end()
        self.assertEqual(self.successResultOf(call), b"answer")

    def test_a_malformed_reply(self) -> None:
        call = self.call(converse, Asker(), framing=Netstrings)
        self.say(b"answer\n")
        self.end()
        self.failureResultOf(call, WrongReply)

    def test_a_reply_cut_short(self) -> None:
        call = self.call(converse, Asker(), framing=Int32Prefixed)
        self.say(b"\0\0\0\6ans")
        self.end()
        self.failureResultOf(call, CutShort)
