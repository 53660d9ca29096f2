"""The greeting over blocking sockets: one client after the other.

Right: a line is a name, however its bytes are split; names stay bytes, so that none is refused; a client
that goes away ends its own conversation, not the server.
Wrong: everybody waits until this client has done, for ever if it says nothing; a line that does not end
fills the memory; SIGTERM ends the process in the middle of an answer.
"""

import socket
import sys

HOST = "127.0.0.1"


def serve(port: int) -> None:
    """Greet clients, one after the other."""
    with socket.create_server((HOST, port)) as listener:
        while True:
            client, _ = listener.accept()
            try:
                with client:
                    answer(client)
            except OSError as error:  # it has gone away
                print(error, file=sys.stderr)


def answer(client: socket.socket) -> None:
    """Greet one client until it has done."""
    client.sendall(b"Welcome!")
    with client.makefile("rb") as lines:
        for line in lines:
            name = line.rstrip(b"\r\n")
            if name == b"exit":
                return
            if name:
                client.sendall(b"Hello, " + name + b"!" + line[len(name) :])


def greet(port: int, names: list[str]) -> None:
    """Say names, one after the other's answer, and print what comes."""
    with socket.create_connection((HOST, port), timeout=10) as server, server.makefile("rb") as answers:
        for name in [*names, "exit"]:
            server.sendall(name.encode() + b"\n")
            print(answers.readline().decode(), end="")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        greet(int(sys.argv[2]), sys.argv[3:])
