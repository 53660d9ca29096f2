"""What servers are asked, and what must come back; each case a line of one table.

It knows nobody who is measured::

    case = selected(["echo-64-10"])[0]
    requests, replies = exchanges(case)
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmarks.speed.servers.answers import WELCOMES

VARIANTS = 4
"""Requests that differ, sent in turn, so that an old reply is no right one."""


@dataclass(frozen=True)
class Case:
    """One thing to ask of servers.

    Attributes:
        name: For ``--case``.
        title: For people.
        kind: What the server is told to be: ``echo``, ``lines``, ``command``, ``udp`` or ``query``.
        mode: How the load goes: ``stream``, ``datagram`` or ``connect``, the generator's; or ``idle``.
        connections: How many at once.
        size: Bytes of a request, where it is not lines; 0: the welcome is all that is waited for.
        lines: Lines of a request, where it is lines.
    """

    name: str
    title: str
    kind: str
    mode: str
    connections: int
    size: int = 64
    lines: int = 1

    @property
    def welcome(self) -> bytes:
        """What the server says before it is asked."""
        return WELCOMES.get(self.kind, b"") if self.size else b""

    @property
    def unit(self) -> str:
        """What is measured."""
        units = {"idle": "bytes a connection", "connect": "connections/s"}
        return units.get(self.mode, "requests/s" if self.lines == 1 else "lines/s")


SIZES = {"64": ("64 B", 64), "1k": ("1 KiB", 1_024), "10k": ("10 KiB", 10_240), "100k": ("100 KiB", 102_400)}

CASES = [
    *(
        Case(f"echo-{name}-{count}", f"Echo, {title}, {count} connections", "echo", "stream", count, size)
        for count in (10, 500)
        for name, (title, size) in SIZES.items()
    ),
    *(
        Case(
            f"lines-{depth}", f"Greetings, depth {depth}, 10 connections", "lines", "stream", 10, lines=depth
        )
        for depth in (1, 16, 100)
    ),
    Case("command", "Commands, depth 100, 10 connections", "command", "stream", 10, lines=100),
    Case("udp", "UDP echo, 64 B, 10 clients", "udp", "datagram", 10),
    Case("connect-10", "Connect, echo 64 B, close, 10 at once", "echo", "connect", 10),
    Case("connect-100", "Connect, echo 64 B, close, 100 at once", "echo", "connect", 100),
    Case("greeted", "Connect, be greeted, close, 10 at once", "lines", "connect", 10, 0),
    Case("idle-5000", "Memory of 5,000 idle connections", "echo", "idle", 5_000),
    Case("idle-10000", "Memory of 10,000 idle connections", "echo", "idle", 10_000),
]


def selected(patterns: Sequence[str]) -> list[Case]:
    """Return the cases whose names match one of the patterns; all if there are none.

    Raises:
        ValueError: A pattern matches none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in CASES):
            raise ValueError(f"no case {pattern!r}: {', '.join(case.name for case in CASES)}")
    return [case for case in CASES if not patterns or any(fnmatchcase(case.name, p) for p in patterns)]


def exchanges(case: Case) -> tuple[bytes, bytes]:
    """Return the variants of the request, one after the other, and of its reply."""
    if not case.size:
        return b"", WELCOMES[case.kind] * VARIANTS
    names = [b"name%04d" % number for number in range(case.lines * VARIANTS)]
    if case.kind == "lines":
        return b"".join(b"%b\n" % name for name in names), b"".join(b"Hello, %b!\n" % name for name in names)
    if case.kind == "query":
        return b"MEAS:VOLT?\n" * (case.lines * VARIANTS), b"4.25\n" * (case.lines * VARIANTS)
    if case.kind == "command":
        return b"".join(b"/echo %b\n" % name for name in names), b"".join(b" %b\n" % name for name in names)
    data = random.Random(862).randbytes(case.size * VARIANTS)
    return data, data
