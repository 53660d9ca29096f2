"""Sends two names at once and reads two answers."""

import socket
import sys

port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
    client.sendall(b"Michael\nTracy\n")
    answers = client.makefile()
    print(answers.readline(), answers.readline(), sep="", end="")
