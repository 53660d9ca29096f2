"""What sockproto is to reach, as ratios within one run.

It measures nothing::

    print(table(results))
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.pages import rows
from benchmarks.speed.results import Results
from benchmarks.speed.table import NONE, REFERENCES, TIMES

FEW = ("echo-64-10", "echo-1k-10")
MANY = ("echo-64-500", "echo-1k-500", "echo-10k-500")
BULK = ("echo-100k-10", "echo-100k-500")
IDLE = ("idle-5000", "idle-10000")
CONNECT = ("connect-10", "connect-100")


@dataclass(frozen=True)
class Target:
    """One figure to reach.

    Attributes:
        text: What is measured.
        cases: In each of these.
        peer: Whose figure.
        reference: Of whose it is a multiple; nobody's: it is the figure itself.
        bound: What it is to be at least; at most, where it is the figure itself, or a latency.
        latency: Whether it is the 99th percentile of the latency.
    """

    text: str
    cases: Sequence[str]
    peer: str
    reference: str
    bound: float
    latency: bool = False

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return bool(self.reference) and not self.latency

    def worst(self, results: Results) -> tuple[float, str] | None:
        """Return the figure that is the farthest from the target, and its case; None if there are none."""
        found = []
        for case in self.cases:
            medians = results.medians(case, self.peer)
            ratio = results.slower if self.latency else results.ratio
            value = ratio(case, self.peer, self.reference)
            if not self.reference:
                value = medians.value if medians else None
            if value is not None:
                found.append((value, case))
        return (min if self.at_least else max)(found, default=None)

    def reached(self, value: float) -> bool:
        """Tell whether a figure will do."""
        return value >= self.bound if self.at_least else value <= self.bound

    def shown(self, value: float) -> str:
        """Return a figure with as many digits as tell it from the target."""
        if not self.reference:
            return f"{value:,.0f}"
        digits = 2
        while round(value, digits) == self.bound != value:
            digits += 1
        return f"{value:.{digits}f}"

    def times(self, number: str) -> str:
        """Return a number, and of whose figure it is a multiple."""
        return f"{number} {TIMES} {REFERENCES[self.reference]}" if self.reference else number

    def told(self, value: float) -> str:
        """Return a figure for people."""
        return self.times(self.shown(value))


def several(text: str, cases: Sequence[str], *bounds: tuple[str, str, float]) -> list[Target]:
    """Return targets for the same thing: whose figure, of whose it is a multiple, how many times."""
    return [Target(text, cases, *bound) for bound in bounds]


TARGETS = [
    *several(
        "connect, echo, close",
        CONNECT,
        ("sockproto-lean", "twisted", 1.4),
        ("sockproto-lean", "asyncio", 1.5),
        ("sockproto-lean", "uvloop", 0.7),
        ("sockproto", "twisted", 1.3),
        ("bare-lean", "twisted", 1.4),
        ("bare", "twisted", 1.2),
    ),
    Target("connect, 100 at once: p99", ("connect-100",), "sockproto-lean", "twisted", 1.0, latency=True),
    Target("connect, 100 at once: p99", ("connect-100",), "sockproto", "twisted", 1.0, latency=True),
    *several(
        "connect and be greeted",
        ("greeted",),
        ("sockproto-lean", "twisted", 1.15),
        ("sockproto", "twisted", 1.05),
    ),
    *several(
        "echo, 64 B to 1 KiB, 10 connections",
        FEW,
        ("sockproto-lean", "twisted", 2.4),
        ("sockproto-lean", "asyncio", 0.97),
        ("sockproto-lean", "uvloop", 0.76),
        ("sockproto", "twisted", 1.65),
    ),
    *several(
        "echo, 64 B to 10 KiB, 500 connections",
        MANY,
        ("sockproto-lean", "twisted", 2.1),
        ("sockproto-lean", "asyncio", 0.9),
        ("sockproto", "twisted", 1.5),
    ),
    *several(
        "echo, 64 B to 10 KiB",
        (*FEW, "echo-10k-10", *MANY),
        ("bare-lean", "twisted", 2.0),
        ("bare", "twisted", 1.5),
    ),
    *several(
        "echo, 100 KiB",
        BULK,
        ("sockproto-lean", "twisted", 1.9),
        ("sockproto-lean", "asyncio", 1.0),
        ("sockproto-lean", "uvloop", 1.0),
        ("sockproto", "twisted", 1.6),
    ),
    *several(
        "greetings, depth 1",
        ("lines-1",),
        ("sockproto-lean", "twisted", 2.1),
        ("sockproto", "twisted", 1.4),
    ),
    *several(
        "greetings, depth 16",
        ("lines-16",),
        ("sockproto-lean", "twisted", 2.4),
        ("sockproto-lean", "uvloop", 0.62),
        ("sockproto", "twisted", 2.0),
    ),
    *several(
        "greetings, depth 100",
        ("lines-100",),
        ("sockproto-lean", "twisted", 2.4),
        ("sockproto-lean", "uvloop", 0.56),
        ("sockproto", "twisted", 2.1),
    ),
    *several(
        "UDP echo, 64 B",
        ("udp",),
        ("sockproto-lean", "twisted", 1.3),
        ("sockproto-lean", "uvloop", 0.92),
        ("sockproto", "twisted", 1.3),
        ("sockproto", "uvloop", 0.92),
    ),
    *several("bytes an idle connection", IDLE, ("sockproto-lean", "", 2_000), ("sockproto", "", 2_000)),
]


def missed(results: Results) -> dict[str, list[str]]:
    """Return what was measured and is not reached, in words: of each thing that is measured, by whom."""
    found: dict[str, list[str]] = {}
    for target in TARGETS:
        worst = target.worst(results)
        if worst and not target.reached(worst[0]):
            said = f"`{target.peer}` {target.told(worst[0])}, not {target.bound:,g}"
            found.setdefault(target.text, []).append(said)
    return found


def verdict(results: Results) -> str:
    """Say how many of the targets that were measured are reached, and which are not."""
    measured = sum(target.worst(results) is not None for target in TARGETS)
    lacking = missed(results)
    reached = measured - sum(map(len, lacking.values()))
    lines = [f"- missed: {text}: {'; '.join(each)}" for text, each in lacking.items()]
    return "\n".join([f"**{reached} of {measured} targets are reached.**", *([""] if lines else []), *lines])


def table(results: Results) -> str:
    """Return the targets and what was reached, in the worst of the cases."""
    cells = []
    for target in TARGETS:
        worst = target.worst(results)
        reached = ["not measured", NONE]
        if worst:
            value, case = worst
            number = target.shown(value)
            reached = [number if target.reached(value) else f"**{number}, missed**", case]
        wanted = f"{'≥' if target.at_least else '≤'} {target.times(f'{target.bound:,g}')}"
        cells.append([target.text, f"`{target.peer}`", wanted, *reached])
    return rows(["", "server", "target", "worst", "case"], cells)
