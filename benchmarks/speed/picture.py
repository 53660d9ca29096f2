"""The picture of the results: a panel of bars for each case, as SVG.

It needs no library, and measures nothing::

    path.write_text(svg(cases, peers, results, "2026-11-30"))
"""

from collections.abc import Sequence
from html import escape
from textwrap import wrap

from benchmarks.speed.cases import Case
from benchmarks.speed.peers import Peer
from benchmarks.speed.results import Results

COLUMNS = 2
PANEL = 590
"""Widths and heights are in pixels."""

LABEL, BAR, LINE, HEAD, MARGIN = 270, 220, 18, 34, 20
CAPTION = 170
"""Characters of a line of the caption."""

COLOURS = {"ours": "#c2410c", "twisted": "#1d4ed8", "": "#94a3b8"}
STYLE = (
    "text{font:12px sans-serif;fill:#1e293b}.title{font-weight:bold;font-size:13px}.ours{font-weight:bold}"
)


def svg(cases: Sequence[Case], peers: Sequence[Peer], results: Results, caption: str) -> str:
    """Draw everything that was measured.

    Args:
        cases: A panel each.
        peers: A bar each.
        results: Their lengths.
        caption: What stands at the top.
    """
    parts = [
        f'<text x="{MARGIN}" y="{MARGIN + 12 + number * LINE}">{escape(line)}</text>'
        for number, line in enumerate(wrap(caption, CAPTION))
    ]
    bottoms = [MARGIN + HEAD + len(parts) * LINE] * COLUMNS
    for number, case in enumerate(cases):
        column = number % COLUMNS
        drawn, height = panel(case, peers, results)
        parts.append(f'<g transform="translate({MARGIN + column * PANEL},{bottoms[column]})">{drawn}</g>')
        bottoms[column] += height
    width, height = 2 * MARGIN + COLUMNS * PANEL, max(bottoms) + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}"><style>{STYLE}</style>',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def panel(case: Case, peers: Sequence[Peer], results: Results) -> tuple[str, int]:
    """Draw a case; return its height too."""
    found = [(peer, medians.value) for peer in peers if (medians := results.medians(case.name, peer.name))]
    longest = max((value for _, value in found), default=0) or 1
    less = ", less is better" if case.mode == "idle" else ""
    parts = [f'<text class="title" y="12">{escape(f"{case.title}: {case.unit}{less}")}</text>']
    for number, (peer, value) in enumerate(found):
        parts.append(bar(peer, value, BAR * max(value, 0) / longest, 22 + number * LINE))
    return "\n".join(parts), HEAD + len(found) * LINE + MARGIN


def bar(peer: Peer, value: float, length: float, top: int) -> str:
    """Draw a peer's bar, its name before it and its figure after it."""
    kind = "ours" if peer.ours else "twisted" if peer.name == "twisted" else ""
    marked = f' class="{kind}"' if kind == "ours" else ""
    return (
        f'<text{marked} x="{LABEL - 8}" y="{top + 12}" text-anchor="end">{escape(peer.title)}</text>'
        f'<rect x="{LABEL}" y="{top + 2}" width="{length:.1f}" height="{LINE - 4}" fill="{COLOURS[kind]}"/>'
        f'<text x="{LABEL + length + 6:.1f}" y="{top + 12}">{value:,.0f}</text>'
    )
