"""A process that serves, as its supervisor sees it: what it is told, what it says, and its end.

::

    worker = Worker(1, reactor)
    worker.ask()        # a Deferred of what it has counted
"""

from contextlib import suppress
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from sockproto.workers.channel import Channel, Message, encoded
from sockproto.workers.place import WorkerPlace

ANSWER_SECONDS = 1.0
"""How many seconds a worker may take to report its state; after that its last report counts."""

MAX_ASKED = 16
"""So many answers a worker may owe: what it is asked waits in a pipe, and then with us."""

PIPE_SECONDS = 1.0
"""How many seconds a worker's pipes are read after its end, if a process that it started keeps them open."""


class Worker(ProcessProtocol):
    """A process that serves, seen from its supervisor.

    Args:
        number: Its number, from 1.
        reactor: For its timers.

    Attributes:
        number: Its number.
        began: When it was started.
        up: Fires when it serves; fails when it has ended before.
        was_up: Whether it has served.
        closed: Fires when it accepts no more.
        ended: Fires when the process is gone, with how it ended.
        counted: What it has counted, as it told last.
    """

    def __init__(self, number: int, reactor: Any) -> None:
        self.number, self.began = number, reactor.seconds()
        self.up: Deferred[Worker] = Deferred()
        self.was_up = False
        self.closed: Deferred[None] = Deferred()
        self.ended: Deferred[BaseException | None] = Deferred()
        self.counted: Message = {}
        self.place: WorkerPlace
        self._numbers = count()
        self._asked: dict[int, Deferred[Message]] = {}
        self._hears = False
        self._reactor = reactor
        self._closing: IDelayedCall | None = None  # of its pipes, once it is gone
        self._channel = Channel(self._hear)

    @property
    def serves(self) -> bool:
        """Whether it is up, and has not ended."""
        return self.was_up and not self.ended.called

    def say(self, message: Message) -> None:
        """Tell it something, if it is there."""
        if self._hears:
            self.transport.writeToChild(self.place.orders, encoded(message))  # type: ignore[union-attr]  # it is started

    def ask(self) -> "Deferred[Message]":
        """Ask what it has counted, and how its connections are; one that owes answers is asked no more."""
        if not self._hears or len(self._asked) >= MAX_ASKED:
            return succeed(self.counted)
        number = next(self._numbers)
        answer: Deferred[Message] = Deferred()
        self._asked[number] = answer
        self.say({"do": "tell", "number": number})
        answer.addTimeout(ANSWER_SECONDS, self._reactor)
        return answer.addErrback(lambda _: self.counted)

    def kill(self) -> None:
        """End it at once, if it is there."""
        if self.transport is None or self.ended.called:
            return
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")

    def connectionMade(self) -> None:
        """It is started."""
        self._hears = True
        self._channel.makeConnection(self.transport)

    def childDataReceived(self, childFD: int, data: bytes) -> None:  # noqa: N803  # Twisted's name
        """It says something."""
        self._channel.dataReceived(data)

    def childConnectionLost(self, childFD: int) -> None:  # noqa: N803  # Twisted's name
        """It has closed a pipe, as when it exits: somewhat later its end is known."""
        if childFD == self.place.orders:
            self._hears = False

    def processExited(self, reason: Failure) -> None:
        """It is gone; processEnded comes when its pipes are closed."""
        self._closing = self._reactor.callLater(PIPE_SECONDS, self._close_pipes)

    def _close_pipes(self) -> None:
        for descriptor in self.place.orders, self.place.answers:
            self.transport.closeChildFD(descriptor)  # type: ignore[union-attr]  # it was started

    def processEnded(self, reason: Failure) -> None:
        """It is gone, and so is all that it may have wanted to say."""
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        self.ended.callback(reason.value)  # first: the callbacks below ask whether it still runs
        for waiting in (self.up, self.closed):
            if not waiting.called:
                waiting.errback(reason)
                waiting.addErrback(lambda _: None)
        for answer in self._asked.values():
            if not answer.called:
                answer.callback(self.counted)

    def _hear(self, message: Message) -> None:
        if "ready" in message:
            self.was_up = True
            self.up.callback(self)
        elif "accepts" in message and not self.closed.called:
            self.closed.callback(None)
        elif "counters" in message:
            self.counted = message["counters"]
        elif "answer" in message:
            self.counted = {"listeners": message["snapshot"]["listeners"]}  # what was told never goes back
            answer = self._asked.pop(message["answer"])
            if not answer.called:
                answer.callback(message["snapshot"])
