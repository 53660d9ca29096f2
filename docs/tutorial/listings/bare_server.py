"""Greets names over a bare socket. It takes one read for one name, which is wrong."""

import socket

with socket.create_server(("127.0.0.1", 7001)) as listener:
    print("listening on port 7001", flush=True)
    while True:
        client, _ = listener.accept()
        with client:
            while name := client.recv(1024):
                client.sendall(b"Hello, %b!\n" % name.rstrip(b"\n"))
