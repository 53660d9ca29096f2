"""Sends a name without a newline, as the socket tutorials do, and waits for the answer."""

import socket
import sys

port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
    print(client.recv(1024))
    client.sendall(b"Michael")
    try:
        print(client.recv(1024))
    except TimeoutError:
        print("no answer")
