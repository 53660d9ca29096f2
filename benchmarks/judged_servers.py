"""The servers that ``benchmarks.judged`` judges and that no command of their own starts.

Each is as its documentation has it, or the same in a loop where the documentation serves one message only::

    python benchmarks/judged_servers.py wire echo 9999
"""

import asyncio
import os
import socketserver
import sys
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"

XINETD = """
service {name}
{{
    type = INTERNAL UNLISTED
    id = {name}-{kind}
    socket_type = {kind}
    protocol = {protocol}
    wait = {wait}
    instances = UNLIMITED
    port = {port}
    bind = 127.0.0.1
}}
"""


def xinetd(name: str, port: int, directory: str) -> None:
    """Become xinetd with an internal service, on TCP and UDP, configured by a file in the directory."""
    kinds = ("stream", "tcp", "no"), ("dgram", "udp", "yes")
    services = [
        XINETD.format(name=name, kind=kind, protocol=protocol, wait=wait, port=port)
        for kind, protocol, wait in kinds
    ]
    configuration = Path(directory) / f"xinetd-{port}.conf"
    configuration.write_text("defaults\n{\n    cps = 100000 1\n}\n" + "".join(services))
    os.execvp("xinetd", ["xinetd", "-dontfork", "-f", str(configuration), "-filelog", "/dev/stderr"])


def wire(name: str, port: int) -> None:
    """Serve a protocol of ``twisted.protocols.wire``, as its documentation makes servers."""
    from twisted.internet import reactor
    from twisted.internet.protocol import Factory
    from twisted.protocols import wire

    kinds = wire.Echo, wire.Discard, wire.Chargen, wire.Daytime, wire.Time, wire.QOTD
    loop: Any = reactor
    [kind] = [each for each in kinds if each.__name__.lower() == name]
    loop.listenTCP(port, Factory.forProtocol(kind), interface=HOST)
    loop.run()


class OneRecv(socketserver.BaseRequestHandler):
    """Of the documentation of socketserver: what one ``recv`` gives, here as it came."""

    def handle(self) -> None:
        """Answer once."""
        data = self.request.recv(1024)
        self.request.sendall(data)


class Recvs(socketserver.BaseRequestHandler):
    """The same until the client ends."""

    def handle(self) -> None:
        """Answer whatever comes."""
        while data := self.request.recv(1024):
            self.request.sendall(data)


class Datagram(socketserver.BaseRequestHandler):
    """Of the documentation of socketserver, for UDP."""

    def handle(self) -> None:
        """Answer a datagram."""
        data, sock = self.request
        sock.sendto(data, self.client_address)


def threads(name: str, port: int) -> None:
    """Serve by a thread a client."""
    handler = {"one-recv": OneRecv, "recvs": Recvs, "datagrams": Datagram}[name]
    kind: Any = socketserver.ThreadingUDPServer if name == "datagrams" else socketserver.ThreadingTCPServer
    kind.allow_reuse_address = True  # as the documentation advises
    with kind((HOST, port), handler) as server:
        server.serve_forever()


async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Of the documentation of asyncio: what one ``read`` gives, then the end."""
    data = await reader.read(100)
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same until the client ends."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


class EchoOnce(asyncio.Protocol):
    """Of the documentation of asyncio: what comes first, then the end."""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Send it back, and close."""
        self.transport.write(data)
        self.transport.close()


class Echo(EchoOnce):
    """The same until the client ends."""

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    """Of the documentation of asyncio, for UDP."""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Send it back."""
        self.transport.sendto(data, addr)


async def serve(name: str, port: int) -> None:
    """Serve by asyncio's event loop, for ever."""
    loop = asyncio.get_running_loop()
    if name == "datagrams":
        await loop.create_datagram_endpoint(EchoDatagrams, local_addr=(HOST, port))
    elif name.startswith("stream"):
        handle = answer_once if name == "stream-once" else answer_all
        await asyncio.start_server(handle, HOST, port)
    else:
        await loop.create_server(EchoOnce if name == "protocol-once" else Echo, HOST, port)
    await asyncio.Event().wait()


def main(kind: str, name: str, port: int, *more: str) -> None:
    """Serve."""
    if kind == "xinetd":
        xinetd(name, port, *more)
    elif kind == "wire":
        wire(name, port)
    elif kind == "socketserver":
        threads(name, port)
    else:
        asyncio.run(serve(name, port))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
