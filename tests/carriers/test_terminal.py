"""Telnet clients on a connection: what a terminal asks is answered whatever the conversation does."""

from twisted.internet.defer import Deferred

from sockproto.core.actions import HALF_CLOSE, Sleep, Until
from sockproto.core.framing.telnet import HERE, MAX_RESPONSE_BYTES
from tests.carriers.scripted import CarrierTestCase

LINE = b"\xff\xf1a\r\n"
AYT = b"\xff\xf6"


class TerminalTests(CarrierTestCase):
    def test_are_you_there_while_the_conversation_waits(self) -> None:
        remote = self.connect(received=lambda message: (yield from (Sleep(5), message)))
        self.receive(LINE)
        self.receive(AYT + b"b\r\n" + b"\xff\xfd\x06")
        self.assertEqual(remote.read(), HERE + b"\xff\xfc\x06")
        for answer in b"a\r\n", b"b\r\n":
            self.clock.advance(5)
            self.assertEqual(remote.read(), answer)

    def test_one_who_asks_and_does_not_read(self) -> None:
        """An ``Until`` reads on though the peer doesn't: what is asked meanwhile is bounded."""
        waiting: Deferred[None] = Deferred()
        remote = self.connect(received=lambda message: Until(waiting, lambda message: False))
        self.receive(LINE)
        for _ in range(500):
            self.receive(AYT * 1_000)
        self.assertLess(remote.transport.held, 65_536 + 2 * MAX_RESPONSE_BYTES)
        remote.read_to_end()
        self.receive(AYT)
        self.assertTrue(remote.read_to_end().endswith(HERE))
        waiting.callback(None)

    def test_nothing_follows_a_half_close(self) -> None:
        remote = self.connect(received=lambda message: (yield from (b"bye", HALF_CLOSE, Sleep(5))))
        self.receive(LINE)
        self.receive(AYT)
        self.clock.advance(5)
        self.assertEqual(remote.read_to_end(), b"bye\r\n")
