"""The tables of the results, in Markdown.

It measures nothing::

    print(overview(cases, peers, results))
    print(details(case, peers, results))
"""

from collections.abc import Sequence

from benchmarks.speed.cases import Case
from benchmarks.speed.peers import Peer
from benchmarks.speed.results import Results

TIMES = "\N{MULTIPLICATION SIGN}"
REFERENCES = {"twisted": f"{TIMES} Twisted", "asyncio": f"{TIMES} asyncio", "uvloop": f"{TIMES} uvloop"}
NONE = "\N{EN DASH}"


def rows(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column is text, the others are figures."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *cells))


def summary(cases: Sequence[Case], results: Results) -> str:
    """Return how many times the others' figures those of sockproto are, per second of CPU time."""
    heads = [
        "",
        *(f"{title}, our reactor" for title in REFERENCES.values()),
        f"{TIMES} Twisted, its epoll reactor",
    ]
    cells = [
        [
            case.title,
            *(times(results.ratio(case.name, "sockproto-lean", reference)) for reference in REFERENCES),
            times(results.ratio(case.name, "sockproto", "twisted")),
        ]
        for case in cases
    ]
    return rows(heads, cells)


def times(ratio: float | None) -> str:
    """Return a ratio, or that there is none."""
    return NONE if ratio is None else f"{ratio:.2f}"


def overview(cases: Sequence[Case], peers: Sequence[Peer], results: Results) -> str:
    """Return what everybody reached in every case."""
    cells = [
        [f"{case.title}: {case.unit}", *(figure(results, case, peer) for peer in peers)] for case in cases
    ]
    return rows(["", *(peer.title for peer in peers)], cells)


def figure(results: Results, case: Case, peer: Peer) -> str:
    """Return one figure."""
    found = results.medians(case.name, peer.name)
    return f"{found.value:,.0f}" if found else NONE


def details(case: Case, peers: Sequence[Peer], results: Results) -> str:
    """Return all that was measured in one case, and what went wrong."""
    timed = case.mode != "idle"
    heads = ["", case.unit, "spread", *REFERENCES.values()]
    if timed:
        heads += [f"{case.unit} of CPU", "p50, µs", "p99, µs", "p99.9, µs", "generator"]
    measured = [peer for peer in peers if results.medians(case.name, peer.name)]
    text = f"### {case.title}\n\n{rows(heads, [detail(case, peer, results, timed) for peer in measured])}"
    notes = "\n".join(note for peer in peers for note in notes_of(case, peer, results))
    return f"{text}\n\n{notes}" if notes else text


def detail(case: Case, peer: Peer, results: Results, timed: bool) -> list[str]:
    """Return a peer's line of a case."""
    found = results.medians(case.name, peer.name)
    assert found
    ratios = [results.ratio(case.name, peer.name, reference) for reference in REFERENCES]
    cells = [
        f"**{peer.title}**" if peer.ours else peer.title,
        f"{found.value:,.0f}",
        f"{results.spread(case.name, peer.name):.0%}",
        *map(times, ratios),
    ]
    if timed:
        cells += [f"{found.per_cpu:,.0f}", *(f"{value:,.0f}" for value in (found.p50, found.p99, found.p999))]
        cells.append(f"{found.share:.0%}")
    return cells


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
