"""Nobody forgets to wait for a script over sockets without being told."""

import gc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.internet.protocol import Factory
from twisted.protocols import wire
from twisted.trial.unittest import TestCase

from sockproto.testing import Expect, Outcome, Send, play_everywhere, play_on_socket
from sockproto.testing.waiting import Awaited

SCRIPT: list[Any] = [Send(b"hello"), Expect(b"hello")]
SAID = Outcome(b"hello", None)


class Plain(Factory):
    """A factory as most are: it takes no clock."""

    protocol = wire.Echo


class WaitingTests(TestCase):
    timeout = 30

    def warned(self) -> list[str]:
        gc.collect()
        return [warning["message"] for warning in self.flushWarnings()]

    def test_a_wrong_script_fails_though_nobody_waits(self) -> None:
        said = str(
            self.assertRaises(AssertionError, play_everywhere, Plain, [Send(b"right"), Expect(b"WRONG")])
        )
        self.assertIn("in memory, cut='whole' (pieces of 5 bytes), step 1: the reply differs", said)
        self.assertEqual(self.warned(), [])

    def test_who_does_not_wait_is_warned(self) -> None:
        for forgotten in play_everywhere, play_on_socket:
            forgotten(Plain, SCRIPT)
            warnings = self.warned()
            self.assertEqual(len(warnings), 1)
            self.assertIn("was never awaited", warnings[0])

    def test_every_way_to_wait(self) -> "Deferred[Any]":
        def played() -> "Deferred[Any]":
            return play_on_socket(Plain, SCRIPT)

        async def wait() -> None:
            came = [await played(), await played().addErrback(self.fail), await played().addBoth(lambda _: _)]
            came.append(await succeed(None).addCallback(lambda _: played()))  # Twisted chains them
            came.append(await played().addCallbacks(lambda outcome: outcome, self.fail))
            self.assertEqual(came, [SAID] * 5)
            self.assertEqual(self.warned(), [])

        return ensureDeferred(wait())

    def test_what_fails_as_it_begins(self) -> None:
        async def raises() -> None:
            raise ZeroDivisionError

        chained = succeed(None).addCallback(lambda _: Awaited(raises()))
        self.failureResultOf(chained, ZeroDivisionError)
        self.failureResultOf(Awaited(raises()), ZeroDivisionError)

    def test_it_can_be_cancelled(self) -> None:
        async def waits() -> None:
            await inner

        for begun in False, True:
            inner: Deferred[None] = Deferred()
            outcome = Awaited(waits())
            if begun:
                self.assertNoResult(outcome)
            outcome.cancel()
            self.failureResultOf(outcome, CancelledError)
            self.assertEqual(inner.called, begun)
        self.assertRaises(AttributeError, getattr, outcome, "nothing")
        self.assertEqual(self.warned(), [])
