"""Four fetchers of pages against the same servers: what each gets right, and what it takes.

The fetcher of the tutorials (``fetcher_naive.py``), ours (``sockproto fetch``), one with Twisted's ``Agent``
(``fetcher_agent.py``) and curl, each as a process of its own, in a few minutes altogether::

    python -m benchmarks.fetchers
    python -m benchmarks.fetchers --write docs/reference/measured/comparison.md
"""

import argparse
import ast
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from types import ModuleType

from twisted import web

from benchmarks.pipe import MEGABYTE, SOCKPROTO
from benchmarks.stock import provenance, write_section
from tests.rawhttp.fetching.behaviours import BEHAVIOURS, find
from tests.rawhttp.fetching.behaviours.answers import lines, ok
from tests.rawhttp.fetching.behaviours.behaviour import GROUPS, Behaviour
from tests.rawhttp.fetching.server import KEEP_OPEN, Script, Server

HERE = Path(__file__).parent
ROOT = HERE.parent
LIMIT = 4.0  # seconds after which a fetcher hangs; the server would end it only after PATIENCE
LARGE_LIMIT = 120.0
AT_ONCE = 4
CHUNK = 20_000

# Nobody needs an option for the body; what else is asked for, each is told in its own way.
TRUST = ("--cacert", "{authority}")
COMMON_OPTIONS = [(), TRUST, ("--max-time", "1"), ("--max-time", "4")]
COMMON_GROUPS = [
    *("length", "chunked", "coding", "close", "empty", "interim", "status", "header", "connection"),
    *("redirect", "content", "fail", "tls"),
]

RIGHT, WRONG, FAILED, HUNG = "right", "wrong", "failed", "hung"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
OUTCOMES = (RIGHT, WRONG, FAILED, HUNG)

Command = Callable[[str, Sequence[str]], list[str]]
"""Makes a command of a URL and of curl's options."""


def naive(url: str, options: Sequence[str]) -> list[str]:
    """Run the tutorials' fetcher."""
    return [sys.executable, str(HERE / "fetcher_naive.py"), url, "out", *seconds(options)]


def ours(url: str, options: Sequence[str]) -> list[str]:
    """Run ours."""
    return [SOCKPROTO, "fetch", *options, "-o", "out", url]


def module(url: str, options: Sequence[str]) -> list[str]:
    """Run ours without the rest of sockproto."""
    return [sys.executable, "-m", "sockproto.rawhttp", *options, "-o", "out", url]


def agent(url: str, options: Sequence[str]) -> list[str]:
    """Run the one with Agent, which gets an authority from its environment."""
    return [sys.executable, str(HERE / "fetcher_agent.py"), url, "out", *seconds(options)]


def curl(url: str, options: Sequence[str]) -> list[str]:
    """Run curl, without anybody's configuration."""
    return ["curl", "-q", "-sSL", *options, "-o", "out", url]


def seconds(options: Sequence[str]) -> list[str]:
    """Return the time that is allowed, if any is."""
    return [options[options.index("--max-time") + 1]] if "--max-time" in options else []


FETCHERS: dict[str, Command] = {
    "naive": naive,
    "`sockproto fetch`": ours,
    "`Agent`": agent,
    "curl": curl,
}
# Ours is a module too, which starts faster; otherwise it is the same.
STARTED: dict[str, Command] = {
    "naive": naive,
    "`sockproto fetch`": ours,
    "`python -m sockproto.rawhttp`": module,
    "`Agent`": agent,
    "curl": curl,
}


@dataclass(frozen=True)
class Ended:
    """How a fetcher ended.

    Attributes:
        status: Its exit status; None: it was ended.
        body: The file that it left.
        seconds: So long it took.
        processor: So long it had a processor, if nothing else ran meanwhile.
        most_bytes: The most memory that it had, if somebody looked.
    """

    status: int | None
    body: bytes | None
    seconds: float
    processor: float
    most_bytes: int = 0


def environment(authority: Path | None = None) -> dict[str, str]:
    """Return our environment without proxies, with an authority to trust where one is asked for."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "SSL_CERT_FILE": str(authority)} if authority else kept


def run(
    command: Sequence[str], trusted: Path | None = None, limit: float = LIMIT, watch: bool = False
) -> Ended:
    """Run a fetcher in a directory of its own; with *watch* look again and again at its memory."""
    with tempfile.TemporaryDirectory() as directory:
        began, used, most, status = time.monotonic(), processor_seconds(), 0, None
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment(trusted),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ended = os.pidfd_open(process.pid)
        while status is None and time.monotonic() < began + limit:
            most = max(most, most_bytes(process.pid)) if watch else 0
            if select.select([ended], [], [], 0.01 if watch else limit)[0]:
                status = process.wait()
        took = time.monotonic() - began
        os.close(ended)
        if status is None:
            process.kill()
            process.wait()
        out = Path(directory, "out")
        used = processor_seconds() - used
        return Ended(status, out.read_bytes() if out.exists() else None, took, used, most)


def processor_seconds() -> float:
    """Return for how long all that has run and ended here had a processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def most_bytes(pid: int) -> int:
    """Return the most memory that a process has had until now."""
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0


# Behaviours.


def common(behaviour: Behaviour) -> bool:
    """Tell whether any fetcher of a page can be judged by a behaviour."""
    return (
        behaviour.group in COMMON_GROUPS
        and behaviour.arguments in COMMON_OPTIONS
        and behaviour.output == ("-o", "out")
        and behaviour.old is None
        and "@" not in behaviour.address
    )


def answer(name: str, rest: str) -> Script | None:
    """Return a script; its end closes the connection, as fetchers ask, unless it is just about that."""
    script = find(name, rest)
    if script is None or name.endswith("kept-open"):
        return script
    return [step for step in script if step is not KEEP_OPEN]


def judged(behaviour: Behaviour, ended: Ended) -> str:
    """Judge a fetcher."""
    if ended.status is None:
        return HUNG
    if ended.status == 0:
        saved = ended.body or b""  # no file at all is as good as an empty one
        return RIGHT if behaviour.body is not None and saved == behaviour.body else WRONG
    return RIGHT if any(behaviour.status) else FAILED


@dataclass
class Score:
    """What came of one fetcher: by group, and how many of its failures left something in the file."""

    groups: dict[str, Counter[str]] = field(default_factory=dict)
    failures: int = 0
    left: int = 0
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, behaviour: Behaviour, ended: Ended) -> None:
        """Count a run."""
        outcome = judged(behaviour, ended)
        self.groups.setdefault(behaviour.group, Counter())[outcome] += 1
        self.names.setdefault(outcome, []).append(behaviour.name)
        if ended.status:
            self.failures += 1
            self.left += ended.body is not None

    def cell(self, group: str) -> str:
        """Tell of a group."""
        return told(self.groups[group]) if group in self.groups else "no https:"

    @property
    def total(self) -> "Counter[str]":
        """All groups together."""
        return sum(self.groups.values(), Counter())


def told(outcomes: "Counter[str]") -> str:
    """Tell how many were right, and what else there was."""
    others = [f"{outcomes[name]} {name}" for name in OUTCOMES[1:] if outcomes[name]]
    return ", ".join([str(outcomes[RIGHT]), *others])


def behaviours(show: bool) -> str:
    """Run all fetchers against all behaviours; return the tables."""
    chosen = [behaviour for behaviour in BEHAVIOURS if common(behaviour)]
    scores = {name: Score() for name in FETCHERS}
    with tempfile.TemporaryDirectory() as directory, Server(answer, Path(directory)) as server:

        def meet(behaviour: Behaviour) -> list[tuple[str, Ended]]:
            url = server.fill(behaviour.address)
            options = [server.fill(option) for option in behaviour.arguments]
            trusted = server.authority if behaviour.arguments == TRUST else None
            return [
                (name, run(command(url, options), trusted))
                for name, command in FETCHERS.items()
                if command is not naive or behaviour.group != "tls"
            ]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for behaviour, met in zip(chosen, pool.map(meet, chosen), strict=True):
                for name, ended in met:
                    scores[name].add(behaviour, ended)
    if show:
        for name, score in scores.items():
            for outcome in OUTCOMES[1:]:
                print(f"{name}: {outcome}: {' '.join(score.names.get(outcome, []))}\n", file=sys.stderr)

    sizes = Counter(behaviour.group for behaviour in chosen)
    rows = [f"| | behaviours | {' | '.join(FETCHERS)} |", "| --- " * (2 + len(FETCHERS)) + "|"]
    for group, title in GROUPS.items():
        if group in sizes:
            cells = [score.cell(group) for score in scores.values()]
            rows.append(f"| {title} | {sizes[group]} | {' | '.join(cells)} |")
    totals = [f"**{told(score.total)}**" for score in scores.values()]
    rows.append(f"| **all** | **{len(chosen)}** | {' | '.join(totals)} |")
    left = [f"{score.left} of {score.failures}" for score in scores.values()]
    rows.append(f"| failures that left something in the file | | {' | '.join(left)} |")
    return "\n".join(rows)


# The large body.


def large(megabytes: int, rounds: int) -> str:
    """Let all fetchers have the same large body; return the table."""
    block = os.urandom(MEGABYTE).replace(b"{", b"}")  # the server fills in what is in braces
    body = block * megabytes
    pieces = b"".join(b"%x\r\n%b\r\n" % (CHUNK, block[at : at + CHUNK]) for at in range(0, MEGABYTE, CHUNK))
    scripts: dict[str, Script] = {
        "small": [ok()],
        "length": [lines(f"Content-Length: {len(body)}"), *[block] * megabytes],
        "chunked": [lines("Transfer-Encoding: chunked"), *[pieces] * megabytes, b"0\r\n\r\n"],
    }
    runs: dict[tuple[str, str], list[Ended]] = {}
    most: dict[tuple[str, str], int] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        Server(lambda name, _: scripts.get(name), Path(directory)) as server,
    ):
        for turn in range(rounds + 1):  # the last one is for memory, and its time is not taken
            for kind in scripts:
                url = f"http://127.0.0.1:{server.ports['plain']}/{kind}"
                for name, command in STARTED.items():
                    ended = run(command(url, ()), None, LARGE_LIMIT, watch=turn == rounds)
                    right = ended.body == (body if kind != "small" else b"hello")
                    if turn == rounds:
                        most[name, kind] = ended.most_bytes
                    else:
                        kept = replace(ended, body=b"" if right else None)
                        runs.setdefault((name, kind), []).append(kept)

    def middle(name: str, kind: str) -> float:
        return median(ended.seconds for ended in runs[name, kind])

    text = []
    for kind, title in ("length", "With Content-Length"), ("chunked", f"In chunks of {CHUNK:,} bytes"):
        heads = [title, "5 bytes", f"{megabytes} MB", "times curl's", "the difference, times curl's"]
        rows = [f"| {' | '.join([*heads, 'processor', 'memory'])} |", "| --- " * 7 + "|"]
        for name in STARTED:
            whole, curls = middle(name, kind), middle("curl", kind)
            alone = (whole - middle(name, "small")) / (curls - middle("curl", "small"))
            cells = [
                told_seconds(runs[name, "small"]),
                told_seconds(runs[name, kind]),
                f"{whole / curls:.2f}",
                f"{alone:.2f}",
                f"{median(ended.processor for ended in runs[name, kind]):.2f} s",
                f"{most[name, kind] / MEGABYTE:.0f} MB",
            ]
            rows.append(f"| {name} | {' | '.join(cells)} |")
        text.append("\n".join(rows))
    return "\n\n".join(text)


def told_seconds(runs: Sequence[Ended]) -> str:
    """Return a median, and say so if what was saved is not what was sent."""
    taken = f"{median(ended.seconds for ended in runs):.2f} s"
    if any(ended.status is None for ended in runs):
        return f"{taken}, hung"
    if any(ended.status for ended in runs):
        return f"{taken}, failed"
    return taken if all(ended.body is not None for ended in runs) else f"{taken}, wrong body"


# Lines.


def code_lines(path: Path) -> int:
    """Return the number of a file's lines with code: neither empty nor comment nor docstring."""
    source = path.read_text("utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            docstrings |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    numbered = enumerate(source.splitlines(), 1)
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in docstrings
        for number, line in numbered
    )


def module_lines(package: ModuleType, *names: str) -> int:
    """Return the lines with code of a package's modules."""
    return sum(code_lines(Path(package.__path__[0], f"{name}.py")) for name in names)


def code() -> str:
    """Count lines; return the table."""
    package = sorted((ROOT / "sockproto" / "rawhttp").glob("*.py"))
    beneath = f"{module_lines(web, 'client', '_newclient', 'http'):,}"
    agent = code_lines(HERE / "fetcher_agent.py")
    ours = f"`sockproto fetch` (`sockproto.rawhttp`, {len(package)} files)"
    return "\n".join(
        [
            "| | lines of code | beneath it, for HTTP |",
            "| --- | --- | --- |",
            f"| naive | {code_lines(HERE / 'fetcher_naive.py')} | |",
            f"| {ours} | {sum(map(code_lines, package))} | |",
            f"| `Agent` | {agent} | {beneath} (`twisted.web.client`, `._newclient`, `.http`) |",
        ]
    )


def main() -> None:
    """Print the tables; write them where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fetchers", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200, help="how large the large body is")
    parser.add_argument("--rounds", type=int, default=5, help="how often each fetcher gets it")
    parser.add_argument(
        "--names", action="store_true", help="say on standard error which behaviours went wrong"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this document too")
    arguments = parser.parse_args()
    if shutil.which("curl") is None:
        raise SystemExit("there is no curl to compare with; install it (Debian: curl)")
    version = subprocess.run(["curl", "-q", "--version"], capture_output=True, text=True, check=True).stdout
    command = f"python -m benchmarks.fetchers --megabytes {arguments.megabytes} --rounds {arguments.rounds}"
    text = "\n\n".join(
        [
            "## Servers' behaviours",
            f"{provenance(command)} {' '.join(version.split()[:2])}.",
            behaviours(arguments.names),
            f"## {arguments.megabytes} MB into a file",
            large(arguments.megabytes, arguments.rounds),
            "## Lines",
            code(),
        ]
    )
    print(text)
    if arguments.write:
        write_section(arguments.write, "fetchers", text)


if __name__ == "__main__":
    main()
