"""A fetcher as the tutorials have it: ``python fetcher_naive.py URL FILE [SECONDS]``."""

import socket
import sys
from urllib.parse import urlsplit


def fetch(url: str, path: str, timeout: float | None) -> None:
    """Connect, send GET, receive until the end, split at the empty line, save."""
    parts = urlsplit(url)
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    pieces = []
    with socket.create_connection((parts.hostname, parts.port or 80), timeout) as connection:
        connection.sendall(request.encode())
        while data := connection.recv(4096):
            pieces.append(data)
    _, body = b"".join(pieces).split(b"\r\n\r\n", 1)
    with open(path, "wb") as file:
        file.write(body)


fetch(sys.argv[1], sys.argv[2], float(sys.argv[3]) if sys.argv[3:] else None)
