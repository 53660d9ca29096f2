"""Serves echo in a program of its own."""

from echo import EchoFactory
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react


async def main(reactor):
    """Serve until Ctrl-C."""
    await serverFromString(reactor, "tcp:7004:interface=127.0.0.1").listen(EchoFactory())
    print("echo on port 7004", flush=True)
    print("ready: 127.0.0.1:7004")
    await Deferred()


react(main)
