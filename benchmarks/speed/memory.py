"""What idle connections cost a server in memory.

Each is answered once, so that all of it is there, and then kept::

    bytes_of_idle(pid, port, 10_000, request, reply)
"""

import os
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

SOURCES = 250
"""Addresses to connect from, so that none runs out of ports."""

PATIENCE_SECONDS = 10.0
SETTLE_SECONDS = 0.3
SPARE = 256
"""Open files besides the connections."""


def allow_files(count: int) -> bool:
    """Raise the limit of open files, which servers inherit, for so many connections; return whether."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return True
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has in use now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def connected(port: int, number: int, request: bytes, reply: bytes) -> socket.socket:
    """Make one of many connections, and see that it is answered.

    Raises:
        OSError: It isn't.
    """
    client = socket.socket()
    client.settimeout(PATIENCE_SECONDS)
    client.bind((f"127.1.0.{1 + number % SOURCES}", 0))
    client.connect(("127.0.0.1", port))
    client.sendall(request)
    if client.recv(len(reply), socket.MSG_WAITALL) != reply:
        raise OSError(f"connection {number + 1:,} was not answered, or wrongly")
    return client


def bytes_of_idle(pid: int, port: int, count: int, request: bytes, reply: bytes) -> float:
    """Return the memory that each of so many connections costs.

    Raises:
        OSError: The server doesn't answer so many.
    """
    with ExitStack() as stack:
        stack.enter_context(
            connected(port, 0, request, reply)
        )  # what the first one alone has made is no cost
        before = resident_bytes(pid)
        for number in range(count):
            stack.enter_context(connected(port, number, request, reply))
        time.sleep(SETTLE_SECONDS)
        return (resident_bytes(pid) - before) / count
