"""The standard library's ``socketserver``, a thread a connection, a datagram likewise, as it is documented.

::

    python -m benchmarks.speed.servers.thread_server echo
"""

import socketserver
import sys
from typing import Any

from benchmarks.speed.servers.answers import ANSWERS, WELCOMES, settle_memory

CHUNK_BYTES = 65_536


class Server(socketserver.ThreadingTCPServer):
    """A thread a connection."""

    request_queue_size = 1_024
    daemon_threads = True


class DatagramServer(socketserver.ThreadingUDPServer):
    """A thread a datagram."""

    daemon_threads = True


class Echo(socketserver.BaseRequestHandler):
    """Sends back what comes."""

    def handle(self) -> None:
        """Serve a connection."""
        while data := self.request.recv(CHUNK_BYTES):
            self.request.sendall(data)


class Lines(socketserver.StreamRequestHandler):
    """Answers each line."""

    disable_nagle_algorithm = True  # or each second line waits for the client to acknowledge the first

    def handle(self) -> None:
        """Serve a connection."""
        answer = ANSWERS[kind]
        self.wfile.write(WELCOMES.get(kind, b""))
        for line in self.rfile:
            self.wfile.write(answer([line[:-1]]))


class EchoDatagrams(socketserver.BaseRequestHandler):
    """Sends back each datagram."""

    def handle(self) -> None:
        """Answer a datagram."""
        data, socket = self.request
        socket.sendto(data, self.client_address)


settle_memory()
kind = sys.argv[1]
if kind == "udp":
    server: Any = DatagramServer(("127.0.0.1", 0), EchoDatagrams)
else:
    server = Server(("127.0.0.1", 0), Echo if kind == "echo" else Lines)
server.handle_error = lambda request, client_address: None  # peers that are gone
print(server.server_address[1], flush=True)
server.serve_forever()
