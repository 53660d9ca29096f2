"""A fetcher with Twisted's web client: ``python fetcher_agent.py URL FILE [SECONDS]``."""

import sys
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import react
from twisted.python.failure import Failure
from twisted.web.client import Agent, RedirectAgent, ResponseDone
from twisted.web.http import PotentialDataLoss


class ToFile(Protocol):
    """Write a body to a file as it comes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.done: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Write what came."""
        self.file.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say how the body ended; without a length it is all until the connection closes."""
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(None)
        else:
            self.done.errback(reason)


@inlineCallbacks
def save(reactor: Any, url: str, path: str) -> Any:
    """Fetch a page into a file."""
    response = yield RedirectAgent(Agent(reactor)).request(b"GET", url.encode())
    with open(path, "wb") as file:
        to_file = ToFile(file)
        response.deliverBody(to_file)
        yield to_file.done


def main(reactor: Any, url: str, path: str, seconds: str = "") -> Any:
    """Fetch, within some time if it is given."""
    done = save(reactor, url, path)
    return done.addTimeout(float(seconds), reactor) if seconds else done


if __name__ == "__main__":
    react(main, sys.argv[1:])
