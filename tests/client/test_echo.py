"""``echo`` in memory: it listens while it speaks, and what differs is told."""

import itertools
from typing import Any

from twisted.internet.defer import Deferred

from sockproto.client import echo
from sockproto.client.pump import MAX_OUTSTANDING_BYTES
from sockproto.core.actions import Wait
from sockproto.errors import CutShort, WrongReply
from tests.client.calling import ClientTestCase


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
