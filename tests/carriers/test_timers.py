"""Many calls on few timers."""

from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.carriers.timers import Timers
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoFactory
from sockproto.testing import connect


class Item:
    """Notes when it was called."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.called: list[float] = []

    def look(self) -> None:
        self.called.append(self.clock.seconds())


class TimersTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.timers = Timers(self.clock, 0.25)

    def items(self, *seconds: float) -> list[Item]:
        items = []
        for wait in seconds:
            items.append(Item(self.clock))
            self.timers.enter(items[-1], wait, self.clock.seconds())
        return items

    @given(st.lists(st.floats(0, 20), max_size=20), st.lists(st.floats(0.01, 3), max_size=20))
    def test_never_too_soon_and_hardly_too_late(self, waits: list[float], steps: list[float]) -> None:
        self.setUp()
        items = self.items(*waits)
        for step in steps:
            before = self.clock.seconds()
            self.clock.advance(step)
            for item, wait in zip(items, waits, strict=True):
                self.assertLessEqual(len(item.called), 1)
                if item.called:
                    self.assertGreaterEqual(item.called[0], wait - 1e-9)
                else:
                    self.assertLess(before, wait + 0.25)

    def test_those_due_together_share_a_timer(self) -> None:
        items = self.items(*[60] * 100, 59.9, 60.2)
        self.assertEqual(len(self.clock.getDelayedCalls()), 2)
        self.clock.advance(60.25)
        self.assertEqual({len(item.called) for item in items}, {1})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_leaves_is_not_called_and_none_once_it_is_stopped(self) -> None:
        [stays, leaves] = [Item(self.clock) for _ in range(2)]
        tick = self.timers.enter(stays, 1, self.clock.seconds())
        self.assertIs(self.timers.enter(leaves, 1, self.clock.seconds()), tick)
        tick.discard(leaves)
        self.clock.advance(1)
        self.assertEqual((stays.called, leaves.called), ([1], []))
        tick.discard(stays)  # it has been called: nothing happens
        self.timers.enter(leaves, 1, self.clock.seconds())
        self.timers.enter(leaves, 2, self.clock.seconds())
        self.timers.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.timers.enter(leaves, 1, self.clock.seconds())  # and it goes on
        self.clock.advance(1)
        self.assertEqual(leaves.called, [2])

    def test_one_that_is_called_lets_another_leave_or_enter_again(self) -> None:
        first, second = Item(self.clock), Item(self.clock)

        def look(this: Item, other: Item) -> None:
            this.called.append(self.clock.seconds())
            tick.discard(other)
            self.timers.enter(this, 0.1, self.clock.seconds())

        first.look = lambda: look(first, second)  # type: ignore[method-assign]
        second.look = lambda: look(second, first)  # type: ignore[method-assign]
        tick = self.timers.enter(first, 1, self.clock.seconds())
        self.timers.enter(second, 1, self.clock.seconds())
        self.clock.advance(1)
        self.assertEqual(len(first.called) + len(second.called), 1)
        self.clock.advance(0.25)
        self.assertEqual(len(first.called) + len(second.called), 2)

    def test_an_error_of_one_is_not_the_others(self) -> None:
        items = self.items(*[1] * 5)
        for item in items:
            item.look = self.failing(item)  # type: ignore[method-assign]
        for _ in items:
            self.assertRaises(ZeroDivisionError, self.clock.advance, 1)
        self.assertEqual([len(item.called) for item in items], [1] * 5)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def failing(self, item: Item) -> Any:
        def look() -> None:
            item.called.append(self.clock.seconds())
            raise ZeroDivisionError

        return look

    def test_errors_of_two_ticks_are_not_the_others(self) -> None:
        items = self.items(1, 1, 2, 2)
        for item in items:
            item.look = self.failing(item)  # type: ignore[method-assign]
        for _ in items:
            self.assertRaises(ZeroDivisionError, self.clock.advance, 2)
        self.assertEqual([len(item.called) for item in items], [1] * 4)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_goes_on_with_the_same_tick_after_it_is_stopped(self) -> None:
        self.items(1)
        self.timers.stop()
        [item] = self.items(1)
        self.clock.advance(1)
        self.assertEqual(item.called, [1])

    def test_the_clock_is_set_back_while_they_are_called(self) -> None:
        items = [Item(self.clock), Item(self.clock)]
        tick, _ = (self.timers.enter(item, 1, self.clock.seconds()) for item in items)

        def look(this: Item, other: Item) -> None:
            this.called.append(self.clock.seconds())
            self.clock.advance(0.99 - self.clock.seconds())
            self.timers.enter(this, 0.005, self.clock.seconds())  # the same tick once more
            tick.discard(other)

        items[0].look = lambda: look(*items)  # type: ignore[method-assign]
        items[1].look = lambda: look(*items[::-1])  # type: ignore[method-assign]
        self.clock.advance(1)
        self.assertEqual(sorted(len(item.called) for item in items), [0, 1])


class ConnectionsTests(TestCase):
    def test_a_thousand_connections_take_one_timer_and_leave_none(self) -> None:
        clock = Clock()
        factory = EchoFactory(clock=clock, limits=Limits(idle_seconds=60, log_rate=0))  # its log needs none
        transports = [connect(factory.buildProtocol(None)) for _ in range(1000)]
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        for transport in transports:
            transport.lose()
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_how_exact_the_limits_are(self) -> None:
        self.assertEqual(Limits().grain_seconds, 1 / 32)
        none: dict[str, Any] = dict.fromkeys(vars(Limits()), 0)
        for seconds, grain in (0.01, 1 / 64), (1, 1 / 64), (7, 1 / 16), (64, 1), (0, 1 / 64):
            self.assertEqual(Limits(**{**none, "idle_seconds": seconds}).grain_seconds, grain)
            self.assertEqual(Limits(**{**none, "close_seconds": seconds}).grain_seconds, grain)
