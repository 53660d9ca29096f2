"""Sends one name and prints the answer."""

import socket
import sys

port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
    client.sendall(b"Michael\n")
    print(client.recv(1024).decode(), end="")
