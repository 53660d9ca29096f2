"""What sockproto is to reach, as ratios within one run.

It measures nothing::

    print(table(results))
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.speed.results import Results
from benchmarks.speed.table import NONE, TIMES, rows

SMALL = tuple(f"echo-{size}-{count}" for count in (10, 500) for size in ("64", "1k", "10k"))
BULK = ("echo-100k-10", "echo-100k-500")
LINES = ("lines", "command")
IDLE = ("idle-5000", "idle-10000")


@dataclass(frozen=True)
class Target:
    """One figure to reach.

    Attributes:
        text: What is measured.
        cases: In each of these.
        peer: Whose figure.
        reference: Of whose it is a multiple; nobody's: it is the figure itself.
        bound: What it is to be at least; at most, where it is the figure itself.
    """

    text: str
    cases: Sequence[str]
    peer: str
    reference: str
    bound: float

    def worst(self, results: Results) -> tuple[float, str] | None:
        """Give the figure that is the farthest from the target, and its case; None if there are none."""
        found = []
        for case in self.cases:
            medians = results.medians(case, self.peer)
            value = results.ratio(case, self.peer, self.reference)
            if not self.reference:
                value = medians.value if medians else None
            if value is not None:
                found.append((value, case))
        return (min if self.reference else max)(found, default=None)

    def reached(self, value: float) -> bool:
        """Tell whether a figure will do."""
        return value >= self.bound if self.reference else value <= self.bound


def several(text: str, cases: Sequence[str], *bounds: tuple[str, str, float]) -> list[Target]:
    """Give targets for the same thing: whose figure, of whose it is a multiple, how many times."""
    return [Target(text, cases, *bound) for bound in bounds]


TARGETS = [
    *several(
        "a bare Protocol on our transport, echo up to 10 KiB",
        SMALL,
        ("bare-lean", "twisted", 2.0),
        ("bare-lean", "asyncio", 0.95),
        ("bare-lean", "uvloop", 0.8),
        ("bare", "twisted", 1.5),
    ),
    *several(
        "sockproto, echo up to 10 KiB",
        SMALL,
        ("sockproto-lean", "twisted", 1.8),
        ("sockproto-lean", "asyncio", 0.9),
        ("sockproto", "twisted", 1.4),
    ),
    *several(
        "sockproto, echo of 100 KiB",
        BULK,
        ("sockproto-lean", "twisted", 1.5),
        ("sockproto-lean", "uvloop", 0.8),
    ),
    *several(
        "sockproto, lines", LINES, ("sockproto-lean", "twisted", 1.5), ("sockproto-lean", "uvloop", 0.5)
    ),
    *several(
        "a bare DatagramProtocol on our port, UDP echo",
        ("udp",),
        ("bare-lean", "twisted", 1.25),
        ("bare-lean", "uvloop", 1.0),
    ),
    *several(
        "sockproto, UDP echo",
        ("udp",),
        ("sockproto-lean", "twisted", 1.2),
        ("sockproto-lean", "uvloop", 0.95),
    ),
    *several(
        "sockproto, connect, echo, close",
        ("connect",),
        ("sockproto-lean", "twisted", 1.3),
        ("sockproto-lean", "asyncio", 0.9),
    ),
    *several(
        "sockproto, bytes an idle connection", IDLE, ("sockproto-lean", "", 2_500), ("sockproto", "", 2_500)
    ),
    *several(
        "the framework's own cost",
        (*SMALL, *BULK, *LINES, "udp", "connect"),
        ("sockproto-lean", "bare-lean", 0.85),
        ("sockproto", "bare", 0.85),
    ),
]


def table(results: Results) -> str:
    """Give the targets and what was reached, in the worst of the cases."""
    cells = []
    for target in TARGETS:
        worst = target.worst(results)
        figure = f"{target.bound:,g}"
        wanted = f"≥ {figure} {TIMES} {target.reference}" if target.reference else f"≤ {figure}"
        reached = [NONE, NONE, "not measured"]
        if worst:
            value, case = worst
            number = f"{value:.2f}" if target.reference else f"{value:,.0f}"
            reached = [number, case, "reached" if target.reached(value) else "**missed**"]
        cells.append([target.text, f"`{target.peer}`", wanted, *reached])
    return rows(["", "peer", "target", "worst", "case", ""], cells)
