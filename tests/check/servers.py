"""A server of every protocol in plain asyncio, which is right; what is wrong about others is in ``faults``.

A fault is a subclass that overrides one thing. All run in one thread of the test's process::

    with Served(Server("echo")) as served:
        judge("echo", "127.0.0.1", served.port)
"""

import asyncio
import contextlib
import socket
import threading
import time
from typing import Any, ClassVar

from sockproto.check.spoken import CHARGEN, PROTOCOLS, SECONDS_1900_TO_1970

QUIET_SECONDS = 0.02
MAX_MESSAGE_BYTES = 65_536
CLOSE_SECONDS = 2.0


class Server:
    """One server; its connections share nothing but this object.

    Attributes:
        protocols: Of which protocols it can be one.
        fails: The cases that it must fail, for faults.
        ending: Whether it has been asked to end.
        port: Where it listens.
    """

    protocols: ClassVar[tuple[str, ...]] = PROTOCOLS
    fails: ClassVar[str] = ""
    ending = False
    port = 0

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self._readings: dict[asyncio.StreamReader, asyncio.Future[bytes]] = {}  # those that go on

    # What it says.

    welcome = b"Welcome!"

    def say(self) -> bytes:
        """Return what is said on a connection, before the end."""
        if self.protocol == "time":
            return int(time.time() + SECONDS_1900_TO_1970).to_bytes(4, "big")
        if self.protocol == "daytime":
            return time.ctime().encode() + b"\r\n"
        return b"Welcome!\r\n"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        """Answer a line."""
        if self.protocol == "greeting":
            return b"Hello, " + line + b"!" + newline if line else b""
        return self.obey(line)

    def obey(self, line: bytes) -> bytes:
        """Do what a line says."""
        word, _, rest = line.partition(b" ")
        if word == b"/version":
            return b"Demo version\n"
        if word == b"/echo":
            return line[5:] + b"\n"
        if word == b"/help":
            return b"/echo TEXT: gives it back\n" if rest else b"/echo /help /version\n"
        if word.startswith(b"/"):
            return b"error: unknown command; /help lists them\n"
        return b""

    def close(self) -> None:
        """Give back what it has; called at the end."""

    # How it listens, and ends.

    def listen(self, port: int) -> socket.socket:
        """Return a socket that listens."""
        return socket.create_server(("127.0.0.1", port), backlog=512)

    def accept(self, listener: socket.socket) -> socket.socket:
        """Return the next connection."""
        return listener.accept()[0]

    def terminated(self, asked: asyncio.Event) -> None:
        """Take SIGTERM."""
        asked.set()

    # How it speaks on a stream.

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, to its end."""
        try:
            try:
                await self.converse(reader, writer)
            except asyncio.CancelledError:  # between two messages
                if not self.ending:
                    raise
            await self.finish(reader, writer)
        except OSError:  # the client is gone
            pass
        finally:
            writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say what there is to say."""
        if self.protocol == "echo":
            await self.give_back(reader, writer)
        elif self.protocol == "discard":
            while await reader.read(65_536):
                pass
        elif self.protocol == "chargen":
            while True:
                writer.write(CHARGEN)
                await writer.drain()
        elif self.protocol in ("greeting", "command"):
            await self.talk(reader, writer)
        else:
            writer.write(self.say())

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Echo."""
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer lines, and in the greeting what is no line."""
        try:
            await self.answer_lines(reader, writer)
        finally:
            if reader in self._readings:
                self._readings.pop(reader).cancel()

    async def answer_lines(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer lines until the end, or until one asks for it."""
        held = b""
        if self.protocol == "greeting":
            writer.write(self.welcome)
        while True:
            data = await self.read(reader, QUIET_SECONDS if held and self.protocol == "greeting" else None)
            held += data or b""
            *lines, held = held.split(b"\n")
            ready = [line + b"\n" for line in lines]
            if not data and held:  # it is quiet, or the end
                ready.append(held)
                held = b""
            for message in ready:
                if writer.is_closing() or not self.take(message, writer):
                    return
            if len(held) > MAX_MESSAGE_BYTES + 1:
                writer.write(b"error: message too long\n")
                return
            await writer.drain()
            if data == b"":
                return

    def take(self, message: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer a message, its newline with it; say whether to go on."""
        line = message.removesuffix(b"\n")
        newline = message[len(line) :]
        if line.endswith(b"\r"):
            line, newline = line[:-1], b"\r\n"
        if len(line) > MAX_MESSAGE_BYTES:
            writer.write(b"error: message too long\n")
            return False
        if self.protocol == "greeting" and line == b"exit":
            return False
        writer.write(self.answer(line, newline))
        return True

    async def read(self, reader: asyncio.StreamReader, seconds: float | None) -> bytes | None:
        """Return what comes, ``b""`` at the end, None if nothing comes in time."""
        reading = self._readings.pop(reader, None) or asyncio.ensure_future(reader.read(65_536))
        self._readings[reader] = reading
        await asyncio.wait([reading], timeout=seconds)
        for _ in range(3):  # what was in the kernel's buffer when the time was over has come in time
            await asyncio.sleep(0)
        if not reading.done():
            return None
        del self._readings[reader]
        return reading.result()

    async def finish(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """End the stream so that all of it arrives: what still comes is read, since unread it would reset."""
        await writer.drain()
        writer.write_eof()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.read_all(reader), CLOSE_SECONDS)

    async def read_all(self, reader: asyncio.StreamReader) -> None:
        """Throw away what comes, until the end."""
        while await reader.read(65_536):
            pass

    # How it speaks in datagrams.

    def take_datagram(self, sock: socket.socket) -> None:
        """Answer the next datagram, if it has an answer."""
        datagram, address = sock.recvfrom(65_535)
        reply = self.respond(datagram, address[1])
        if reply is not None:
            sock.sendto(reply, address)

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        """Return the answer to a datagram from a port; None for none."""
        if port < 1024 or port == self.port:
            return None
        reply = self.reply(datagram)
        most = min(4 * len(datagram) + 32, 65_507)
        return None if reply is None or len(reply) > most else reply

    def reply(self, datagram: bytes) -> bytes | None:
        """Return what a datagram is answered."""
        if self.protocol == "echo":
            return datagram
        if self.protocol == "discard":
            return None
        if self.protocol == "chargen":
            return None if datagram and CHARGEN.startswith(datagram) else CHARGEN[: min(len(datagram), 512)]
        if self.protocol in ("greeting", "command"):
            line = datagram.removesuffix(b"\n")
            newline = datagram[len(line) :]
            if newline and line.endswith(b"\r"):
                line, newline = line[:-1], b"\r\n"
            if line == b"exit" or self.is_reply(line):
                return None
            return self.answer(line, newline) or None
        said = self.say()
        return None if self.is_reply(datagram) else said

    def is_reply(self, datagram: bytes) -> bool:
        """Say whether it is shaped like what we say: then two servers would answer each other for ever."""
        if self.protocol == "greeting":
            return datagram.startswith(b"Hello, ") and datagram.endswith(b"!")
        if self.protocol == "command":
            return datagram.startswith(b"error:")
        if self.protocol == "daytime":
            return len(datagram) == 26 and datagram[13:14] == datagram[16:17] == b":"
        if self.protocol == "time":
            return len(datagram) == 4
        return datagram == self.say()


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine there; return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


class Served:
    """A server on a port of its own, on TCP and UDP.

    Args:
        server: The server.
        loop: Where to run it; where it is opened, if None.
    """

    def __init__(self, server: Server, loop: Loop | None = None) -> None:
        self._server, self._loop = server, loop

    def __enter__(self) -> "Served":
        assert self._loop is not None
        self._loop.run(self.open())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.run(self.close())

    async def open(self, port: int = 0) -> None:
        """Listen; on any port that is free if it is 0."""
        self._connections: dict[asyncio.Task[None], socket.socket] = {}
        while True:
            self._listener = self._server.listen(port)
            self._listener.setblocking(False)
            self.port = self._server.port = self._listener.getsockname()[1]
            try:
                self._datagrams = socket.socket(type=socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                self._datagrams.bind(("127.0.0.1", self.port))
                break
            except OSError:  # somebody has that port
                self._listener.close()
                self._datagrams.close()
                if port:
                    raise
        asyncio.get_running_loop().add_reader(self._listener, self._accept)
        asyncio.get_running_loop().add_reader(self._datagrams, self._take_datagram)

    async def close(self) -> None:
        """Listen no more, and end what is connected."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._stop_datagrams()
        connections = dict(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed first
        for sock in connections.values():
            sock.close()
        self._server.close()

    def _accept(self) -> None:
        # Not asyncio's own server: connections that come while it closes are never closed.
        with contextlib.suppress(OSError):
            sock = self._server.accept(self._listener)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.ensure_future(self._serve(sock))
            self._connections[task] = sock
            task.add_done_callback(self._connections.pop)

    def _take_datagram(self) -> None:
        # Not asyncio's own: its transport sends no empty datagrams.
        try:
            self._server.take_datagram(self._datagrams)
        except BlockingIOError:
            pass
        except Exception:  # a fault, in its own words
            self._stop_datagrams()

    def _stop_datagrams(self) -> None:
        if self._datagrams.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._datagrams)
            self._datagrams.close()

    async def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client is gone already
            reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
            try:
                await self._server.serve(reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()
                raise
