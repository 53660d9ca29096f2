"""The greeting by sockproto: a conversation says what is answered; the carrier does all the rest.

Right: what ``sockproto check`` asks for, names without a newline included. Clients that say nothing, lines
that do not end and answers that nobody reads have limits; at SIGTERM what has come whole is answered.
Wrong: a name that pauses for 20 ms becomes two; where no client sends bare names, take ``Lines``.
"""

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from sockproto import CLOSE, Conversation, QuietLines, ServerService, conversation_definition
from sockproto.client import greet
from sockproto.server.listeners import tcp


class Greeting(Conversation):
    """What the server says; a message is a name."""

    def opened(self, peer: object) -> bytes:
        return b"Welcome!"

    def received(self, name: bytes) -> Any:
        if name == b"exit":
            return CLOSE
        return b"Hello, " + name + b"!" if name else None


# Where a name ends: at a newline, or when nothing follows for 20 ms.
DEFINITION = conversation_definition("greeting", "greets names", Greeting, QuietLines)


async def main(reactor: Any, what: str, port: str, *names: str) -> None:
    """Serve, or be a client: it says names, one after the other's answer, and prints what comes."""
    if what == "serve":
        service = ServerService([tcp("greeting", DEFINITION.factory(), "127.0.0.1", int(port))], reactor)
        service.startService()
        reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
        await Deferred()
    await greet(f"127.0.0.1:{port}", names, newline=b"\n", heard=lambda answer: print(answer.decode()))


if __name__ == "__main__":
    react(main, sys.argv[1:])
