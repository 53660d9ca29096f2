"""Servers that take bytes for text."""

import asyncio

from sockproto.check.spoken import TALKERS
from tests.check.servers import Server

ALL = "binary.every-byte binary.every-byte-in-a-datagram"


class Spoils(Server):
    """Does something to all it reads."""

    protocols = TALKERS

    def spoil(self, data: bytes) -> bytes:
        """Do it."""
        return data

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(self.spoil(data))

    async def read(self, reader: asyncio.StreamReader, seconds: float | None) -> bytes | None:
        data = await super().read(reader, seconds)
        return data and self.spoil(data)

    def reply(self, datagram: bytes) -> bytes | None:
        return super().reply(self.spoil(datagram))


class ReplacesWhatIsNoText(Spoils):
    fails = f"{ALL} binary.invalid-utf-8 splits.a-split-character"

    def spoil(self, data: bytes) -> bytes:
        return data.decode("utf-8", "replace").encode()


class CutsAtNul(Spoils):
    fails = f"{ALL} binary.a-nul"

    def spoil(self, data: bytes) -> bytes:
        return b"\n".join(line.partition(b"\x00")[0] for line in data.split(b"\n"))


class TakesCRForANewline(Spoils):
    fails = "binary.a-cr-inside-a-line"

    def spoil(self, data: bytes) -> bytes:
        return data.replace(b"\r", b"\n")
