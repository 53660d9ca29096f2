"""The picture of the results: a line for each case, with a mark for everybody who is compared, as SVG.

It needs no library, and measures nothing. It can be read on a telephone, in the light and in the dark::

    path.write_text(svg(cases, results))
"""

from collections.abc import Sequence
from html import escape
from math import ceil

from benchmarks.speed.cases import Case
from benchmarks.speed.results import Results
from benchmarks.speed.table import OURS, REFERENCES, timed

WIDTH, MARGIN, ROW, HEAD = 400, 20, 40, 84
"""In pixels, where the picture is shown as large as it is."""

MARKS = {
    "twisted": '<rect class="twisted" x="{left:.1f}" y="{top}" width="3" height="14"/>',
    "asyncio": '<rect class="asyncio" x="{left:.1f}" y="{middle}" width="9" height="9"/>',
    "uvloop": '<path class="uvloop" d="M{x:.1f} {top}l6 7l-6 7l-6 -7z"/>',
    OURS: '<circle class="ours" cx="{x:.1f}" cy="{y}" r="7"/>',
}
"""What stands for whom: told apart by form, not by colour alone. The last lies on top."""

STYLE = """
svg{--paper:#fff;--ink:#1e293b;--line:#cbd5e1;--ours:#c2410c;--twisted:#1d4ed8;--asyncio:#0f766e;--uvloop:#7e22ce}
@media(prefers-color-scheme:dark){svg{--paper:#131416;--ink:#e2e8f0;--line:#475569;--ours:#fb923c;
--twisted:#60a5fa;--asyncio:#2dd4bf;--uvloop:#c084fc}}
text{font:13px sans-serif;fill:var(--ink)}.title,.value{font-weight:bold}.value{fill:var(--ours)}
.paper{fill:var(--paper)}
.line{stroke:var(--line);stroke-width:1}.ours{fill:var(--ours)}.twisted{fill:var(--twisted)}
.asyncio{fill:var(--asyncio)}.uvloop{fill:var(--uvloop)}
"""
TITLE = "Work per second of CPU time; stock Twisted is 1"


def svg(cases: Sequence[Case], results: Results) -> str:
    """Draw how many times stock Twisted's figure everybody's is, in each case that takes time."""
    drawn = {case: multiples(case, results) for case in timed(cases)}
    largest = ceil(max((value for found in drawn.values() for value in found.values()), default=1))
    height = HEAD + len(drawn) * ROW + 2 * MARGIN
    parts = [
        line(case, found, largest, HEAD + number * ROW) for number, (case, found) in enumerate(drawn.items())
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img"><title>{escape(TITLE)}</title><style>{STYLE}</style>',
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            f'<text class="title" x="{MARGIN}" y="26">{escape(TITLE)}</text>',
            legend(),
            *parts,
            scale(largest, height - MARGIN),
            "</svg>\n",
        ]
    )


def multiples(case: Case, results: Results) -> dict[str, float]:
    """Return how many times stock Twisted's figure everybody's is, of those that are there."""
    found = {peer: results.ratio(case.name, peer, "twisted") for peer in MARKS}
    return {peer: ratio for peer, ratio in found.items() if ratio is not None}


def legend() -> str:
    """Draw what stands for whom."""
    names = {OURS: "sockproto", **REFERENCES}
    parts = []
    for number, (peer, name) in enumerate(names.items()):
        x = MARGIN + 7 + number * (WIDTH - MARGIN) / len(names)
        parts.append(f'{mark(peer, x, 50)}<text x="{x + 12:.1f}" y="55">{escape(name)}</text>')
    return f"<g>{''.join(parts)}</g>"


def line(case: Case, found: dict[str, float], largest: int, top: int) -> str:
    """Draw a case: its title, our figure, a line from 0 to the largest, and a mark for everybody."""
    ours = f"{found[OURS]:.2f}" if OURS in found else ""
    y = top + 22
    marks = (mark(peer, place(value, largest), y) for peer, value in found.items())
    return (
        f'<g class="case"><text x="{MARGIN}" y="{top + 8}">{escape(case.title)}</text>'
        f'<text class="value" x="{WIDTH - MARGIN}" y="{top + 8}" text-anchor="end">{ours}</text>'
        f'<line class="line" x1="{MARGIN}" y1="{y}" x2="{WIDTH - MARGIN}" y2="{y}"/>{"".join(marks)}</g>'
    )


def place(value: float, largest: int) -> float:
    """Return where a figure lies."""
    return MARGIN + (WIDTH - 2 * MARGIN) * value / largest


def scale(largest: int, y: int) -> str:
    """Draw the numbers beneath the lines."""
    numbers = (
        f'<text x="{place(number, largest):.1f}" y="{y}" text-anchor="middle">{number}</text>'
        for number in range(largest + 1)
    )
    return f"<g>{''.join(numbers)}</g>"


def mark(peer: str, x: float, y: int) -> str:
    """Draw what stands for a peer."""
    left = x - (1.5 if peer == "twisted" else 4.5)
    return MARKS[peer].format(x=x, y=y, left=left, top=y - 7, middle=y - 4.5)
