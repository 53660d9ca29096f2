"""Servers that believe that datagrams come from friends."""

import asyncio
import socket
from typing import Any

from sockproto.check.spoken import CHARGEN, LINES, PROTOCOLS
from tests.check.servers import Server

ANSWERERS = tuple(name for name in PROTOCOLS if name != "discard")
IP_RECVERR = 11  # ip(7)


class StopsAtAnEmptyOne(Server):
    """Takes it for the end, as it would be of a stream."""

    protocols = PROTOCOLS
    fails = "datagrams.an-empty-one-harms-nobody"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        if not datagram:
            raise EOFError
        return super().respond(datagram, port)


class IgnoresEmptyOnes(Server):
    protocols = ("echo",)
    fails = "datagrams.an-empty-one-comes-back"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        return super().respond(datagram, port) or None


class CutsLargeOnes(Server):
    """``recvfrom(1024)``."""

    protocols = ("echo", *LINES)
    fails = "datagrams.each-size-comes-back datagrams.a-large-one-is-not-cut"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        return super().respond(datagram[:1_024], port)


class StopsAtALargeOne(Server):
    protocols = PROTOCOLS
    fails = "datagrams.the-largest-harms-nobody"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        if len(datagram) > 60_000:
            raise MemoryError
        return super().respond(datagram, port)


class AnswersTheFirst(Server):
    """Keeps the address of its client in a global variable."""

    protocols = ANSWERERS
    fails = "datagrams.each-gets-one-answer"
    address: Any = None

    def take_datagram(self, sock: socket.socket) -> None:
        datagram, address = sock.recvfrom(65_535)
        self.address = self.address or address
        if (reply := self.respond(datagram, 1024)) is not None:
            sock.sendto(reply, self.address)


class AnswersTwice(Server):
    protocols = ANSWERERS
    fails = "datagrams.each-gets-one-answer"

    def take_datagram(self, sock: socket.socket) -> None:
        datagram, address = sock.recvfrom(65_535)
        if (reply := self.respond(datagram, 1024)) is not None:
            sock.sendto(reply, address)
            sock.sendto(reply, address)


class StopsAtICMP(Server):
    """Lets what ICMP says about one client be the end of all."""

    protocols = ANSWERERS
    fails = "datagrams.clients-that-are-gone"
    dead = False

    def take_datagram(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        datagram, address = sock.recvfrom(65_535)
        if self.dead:
            raise EOFError
        reply = self.respond(datagram, address[1])
        if reply is not None:
            asyncio.get_running_loop().call_later(0.01, self.send_late, sock, reply, address)

    def send_late(self, sock: socket.socket, reply: bytes, address: Any) -> None:
        """Answer, when the client is gone."""
        try:
            if not self.dead:
                sock.sendto(reply, address)
        except OSError:
            self.dead = True


class SaysMuch(Server):
    protocols = tuple(name for name in ANSWERERS if name != "echo")
    fails = "datagrams.little-is-not-amplified"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        return CHARGEN[:1_000]
