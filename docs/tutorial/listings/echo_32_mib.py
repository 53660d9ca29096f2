"""Sends 32 MiB, ends its half of the stream, and counts what comes back; it is busy for up to a second."""

import socket
import sys
from threading import Thread

DATA = bytes(32 * 1024 * 1024)


def send(client):
    """Send it all, then say that no more will come."""
    client.sendall(DATA)
    client.shutdown(socket.SHUT_WR)


with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as client:
    sender = Thread(target=send, args=(client,), daemon=True)
    sender.start()
    sender.join(timeout=1)
    count = 0
    while data := client.recv(65536):
        count += len(data)
    print("all came back" if count == len(DATA) else "some bytes are missing")
