"""Servers that mind how fast messages come."""

import asyncio

from sockproto.check.spoken import TALKERS
from tests.check.servers import Server


class IsOneReadBehind(Server):
    """Answers a read when the next one comes, and the last one never."""

    protocols = TALKERS
    fails = (
        "pipelining.the-last-answer-is-not-late"
        " half-close.everything-comes-back half-close.every-line-is-answered"
    )

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late = asyncio.StreamReader()
        if self.protocol == "echo":
            task = asyncio.ensure_future(self.give_back(late, writer))
        else:
            task = asyncio.ensure_future(self.talk(late, writer))
        try:
            before = b""
            while data := await reader.read(65_536):
                late.feed_data(before)
                before = data
            late.feed_eof()
            await task
        finally:
            task.cancel()


class ForgetsWhatIsTooMuch(Server):
    """Looks at the first kilobyte of a read."""

    protocols = TALKERS
    fails = (
        "pipelining.every-answer-in-order pipelining.a-thousand-lines-without-an-answer"
        " half-close.everything-comes-back half-close.every-line-is-answered"
    )

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data[:1_000])

    async def read(self, reader: asyncio.StreamReader, seconds: float | None) -> bytes | None:
        data = await super().read(reader, seconds)
        return data and data[:1_000]


class AnswersTheWholeRead(Server):
    """Leaves after ``exit``, but not before the rest of the read."""

    protocols = ("greeting",)
    fails = "pipelining.nothing-after-exit"

    def take(self, message: bytes, writer: asyncio.StreamWriter) -> bool:
        if message.strip() == b"exit":
            self.leaving = True
            return True
        super().take(message, writer)
        return not getattr(self, "leaving", False)
