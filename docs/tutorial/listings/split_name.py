"""Sends one name in two pieces, and prints what comes after each of them."""

import socket
import sys

port = int(sys.argv[1])
with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
    for piece in b"Mich", b"ael\n":
        client.sendall(piece)
        try:
            answer = client.recv(1024)
        except TimeoutError:
            answer = b"nothing"
        print(piece, "is answered by", answer)
