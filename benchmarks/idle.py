"""Many idle connections to one greeting server: what each costs, and whether others are still served.

::

    python -m benchmarks.idle            # 10,000 of them
    python -m benchmarks.idle 1000 --write docs/reference/measured/stock.md
"""

import argparse
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.pages import provenance, write_section
from benchmarks.stock import Process
from tests.hanging import TIMEOUT
from tests.live.clients import receive, tcp_client

WELCOME = b"Welcome!"
SOURCES = 100
"""Source addresses, so that none runs out of ports."""

SPARE = 256
"""Open files besides the connections."""

OPTIONS = ("--tcp-only", "--port", "0", "--max-connections", "0", "--max-connections-per-peer", "0")


def allow_files(count: int) -> None:
    """Raise the soft limit of open files; the server inherits it.

    Raises:
        SystemExit: The hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} files must be open at once, but {hard} may be: ulimit -Hn {count} as root")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def connect(port: int, number: int) -> socket.socket:
    """Make one of many connections, and see that it is served."""
    client = socket.socket()
    client.settimeout(TIMEOUT)
    client.bind((f"127.0.0.{2 + number % SOURCES}", 0))
    client.connect(("127.0.0.1", port))
    assert receive(client, len(WELCOME)) == WELCOME
    return client


def greet(port: int) -> float:
    """See that another client is served; return the seconds it took."""
    began = time.monotonic()
    with tcp_client(port) as client:
        client.sendall(b"Michael\n")
        expected = WELCOME + b"Hello, Michael!\n"
        assert receive(client, len(expected)) == expected
    return time.monotonic() - began


def measure(count: int) -> str:
    """Hold so many connections; return what that costs, in words."""
    allow_files(count + SPARE)
    server = Process(["sockproto", *OPTIONS], {}, r" on TCP \S+:(\d+)$")
    try:
        port = server.port
        greet(port)
        before = server.resident_bytes()
        with ExitStack() as stack:
            clients = [stack.enter_context(connect(port, number)) for number in range(count)]
            grown = server.resident_bytes() - before
            took = greet(port)
            last = clients[-1]
            last.sendall(b"Tracy\n")
            assert receive(last, 14) == b"Hello, Tracy!\n"
    finally:
        server.end()
    return (
        f"{count:,} idle connections held: {grown / 1e6:.1f} MB more of memory, {grown / count:,.0f} bytes "
        f"each; another client was greeted in {took * 1000:.1f} ms."
    )


def main() -> None:
    """Print the figure; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__)
    parser.add_argument("connections", type=int, nargs="?", default=10_000)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the figure into this document too")
    arguments = parser.parse_args()
    if arguments.connections < 1:
        parser.error("at least one connection")
    figure = measure(arguments.connections)
    command = f"python -m benchmarks.idle {arguments.connections}"
    text = "\n\n".join(["## Idle connections", provenance(command), figure])
    print(text)
    if arguments.write:
        write_section(arguments.write, "idle", text)


if __name__ == "__main__":
    main()
