"""Servers that were tried with one client."""

import errno
import mmap
import socket
from asyncio import StreamReader as Reader, StreamWriter as Writer

from sockproto.check.spoken import PROTOCOLS, TALKERS
from tests.check.servers import Server

KEPT_BYTES = 1 << 18


class ServesTen(Server):
    """Turns away who comes after ten others."""

    protocols = PROTOCOLS
    fails = "many.all-are-served"
    clients = 0

    async def serve(self, reader: Reader, writer: Writer) -> None:
        self.clients += 1
        try:
            if self.clients > 10:
                writer.close()
            else:
                await super().serve(reader, writer)
        finally:
            self.clients -= 1


class AnswersTheLastClient(Server):
    """Keeps its client in a global variable."""

    protocols = TALKERS
    fails = "many.each-gets-its-own-answers many.halves-are-not-mixed"

    async def give_back(self, reader: Reader, writer: Writer) -> None:
        self.writer = writer
        while data := await reader.read(65_536):
            self.writer.write(data)

    async def talk(self, reader: Reader, writer: Writer) -> None:
        self.writer = writer
        await super().talk(reader, writer)

    def take(self, message: bytes, writer: Writer) -> bool:
        return super().take(message, self.writer)


class SharesItsBuffer(Server):
    """Keeps what is no line yet in a class attribute."""

    protocols = TALKERS
    fails = "many.halves-are-not-mixed"
    held = b""

    def pool(self, data: bytes) -> bytes | None:
        """Return all there is, once it ends a line."""
        self.held += data
        if not self.held.endswith(b"\n"):
            return None
        data, self.held = self.held, b""
        return data

    async def give_back(self, reader: Reader, writer: Writer) -> None:
        while data := await reader.read(65_536):
            writer.write(self.pool(data) or b"")

    async def read(self, reader: Reader, seconds: float | None) -> bytes | None:
        data = await super().read(reader, seconds)
        return data and self.pool(data)


class RemembersAll(Server):
    """Keeps something of each connection."""

    protocols = PROTOCOLS
    fails = "many.no-memory-is-left"

    def __init__(self, protocol: str) -> None:
        super().__init__(protocol)
        self.kept: list[mmap.mmap] = []

    async def serve(self, reader: Reader, writer: Writer) -> None:
        self.kept.append(mmap.mmap(-1, KEPT_BYTES))
        self.kept[-1].write(b"x" * KEPT_BYTES)
        await super().serve(reader, writer)

    def close(self) -> None:
        while self.kept:
            self.kept.pop().close()


class DiesOfTooManyFiles(Server):
    """Accepts no more once that has failed."""

    protocols = PROTOCOLS
    fails = "many.descriptors-run-out"
    dead = False

    def accept(self, listener: socket.socket) -> socket.socket:
        if self.dead:
            raise BlockingIOError
        try:
            return super().accept(listener)
        except OSError as error:
            self.dead = error.errno == errno.EMFILE
            raise
