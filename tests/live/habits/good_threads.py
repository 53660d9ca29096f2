"""Bare sends, by threads: what comes between two pauses is a name, its newline with it."""

import contextlib
import socket
import sys
import threading

QUIET_SECONDS = 0.03
MOST_BYTES = 65_536


def receive(client: socket.socket) -> bytes:
    """Return what comes until it is quiet; nothing at the end."""
    client.settimeout(None)
    name = client.recv(65_536)
    client.settimeout(QUIET_SECONDS)
    with contextlib.suppress(TimeoutError):
        while name and len(name) <= MOST_BYTES:
            data = client.recv(65_536)
            if not data:
                break
            name += data
    return name


def serve(client: socket.socket) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client, contextlib.suppress(OSError):
        client.sendall(b"Welcome!")
        while name := receive(client):
            if name == b"exit" or len(name) > MOST_BYTES:
                break
            client.settimeout(None)
            client.sendall(b"Hello, " + name + b"!")
        client.shutdown(socket.SHUT_WR)
        client.settimeout(2)
        while client.recv(65_536):  # unread, it would reset the connection
            pass


with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512) as listener:
    while True:
        threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
