"""Lines, by asyncio's streams: strips the newline, and ends each answer with LF."""

import asyncio
import contextlib
import signal
import sys

MOST_BYTES = 65_536


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Welcome!")
    with contextlib.suppress(ValueError):  # a line that is too long
        while line := await reader.readline():
            name = line.rstrip(b"\r\n")
            if name == b"exit":
                return
            if name:
                writer.write(b"Hello, " + name + b"!\n")
                await writer.drain()


async def finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.write_eof()
    while await reader.read(65_536):  # unread, it would reset the connection
        pass


async def main() -> None:
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            with contextlib.suppress(asyncio.CancelledError):
                await greet(reader, writer)
            await asyncio.wait_for(finish(reader, writer), 2)
        writer.close()
        connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), limit=MOST_BYTES, backlog=512)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    await asked.wait()
    server.close()
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


asyncio.run(main())
