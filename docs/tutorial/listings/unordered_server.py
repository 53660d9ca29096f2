"""Answers names in bare Twisted, each when its answer is ready: in the wrong order."""

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater, react
from twisted.protocols.basic import LineReceiver


class Slow(LineReceiver):
    """Needs longer for Michael."""

    delimiter = b"\n"

    def __init__(self, reactor):
        self.reactor = reactor

    def lineReceived(self, line):
        """Answer later."""
        deferLater(self.reactor, 0.3 if line == b"Michael" else 0, self.answer, line)

    def answer(self, name):
        """Answer now."""
        self.sendLine(b"Hello, %b!" % name)


async def main(reactor):
    """Serve until Ctrl-C."""
    factory = Factory.forProtocol(lambda: Slow(reactor))
    await serverFromString(reactor, "tcp:7007:interface=127.0.0.1").listen(factory)
    print("slow greeting on port 7007", flush=True)
    print("ready: 127.0.0.1:7007")
    await Deferred()


react(main)
