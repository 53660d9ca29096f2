"""Sends two names at once, then prints all that comes back."""

import socket
import sys

port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
    client.sendall(b"Michael\nTracy\n")
    client.shutdown(socket.SHUT_WR)
    print(client.makefile().read(), end="")
