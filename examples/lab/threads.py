"""The greeting with a thread for each client, by the standard library's ``socketserver``.

Right: what the blocking server does right; and nobody waits for another client, also not for one that reads
nothing: it stops its own thread.
Wrong: a line that does not end fills the memory; a client that says nothing keeps its thread for ever;
SIGTERM ends the process in the middle of an answer.
"""

import socket
import socketserver
import sys

HOST = "127.0.0.1"


class Greeting(socketserver.StreamRequestHandler):
    """One client, in a thread of its own."""

    def handle(self) -> None:
        """Greet it until it has done."""
        self.wfile.write(b"Welcome!")
        for line in self.rfile:
            name = line.rstrip(b"\r\n")
            if name == b"exit":
                return
            if name:
                self.wfile.write(b"Hello, " + name + b"!" + line[len(name) :])


class Server(socketserver.ThreadingTCPServer):
    """All clients; it can be started again at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # of connections that wait for accept; 5 by default


def greet(port: int, names: list[str]) -> None:
    """Say names, one after the other's answer, and print what comes."""
    with socket.create_connection((HOST, port), timeout=10) as server, server.makefile("rb") as answers:
        for name in [*names, "exit"]:
            server.sendall(name.encode() + b"\n")
            print(answers.readline().decode(), end="")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        with Server((HOST, int(sys.argv[2])), Greeting) as all_clients:
            all_clients.serve_forever()
    else:
        greet(int(sys.argv[2]), sys.argv[3:])
