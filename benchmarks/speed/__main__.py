"""The command: measure everything, print the tables, write the page and the picture.

::

    python -m benchmarks.speed                                  # everything: half an hour
    python -m benchmarks.speed --quick --peer sockproto --peer twisted --case 'echo-64-*'
    python -m benchmarks.speed --rounds 5 --write               # the page and its picture
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed import cases, peers
from benchmarks.speed.cases import Case
from benchmarks.speed.measure import Bench, Failed
from benchmarks.speed.memory import allow_files
from benchmarks.speed.page import PAGE, README, Page
from benchmarks.speed.peers import Peer
from benchmarks.speed.results import Results


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Measure servers against each other."
    )
    parser.add_argument("--case", action="append", default=[], help="only this; repeatable; * matches all")
    parser.add_argument("--peer", action="append", default=[], help="only this; repeatable; * matches all")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each time")
    parser.add_argument("--quick", action="store_true", help="one round of 0.3 seconds: no figures to trust")
    parser.add_argument("--list", action="store_true", help="name the cases and peers, and end")
    written = (
        "put the tables into this page, picture and figures beside it; in the documentation if not given"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", nargs="?", const=PAGE, help=written)
    remark = "say this on the page too, such as what else the machine did meanwhile; repeatable"
    parser.add_argument("--note", action="append", default=[], metavar="TEXT", help=remark)
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 0.3
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("at least one round of some time")
    try:
        options.cases, options.peers = cases.selected(options.case), peers.selected(options.peer)
    except ValueError as error:
        parser.error(str(error))
    return options


def present(wanted: Sequence[Peer]) -> tuple[list[Peer], list[str]]:
    """Return the peers that can be measured, and what is to be said about the others."""
    lacks = {peer.name: peer.lack() for peer in wanted}
    notes = [f"- Left out: {peer.title}; {lacks[peer.name]}." for peer in wanted if lacks[peer.name]]
    return [peer for peer in wanted if not lacks[peer.name]], notes


def run(
    bench: Bench, commands: dict[str, list[str]], wanted: Sequence[Case], present: Sequence[Peer], rounds: int
) -> Results:
    """Measure everything, the peers in turn."""
    results = Results()
    for case in wanted:
        able = [peer for peer in present if case.kind in peer.kinds and case.connections <= peer.most]
        for number in range(rounds):
            print(f"{case.name}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            for peer in able:
                if (case.name, peer.name) in results.failures:
                    continue
                try:
                    results.add(case.name, peer.name, bench.measure(case, commands[peer.name]))
                except Failed as failure:
                    results.fail(case.name, peer.name, str(failure))
    return results


def measured(options: argparse.Namespace) -> tuple[list[Peer], Results, list[str]]:
    """Build what must be built and measure; return what there is to say too."""
    able, notes = present(options.peers)
    files = allow_files(max(case.connections for case in options.cases))
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), options.seconds)
        if bench.shared:
            notes.append("- There is one core only, for server and generator together: figures mean little.")
        if not files:
            notes.append("- Left out: what needs more open files than are allowed; raise `ulimit -Hn`.")
            options.cases = [case for case in options.cases if allow_files(case.connections)]
        commands = {peer.name: peer.command(Path(directory)) for peer in able}
        return able, run(bench, commands, options.cases, able, options.rounds), notes


def command(options: argparse.Namespace) -> list[str]:
    """Return the command that measures this again."""
    words = ["python", "-m", "benchmarks.speed"]
    words += ["--rounds", str(options.rounds), "--seconds", f"{options.seconds:g}"]
    words += [word for name in options.case for word in ("--case", name)]
    return words + [word for name in options.peer for word in ("--peer", name)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables; write page and picture where asked."""
    options = parsed(arguments)
    if options.list:
        print("cases:", *(case.name for case in options.cases))
        print("peers:", *(peer.name for peer in options.peers))
        return
    able, results, notes = measured(options)
    notes = [*(f"- {remark}" for remark in options.note), *notes]
    page = Page(command(options), options.cases, able, results, notes)
    print(page.verdict(), page.text(), sep="\n\n")
    if options.write:
        page.write(options.write)
    if options.write == PAGE:
        page.write_readme(README)


if __name__ == "__main__":
    main()
