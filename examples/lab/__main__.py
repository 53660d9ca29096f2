"""Have each server of the lab judged by ``sockproto check``; print what it makes of them, side by side.

::

    python -m examples.lab
    python -m examples.lab --full --write docs/howto/lab.md
"""

import argparse
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from sockproto.check.causes import first_causes
from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import run
from sockproto.check.started import Started
from sockproto.check.target import find, free_port
from sockproto.check.timing import FULL, QUICK
from sockproto.check.verdict import Report, Verdict

HERE = Path(__file__).parent
HOST = "127.0.0.1"
STYLES = {
    "blocking": "blocking sockets",
    "threads": "threads",
    "with_asyncio": "asyncio streams",
    "with_twisted": "plain Twisted",
    "with_sockproto": "sockproto",
}
BEGIN, END = "<!-- lab: written by a script -->\n", "<!-- end of lab -->"


def command(style: str, *words: str) -> list[str]:
    """Return what starts a program of the lab."""
    return [sys.executable, str(HERE / f"{style}.py"), *words]


def judge(style: str, quick: bool = True, only: Sequence[str] = ()) -> Report:
    """Start a server, judge it and end it.

    Args:
        style: Which.
        quick: Whether to be done in some ten seconds, not in two minutes.
        only: Cases or groups of cases; all if empty.

    Raises:
        SockprotoError: It does not come up.
    """
    patience = QUICK if quick else FULL
    # The check starts it again on other ports, too.
    with Started(shlex.join(command(style, "serve", "{port}")), free_port()) as started:
        started.wait_until_up("tcp", HOST, started.port)
        context = CheckContext("greeting", find("tcp", HOST, started.port), patience, quick, started)
        return run(context, chosen(cases("greeting", False), only, ()))


def row(style: str, report: Report) -> str:
    """Return what a server's file takes, and what comes of it."""
    lines = len((HERE / f"{style}.py").read_text("utf-8").splitlines())
    counts = [report.count(verdict) for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.OPEN)]
    name = f"[{STYLES[style]}](../../examples/lab/{style}.py)"
    return f"| {' | '.join([name, str(lines), *map(str, counts)])} |"


def told(style: str, report: Report) -> str:
    """Return what is to be mended first, what fails and what is left open; nothing if all passes."""
    causes = [f"{number}. {cause.sentence}" for number, cause in enumerate(first_causes(report), 1)]
    said = []
    for verdict, word in (Verdict.FAIL, "Fails"), (Verdict.OPEN, "Left open"):
        named = [f"`{each.case.identifier}`" for each in report.results if each.verdict is verdict]
        said += [f"{word}: {', '.join(named)}."] * bool(named)
    if not said:
        return ""
    title = STYLES[style][0].upper() + STYLES[style][1:]
    return "\n".join([f"### {title}", "", *causes, *[""] * bool(causes), "\n\n".join(said)])


def text(reports: dict[str, Report]) -> str:
    """Return the table, and what follows it."""
    heads = ["| | lines | passed | failed | left open |", "| --- | ---: | ---: | ---: | ---: |"]
    table = "\n".join([*heads, *(row(style, report) for style, report in reports.items())])
    details = [told(style, report) for style, report in reports.items()]
    told_when = (
        f"Judged on {datetime.now(timezone.utc):%Y-%m-%d} with Python {platform.python_version()}, "
        f"Twisted {version('twisted')}, sockproto {version('sockproto')}."
    )
    return "\n\n".join([table, told_when, "## What each gets wrong", *filter(None, details)])


def main() -> None:
    """Judge them all, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m examples.lab", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="take two minutes for each server, not ten seconds"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put it into its place on a page, too")
    arguments = parser.parse_args()
    found = text({style: judge(style, not arguments.full) for style in STYLES})
    print(found)
    if arguments.write:
        before, _, rest = arguments.write.read_text("utf-8").partition(BEGIN)
        arguments.write.write_text(f"{before}{BEGIN}{found}\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
