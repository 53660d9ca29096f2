"""The greeting by asyncio's streams: one thread, and a task for each client.

Right: nobody waits for another client; ``readline`` waits for a whole line, of 64 KiB at most; ``drain``
waits while a client does not read.
Wrong: a line that is too long is a traceback in the log; a client that says nothing stays for ever; SIGTERM
ends the process in the middle of an answer.
"""

import asyncio
import sys

HOST = "127.0.0.1"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet one client until it has done."""
    try:
        writer.write(b"Welcome!")
        while line := await reader.readline():
            name = line.rstrip(b"\r\n")
            if name == b"exit":
                break
            if name:
                writer.write(b"Hello, " + name + b"!" + line[len(name) :])
                await writer.drain()
    except OSError as error:  # it has gone away
        print(error, file=sys.stderr)
    finally:
        writer.close()


async def serve(port: int) -> None:
    """Greet clients, all at once."""
    async with await asyncio.start_server(answer, HOST, port) as server:
        await server.serve_forever()


async def greet(port: int, names: list[str]) -> None:
    """Say names, one after the other's answer, and print what comes."""
    reader, writer = await asyncio.open_connection(HOST, port)
    for name in [*names, "exit"]:
        writer.write(name.encode() + b"\n")
        print((await reader.readline()).decode(), end="")
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        asyncio.run(asyncio.wait_for(greet(int(sys.argv[2]), sys.argv[3:]), 10))
