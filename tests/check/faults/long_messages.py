"""Servers that believe that lines are short."""

import asyncio
from asyncio import StreamReader as Reader, StreamWriter as Writer

from sockproto.check.spoken import LINES
from tests.check.servers import Server


class CutsLines(Server):
    """Takes at most 500 bytes of a line."""

    protocols = LINES
    fails = "long-messages.a-thousand-bytes long-messages.sixty-thousand-bytes"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return super().answer(line[:500], newline)


class TakesPartsForLines(Server):
    """What ``recv(1024)`` and ``readline(1024)`` do."""

    protocols = LINES
    fails = "long-messages.sixty-thousand-bytes long-messages.a-megabyte"

    async def read(self, reader: Reader, seconds: float | None) -> bytes | None:
        data = await super().read(reader, seconds)
        return data and b"\n".join(data[place : place + 1_024] for place in range(0, len(data), 1_024))


class HoldsAnyLine(Server):
    """Keeps what has come until a newline does."""

    protocols = (*LINES, "discard")
    fails = "long-messages.a-line-without-end-is-ended long-messages.memory-is-bounded"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        if self.protocol == "greeting":
            writer.write(self.welcome)
        held = bytearray()
        while data := await reader.read(65_536):
            held += data
            *lines, held = held.split(b"\n") if b"\n" in data else [held]
            for line in lines:
                self.take(bytes(line) + b"\n", writer)


class ForgetsWhatCameBefore(Server):
    """Refuses a line too long, and with it what was read before it."""

    protocols = LINES
    fails = "long-messages.what-came-before-is-answered"

    async def read(self, reader: Reader, seconds: float | None) -> bytes | None:
        data = await super().read(reader, seconds)
        if data and len(data) > 1_000:
            return b"x" * 70_000
        return data


class HangsUpInside(Server):
    """Neither answers a line too long nor ends the stream."""

    protocols = LINES
    fails = "long-messages.a-megabyte long-messages.a-line-without-end-is-ended"

    async def finish(self, reader: Reader, writer: Writer) -> None:
        await asyncio.Event().wait()

    def take(self, message: bytes, writer: Writer) -> bool:
        return len(message) < 65_000 and super().take(message, writer)


class DiesOfALongLine(Server):
    """Serves nobody any more."""

    protocols = LINES
    fails = "long-messages.others-do-not-notice"
    dead = False

    async def read(self, reader: Reader, seconds: float | None) -> bytes | None:
        data = await super().read(reader, seconds)
        self.dead = self.dead or len(data or b"") > 10_000
        return b"" if self.dead else data
