"""The greeting in plain Twisted: one thread, and a ``LineReceiver`` for each client.

Right: nobody waits for another client; a line has an end, at 16 KiB; names stay bytes.
Wrong: a half-close loses a last line without a newline, and what is not sent yet; what a client does not
read fills the memory; one that says nothing stays for ever; SIGTERM cuts answers.
"""

import sys
from typing import Any

from twisted.internet import defer, endpoints, protocol, task
from twisted.protocols.basic import LineReceiver


class Greeting(LineReceiver):
    """What the server does with a client."""

    delimiter = b"\n"

    def connectionMade(self) -> None:
        self.transport.write(b"Welcome!")

    def lineReceived(self, line: bytes) -> None:
        name = line.rstrip(b"\r")
        if name == b"exit":
            self.transport.loseConnection()
        elif name:
            self.sendLine(b"Hello, " + name + b"!" + line[len(name) :])


class Greeter(LineReceiver):
    """A client: says names, one after the other's answer, and prints what comes."""

    delimiter = b"\n"

    def __init__(self, names: list[str]) -> None:
        self.names, self.done = iter(names), defer.Deferred[None]()

    def connectionMade(self) -> None:
        self.sendLine(next(self.names).encode())

    def lineReceived(self, line: bytes) -> None:
        print(line.decode())
        self.connectionMade()

    def connectionLost(self, reason: Any = None) -> None:
        self.done.callback(None)


async def main(reactor: Any, what: str, port: str, *names: str) -> None:
    """Serve, or be a client."""
    if what == "serve":
        reactor.listenTCP(int(port), protocol.Factory.forProtocol(Greeting), interface="127.0.0.1")
        await defer.Deferred()
    client = endpoints.clientFromString(reactor, f"tcp:127.0.0.1:{port}")
    await (await endpoints.connectProtocol(client, Greeter([*names, "exit"]))).done


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
