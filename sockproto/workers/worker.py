"""A worker: serves sockets that its supervisor has opened, and does what that tells it.

::

    service = WorkerService(place, listeners)
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.error import ReactorNotRunning
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall

from sockproto.admin.counted import count_durations, counters, snapshot
from sockproto.server.listeners import Listener
from sockproto.server.service import ServerService
from sockproto.workers.channel import Channel, Message
from sockproto.workers.place import WorkerPlace

REPORT_SECONDS = 0.2
"""How often a worker reports its counts, if they have changed: so much may be missing of one that is
killed."""

RETIRE_SECONDS = 0.1
"""How often a worker that takes no more connections checks whether its connections have ended."""


class WorkerService(ServerService):
    """Serves what was opened by another process.

    Args:
        place: What the process was started with.
        listeners: What to listen on, in the order of the sockets.
        kwargs: As of ``ServerService``.
    """

    def __init__(self, place: WorkerPlace, listeners: Sequence[Listener], **kwargs: Any) -> None:
        sockets = place.opened()
        super().__init__([each.at(opened) for each, opened in zip(listeners, sockets, strict=True)], **kwargs)
        for each in listeners:
            each.server.worker = place.number
        self._place = place
        self._told: Message = {}
        self._ended: Deferred[None] = Deferred()
        self._channel = Channel(self._obey, self._lose_supervisor)

    def startService(self) -> None:
        """Serve, and say so."""
        count_durations(self)
        super().startService()
        StandardIO(self._channel, self._place.orders, self._place.answers, self._reactor)  # type: ignore[call-arg]  # typed as on Windows
        self._repeat(REPORT_SECONDS, self._report_if_read)
        self._reactor.callWhenRunning(self._channel.say, {"ready": True})

    @inlineCallbacks
    def stopService(self) -> Generator[Any, Any, None]:
        """Drain, tell what was counted, and take leave of the supervisor."""
        yield super().stopService()
        self._report()
        self._channel.end()
        yield self._ended

    def _announce(self, listener: Listener, port: Any) -> None:
        """Say nothing: the supervisor has."""
        self._names[listener] = listener.name_of(port)

    @inlineCallbacks
    def _drain(self, seconds: float) -> Generator[Any, Any, None]:
        """Leave what comes from now on to the other workers, and do as any server does with the rest."""
        self._leave_datagrams()
        draining = super()._drain(seconds)
        self._channel.say({"accepts": False})
        yield draining

    def _leave_datagrams(self) -> None:
        """Read no more datagrams: others do, from the same socket."""
        for listener, port in self._binding.open:
            if listener.datagrams:
                port.stopReading()  # type: ignore[attr-defined]  # it has a descriptor

    def _obey(self, message: Message) -> None:
        """Do what the supervisor says."""
        order = message["do"]
        if order == "drain":
            self._end()
        elif order == "cut":
            self._cut()
        elif order == "retire":
            self._retire()
        elif order == "tell":
            self._channel.say({"answer": message["number"], "snapshot": snapshot(self)})

    def _retire(self) -> None:
        """Take no more connections; end when those that there are have ended."""
        for _, port in self._binding.open:
            port.stopReading()  # type: ignore[attr-defined]  # it has a descriptor
        self._repeat(RETIRE_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self.connections:
            self._end()

    def _repeat(self, seconds: float, call: Callable[[], None]) -> None:
        loop = LoopingCall(call)
        loop.clock = self._reactor
        loop.start(seconds, now=False)

    def _report_if_read(self) -> None:
        """Tell it later if what was told before still waits: the supervisor may be stopped."""
        if not self._channel.full:
            self._report()

    def _report(self) -> None:
        """Tell what was counted, if it has changed."""
        counted = counters(self)
        if counted != self._told:
            self._told = counted
            self._channel.say({"counters": counted})

    def _lose_supervisor(self) -> None:
        """The supervisor is gone, or has been left."""
        if not self._ended.called:
            self._ended.callback(None)
        self._end()

    def _end(self) -> None:
        with suppress(ReactorNotRunning):  # it stops already
            self._reactor.stop()
