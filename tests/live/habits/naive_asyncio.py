"""As the documentation of asyncio's streams shows it, in a loop, without ``drain``: a ``read`` is a name."""

import asyncio
import sys


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Welcome!")
    while data := await reader.read(1024):
        if data == b"exit":
            break
        writer.write(b"Hello, " + data + b"!")
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


asyncio.run(main())
