"""Servers judged by ``sockproto check``: ours, and those that others wrote, with all that they fail.

Each is started, judged by every case and ended, one after the other, in less than two minutes each::

    python -m benchmarks.judged --list
    python -m benchmarks.judged --only 'wire *' --case half-close --case never-reads
    python -m benchmarks.judged --write docs/reference/measured/judged.md
"""

import argparse
import csv
import io
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.pages import provenance, rows, write_section
from sockproto.check.causes import Cause, first_causes
from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import run
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.started import Started
from sockproto.check.target import find, free_port
from sockproto.check.timing import FULL, QUICK
from sockproto.check.verdict import Report, Result, Verdict
from sockproto.errors import SockprotoError

HOST = "127.0.0.1"
ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent
GREETERS = ROOT / "tests" / "live" / "habits"
WORDS = {Verdict.FAIL: "fail", Verdict.OPEN: "open", Verdict.SKIP: "skip"}
COLUMNS = {
    "passes": Verdict.PASS,
    "fails": Verdict.FAIL,
    "left open": Verdict.OPEN,
    "skipped": Verdict.SKIP,
}


@dataclass(frozen=True)
class Server:
    """Who is judged.

    Attributes:
        name: Who serves, then the protocol and, of datagrams, ``udp``; what is told apart comes last.
        protocol: What it speaks.
        command: How it is started; ``{port}`` stands for its port, ``{directory}`` for an empty directory.
        kind: ``tcp`` or ``udp``.
        program: What must be installed for that; nothing if empty.
        source: The directory of a program in Go, which is built as ``{directory}/server``; none if empty.
    """

    name: str
    protocol: str
    command: str
    kind: str = "tcp"
    program: str = ""
    source: str = ""

    @property
    def told(self) -> str:
        """The command as a reader can type it in the root of the repository."""
        built = (
            f"go build -o server {self.source}/main.go && ./server {{port}}" if self.source else self.command
        )
        return built.replace(f"{SCRIPTS}/", ".venv/bin/").replace(f"{ROOT}/", "")


def program(*words: str) -> str:
    """Return the command of a server of ``judged_servers``."""
    file = Path(__file__).with_name("judged_servers.py")
    return " ".join([shlex.quote(PYTHON), shlex.quote(str(file)), *words])


def ours() -> Iterable[Server]:
    """Yield our servers."""
    for protocol in PROTOCOLS:
        command = f"{SCRIPTS / 'sockproto'} serve --protocol {protocol} --port {{port}}"
        yield Server(f"sockproto {protocol}", protocol, command)
        yield Server(f"sockproto {protocol} udp", protocol, command, "udp")


def installed() -> Iterable[Server]:
    """Yield those that Debian brings."""
    for protocol in "echo", "discard", "chargen", "daytime", "time":
        command = program("xinetd", protocol, "{port}", "{directory}")
        yield Server(f"xinetd {protocol}", protocol, command, program="xinetd")
        yield Server(f"xinetd {protocol} udp", protocol, command, "udp", "xinetd")
    command = "ncat -l -k {udp}--exec /bin/cat 127.0.0.1 {{port}}"
    yield Server("ncat echo", "echo", command.format(udp=""), program="ncat")
    yield Server("ncat echo udp", "echo", command.format(udp="--udp "), "udp", "ncat")
    for what in "EXEC:cat", "PIPE":
        stream = "socat TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr " + what
        datagrams = "socat UDP-RECVFROM:{port},bind=127.0.0.1,fork " + what
        yield Server(f"socat echo {what}", "echo", stream, program="socat")
        yield Server(f"socat echo udp {what}", "echo", datagrams, "udp", "socat")


def libraries() -> Iterable[Server]:
    """Yield those of Python's libraries and of Twisted."""
    for kind, name, told in (
        ("socketserver", "one-recv", "as documented"),
        ("socketserver", "recvs", "in a loop"),
        ("asyncio", "stream-once", "streams, as documented"),
        ("asyncio", "stream", "streams, in a loop"),
        ("asyncio", "protocol-once", "Protocol, as documented"),
        ("asyncio", "protocol", "Protocol, left open"),
    ):
        yield Server(f"{kind} echo {told}", "echo", program(kind, name, "{port}"))
    for kind in "socketserver", "asyncio":
        yield Server(f"{kind} echo udp", "echo", program(kind, "datagrams", "{port}"), "udp")
    for protocol in "echo", "discard", "chargen", "daytime", "time", "qotd":
        yield Server(f"wire {protocol}", protocol, program("wire", protocol, "{port}"))


def greeters() -> Iterable[Server]:
    """Yield greeting servers as people write them, good and naive ones, which the tests have too."""
    for how in "good", "naive":
        for kind in "socketserver", "asyncio", "threads":
            command = f"{shlex.quote(PYTHON)} {GREETERS}/{how}_{kind}.py {{port}}"
            yield Server(f"{kind} greeting, {how}", "greeting", command)
        yield Server(
            f"Node greeting, {how}", "greeting", f"node {GREETERS}/{how}.js {{port}}", program="node"
        )
        source = f"{GREETERS}/{how}_go"
        yield Server(f"Go greeting, {how}", "greeting", "{directory}/server {port}", "tcp", "go", source)


SERVERS = [*ours(), *installed(), *libraries(), *greeters()]


def judge(server: Server, quick: bool = False, only: Sequence[str] = ()) -> Report:
    """Start a server, judge it and end it.

    Args:
        server: Whom.
        quick: Whether to be quick.
        only: Cases or groups; all if empty.

    Raises:
        SockprotoError: It does not come up.
    """
    port, patience = free_port(), QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory:
        command = server.command.replace("{directory}", directory)
        if server.source:
            subprocess.run(
                ["go", "build", "-o", f"{directory}/server", f"{server.source}/main.go"], check=True
            )
        with Started(command, port) as started:
            started.wait_until_up(server.kind, HOST, port)
            target = find(server.kind, HOST, port)
            judged = chosen(cases(server.protocol, target.datagrams), only, ())
            return run(CheckContext(server.protocol, target, patience, quick, started), judged)


# The page.


def who(server: Server) -> str:
    """Return with whom a server stands in the first table."""
    for how in "good", "naive":
        if server.name.endswith(f"greeting, {how}"):
            return f"greeting by hand, {how}"
    return server.name.partition(" ")[0]


def finding(reports: dict[Server, Report]) -> str:
    """Return in a sentence how many servers fail nothing."""
    counts = Counter((who(server) == "sockproto", report.failed) for server, report in reports.items())
    ours, others = (counts[mine, True] + counts[mine, False] for mine in (True, False))
    return (
        f"Of sockproto's {ours} servers {counts[True, False]} fail no case of `sockproto check`; of {others} "
        f"servers of others {counts[False, False]} fail none."
    )


def first_table(reports: dict[Server, Report]) -> str:
    """Return a row for each who wrote servers, with the worst that is to be mended first in any of them."""
    by: dict[str, list[Report]] = {}
    for server, report in reports.items():
        by.setdefault(who(server), []).append(report)
    cells = []
    for name, theirs in by.items():
        passed, failed = (sum(each.count(kind) for each in theirs) for kind in (Verdict.PASS, Verdict.FAIL))
        causes = first_causes(max(theirs, key=lambda each: each.count(Verdict.FAIL)))
        worst = brief(causes[0]) if causes else ""
        cells.append([f"{name} ({len(theirs)})", str(passed), str(failed), worst])
    return rows(["", "passes", "fails", "worst fault"], cells, "---")


def brief(cause: Cause) -> str:
    """Return what is wrong, for a cell, without what is right; with the case, if no mistake explains it."""
    wrong, unexplained, _ = cause.sentence.partition("; but what is right: ")
    if unexplained:
        text = f"{cause.cases[0].partition('.')[2].replace('-', ' ')}: {wrong}"
    else:
        text = wrong.partition(": ")[0]
    return text.replace("|", "\\|")


def table(reports: dict[Server, Report], kind: str) -> str:
    """Return a row for each server of a kind."""
    cells = [
        [server.name, *(str(report.count(verdict)) for verdict in COLUMNS.values())]
        for server, report in reports.items()
        if server.kind == kind
    ]
    return rows(["", *COLUMNS], cells)


def cell(results: Sequence[Result]) -> str:
    """Return how many pass, and how many do not."""
    count = Counter(result.verdict for result in results)
    counts = [f"{count[verdict]} {word}" for verdict, word in WORDS.items() if count[verdict]]
    if count[Verdict.PASS]:
        counts.insert(0, str(count[Verdict.PASS]))
    return ", ".join(counts)


def by_group(reports: dict[Server, Report]) -> str:
    """Return how many cases of each group end how, as comma-separated values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["server", "group", *map(str, COLUMNS.values())])
    for server, report in reports.items():
        for group in dict.fromkeys(result.case.group for result in report.results):
            count = Counter(result.verdict for result in report.results if result.case.group == group)
            writer.writerow([server.name, group, *(count[verdict] for verdict in COLUMNS.values())])
    return text.getvalue()


def not_passed(report: Report) -> list[str]:
    """Return what a server fails, what is open, and then what was skipped, those of one reason together."""
    results = sorted(report.results, key=lambda each: each.verdict is not Verdict.FAIL)
    told = [each for each in results if each.verdict in (Verdict.FAIL, Verdict.OPEN)]
    skipped: dict[str, list[str]] = {}
    for each in results:
        if each.verdict is Verdict.SKIP:
            skipped.setdefault(each.reason, []).append(each.case.identifier)
    lines = [f"{WORDS[each.verdict]}  {each.case.identifier}: {each.reason}" for each in told]
    return lines + [f"skip  {', '.join(names)}: {reason}" for reason, names in skipped.items()]


def details(server: Server, report: Report) -> str:
    """Return a server's habit, what to mend first, and what it does not pass; nothing if it passes all."""
    lines = not_passed(report)
    if not lines:
        return ""
    said = [f"`{server.told}`"]
    if habit := report.known.get("habit"):
        said += ["", f"Habit: {habit}."]
    said += [""] * bool(causes := first_causes(report))
    said += [f"{number}. {each.sentence}" for number, each in enumerate(causes, 1)]
    return "\n".join([f"### {server.name}", "", *said, "", "```text", *lines, "```"])


def stable(text: str) -> str:
    """Return a text without the ports, which are others each time."""
    return re.sub(rf"(?<={re.escape(HOST)}:)\d+", "PORT", text)


def versions() -> str:
    """Tell the versions of the programs that are there."""
    asked = {"xinetd": ["xinetd", "-version"], "ncat": ["ncat", "--version"], "socat": ["socat", "-V"]}
    found = []
    for program, command in asked.items():
        if shutil.which(program):
            ran = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
            number = re.search(r"\d+(\.\d+)+", ran.stdout + ran.stderr)
            found.append(f"{program} {number[0] if number else '?'}")
    return ", ".join(found)


def told_seconds(seconds: float) -> str:
    """Say how long something took."""
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def opening(reports: dict[Server, Report], missing: dict[Server, str], made_by: str, file: str = "") -> str:
    """Return what the page begins with; *file* is where the counts of each group of cases are."""
    left = [f"Left out: {server.name}: {reason}." for server, reason in missing.items()]
    more = [f"How many cases of each group end how: [{file}]({file})."] if file else []
    return stable("\n\n".join([finding(reports), first_table(reports), made_by, *left, *more]))


def page(reports: dict[Server, Report]) -> str:
    """Return the details."""
    parts = []
    for kind, title in ("tcp", "Streams"), ("udp", "Datagrams"):
        if any(server.kind == kind for server in reports):
            parts += [f"## {title}", table(reports, kind)]
    failing = [text for server, report in reports.items() if (text := details(server, report))]
    return stable("\n\n".join([*parts, *(["## What they do not pass"] if failing else []), *failing]))


def write(path: Path, reports: dict[Server, Report], missing: dict[Server, str], made_by: str) -> None:
    """Put it all into its places on a page, and the counts of the groups beside it."""
    file = path.with_suffix(".csv")
    write_section(path, "finding", opening(reports, missing, made_by, file.name))
    write_section(path, "judged", page(reports))
    file.write_text(by_group(reports), "utf-8")


def judge_all(
    servers: Iterable[Server], quick: bool, only: Sequence[str], heard: Callable[[str], object]
) -> tuple[dict[Server, Report], dict[Server, str]]:
    """Judge servers one after the other; return their reports, and why others have none."""
    reports, missing = {}, {}
    for server in servers:
        if server.program and shutil.which(server.program) is None:
            missing[server] = f"{server.program} is not installed"
            continue
        try:
            reports[server] = judge(server, quick, only)
            heard(f"{server.name}: {cell(reports[server].results)}; {reports[server].seconds:.0f} s")
        except SockprotoError as error:
            missing[server] = str(error)
    return reports, missing


def main() -> None:
    """Judge, print the page; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judged", description=__doc__)
    parser.add_argument("--list", action="store_true", help="show who is judged, and judge nobody")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="judge these; * and ? as in a shell"
    )
    parser.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="CASE",
        help="by this case or group; all if none is said",
    )
    parser.add_argument("--quick", action="store_true", help="the quick form: ten seconds each at most")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this document too")
    arguments = parser.parse_args()
    patterns = arguments.only or ["*"]
    servers = [each for each in SERVERS if any(fnmatchcase(each.name, pattern) for pattern in patterns)]
    if not servers:
        parser.error("--only names no server: --list shows them")
    if arguments.list:
        print("\n".join(f"{server.name}: {server.told}" for server in servers))
        return
    began = time.monotonic()
    reports, missing = judge_all(
        servers, arguments.quick, arguments.case, lambda line: print(line, file=sys.stderr)
    )
    said = [f"--only {shlex.quote(name)}" for name in arguments.only]
    said += [f"--case {shlex.quote(name)}" for name in arguments.case]
    command = " ".join(["python -m benchmarks.judged", *said, *["--quick"] * arguments.quick])
    seconds = told_seconds(time.monotonic() - began)
    made_by = f"{provenance(command)} {versions()}. It took {seconds}."
    print(opening(reports, missing, made_by), page(reports), sep="\n\n")
    if arguments.write:
        write(arguments.write, reports, missing, made_by)


if __name__ == "__main__":
    main()
