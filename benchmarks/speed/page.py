"""The page about it: provenance, tables, picture.

It measures nothing::

    Page(["python", "-m", "benchmarks.speed"], cases, peers, results).write(PAGE)
"""

import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.pages import MEASURED, ROOT, has_section, provenance, rows, write_section
from benchmarks.speed import picture, targets
from benchmarks.speed.cases import Case
from benchmarks.speed.peers import Peer
from benchmarks.speed.results import Results
from benchmarks.speed.table import (
    REFERENCES,
    TIMES,
    apart,
    comparison,
    details,
    figures,
    finding,
    memory,
    summary,
)

PAGE = MEASURED / "performance.md"
README = ROOT / "README.md"
README_CASES = ("echo-1k-10", "lines-100", "udp", "connect-10")
HEAD = """# How fast it is

<!-- verdict: written by a script -->
<!-- end of verdict -->

## How it is measured

sockproto, with all its limits on and their values above the load, against other servers that do the same.
One command measures everything; the machine should do nothing else meanwhile. Peers that can't be built or
imported there are left out:

```sh
python3 -m venv .bench && .bench/bin/pip install -e '.[bench]'
.bench/bin/python -m benchmarks.speed --write
```

Each server is one process on one core; the load generator, in C, has another, and compares every byte that
comes back. Peers take turns, each in a new process every time. Figures are medians of the rounds; *spread* is
how far these are apart. A connection has one request outstanding, or a batch of lines (*depth*). *Of CPU*: a
second of the server's CPU time, user and system; ratios are of these, since what else a machine does
changes them least. *p99*: the 99th percentile of the latency of requests, or of whole batches. The file has
more: the rate by the clock, other percentiles, and which part of its core the generator used; near 1 that is
the limit, and not the server.

C, Go, gevent and the protocols of asyncio and uvloop join the replies to the lines of a read by hand;
asyncio's streams, `socketserver` and stock Twisted's `LineReceiver` answer line by line, as documented.
All servers in Python begin with freeing a large block: until a process has done that, glibc maps and
unmaps memory for each read that is as large as asyncio's, and asyncio stays at a third of its rate.
"""

FASTER = (
    "Requests, lines or connections for each second of CPU time, as multiples of the others'; more than 1 is "
    "faster. sockproto has its lean reactor, as `sockproto serve` has; on Twisted's it is in [each "
    "case](#each-case)."
)
TARGETS = (
    "`sockproto-lean` is sockproto on its lean reactor, `sockproto` on Twisted's epoll reactor; `bare` and "
    "`bare-lean` are a bare Protocol on our transport. Why something is missed: "
    "[where the time goes](#where-the-time-goes)."
)


@dataclass(frozen=True)
class Page:
    """What is printed and written.

    Attributes:
        command: What measured it.
        cases: What was measured.
        peers: Who was measured.
        results: What came of it.
        notes: What else there is to say.
    """

    command: Sequence[str]
    cases: Sequence[Case]
    peers: Sequence[Peer]
    results: Results
    notes: Sequence[str] = ()

    @property
    def origin(self) -> str:
        """When, where and with what it was measured."""
        return f"{provenance(shlex.join(self.command))} {machine(self.peers)}"

    def verdict(self, drawing: str = "", file: str = "") -> str:
        """Return what is to be known first; *drawing* and *file* are where picture and figures are."""
        parts = [finding(self.cases, self.results), apart(self.cases, self.peers, self.results)]
        if drawing:
            parts.append(f"![{picture.TITLE}]({drawing})")
        parts += [FASTER, summary(self.cases, self.results)]
        if idle := memory(self.cases, self.results):
            parts += ["An idle connection takes so many bytes; less is better.", idle]
        parts += [TARGETS, targets.verdict(self.results), self.origin]
        parts.append("\n".join(self.notes))
        if file:
            parts.append(f"All figures: [{file}]({file}).")
        return "\n\n".join(part for part in parts if part)

    def text(self) -> str:
        """Return the details."""
        parts = ["## Targets", targets.table(self.results), "## Each case"]
        parts += [details(case, self.peers, self.results) for case in self.cases]
        return "\n\n".join(parts)

    def readme(self) -> str:
        """Return the few lines for the README."""
        heads = ["", *(f"{TIMES} {name}" for name in REFERENCES.values())]
        few = [case for case in self.cases if case.name in README_CASES]
        return rows(heads, [comparison(case, self.results) for case in few])

    def write(self, path: Path) -> None:
        """Put it into its place on a page, made if it is not there, and picture and figures beside it."""
        if not path.exists():
            path.write_text(HEAD)
        drawing, file = path.with_suffix(".svg"), path.with_suffix(".csv")
        write_section(path, "verdict", self.verdict(drawing.name, file.name))
        write_section(path, "speed", self.text())
        drawing.write_text(picture.svg(self.cases, self.results))
        file.write_text(figures(self.cases, self.peers, self.results))

    def write_readme(self, path: Path) -> None:
        """Put the few lines into the README, if it has a place for them."""
        if has_section(path, "speed"):
            write_section(path, "speed", self.readme())


def machine(peers: Sequence[Peer]) -> str:
    """Tell the processor, and the versions of compilers and packages that are measured."""
    processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    parts = [processor[1] if processor else platform.machine()]
    if shutil.which("cc"):
        parts.append(f"cc {told('cc', '-dumpfullversion')}")
    if any(peer.server.endswith(".go") for peer in peers):
        parts.append(told("go", "version").removeprefix("go version "))
    parts += [f"{package} {version(package)}" for package in sorted({peer.needs for peer in peers} - {""})]
    return f"Machine: {', '.join(parts)}."


def told(*command: str) -> str:
    """Return what a compiler says of itself."""
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
