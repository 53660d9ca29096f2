"""gevent's servers, a greenlet a connection; the replies of a read are joined.

::

    python -m benchmarks.speed.servers.gevent_server echo
"""

import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from benchmarks.speed.servers.answers import ANSWERS, WELCOMES, settle_memory

BACKLOG = 1_024
CHUNK_BYTES = 65_536
gevent: Any = import_module("gevent.server")  # which may not be there


def serve_echo(connection: Any, address: Any) -> None:
    """Send back what comes."""
    while data := connection.recv(CHUNK_BYTES):
        connection.sendall(data)


def serve_lines(connection: Any, address: Any) -> None:
    """Answer lines, those of a read at once."""
    answer, rest = ANSWERS[kind], b""
    connection.sendall(WELCOMES.get(kind, b""))
    while data := connection.recv(CHUNK_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        connection.sendall(answer(lines))


class EchoDatagrams(gevent.DatagramServer):  # type: ignore[misc]  # has no types
    """Sends back each datagram."""

    def handle(self, data: bytes, address: Any) -> None:
        """Send it back."""
        self.socket.sendto(data, address)


def quietly(serve: Any) -> Any:
    """Return the same without tracebacks of peers that are gone."""

    def quiet(connection: Any, address: Any) -> None:
        with suppress(ConnectionError):
            serve(connection, address)

    return quiet


settle_memory()
kind = sys.argv[1]
if kind == "udp":
    server: Any = EchoDatagrams("127.0.0.1:0")
else:
    serve = quietly(serve_echo if kind == "echo" else serve_lines)
    server = gevent.StreamServer(("127.0.0.1", 0), serve, backlog=BACKLOG)
server.start()
print(server.address[1] if kind != "udp" else server.socket.getsockname()[1], flush=True)
server.serve_forever()
