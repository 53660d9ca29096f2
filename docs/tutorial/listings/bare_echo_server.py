"""Echo in bare Twisted. It loses bytes, as the page shows."""

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import react


class BareEcho(Protocol):
    """Writes what it reads."""

    def dataReceived(self, data):
        """Twisted calls this for every read."""
        self.transport.write(data)


async def main(reactor):
    """Serve until Ctrl-C."""
    await serverFromString(reactor, "tcp:7003:interface=127.0.0.1").listen(Factory.forProtocol(BareEcho))
    print("echo on port 7003", flush=True)
    print("ready: 127.0.0.1:7003")
    await Deferred()


react(main)
