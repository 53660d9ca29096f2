"""What the lean reactor does around each event is what Twisted's does: each test is run under both."""

import errno
import os
import socket
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionFdescWentAway
from twisted.python import context, log
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SkipTest

from tests.selectables import FakePoller, ReactorTestCase, around

try:
    from twisted.internet import epollreactor
    from twisted.internet.epollreactor import EPollReactor

    from sockproto.reactor.epoll import LeanEPollReactor
except ImportError:
    raise SkipTest("there is no epoll") from None


class StockTests(ReactorTestCase):
    """Twisted's own, for what these tests expect is what it does."""

    reactor_class = EPollReactor

    def test_an_event_sees_its_prefix(self) -> None:
        seen: list[Any] = []
        self.selectable(lambda: seen.append(around()), "one")
        self.selectable(lambda: seen.append(around()), "two")
        self.turn()
        self.assertEqual(sorted(told["system"] for told in seen), ["one", "two"])

    def test_writing_sees_its_prefix(self) -> None:
        seen: list[Any] = []
        selectable = self.selectable(lambda: seen.append(around()))
        selectable.stopReading()
        selectable.startWriting()
        self.turn()
        selectable.startReading()  # both at once
        self.turn()
        self.assertEqual([told["system"] for told in seen], ["mine"] * 3)

    def test_a_line_that_is_logged_names_its_system(self) -> None:
        self.selectable(lambda: log.msg("hello"))
        self.turn()
        [event] = [event for event in self.events if event.get("message") == ("hello",)]
        self.assertEqual(event["system"], "mine")

    def test_a_prefix_that_changes(self) -> None:
        seen: list[Any] = []

        def switch() -> None:
            selectable.prefix = "another"
            seen.append(around()["system"])

        selectable = self.selectable(switch)
        self.turn()
        self.turn()
        self.assertEqual(seen, ["mine", "another"])

    def test_a_prefix_that_cannot_be_told(self) -> None:
        seen: list[Any] = []
        self.selectable(lambda: seen.append(around()["system"])).logPrefix = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        self.turn()
        self.assertEqual(seen, ["(buggy logPrefix method)"])
        self.assertEqual(self.systems(), ["(buggy logPrefix method)"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_is_around_a_turn_is_kept(self) -> None:
        seen: list[Any] = []
        self.selectable(lambda: seen.append((around(), context.get("colour"))))
        outer = {"colour": "blue", log.ILogContext: {"system": "outer", "request": 7}}
        context.call(outer, self.turn)
        self.assertEqual(seen, [({"system": "mine", "request": 7}, "blue")])
        self.assertEqual(outer[log.ILogContext], {"system": "outer", "request": 7})

    def test_contexts_within_an_event(self) -> None:
        seen: list[Any] = []

        def nested() -> None:
            log.callWithContext({"request": 7}, lambda: seen.append(around()))
            seen.append(around())

        self.selectable(nested)
        self.turn()
        self.assertEqual(seen, [{"system": "mine", "request": 7}, {"system": "mine"}])

    def test_a_turn_within_an_event(self) -> None:
        seen: list[Any] = []

        def again() -> None:
            first.stopReading()
            self.selectable(lambda: seen.append(around()["system"]), "inner")
            self.reactor.doIteration(0)
            seen.append(around()["system"])

        first = self.selectable(again, "outer")
        self.turn()
        self.assertEqual(seen, ["inner", "outer"])

    def test_each_event_has_a_context_of_its_own(self) -> None:
        seen: list[Any] = []

        def change() -> None:
            seen.append(around().copy())
            around()["request"] = 7

        self.selectable(change)
        self.turn()
        self.turn()
        self.assertEqual(seen, [{"system": "mine"}] * 2)

    def test_a_thread_takes_the_context_along(self) -> None:
        pool = ThreadPool(0, 1)
        pool.start()
        seen: list[Any] = []
        # Not before the event is over.
        self.selectable(lambda: pool.callInThread(lambda: seen.append(around())))
        self.turn()
        self.made[0].prefix = "another"
        self.made[0].does = lambda: None
        self.turn()
        pool.stop()
        self.assertEqual(seen, [{"system": "mine"}])

    def test_an_error_is_logged_and_disconnects(self) -> None:
        for writes in (False, True):
            selectable = self.selectable(lambda: 1 / 0)
            if writes:
                selectable.stopReading()
                selectable.startWriting()
            self.turn()
            self.assertIsInstance(selectable.lost.value, ZeroDivisionError)
            self.assertNotIn(selectable, self.reactor.getReaders() + self.reactor.getWriters())
        self.assertEqual(self.systems(), ["mine"] * 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_an_error_in_connection_lost_is_logged(self) -> None:
        selectable = self.selectable(lambda: ConnectionDone())
        selectable.readConnectionLost = lambda reason: 1 / 0  # type: ignore[method-assign,assignment]
        self.turn()
        self.assertEqual(self.systems(), ["mine"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_end_of_reading_is_half_a_loss(self) -> None:
        for does, half in ((lambda: ConnectionDone(), True), (lambda: self.raises(ConnectionDone()), False)):
            selectable = self.selectable(does)
            self.turn()
            self.assertEqual((hasattr(selectable, "half_lost"), selectable.lost is None), (half, half))
        self.assertEqual(len(self.flushLoggedErrors(ConnectionDone)), 1)

    def test_an_end_of_writing_is_a_loss(self) -> None:
        selectable = self.selectable(lambda: ConnectionDone())
        selectable.stopReading()
        selectable.startWriting()
        self.turn()
        self.assertIsInstance(selectable.lost.value, ConnectionDone)

    def test_a_descriptor_that_went_away(self) -> None:
        selectable = self.selectable(lambda: self.fail("it was read"))
        selectable.fileno = lambda: -1  # type: ignore[method-assign]
        self.turn()
        self.assertIsInstance(selectable.lost.value, ConnectionFdescWentAway)
        self.assertNotIn(selectable, self.reactor.getReaders())

    def test_somebody_has_hung_up(self) -> None:
        selectable = self.selectable(lambda: selectable.ours.recv(1) and None)
        self.turn()
        selectable.theirs.close()
        selectable.ours.shutdown(socket.SHUT_WR)
        selectable.does = lambda: ConnectionDone()
        self.turn()
        self.assertTrue(hasattr(selectable, "half_lost"))

    def test_one_that_an_event_has_removed_has_none_itself(self) -> None:
        seen: list[Any] = []

        def remove() -> None:
            seen.append(around())
            for selectable in self.made:
                selectable.stopReading()

        self.selectable(remove)
        self.selectable(remove)
        self.turn()
        self.assertEqual(len(seen), 1)

    def test_ctrl_c_passes(self) -> None:
        selectable = self.selectable(lambda: ConnectionDone())
        selectable.readConnectionLost = lambda reason: self.raises(KeyboardInterrupt())  # type: ignore[method-assign]
        self.assertRaises(KeyboardInterrupt, self.turn)
        selectable = self.selectable(lambda: None)
        selectable.logPrefix = lambda: self.raises(KeyboardInterrupt())  # type: ignore[method-assign]
        self.assertRaises(KeyboardInterrupt, self.turn)
        self.assertEqual(self.systems(), [])

    def raises(self, error: BaseException) -> Any:
        raise error

    def test_a_context_tracker_of_somebody_elses(self) -> None:
        class Tracker(context.ThreadedContextTracker):
            def callWithContext(self, ctx: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
                called.append(ctx[log.ILogContext]["system"])
                return context.ThreadedContextTracker.callWithContext(self, ctx, func, *args, **kwargs)

        called: list[str] = []
        self.addCleanup(context.installContextTracker, context.theContextTracker)
        context.installContextTracker(Tracker())
        self.selectable(lambda: called.append(around()["system"]))
        self.turn()
        self.assertEqual(called, ["mine", "mine"])

    def polled_by(self, poller: FakePoller) -> FakePoller:
        """Make the reactor anew, with another poller than the system's."""
        self.close()
        self.patch(epollreactor, "epoll", lambda size: poller)
        self.reactor = self.reactor_class()
        return poller

    def test_how_long_it_waits(self) -> None:
        poller = self.polled_by(FakePoller())
        for seconds in (0, 1.5, None):
            self.reactor.doIteration(seconds)
        self.assertEqual(poller.waited, [0, 1.5, -1])

    def test_an_interrupted_wait_is_over(self) -> None:
        poller = self.polled_by(FakePoller(OSError(errno.EINTR, os.strerror(errno.EINTR))))
        self.turn()
        poller.error = OSError(errno.EBADF, os.strerror(errno.EBADF))
        self.assertRaises(OSError, self.turn)


class LeanTests(StockTests):
    """Ours."""

    reactor_class = LeanEPollReactor

    def test_it_makes_fewer_calls(self) -> None:
        """Without this the two could be the same."""
        calls: list[str] = []
        self.patch(log, "callWithLogger", lambda *_: calls.append("callWithLogger"))
        self.selectable(lambda: None)
        self.turn()
        self.assertEqual(calls, [])
