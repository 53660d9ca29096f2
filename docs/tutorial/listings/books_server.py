"""Serves the office's phone book, and the guarded one."""

from guarded import GuardedBook
from office import OfficeBook
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater, react

from sockproto import CommandFactory

TOWN = {"Sarah": 5550199}


async def main(reactor):
    """Serve until Ctrl-C."""

    async def ask_town(name):
        await deferLater(reactor, 0.3)
        return TOWN[name]

    office, guarded = CommandFactory(OfficeBook(ask_town)), CommandFactory(GuardedBook())
    await serverFromString(reactor, "tcp:7011:interface=127.0.0.1").listen(office)
    await serverFromString(reactor, "tcp:7012:interface=127.0.0.1").listen(guarded)
    print("phone books on ports 7011 and 7012", flush=True)
    print("ready: 127.0.0.1:7011 and 127.0.0.1:7012")
    await Deferred()


react(main)
