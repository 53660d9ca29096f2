"""A supervisor whose workers end at a bad time, with processes that are none."""

import errno
import gc
import os
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.error import ProcessTerminated
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoFactory
from sockproto.server import service
from sockproto.server.listeners import tcp
from sockproto.workers import supervisor
from sockproto.workers.channel import Channel, encoded
from sockproto.workers.process import PIPE_SECONDS, Worker
from sockproto.workers.supervisor import LONGEST_PAUSE, Supervisor

LISTENER = {"opened": 5, "open": 0, "waiting": 0, "closed": {"peer": 5}, "limits": {"idle_seconds": 9}}
COUNTED = {"listeners": [LISTENER], "connections": []}


class Process:
    """What a supervisor knows of a process."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.told: list[bytes] = []
        self.signals: list[str] = []
        self.pipes = {worker.place.orders}
        self.closed: list[int] = []

    def writeToChild(self, descriptor: int, data: bytes) -> None:
        if descriptor not in self.pipes:
            raise KeyError(descriptor)  # as Twisted's does
        self.told.append(data)

    def loses_its_pipe(self) -> None:
        """Exit, but nobody has waited for it yet."""
        self.pipes.clear()
        self.worker.childConnectionLost(self.worker.place.orders)

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def says(self, **message: Any) -> None:
        self.worker.childDataReceived(4, encoded(message))

    def closeChildFD(self, descriptor: int) -> None:
        self.closed.append(descriptor)

    def exits(self) -> None:
        """It is gone, but another process, which it has started, keeps its pipes open."""
        self.worker.processExited(Failure(ProcessTerminated(7)))

    def ends(self) -> None:
        if self.pipes:
            self.loses_its_pipe()
        self.worker.processEnded(Failure(ProcessTerminated(7)))


def decoded(told: list[bytes]) -> list[Any]:
    """Return what a process was told."""
    found: list[Any] = []
    channel = Channel(found.append)
    channel.makeConnection(StringTransport())
    channel.dataReceived(b"".join(told))
    return found


class ProcessReactor(MemoryReactorClock):
    """Starts processes that are none."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted has no types there
        self.processes: list[Process] = []
        self.fault: OSError | None = None

    def listenTCP(self, *args: Any, **kwargs: Any) -> Any:
        port: Any = super().listenTCP(*args, **kwargs)  # type: ignore[no-untyped-call]  # Twisted has no types there
        port.fileno = lambda: 99
        port.stopReading = lambda: None
        return port

    def spawnProcess(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        if self.fault is not None:
            raise self.fault
        self.processes.append(Process(worker))
        worker.makeConnection(self.processes[-1])


class SupervisorTestCase(SynchronousTestCase):
    """A supervisor of some workers."""

    workers = 1
    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        self.reactor = ProcessReactor()
        listeners = [tcp("echo", EchoFactory(), "127.0.0.1", 7777)]
        self.supervisor = Supervisor(
            self.workers, listeners, ["sockproto"], **self.options, reactor=self.reactor
        )
        self.supervisor.startService()
        for call, args, kwargs in self.reactor.whenRunningHooks:
            call(*args, **kwargs)
        self.first = self.reactor.processes[0]


class SupervisorTests(SupervisorTestCase):
    """A supervisor of one worker."""

    def reload(self) -> Process:
        self.supervisor.reload()
        return self.reactor.processes[-1]

    def test_the_only_new_worker_ends_at_once(self) -> None:
        self.first.says(ready=True)
        self.reload().ends()
        self.assertEqual(self.first.told, [])
        self.assertTrue(self.supervisor.ready)

    def test_a_reload_while_a_worker_waits_to_be_started_again(self) -> None:
        self.first.ends()
        self.reload().says(ready=True)
        self.reactor.advance(LONGEST_PAUSE)
        self.assertEqual(len(self.reactor.processes), 2)

    def test_counters_do_not_go_back_when_a_worker_ends_that_was_asked(self) -> None:
        self.first.says(ready=True)
        asked = self.supervisor.snapshots()
        self.first.says(answer=0, snapshot=COUNTED)
        self.assertEqual(self.successResultOf(asked)[0][1]["listeners"][0]["opened"], 5)
        self.first.ends()
        [(_, told)] = self.successResultOf(self.supervisor.snapshots())
        self.assertEqual(told["listeners"][0]["opened"], 5)

    def test_workers_that_take_long_to_fail_are_given_up_too(self) -> None:
        ended: list[Any] = []
        self.patch(supervisor, "end_process", lambda _, how: ended.append(how.code))
        for _ in range(supervisor.FAILURES):
            self.reactor.advance(supervisor.UP_SECONDS + 1)
            self.reactor.processes[-1].ends()
            self.reactor.advance(LONGEST_PAUSE)
        self.assertEqual(ended, [1])

    def test_one_that_the_system_can_not_start_is_started_later(self) -> None:
        self.reactor.fault = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.first.ends()
        self.supervisor.reload()
        self.reactor.advance(LONGEST_PAUSE)
        self.reactor.fault = None
        self.reactor.advance(LONGEST_PAUSE)
        self.assertEqual(len(self.reactor.processes), 2)
        self.reactor.processes[1].says(ready=True)
        self.assertTrue(self.supervisor.ready)

    def test_it_can_be_stopped_while_the_system_can_not_start_one(self) -> None:
        self.reactor.fault = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.supervisor.reload()
        stopped = self.supervisor.stopService()
        self.first.ends()
        self.reactor.advance(0)
        self.successResultOf(stopped)

    def test_one_that_exits_is_told_nothing_before_its_end_is_known(self) -> None:
        self.first.says(ready=True)
        self.first.says(counters=COUNTED)
        self.first.loses_its_pipe()
        [(_, told)] = self.successResultOf(self.supervisor.snapshots())
        self.assertEqual(told["listeners"][0]["opened"], 5)
        stopped = self.supervisor.stopService()
        self.first.ends()
        self.successResultOf(stopped)

    def test_the_pipes_of_one_that_is_gone_are_closed_whoever_else_has_them(self) -> None:
        self.first.exits()
        self.reactor.advance(PIPE_SECONDS)
        place = self.first.worker.place
        self.assertEqual(self.first.closed, [place.orders, place.answers])

    def test_nothing_is_closed_where_nothing_is_left_open(self) -> None:
        self.first.exits()
        self.first.ends()
        self.reactor.advance(PIPE_SECONDS)
        self.assertEqual(self.first.closed, [])

    def test_new_workers_that_never_serve_are_given_up(self) -> None:
        self.first.says(ready=True)
        late = self.reload()
        self.reactor.advance(supervisor.START_SECONDS)
        self.assertEqual((decoded(late.told), late.signals), ([{"do": "drain"}], []))
        self.reactor.advance(supervisor.CLOSE_SECONDS)
        self.assertEqual(late.signals, ["KILL"])
        late.ends()
        self.reload().says(ready=True)
        self.assertEqual(decoded(self.first.told), [{"do": "retire"}])
        self.assert_nothing_is_logged()

    def test_new_workers_that_serve_just_too_late_drain(self) -> None:
        self.first.says(ready=True)
        late = self.reload()
        self.reactor.advance(supervisor.START_SECONDS)
        late.says(ready=True)
        self.reactor.advance(supervisor.CLOSE_SECONDS)
        self.assertEqual((decoded(late.told), late.signals), ([{"do": "drain"}], []))
        late.ends()
        self.assertTrue(self.supervisor.ready)
        self.assert_nothing_is_logged()

    def test_one_that_does_not_stop_is_killed(self) -> None:
        self.first.says(ready=True)
        stopped = self.supervisor.stopService()
        self.reactor.advance(supervisor.CLOSE_SECONDS)
        self.assertEqual((decoded(self.first.told), self.first.signals), ([{"do": "drain"}], []))
        self.reactor.advance(Limits.drain_seconds + supervisor.KILL_SECONDS)
        self.assertEqual(self.first.signals, ["KILL"])
        self.assertNoResult(stopped)
        self.first.ends()
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assert_nothing_is_logged()

    def test_one_that_serves_before_its_word_of_it_is_read_drains(self) -> None:
        stopped = self.supervisor.stopService()
        self.first.says(ready=True)
        self.first.says(accepts=False)
        self.reactor.advance(supervisor.CLOSE_SECONDS)
        self.assertEqual((decoded(self.first.told), self.first.signals), ([{"do": "drain"}], []))
        self.first.ends()
        self.successResultOf(stopped)
        self.assert_nothing_is_logged()

    def test_one_that_comes_to_serve_while_others_are_stopped_drains(self) -> None:
        late = self.reload()
        stopped = self.supervisor.stopService()
        self.reactor.advance(supervisor.CLOSE_SECONDS / 2)
        late.says(ready=True)
        self.reactor.advance(supervisor.CLOSE_SECONDS / 2)
        self.assertEqual((decoded(late.told), late.signals), ([{"do": "drain"}], []))
        self.assertEqual(self.first.signals, ["KILL"])
        for process in late, self.first:
            process.ends()
        self.successResultOf(stopped)

    def test_one_that_starts_for_too_long_is_killed(self) -> None:
        stopped = self.supervisor.stopService()
        self.reactor.advance(supervisor.CLOSE_SECONDS)
        self.assertEqual(self.first.signals, ["KILL"])
        self.first.ends()
        self.successResultOf(stopped)
        self.assert_nothing_is_logged()

    def test_one_that_ends_in_time_is_not_killed(self) -> None:
        self.first.says(ready=True)
        stopped = self.supervisor.stopService()
        self.first.says(accepts=False)
        self.first.ends()
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def assert_nothing_is_logged(self) -> None:
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])


class EndlessDrainTests(SupervisorTestCase):
    """Answers may take as long as they like."""

    options: ClassVar[dict[str, Any]] = {"drain_seconds": 0, "owns_process": True}

    def setUp(self) -> None:
        self.patch(service, "take_signals", self.take_signals)
        super().setUp()

    def take_signals(self, reactor: Any, again: Callable[[], None], hang_up: Any) -> None:
        self.second_signal = again

    def test_a_second_signal_ends_one_that_does_nothing_any_more(self) -> None:
        self.first.says(ready=True)
        stopped = self.supervisor.stopService()
        self.reactor.advance(3_600)
        self.second_signal()
        self.assertEqual(decoded(self.first.told), [{"do": "drain"}, {"do": "cut"}])
        self.assertEqual(self.first.signals, [])
        self.reactor.advance(supervisor.KILL_SECONDS)
        self.assertEqual(self.first.signals, ["KILL"])
        self.first.ends()
        self.reactor.advance(0)
        self.successResultOf(stopped)

    def test_a_second_signal_leaves_time_to_cut(self) -> None:
        self.first.says(ready=True)
        stopped = self.supervisor.stopService()
        self.second_signal()
        self.first.says(accepts=False)
        self.first.ends()
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual((self.first.signals, self.reactor.getDelayedCalls()), ([], []))


class LameDuckTests(SupervisorTestCase):
    """It goes on for a while as before."""

    options: ClassVar[dict[str, Any]] = {"lame_duck_seconds": 5}

    def test_a_worker_that_dies_meanwhile_is_started_again(self) -> None:
        self.first.says(ready=True)
        self.reactor.advance(3_600)
        stopped = self.supervisor.stopService()
        self.first.ends()
        self.reactor.advance(0)
        [_, again] = self.reactor.processes
        again.says(ready=True)
        self.assertFalse(self.supervisor.ready)
        self.reactor.advance(5)
        self.assertEqual(decoded(again.told), [{"do": "drain"}])
        again.says(accepts=False)
        again.ends()
        self.reactor.advance(LONGEST_PAUSE)
        self.successResultOf(stopped)
        self.assertEqual(len(self.reactor.processes), 2)


class TwoWorkersTests(SupervisorTestCase):
    """A supervisor of two."""

    workers = 2

    def test_one_that_answers_and_ends_before_the_other_answers_is_counted_once(self) -> None:
        second = self.reactor.processes[1]
        asked = self.supervisor.snapshots()
        self.first.says(answer=0, snapshot=COUNTED)
        self.first.ends()
        second.says(answer=0, snapshot=COUNTED)
        opened = [told["listeners"][0]["opened"] for _, told in self.successResultOf(asked)]
        self.assertEqual(opened, [5, 5])

    def test_one_that_serves_is_not_given_up_with_one_that_can_not(self) -> None:
        ended: list[Any] = []
        self.patch(supervisor, "end_process", lambda _, how: ended.append(how.code))
        self.first.says(ready=True)
        for _ in range(3 * supervisor.FAILURES):
            self.reactor.advance(supervisor.UP_SECONDS)
            self.reactor.processes[-1].ends()
            self.reactor.advance(LONGEST_PAUSE)
        self.assertEqual(ended, [])
        for _ in range(3 * supervisor.FAILURES):
            for process in self.reactor.processes:
                if process.pipes:
                    process.ends()
            self.reactor.advance(LONGEST_PAUSE)
        self.assertEqual(set(ended), {1})
