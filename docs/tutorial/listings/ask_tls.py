"""Asks for a number over TLS, and checks whom it asks."""

import socket
import ssl

context = ssl.create_default_context(cafile="cert.pem")
connection = socket.create_connection(("127.0.0.1", 7016), timeout=10)
with context.wrap_socket(connection, server_hostname="localhost") as client:
    client.sendall(b"Tracy\n")
    print(client.recv(1024))
