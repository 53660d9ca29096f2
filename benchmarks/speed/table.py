"""The tables of the results, in Markdown, and all figures as a file.

It measures nothing::

    print(summary(cases, results))
    print(details(case, peers, results))
    print(figures(cases, peers, results))
"""

import csv
import io
from collections.abc import Iterator, Sequence

from benchmarks.pages import rows
from benchmarks.speed.cases import Case
from benchmarks.speed.peers import Peer
from benchmarks.speed.results import Results

TIMES = "\N{MULTIPLICATION SIGN}"
REFERENCES = {"twisted": "Twisted", "asyncio": "asyncio", "uvloop": "uvloop"}
"""With whom sockproto is compared, by the names of the peers."""

OURS = "sockproto-lean"
NONE = "\N{EN DASH}"
FAR = 0.5
"""Rounds that are farther apart than this part of their median say that something else ran too."""

COLUMNS = (
    *("case", "peer", "unit", "value", "spread", "per_cpu_second", "p50_us", "p99_us", "p999_us"),
    *("generator", "datagrams_lost", "connections_starved"),
)
"""Of the file; ``spread`` and ``generator`` are parts, not percent."""


def timed(cases: Sequence[Case]) -> list[Case]:
    """Return the cases in which time is measured, and not memory."""
    return [case for case in cases if case.mode != "idle"]


def times(ratio: float | None) -> str:
    """Return a ratio, or that there is none."""
    return NONE if ratio is None else f"{ratio:.2f}"


def finding(cases: Sequence[Case], results: Results) -> str:
    """Return in one sentence between which multiples of the others' figures those of sockproto are."""
    parts = []
    for reference, name in REFERENCES.items():
        ratios = [results.ratio(case.name, OURS, reference) for case in timed(cases)]
        found = [ratio for ratio in ratios if ratio is not None]
        if found:
            parts.append(f"{min(found):.2f} to {max(found):.2f} times as much as {name}")
    if not parts:
        return "Neither sockproto on its lean reactor nor whom it is compared with was measured."
    done = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
    return f"In a second of its CPU time sockproto, with all its limits on, does {done}."


def summary(cases: Sequence[Case], results: Results) -> str:
    """Return how many times the others' figures those of sockproto are, per second of CPU time."""
    heads = ["", *(f"{TIMES} {name}" for name in REFERENCES.values())]
    return rows(heads, [comparison(case, results) for case in timed(cases)])


def comparison(case: Case, results: Results) -> list[str]:
    """Return a case and how many times the others' figures those of sockproto are."""
    return [case.title, *(times(results.ratio(case.name, OURS, reference)) for reference in REFERENCES)]


def memory(cases: Sequence[Case], results: Results) -> str:
    """Return what idle connections cost; nothing if that was not measured."""
    idle = [case for case in cases if case.mode == "idle"]
    if not idle:
        return ""
    names = {OURS: "sockproto", **REFERENCES}
    cells = [[name, *(figure(results, case.name, peer) for case in idle)] for peer, name in names.items()]
    return rows(["", *(f"{case.connections:,} connections" for case in idle)], cells)


def figure(results: Results, case: str, peer: str) -> str:
    """Return one figure."""
    found = results.medians(case, peer)
    return f"{found.value:,.0f}" if found else NONE


def apart(cases: Sequence[Case], peers: Sequence[Peer], results: Results) -> str:
    """Return how far the rounds are apart, in words; nothing if they are near each other."""
    spreads = {
        case.name: max(
            (results.spread(case.name, peer.name) for peer in peers if results.medians(case.name, peer.name)),
            default=0,
        )
        for case in cases
    }
    far = [spread for spread in spreads.values() if spread > FAR]
    if not far:
        return ""
    return (
        f"In {len(far)} of {len(cases)} cases the rounds of some server are more than {FAR:.0%} of their "
        f"median apart, up to {max(far):.0%}, as when something else runs on the machine. Rates and "
        "latencies suffer from that; ratios of CPU time less, but they do."
    )


def details(case: Case, peers: Sequence[Peer], results: Results) -> str:
    """Return what each peer reached in one case, and what went wrong."""
    of_cpu = case.mode != "idle"
    heads = ["", f"{case.unit} of CPU" if of_cpu else case.unit, f"{TIMES} Twisted", "spread"]
    heads += ["p99, µs"] * of_cpu
    measured = [peer for peer in peers if results.medians(case.name, peer.name)]
    text = f"### {case.title}\n\n{rows(heads, [detail(case, peer, results) for peer in measured])}"
    notes = "\n".join(note for peer in peers for note in notes_of(case, peer, results))
    return f"{text}\n\n{notes}" if notes else text


def detail(case: Case, peer: Peer, results: Results) -> list[str]:
    """Return a peer's line of a case."""
    found = results.medians(case.name, peer.name)
    assert found
    of_cpu = case.mode != "idle"
    return [
        f"**{peer.title}**" if peer.ours else peer.title,
        f"{found.per_cpu if of_cpu else found.value:,.0f}",
        times(results.ratio(case.name, peer.name, "twisted")),
        f"{results.spread(case.name, peer.name):.0%}",
        *([f"{found.p99:,.0f}"] if of_cpu else []),
    ]


def notes_of(case: Case, peer: Peer, results: Results) -> list[str]:
    """Return what is to be said about a peer's figures."""
    notes = []
    if failure := results.failures.get((case.name, peer.name)):
        notes.append(f"- {peer.title} failed: {failure}")
    elif found := results.medians(case.name, peer.name):
        if found.lost:
            notes.append(f"- {peer.title}: {found.lost:,.0f} datagrams had to be sent again")
        if found.starved:
            notes.append(f"- {peer.title}: on {found.starved:,.0f} connections nothing was answered")
    return notes


def figures(cases: Sequence[Case], peers: Sequence[Peer], results: Results) -> str:
    """Return all medians as comma-separated values; what failed is not there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_figures(cases, peers, results))
    return text.getvalue()


def _figures(cases: Sequence[Case], peers: Sequence[Peer], results: Results) -> Iterator[list[str]]:
    for case in cases:
        for peer in peers:
            if found := results.medians(case.name, peer.name):
                spread = f"{results.spread(case.name, peer.name):.2f}"
                rates = [f"{found.value:.0f}", spread, f"{found.per_cpu:.0f}"]
                latencies = [f"{value:.0f}" for value in (found.p50, found.p99, found.p999)]
                lost = [f"{found.share:.2f}", f"{found.lost:.0f}", f"{found.starved:.0f}"]
                yield [case.name, peer.name, case.unit, *rates, *latencies, *lost]
