"""What the tests of reactors share: sockets that do what a test says, and a reactor to watch them."""

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.python import context, log
from twisted.trial.unittest import SynchronousTestCase


def around() -> Any:
    """Return the log context that is told here."""
    return context.get(log.ILogContext)


class Selectable(FileDescriptor):
    """A socket that is readable; the test says what happens then.

    Attributes:
        prefix: Its log prefix.
        lost: Why it was disconnected.
    """

    def __init__(self, reactor: Any, does: Callable[[], object], prefix: str = "mine") -> None:
        FileDescriptor.__init__(self, reactor)
        self.ours, self.theirs = socket.socketpair()
        self.does = does
        self.prefix = prefix
        self.lost: Any = None
        self.theirs.send(b"x")
        self.startReading()

    def fileno(self) -> int:
        return self.ours.fileno()

    def logPrefix(self) -> str:
        return self.prefix

    def doRead(self) -> Any:
        return self.does()

    def doWrite(self) -> Any:
        return self.does()

    def connectionLost(self, reason: Any) -> None:
        self.lost = reason
        FileDescriptor.connectionLost(self, reason)

    def readConnectionLost(self, reason: Any) -> None:
        self.half_lost = reason


class FakePoller:
    """Has no events; keeps for how long it was to wait for them."""

    def __init__(self, error: OSError | None = None) -> None:
        self.waited: list[float] = []
        self.error = error

    def poll(self, timeout: float, _: int) -> list[Any]:
        self.waited.append(timeout)
        if self.error:
            raise self.error
        return []

    def register(self, fd: int, events: int) -> None:
        pass

    def close(self) -> None:
        pass


class ReactorTestCase(SynchronousTestCase):
    """Has a reactor that is turned by hand, and hears what is logged."""

    reactor_class: Any

    def setUp(self) -> None:
        self.reactor: Any = self.reactor_class()
        self.made: list[Selectable] = []
        self.events: list[dict[str, Any]] = []
        log.addObserver(self.events.append)
        self.addCleanup(log.removeObserver, self.events.append)
        self.addCleanup(self.close)

    def close(self) -> None:
        self.reactor.removeAll()
        for selectable in self.made:
            selectable.ours.close()
            selectable.theirs.close()
        self.reactor.waker.connectionLost(None)

    def selectable(self, does: Callable[[], object], prefix: str = "mine") -> Selectable:
        self.made.append(Selectable(self.reactor, does, prefix))
        return self.made[-1]

    def turn(self) -> None:
        """Have one turn; afterwards the log context must be what it was."""
        before = around()
        try:
            self.reactor.doIteration(0)
        finally:
            self.assertIs(around(), before)

    def systems(self) -> list[str]:
        """Return the systems of the errors that were logged."""
        return [event["system"] for event in self.events if event.get("isError")]
