"""Servers that take a half-close for the end, or for nothing."""

import asyncio
import socket
import struct
from asyncio import StreamReader as Reader, StreamWriter as Writer

from sockproto.check.spoken import CHARGEN, LINES, SAYERS
from tests.check.servers import Server


class DropsTheLastLine(Server):
    """What ``LineReceiver`` does."""

    protocols = LINES
    fails = "half-close.a-last-line-without-a-newline"

    def take(self, message: bytes, writer: Writer) -> bool:
        return not message.endswith(b"\n") or super().take(message, writer)


class IgnoresTheEnd(Server):
    protocols = ("echo", "greeting", "command", "discard")
    fails = "half-close.the-end-is-answered-by-the-end"

    async def finish(self, reader: Reader, writer: Writer) -> None:
        await asyncio.Event().wait()


class TakesItForTheEnd(Server):
    """Closes when the client has said all, before it has said anything itself."""

    protocols = SAYERS
    fails = "half-close.the-text-still-comes"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        if await reader.read(1):
            await super().converse(reader, writer)


class ResetsWhenItEnds(Server):
    protocols = ("chargen",)
    fails = "half-close.the-characters-go-on"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        ending = asyncio.ensure_future(self.read_all(reader))
        try:
            while not ending.done():
                writer.write(CHARGEN)
                await writer.drain()
                await asyncio.sleep(0)  # a look at what has come
        finally:
            ending.cancel()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
