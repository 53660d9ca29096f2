"""asyncio's servers: protocols, on its own loop or uvloop's, or streams.

::

    python -m benchmarks.speed.servers.loop_server echo --loop uvloop
    python -m benchmarks.speed.servers.loop_server lines --streams

Protocols join the replies of a read; streams answer line by line, as asyncio's documentation does.
"""

import argparse
import asyncio
from importlib import import_module
from typing import Any, cast

from benchmarks.speed.servers.answers import ANSWERS, WELCOMES, settle_memory

BACKLOG = 1_024
CHUNK_BYTES = 65_536


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


class Lines(Echo):
    """Answers lines, those of a read at once.

    Args:
        kind: Which lines.
    """

    def __init__(self, kind: str) -> None:
        self.answer = ANSWERS[kind]
        self.welcome = WELCOMES.get(kind, b"")
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say welcome."""
        super().connection_made(transport)
        if self.welcome:
            self.transport.write(self.welcome)

    def data_received(self, data: bytes) -> None:
        """Split, answer, join."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if lines:
            self.transport.write(self.answer(lines))


class EchoDatagrams(asyncio.DatagramProtocol):
    """Sends back each datagram."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Send it back."""
        self.transport.sendto(data, addr)


async def echo_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes."""
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    writer.close()


async def answer_stream(kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each line."""
    answer = ANSWERS[kind]
    writer.write(WELCOMES.get(kind, b""))
    while line := await reader.readline():
        writer.write(answer([line[:-1]]))
        await writer.drain()
    writer.close()


async def open_streams(kind: str) -> asyncio.Server:
    """Open a server on streams."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if kind == "echo":
                await echo_stream(reader, writer)
            else:
                await answer_stream(kind, reader, writer)
        except ConnectionError:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0, backlog=BACKLOG)


async def main(kind: str, streams: bool) -> None:
    """Serve."""
    loop = asyncio.get_running_loop()
    if kind == "udp":
        transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, ("127.0.0.1", 0))
        address = transport.get_extra_info("sockname")
    else:
        factory = Echo if kind == "echo" else lambda: Lines(kind)
        server: Any = await (
            open_streams(kind) if streams else loop.create_server(factory, "127.0.0.1", 0, backlog=BACKLOG)
        )
        address = server.sockets[0].getsockname()
    print(address[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind")
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--streams", action="store_true")
    arguments = parser.parse_args()
    settle_memory()
    loops: Any = import_module(arguments.loop)  # which may not be there
    loops.run(main(arguments.kind, arguments.streams))
