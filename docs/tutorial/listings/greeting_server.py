"""Serves the greeting twice: for clients that send lines, and for those that send bare names too."""

from greeting import GreetingFactory
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react

from sockproto import QuietLines


async def main(reactor):
    """Serve until Ctrl-C."""
    await serverFromString(reactor, "tcp:7005:interface=127.0.0.1").listen(GreetingFactory())
    bare = GreetingFactory(framing=QuietLines)
    await serverFromString(reactor, "tcp:7006:interface=127.0.0.1").listen(bare)
    print("greeting on ports 7005 and 7006", flush=True)
    print("ready: 127.0.0.1:7005 and 127.0.0.1:7006")
    await Deferred()


react(main)
