"""As the socket tutorials show it: a ``recv`` is a name, and text; nobody looks for the end of the stream."""

import socket
import sys
import threading


def serve(client: socket.socket) -> None:
    client.sendall(b"Welcome!")
    while True:
        name = client.recv(1024).decode()
        if name == "exit":
            break
        if name:
            client.sendall(f"Hello, {name}!".encode())
    client.close()


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
