"""Servers that mind how the bytes are split."""

import asyncio

from sockproto.check.spoken import LINES
from tests.check.servers import Server


class TakesReadsForMessages(Server):
    """What every beginner writes: a read is a message."""

    protocols = LINES
    fails = (
        "splits.each-two-way-split splits.byte-by-byte splits.random-cuts splits.all-in-one-segment"
        " splits.a-split-newline splits.a-split-character"
    )

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.protocol == "greeting":
            writer.write(self.welcome)
        while data := await reader.read(65_536):
            if not self.take(data, writer):
                return


class EchoesText(Server):
    """Decodes each read: a character that is split, or no UTF-8, is lost."""

    protocols = ("echo",)
    fails = "splits.a-split-character splits.byte-by-byte"

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data.decode("utf-8", "ignore").encode())


class EchoesTheFirstReadOnly(Server):
    """Reads once."""

    protocols = ("echo",)
    fails = "splits.each-two-way-split splits.random-cuts"

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(65_536))


class EchoesLines(Server):
    """Gives back the first line of each read."""

    protocols = ("echo",)
    fails = "splits.all-in-one-segment"

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data.partition(b"\n")[0] + b"\n")
