"""Servers that do not know how to end."""

import asyncio
import os
import socket

from sockproto.check.spoken import LINES, PROTOCOLS
from tests.check.servers import Server


class IgnoresSIGTERM(Server):
    protocols = PROTOCOLS
    fails = "shutdown.it-ends-in-time"

    def terminated(self, asked: asyncio.Event) -> None:
        pass


class FallsDead(Server):
    """What a process does that knows nothing of SIGTERM."""

    protocols = LINES
    fails = "shutdown.no-answer-is-cut"

    def terminated(self, asked: asyncio.Event) -> None:
        os._exit(0)


class ListensOnce(Server):
    """Does not ask for ``SO_REUSEADDR``: for a minute its port is held by the connections that it had."""

    protocols = PROTOCOLS
    fails = "shutdown.it-can-be-started-again"

    def listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
        return listener
