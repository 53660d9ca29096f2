"""Streamed answers, in memory: what ends them, what they cost, and that nothing behind them is lost."""

from collections.abc import AsyncIterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from sockproto.commands import CommandSet, command
from sockproto.core.limits import READ_AHEAD_BYTES, TURN_BYTES
from sockproto.errors import CommandError
from sockproto.protocols.command import CommandFactory
from sockproto.testing import connect
from tests.commands.talking import Streams, TalkTests

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
        """Return a text back."""
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


class StreamTests(TalkTests):
    def test_lines_come_as_they_are_made(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"/now"), b"row\n")
        commands.next.callback(None)
        self.assertEqual(self.remote.read(), b"row\n")

    def test_it_ends_when_it_is_done(self) -> None:
        self.connect(Streams())
        self.assertEqual(self.say(b"/rows", b"/now").count(b"row"), 2)
        self.assertEqual(self.say(b"/rows 0"), b"")

    def test_an_empty_line_ends_it(self) -> None:
        for ending in b"", b"\r":
            commands = Streams()
            self.connect(commands)
            self.assertEqual(self.say(b"/follow", ending, b"/now"), b"row\nnow\n")
            self.assertEqual(commands.ended, ["cancelled", "clean"])

    def test_an_empty_line_behind_others_ends_it(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"/now", b"/now"), b"row\n")
        self.assertEqual(self.say(b"", b"/now"), b"now\nnow\nnow\n")
        self.assertEqual(self.say(b"/follow\n/now\n\n/now\n/follow\n\n\n/now"), b"row\nnow\nnow\nrow\nnow\n")
        self.assertEqual(self.protocol.messages_in, 13)

    def test_it_looks_ahead_so_far_only(self) -> None:
        for ahead, ended in (250, ["cancelled", "clean"]), (512, []):
            commands = Streams()
            self.connect(commands)
            self.say(b"/follow", *[b"/now"] * ahead)
            self.assertEqual(self.say(b""), b"now\n" * ahead if ended else b"")
            self.assertEqual(commands.ended, ended)

    def test_a_long_line_ahead_is_told_when_its_turn_comes(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"/now", b"x" * 70_000), b"row\n")
        commands.next.errback(CommandError("over"))
        self.assertEqual(self.remote.read(), b"error: over\nnow\nerror: message longer than 65536 bytes\n")

    def test_an_eof_lets_it_go_on_and_the_loss_cancels(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.say(b"/follow")
        self.remote.half_close()
        commands.next.callback(None)
        self.assertEqual(self.remote.read(), b"row\n")
        self.remote.lose()
        self.assertEqual(commands.ended, ["cancelled", "clean"])

    def test_no_line_is_made_that_the_peer_has_no_room_for(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.protocol.dataReceived(b"/rows 1000\n")
        for _ in range(10):
            self.clock.advance(0)
        self.assertTrue(60 < commands.made < 140, commands.made)
        while self.remote.read():
            self.clock.advance(0)
        self.assertEqual((commands.made, commands.ended), (1000, ["rows"]))

    def test_the_loss_ends_one_that_waits_for_the_peer(self) -> None:
        commands = Streams()
        self.connect(commands)
        self.protocol.dataReceived(b"/rows 1000\n")
        self.remote.lose()
        self.assertEqual(commands.ended, ["rows"])

    def test_errors(self) -> None:
        self.connect(Streams())
        self.assertEqual(self.say(b"/broken refused", b"/now"), b"one\nerror: no more\nnow\n")
        self.assertEqual(self.say(b"/broken bug", b"/now"), b"one\nerror: internal error\n")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_drain_ends_what_is_endless_and_lets_the_rest_finish(self) -> None:
        for line, at_once in (b"/watch", True), (b"/follow", False):
            commands = Streams()
            self.connect(commands)
            self.say(line, b"/now")
            drained = self.factory.drain()
            self.assertEqual(self.remote.read(), b"now\n" if at_once else b"")
            if not at_once:
                commands.next.errback(CommandError("done"))
                self.assertEqual(self.remote.read(), b"error: done\nnow\n")
            self.remote.half_close()
            self.remote.read()
            self.successResultOf(drained)

    def test_a_drain_ends_what_is_endless_once_the_peer_has_read(self) -> None:
        class Endless(CommandSet):
            @command(endless=True)
            async def watch(self, next: bool = False) -> AsyncIterator[str]:
                while True:
                    yield "x" * 100_000
                    await Deferred()

        self.connect(Endless())
        self.protocol.dataReceived(b"/watch\n")
        drained = self.factory.drain()
        self.assertNoResult(drained)
        self.assertEqual(len(self.remote.read()), 100_001)
        self.remote.read()
        self.remote.half_close()
        self.remote.read()
        self.successResultOf(drained)

    def test_cleaning_up_may_take_time(self) -> None:
        commands = Streams()
        commands.cleaning = Deferred()
        self.connect(commands)
        self.assertEqual(self.say(b"/follow", b"", b"/now"), b"row\nnow\n")
        commands.cleaning.callback(None)
        self.assertEqual(commands.ended, ["cancelled", "clean"])
