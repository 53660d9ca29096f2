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

from benchmarks.speed import picture, targets
from benchmarks.speed.cases import Case
from benchmarks.speed.measure import ROOT
from benchmarks.speed.peers import Peer
from benchmarks.speed.results import Results
from benchmarks.speed.table import details, overview, summary
from benchmarks.stock import provenance, write_section

PAGE = ROOT / "docs" / "reference" / "measured" / "performance.md"
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
changes them least. *Generator*: the part of its core that the generator used; near 100% it is the limit, and
not the server. Latencies are those of requests, or of whole batches.

C, Go, gevent and the protocols of asyncio and uvloop join the replies to the lines of a read by hand;
asyncio's streams, `socketserver` and stock Twisted's `LineReceiver` answer line by line, as documented.
All servers in Python begin with freeing a large block: until a process has done that, glibc maps and
unmaps memory for each read that is as large as asyncio's, and asyncio stays at a third of its rate.
"""


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

    def verdict(self) -> str:
        """Return what is to be known first."""
        said = "sockproto for each second of its CPU time, as multiples of the others; all limits on."
        parts = [said, summary(self.cases, self.results), targets.verdict(self.results)]
        return "\n\n".join(parts)

    def text(self, drawing: str = "") -> str:
        """Return it all; *drawing* is where the picture is."""
        parts = ["## Results", self.origin, "\n".join(self.notes)]
        if drawing:
            parts.append(f"![The same as a picture]({drawing})")
        parts += [overview(self.cases, self.peers, self.results)]
        parts += ["## Targets", targets.table(self.results), "## Each case"]
        parts += [details(case, self.peers, self.results) for case in self.cases]
        return "\n\n".join(part for part in parts if part)

    def write(self, path: Path) -> None:
        """Put it into its place on a page, which is made if it is not there, and the picture beside it."""
        if not path.exists():
            path.write_text(HEAD)
        drawing = path.with_suffix(".svg")
        write_section(path, "verdict", self.verdict())
        write_section(path, "speed", self.text(drawing.name))
        drawing.write_text(picture.svg(self.cases, self.peers, self.results, self.origin))


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
