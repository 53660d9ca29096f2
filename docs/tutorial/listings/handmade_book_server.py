"""Serves the handmade phone book."""

from handmade_book import HandmadeBookFactory
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react


async def main(reactor):
    """Serve until Ctrl-C."""
    await serverFromString(reactor, "tcp:7009:interface=127.0.0.1").listen(HandmadeBookFactory())
    print("phone book on port 7009", flush=True)
    print("ready: 127.0.0.1:7009")
    await Deferred()


react(main)
