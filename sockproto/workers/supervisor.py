"""Opens the ports, and has several processes serve them: nothing is lost with one that dies or is replaced.

All of them accept from the same sockets, which the supervisor keeps open: a connection or datagram that the
kernel has taken waits there for the next reader (with ``SO_REUSEPORT`` it would be lost with the process
to whose queue it went)::

    service = Supervisor(2, listeners, command=sys.orig_argv)
"""

import os
import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from sockproto.admin.counted import merged
from sockproto.errors import ListenError
from sockproto.plain.signals import ENDING
from sockproto.reactor.exits import end_process
from sockproto.server.binding import stop
from sockproto.server.listeners import Listener
from sockproto.server.service import AT_ONCE, ServerService
from sockproto.server.systemd import FIRST, started_with
from sockproto.workers.channel import Message
from sockproto.workers.place import VARIABLE, WorkerPlace, passed_variables
from sockproto.workers.process import Worker

UP_SECONDS = 1.0
"""Whoever ends sooner after it was started has failed to start."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a worker is started again: twice as many after each that failed to start."""

FAILURES = 4
"""So many times each worker may fail to start, with none that is up between, before it is given up."""

CLOSE_SECONDS = 1.0
"""How many seconds a worker may take to stop accepting, and to start first, before the ports are closed."""

START_SECONDS = 60.0
"""How many seconds new workers may take until they serve; after that they are stopped."""

KILL_SECONDS = 5.0
"""So much longer than its time for answers a worker may take to end, before it is killed."""


OURS_ALONE = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
"""Variables with which systemd speaks to the supervisor, and not to workers."""


class Supervisor(ServerService):
    """Has several processes serve its listeners, and starts those anew that die.

    Args:
        workers: How many.
        listeners: What to listen on. Their factories are not used in this process.
        command: What starts a worker: this command once more; its environment tells it what it is.
        kwargs: As of ``ServerService``, which owns the process.
    """

    def __init__(
        self, workers: int, listeners: Sequence[Listener], command: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(listeners, **kwargs)
        self._numbers = range(1, workers + 1)
        self._command = list(command)
        self._serving: dict[int, Worker] = {}
        self._leaving: list[Worker] = []  # they retire, drain, or have failed
        self._coming: dict[int, Worker] = {}  # while they replace those that serve
        self._past: dict[int, Message] = {number: {} for number in self._numbers}
        self._failures = 0
        self._keeps_up = False  # until it drains, those that die are started again
        self._also_hangs_up, self.hang_up = self.hang_up, self._hang_up

    # What a service does.

    def privilegedStartService(self) -> None:
        """Open the ports, from which the workers read; this process reads nothing."""
        super().privilegedStartService()
        if len(self.ports) < len(self.listeners) or not all(hasattr(port, "fileno") for port in self.ports):
            self._binding.unbind()
            raise ListenError("sockproto: workers share sockets, and one of the listeners has none")
        for port in self.ports:
            port.stopReading()  # type: ignore[attr-defined]  # looked at when they open
        self._keeps_up = True
        self._reactor.callWhenRunning(self._begin)

    @property
    def ready(self) -> bool:
        """Whether a worker serves, and no stop has begun."""
        return super().ready and any(worker.serves for worker in self._serving.values())

    @property
    def connections(self) -> int:
        """How many are open, as the workers told last."""
        found = (worker.counted.get("listeners", ()) for worker in self._all())
        return sum(listener["open"] for listeners in found for listener in listeners)

    @inlineCallbacks
    def snapshots(self) -> Generator[Any, Any, list[tuple[str, Message]]]:
        """Ask the workers what they have counted.

        Returns:
            A Deferred of the number of each, and its snapshot, with what the processes have counted that had
            its number before.
        """
        asked = self._all()
        answers = yield DeferredList([worker.ask() for worker in asked])
        found = []
        for number in self._numbers:
            told = [self._past[number]]
            for worker, (_, answer) in zip(asked, answers, strict=True):
                # What one had counted that has ended meanwhile is in the past by now.
                if worker.number == number and not worker.ended.called:
                    told.append(answer)
            found.append((str(number), _added(told)))
        return found

    def _hang_up(self) -> None:
        """SIGHUP came."""
        if self._also_hangs_up is not None:
            self._also_hangs_up()
        self.reload()

    def reload(self) -> None:
        """Replace the workers by new ones: those that serve finish with their connections first."""
        if self._coming or not self._binding.bound:
            self.log.warn(
                "received SIGHUP, but workers are replaced already, or stop", event="reload_refused"
            )
            return
        self.log.info(
            "received SIGHUP: starts {workers} new workers", event="reload", workers=len(self._numbers)
        )
        if self._notifier is not None:
            self._notifier.reloading()
        self._coming = {number: self._start(number) for number in self._numbers}
        all_up = DeferredList([worker.up for worker in self._coming.values()], consumeErrors=True)
        all_up.addTimeout(START_SECONDS, self._reactor)
        all_up.addBoth(lambda _: self._replace())

    @inlineCallbacks
    def _drain(self, seconds: float) -> Generator[Any, Any, None]:
        """Have the workers answer what has come; kill those that don't end in time."""
        self._keeps_up = False
        began = self._reactor.seconds()
        workers = self._all()
        deadlines: list[IDelayedCall] = []

        def kill_after(seconds: float) -> None:
            deadlines.append(self._reactor.callLater(seconds, self._kill, workers))

        def cut() -> None:
            self._tell(workers, "cut")
            kill_after(KILL_SECONDS)

        self._abort = cut
        closed = self._end(workers)
        if seconds == AT_ONCE:
            cut()
        if seconds:
            kill_after(seconds + KILL_SECONDS)
        yield closed
        yield DeferredList([stop(listener, port) for listener, port in self._served()])
        yield DeferredList([worker.ended for worker in workers])
        for deadline in deadlines:
            if deadline.active():
                deadline.cancel()
        seconds = self._reactor.seconds() - began
        self.log.info("stopped in {seconds:.1f} seconds", event="stopped", seconds=seconds)

    def _claim_descriptors(self) -> None:
        """Leave the limit of open files as it is: connections are the workers'."""

    # Workers.

    def _all(self) -> list[Worker]:
        return [*self._serving.values(), *self._coming.values(), *self._leaving]

    def _tell(self, workers: Iterable[Worker], order: str) -> None:
        for worker in workers:
            worker.say({"do": order})

    def _end(self, workers: Sequence[Worker]) -> "Deferred[Any]":
        """Have workers drain, those that start too: one may serve, though we have not read that it is ready.

        Returns:
            A Deferred that fires when they accept no more, or ``CLOSE_SECONDS`` later. One that does not
            serve then has nothing to lose, and is killed.
        """
        self._tell(workers, "drain")
        closed: Deferred[Any] = DeferredList([worker.closed for worker in workers], consumeErrors=True)
        closed.addTimeout(CLOSE_SECONDS, self._reactor)
        return closed.addCallback(lambda _: self._kill(each for each in workers if not each.serves))

    def _kill(self, workers: Iterable[Worker]) -> None:
        for worker in workers:
            worker.kill()

    def _begin(self) -> None:
        for number in self._numbers:
            self._serve(number)

    def _serve(self, number: int) -> None:
        """Start a worker that serves from when it is up."""
        if self._keeps_up and number not in self._serving:  # a reload may have come first
            self._serving[number] = worker = self._start(number)
            worker.up.addCallback(lambda _: self._tell_readiness())

    def _tell_readiness(self) -> None:
        if self._notifier is not None and self.ready:
            self._notifier.ready()

    def _start(self, number: int) -> Worker:
        """Start a process."""
        worker = Worker(number, self._reactor)
        passed = passed_variables(started_with())
        first = FIRST + int(passed.get("LISTEN_FDS", "0"))
        ports: list[IListeningPort] = self.ports
        numbers = range(first + 2, first + 2 + len(ports))
        worker.place = WorkerPlace(number, len(self._numbers), first, first + 1, list(numbers), passed)
        descriptors: dict[int, int | str] = {each: each for each in range(first) if _is_open(each)}
        descriptors |= {first: "w", first + 1: "r"}
        for each, port in zip(numbers, ports, strict=True):
            descriptors[each] = port.fileno()  # type: ignore[attr-defined]  # looked at when they open
        variables = {name: value for name, value in os.environ.items() if name not in OURS_ALONE}
        variables[VARIABLE] = worker.place.variable()
        with _blocked(ENDING):  # a terminal's Ctrl-C reaches it too: it waits until the worker ignores it
            try:
                self._reactor.spawnProcess(
                    worker, self._command[0], self._command, variables, childFDs=descriptors
                )
            except OSError:  # no memory, or too many processes
                self._reactor.callLater(0, worker.processEnded, Failure())
        worker.ended.addCallback(lambda error: self._lose(worker, error))
        return worker

    def _replace(self) -> None:
        """The new workers are up, or have failed."""
        coming, self._coming = self._coming, {}
        if not self._binding.bound:
            self._leaving += coming.values()
            return
        if not all(worker.serves for worker in coming.values()):
            self.log.error("the new workers can't serve; those before them go on", event="reload_failed")
            self._leaving += [worker for worker in coming.values() if not worker.ended.called]
            self._end(list(coming.values()))
        else:
            before, self._serving = self._serving, coming
            self._leaving += before.values()
            self._tell(before.values(), "retire")
            self.log.info("{workers} new workers serve", event="reloaded", workers=len(coming))
        self._tell_readiness()

    def _lose(self, worker: Worker, error: Any) -> None:
        """A worker has ended."""
        self._past[worker.number] = _added([self._past[worker.number], worker.counted], ended=True)
        worker.counted = {}
        if worker in self._leaving:
            self._leaving.remove(worker)
        if self._serving.get(worker.number) is not worker:
            return
        del self._serving[worker.number]
        if not self._keeps_up:
            return
        lived = self._reactor.seconds() - worker.began
        self._failures = self._failures + 1 if lived < UP_SECONDS or not worker.was_up else 0
        words = {"number": worker.number, "how": _words(error)}
        if self._failures >= FAILURES * len(self._numbers) and not self._is_served():
            self.log.critical("worker {number} {how}; none can serve, given up", event="given_up", **words)
            end_process(self._reactor, SystemExit(1))
            return
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE) if self._failures else 0
        self.log.error("worker {number} {how}; started again", event="worker_lost", **words)
        deferLater(self._reactor, pause, self._serve, worker.number)

    def _is_served(self) -> bool:
        """Return whether a worker is up, and has been for a while."""
        long_ago = self._reactor.seconds() - UP_SECONDS
        return any(worker.serves and worker.began <= long_ago for worker in self._serving.values())


def _added(snapshots: Iterable[Message], ended: bool = False) -> Message:
    return merged([each for each in snapshots if each], ended)


@contextmanager
def _blocked(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Block signals, which a process that is started meanwhile inherits."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _words(error: Any) -> str:
    """Say how a process has ended, or why it was not started."""
    if isinstance(error, OSError):
        return f"can't be started: {error.strerror}"
    if getattr(error, "signal", None) is not None:
        return f"was ended by {signal.Signals(error.signal).name}"
    return f"ended with status {getattr(error, 'exitCode', None) or 0}"
