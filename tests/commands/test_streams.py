"""Streamed answers, in memory: what ends one that never waits, and that nothing behind it is lost."""

from collections.abc import AsyncIterator
from typing import Any

from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from sockproto.commands import CommandSet, command
from sockproto.core.limits import READ_AHEAD_BYTES, TURN_BYTES
from sockproto.errors import CommandError
from sockproto.protocols.command import CommandFactory
from sockproto.testing import connect

LINE = "x" * 999
TURNS = 8


class Flooding(CommandSet):
    """Makes lines without ever waiting."""

    def __init__(self, clock: Clock) -> None:
        self.clock: Any = clock
        self.made = self.ended = 0

    @command(endless=True)
    async def flood(self) -> AsyncIterator[str]:
        """Make lines."""
        try:
            while True:
                self.made += 1
                yield LINE
        finally:
            await deferLater(self.clock, 0)  # so that it must be closed, not only forgotten
            self.ended += 1

    @command
    async def some(self, count: int) -> AsyncIterator[int]:
        """Make so many lines, then fail."""
        for number in range(count):
            yield number
        raise CommandError("no more")

    @command
    def echo(self, *, text: str) -> str:
        """Give a text back."""
        return text


class FloodTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.commands = Flooding(self.clock)
        factory = CommandFactory(self.commands, clock=self.clock)
        self.protocol: Any = factory.buildProtocol(None)
        self.remote = connect(self.protocol)
        self.addCleanup(self.clock.advance, 0)
        self.addCleanup(self.remote.lose)

    def read(self) -> None:
        """Have the peer read for some turns of the reactor."""
        for _ in range(TURNS):
            if not self.remote.lost:
                self.remote.read()
                self.clock.advance(0)

    def assert_ended(self, *replies: bytes, behind: int = 0) -> None:
        """See that the lines came to an end, and that these came after them."""
        self.read()
        made, ends = self.commands.made, self.commands.ended
        self.assertEqual(ends, 1)
        self.read()
        self.assertEqual(self.commands.made, made)
        lines = self.remote.received[behind:].splitlines()
        count = lines.count(LINE.encode())
        self.assertEqual(lines[count:], [*replies])
        self.assertIn(made - count, (0, 1))  # one may be made in vain

    def test_an_empty_line_that_came_at_once_ends_them(self) -> None:
        self.protocol.dataReceived(b"/flood\n/echo 1\n/echo 2\n\n/echo 3\n")
        self.assert_ended(b"1", b"2", b"3")
        self.assertLess(len(self.remote.received), TURN_BYTES)

    def test_an_empty_line_that_comes_while_the_peer_reads_nothing_ends_them(self) -> None:
        self.protocol.dataReceived(b"/flood\n")
        self.read()
        self.assertTrue(self.remote.transport.reading)
        self.protocol.dataReceived(b"/echo 1\n\n/echo 2\n")
        made = self.commands.made
        self.assert_ended(b"1", b"2")
        self.assertLessEqual(self.commands.made, made + 1)

    def test_an_empty_line_behind_many_others_ends_them(self) -> None:
        self.protocol.dataReceived(b"/echo 0\n/flood\n" + b"/echo 1\n" * 200 + b"\n/echo 2\n")
        self.read()
        self.assertEqual(self.remote.received[:2], b"0\n")
        self.assert_ended(*[b"1"] * 200, b"2", behind=2)

    def test_a_peer_that_only_sends_is_held_back(self) -> None:
        self.protocol.dataReceived(b"/flood\n")
        sent = 0
        while self.remote.transport.reading:
            self.protocol.dataReceived(b"/echo 1\n" * 1000)
            sent += 8000
            self.assertLess(sent, 2 * READ_AHEAD_BYTES)

    def test_a_drain_ends_them(self) -> None:
        self.protocol.dataReceived(b"/flood\n/echo 1\n")
        self.read()
        self.protocol.drain()
        self.assert_ended(b"1")
        self.assertEqual(str(self.protocol.reason), "drained")

    def test_a_loss_of_the_connection_ends_them(self) -> None:
        self.protocol.dataReceived(b"/flood\n")
        made = self.commands.made
        self.remote.lose()
        self.clock.advance(0)
        self.assertEqual((self.commands.made, self.commands.ended), (made, 1))

    def test_an_error_after_some_lines_is_told_and_the_next_command_answered(self) -> None:
        self.protocol.dataReceived(b"/some 2\n/echo 3\n")
        self.assertEqual(self.remote.read(), b"0\n1\nerror: no more\n3\n")
