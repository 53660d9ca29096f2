"""Servers that greet as the tutorials do, and what a client prints that they greet."""

import socket
import time

GREETED = b"Hello, Michael!\nHello, Tracy!\n"
WELCOMED = b"Welcome!\n" + GREETED


def naive(client: socket.socket, think_seconds: float = 0.3) -> None:
    """Greet as the tutorials do: what a recv gives is a name."""
    client.sendall(b"Welcome!")
    while (name := client.recv(1024)) and name.decode() != "exit":
        time.sleep(think_seconds)
        client.sendall(f"Hello, {name.decode()}!".encode())


def of_lines(client: socket.socket, welcome: bytes = b"Welcome!\n", newline: bytes = b"\n") -> None:
    """Greet names that are lines, for those with a line feed only."""
    client.sendall(welcome)
    with client.makefile("rb") as file:
        for line in file:
            name = line.removesuffix(b"\n")
            if name == b"exit":
                break
            client.sendall(b"Hello, " + name + b"!" + newline)
