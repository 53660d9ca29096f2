"""Greets names over a bare socket: a line is a name."""

import socket

with socket.create_server(("127.0.0.1", 7002)) as listener:
    print("listening on port 7002", flush=True)
    while True:
        client, _ = listener.accept()
        with client:
            for line in client.makefile("rb"):
                client.sendall(b"Hello, %b!\n" % line.rstrip(b"\r\n"))
