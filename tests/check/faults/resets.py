"""Servers that do not survive their clients."""

import os
from asyncio import StreamReader as Reader, StreamWriter as Writer

from sockproto.check.spoken import PROTOCOLS
from tests.check.servers import Server


class DiesOfResets(Server):
    """Serves nobody any more after the tenth."""

    protocols = PROTOCOLS
    fails = "resets.at-once resets.in-the-middle resets.with-answers-unread"
    resets = 0

    async def serve(self, reader: Reader, writer: Writer) -> None:
        if self.resets < 10:
            try:
                await self.converse(reader, writer)
                await self.finish(reader, writer)
            except OSError:
                self.resets += 1
        writer.close()


class KeepsDescriptors(Server):
    protocols = PROTOCOLS
    fails = "resets.no-descriptor-is-lost many.no-descriptor-is-left"

    def __init__(self, protocol: str) -> None:
        super().__init__(protocol)
        self.kept: list[int] = []

    async def serve(self, reader: Reader, writer: Writer) -> None:
        self.kept.append(os.dup(writer.get_extra_info("socket").fileno()))
        await super().serve(reader, writer)

    def close(self) -> None:
        while self.kept:
            os.close(self.kept.pop())
