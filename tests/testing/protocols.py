"""What protocols meet, with Twisted's transports on real sockets as in memory: they note it."""

from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol, IPullProducer, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer


class Noting(Protocol):
    """Notes what happens to it; echoes, without knowing of half-close."""

    transport: Any

    def __init__(self, notes: list[str], clock: IReactorTime) -> None:
        self.notes, self.clock = notes, clock

    def note(self, what: str) -> None:
        self.notes.append(what)

    def dataReceived(self, data: bytes) -> None:
        self.note(f"data {data.decode()}")
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.note(type(reason.value).__name__)
        self.transport.write(b"after the end")


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Noting):
    def readConnectionLost(self) -> None:
        self.note("read end")
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        self.note("write end")


class Flushes(Noting):
    def connectionMade(self) -> None:
        self.transport.writeSequence([b"x" * 1_000_000, b"y" * 1_000_000])
        self.transport.loseConnection()


class EndsItsHalf(HalfCloseable):
    def connectionMade(self) -> None:
        self.transport.write(b"last words")
        self.transport.loseWriteConnection()


class Aborts(HalfCloseable):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.abortConnection()
        self.note("not yet")


class Raises(Noting):
    def dataReceived(self, data: bytes) -> None:
        raise ZeroDivisionError


class ReadsLater(HalfCloseable):
    def connectionMade(self) -> None:
        self.transport.pauseProducing()
        self.clock.callLater(0.05, self.go_on)

    def go_on(self) -> None:
        self.note("go on")
        self.transport.resumeProducing()


@implementer(IPushProducer)
class Pushes(HalfCloseable):
    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        self.transport.write(b"x" * 65_536)
        self.note("not full")
        self.transport.write(b"x" * 10_000_000)
        self.note("full")

    def pauseProducing(self) -> None:
        self.note("pause")

    def resumeProducing(self) -> None:
        self.note("resume")
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def stopProducing(self) -> None:
        self.note("stop")


@implementer(IPullProducer)
class IsPulled(Noting):
    left = 3

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, False)
        try:
            self.transport.registerProducer(self, False)
        except RuntimeError:
            self.note("one at a time")

    def resumeProducing(self) -> None:
        self.note(f"resume {self.left}")
        self.transport.write(b"%d" % self.left)
        self.left -= 1
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def stopProducing(self) -> None:
        self.note("stop")


class ClosesBeforeItsProducer(IsPulled):
    def connectionMade(self) -> None:
        self.transport.registerProducer(self, False)
        self.transport.loseConnection()  # waits for the producer


class IsStopped(IsPulled):
    left = 10**9


class Speaks(Protocol):
    """Says something; if it is endless, says all again that it hears."""

    transport: Any
    endless = False

    def __init__(self, said: bytes) -> None:
        self.said = said

    def connectionMade(self) -> None:
        self.transport.write(self.said)

    def dataReceived(self, data: bytes) -> None:
        if self.endless:
            self.transport.write(data)


class Deaf(Protocol):
    transport: Any

    def connectionMade(self) -> None:
        self.transport.pauseProducing()
