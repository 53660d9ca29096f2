"""What the application sends between two replies."""

from typing import Any

from sockproto.core.actions import CLOSE, Sleep
from sockproto.errors import SendRefused
from tests.carriers.scripted import CarrierTestCase
from tests.endpoints import TLSTransport


class SendTests(CarrierTestCase):
    def test_between_two_replies(self) -> None:
        def received(message: bytes) -> Any:
            yield b"begin"
            yield Sleep(1)
            yield b"end"

        remote = self.connect(received=received)
        self.assertTrue(self.protocol.send(b"first"))
        self.assertEqual(remote.read(), b"first\r\n")
        self.receive(b"x\ny\n")
        self.assertTrue(self.protocol.send(b"pushed"))
        self.assertEqual(remote.read(), b"begin\n")
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"end\npushed\nbegin\n")
        remote.lose()

    def test_from_inside_a_message(self) -> None:
        def received(message: bytes) -> bytes:
            self.protocol.send(b"pushed by " + message)
            return b"reply to " + message

        remote = self.connect(received=received)
        self.receive(b"a\nb\n")
        self.assertEqual(remote.read(), b"reply to a\npushed by a\nreply to b\npushed by b\n")

    def test_says_whether_the_peer_keeps_up_and_refuses_past_64_kib(self) -> None:
        remote = self.connect()
        message = b"x" * 16_000
        said = [self.protocol.send(message) for _ in range(4)]
        self.assertEqual(said, [True] * 4)
        # The transport is full now; so much waits here.
        said = [self.protocol.send(message) for _ in range(5)]
        self.assertEqual(said, [False] * 5)
        self.assertRaises(SendRefused, self.protocol.send, message)
        self.assertRaises(TypeError, self.protocol.send, "text")
        for _ in range(3):
            remote.read()
        self.assertEqual(len(remote.received), 9 * 16_002)
        self.assertTrue(self.protocol.send(message))

    def test_what_was_taken_is_delivered_before_the_close(self) -> None:
        def received(message: bytes) -> Any:
            self.protocol.send(b"pushed")
            yield b"reply"
            if message == b"close":
                yield CLOSE
            yield Sleep(1)

        for line in b"close\n", b"x\n":
            remote = self.connect(received=received)
            self.receive(line)
            self.protocol.close()
            self.assertEqual(remote.read(), b"reply\npushed\n")
            remote.half_close()

    def test_what_waits_is_bounded(self) -> None:
        self.connect(received=lambda message: Sleep(1))
        self.receive(b"x\n")
        self.assertRaises(SendRefused, self.protocol.send, b"x" * 100_000)
        taken = 0
        while taken < 100_000:
            try:
                self.protocol.send(b"")
            except SendRefused:
                break
            taken += 1
        self.assertEqual(taken, 32_768)

    def test_refused_when_the_connection_is_not_open(self) -> None:
        self.connect(transport=TLSTransport)
        self.assertRaises(SendRefused, self.protocol.send, b"too early")
        remote = self.connect()
        self.protocol.close()
        self.assertRaises(SendRefused, self.protocol.send, b"too late")
        remote.lose()
        self.assertRaises(SendRefused, self.protocol.send, b"too late")
