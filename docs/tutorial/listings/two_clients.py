"""Connects twice. Only the second connection says something."""

import socket
import sys

address = "127.0.0.1", int(sys.argv[1])
with socket.create_connection(address), socket.create_connection(address, timeout=1) as second:
    second.sendall(b"Tracy\n")
    try:
        print(second.recv(1024).decode(), end="")
    except TimeoutError:
        print("no answer")
