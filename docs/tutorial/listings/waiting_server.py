"""Serves the patient greeting with a directory that is slow for one name."""

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater, react
from waiting import PatientFactory


async def main(reactor):
    """Serve until Ctrl-C."""

    async def find_title(name):
        if name == b"Michael":
            await deferLater(reactor, 0.3)
            return b"Doctor"
        raise LookupError(name)

    factory = PatientFactory(find_title)
    await serverFromString(reactor, "tcp:7008:interface=127.0.0.1").listen(factory)
    print("patient greeting on port 7008", flush=True)
    print("ready: 127.0.0.1:7008")
    await Deferred()


react(main)
