"""Servers that have no time."""

from asyncio import StreamReader as Reader, StreamWriter as Writer, wait_for

from tests.check.servers import Server


class CutsIdleClients(Server):
    protocols = ("echo", "greeting", "command", "discard")
    fails = "slow.an-idle-client-stays"

    async def serve(self, reader: Reader, writer: Writer) -> None:
        serving = super().serve(reader, writer)
        try:
            await wait_for(serving, 0.1)
        except TimeoutError:
            writer.close()


class TakesAPauseForTheEnd(Server):
    protocols = ("command",)
    fails = "slow.a-pause-inside-a-line"

    async def read(self, reader: Reader, seconds: float | None) -> bytes | None:
        return await super().read(reader, 0.02)
