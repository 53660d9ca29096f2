"""Sends two names at once, and stops the server as soon as the first one is answered."""

import os
import signal
import socket
from pathlib import Path

with socket.create_connection(("127.0.0.1", 7015), timeout=10) as client:
    client.sendall(b"Michael\nTracy\n")
    answers = client.makefile()
    print(answers.readline(), end="")
    os.kill(int(Path("greeting.pid").read_text()), signal.SIGTERM)
    print(answers.read(), end="")
