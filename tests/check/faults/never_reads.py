"""Servers that mind a client that does not read."""

import asyncio
from asyncio import StreamReader as Reader, StreamWriter as Writer

from sockproto.check.spoken import CHARGEN, PROTOCOLS, TALKERS
from tests.check.servers import Server

PART_BYTES = 74_000
MOST_BYTES = 40 << 20  # enough to be seen, and no more


class BuffersWithoutEnd(Server):
    """Stock ``wire.Echo``, ``wire.Chargen`` and ``LineReceiver``: writes, however much is still unsent."""

    protocols = (*TALKERS, "chargen")
    fails = "never-reads.it-stops-reading never-reads.memory-is-bounded"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        writer.transport.set_write_buffer_limits(high=1 << 40)
        if self.protocol == "chargen":
            for _ in range(MOST_BYTES // len(CHARGEN) // 100):
                writer.write(100 * CHARGEN)
                await asyncio.sleep(0)
            await reader.read()
        else:
            await super().converse(reader, writer)


class DropsWhatDoesNotFit(Server):
    """What comes of a ``send`` whose result nobody looks at."""

    protocols = (*TALKERS, "chargen")
    fails = "never-reads.all-answers-come-in-the-end never-reads.no-character-is-left-out"

    def full(self, writer: Writer) -> bool:
        """Say whether there is no room."""
        return writer.transport.get_write_buffer_size() > 0

    async def give_back(self, reader: Reader, writer: Writer) -> None:
        while data := await reader.read(65_536):
            if not self.full(writer):
                writer.write(data)

    def take(self, message: bytes, writer: Writer) -> bool:
        return self.full(writer) or super().take(message, writer)

    async def converse(self, reader: Reader, writer: Writer) -> None:
        if self.protocol != "chargen":
            await super().converse(reader, writer)
        place = 0
        while self.protocol == "chargen" and not writer.is_closing():
            if not self.full(writer):
                writer.write((12 * CHARGEN)[place : place + PART_BYTES])
            place = (place + PART_BYTES) % len(CHARGEN)
            await asyncio.sleep(0)


class ServesOneAtATime(Server):
    """What every beginner writes: accept, serve, close, and so on."""

    protocols = PROTOCOLS
    fails = (
        "never-reads.others-are-served slow.waiting-clients-delay-nobody long-messages.others-do-not-notice"
    )

    def __init__(self, protocol: str) -> None:
        super().__init__(protocol)
        self.turn = asyncio.Lock()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        async with self.turn:
            await super().serve(reader, writer)
