"""The connections that a port of ours accepts, which ask for an answer, over a socket in memory."""

from typing import Any

from twisted.internet.interfaces import IAddress

from sockproto.reactor.connections import TCPConnection
from sockproto.reactor.memory import Loop
from sockproto.testing import Transport
from sockproto.testing.sockets import MemorySocket
from sockproto.testing.transports import HOST, PEER


class FastTransport(Transport, TCPConnection):
    """A connection of ours that notes what the test kit's transport does."""

    reading = vars(TCPConnection)["reading"]

    def __init__(
        self,
        socket: MemorySocket,
        protocol: Any,
        loop: Loop,
        host: IAddress = HOST,
        peer: IAddress = PEER,
    ) -> None:
        asked: Any = peer
        self.host: Any
        client = (asked.host, asked.port)
        TCPConnection.__init__(self, socket, protocol, client, None, 1, loop)  # type: ignore[arg-type]
        self.half_closing = self.aborted = False
        self._unsent = 0
        self._host, self._peer = host, peer
        self.host = host
        self.writes: list[bytes] = []
        self.most_held = 0
        self.faults: list[str] = []
        self.reason = None

    def send_now(self, data: bytes) -> Any:
        if not self.writes or self.writes[-1] is not data:  # not written, but answered
            self.writes.append(data)
            self._unsent += len(data)
        return super().send_now(data)
