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
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from types import ModuleType

from twisted import web

from benchmarks.fetchers_page import (
    AGENT,
    CURL,
    FAILED,
    HUNG,
    MEGABYTE,
    NAIVE,
    OURS,
    OUTCOMES,
    RIGHT,
    WRONG,
    Score,
    Transfer,
    finding,
    groups_table,
    judged_table,
    large_text,
)
from benchmarks.pages import provenance, rows, today, write_section
from benchmarks.pipe import SOCKPROTO
from tests.rawhttp.fetching.behaviours import BEHAVIOURS, find
from tests.rawhttp.fetching.behaviours.answers import lines, ok
from tests.rawhttp.fetching.behaviours.behaviour import Behaviour
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

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

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
    NAIVE: naive,
    OURS: ours,
    AGENT: agent,
    CURL: curl,
}
# Ours is a module too, which starts faster; otherwise it is the same.
STARTED: dict[str, Command] = {
    NAIVE: naive,
    OURS: ours,
    "`python -m sockproto.rawhttp`": module,
    AGENT: agent,
    CURL: curl,
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


def count(score: Score, behaviour: Behaviour, ended: Ended) -> None:
    """Count a run."""
    outcome = judged(behaviour, ended)
    score.groups.setdefault(behaviour.group, Counter())[outcome] += 1
    score.names.setdefault(outcome, []).append(behaviour.name)
    if ended.status:
        score.failures += 1
        score.left += ended.body is not None


def behaviours() -> dict[str, Score]:
    """Run all fetchers against all behaviours; return what came of each."""
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
                    count(scores[name], behaviour, ended)
    return scores


def tell_names(scores: dict[str, Score]) -> None:
    """Say on standard error which behaviours went wrong."""
    for name, score in scores.items():
        for outcome in OUTCOMES[1:]:
            print(f"{name}: {outcome}: {' '.join(score.names.get(outcome, []))}\n", file=sys.stderr)


# The large body.


def large(megabytes: int, rounds: int) -> dict[str, dict[str, Transfer]]:
    """Let all fetchers have the same large body, and a small one; return by title what each took."""
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

    titles = {"small": "5 bytes", "length": "With Content-Length", "chunked": f"In chunks of {CHUNK:,} bytes"}
    return {
        title: {name: transfer(runs[name, kind], most[name, kind]) for name in STARTED}
        for kind, title in titles.items()
    }


def transfer(runs: Sequence[Ended], most: int) -> Transfer:
    """Return medians, and what is wrong if what was saved is not what was sent."""
    wrong = ""
    if any(ended.status is None for ended in runs):
        wrong = HUNG
    elif any(ended.status for ended in runs):
        wrong = FAILED
    elif any(ended.body is None for ended in runs):
        wrong = "wrong body"
    seconds, processor = (median(getattr(run, name) for run in runs) for name in ("seconds", "processor"))
    return Transfer(seconds, processor, most, wrong)


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
    cells = [
        [NAIVE, str(code_lines(HERE / "fetcher_naive.py")), ""],
        [ours, str(sum(map(code_lines, package))), ""],
        [AGENT, str(agent), f"{beneath} (`twisted.web.client`, `._newclient`, `.http`)"],
    ]
    return rows(["", "lines of code", "beneath it, for HTTP"], cells, "---")


def section(
    scores: dict[str, Score], megabytes: int, transfers: dict[str, dict[str, Transfer]], made_by: str
) -> tuple[str, str]:
    """Return what the page begins with, and the details."""
    details = ["## Servers' behaviours", groups_table(scores), f"## {megabytes} MB into a file"]
    details += [large_text(megabytes, transfers), "## Lines", f"Counted on {today()}.", code()]
    return "\n\n".join([finding(scores), judged_table(scores), made_by]), "\n\n".join(details)


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
    scores = behaviours()
    if arguments.names:
        tell_names(scores)
    made_by = f"{provenance(command)} {' '.join(version.split()[:2])}."
    first, details = section(
        scores, arguments.megabytes, large(arguments.megabytes, arguments.rounds), made_by
    )
    print(first, details, sep="\n\n")
    if arguments.write:
        write_section(arguments.write, "finding", first)
        write_section(arguments.write, "fetchers", details)


if __name__ == "__main__":
    main()
