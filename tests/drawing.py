"""The drawing of a session's states, docs/reference/states.svg, made of the table in core/states.py.

Where the states stand is said here; what leads from one to another is the table's::

    drawing()       # the SVG
"""

import textwrap
from collections.abc import Iterable, Iterator
from html import escape

from sockproto.core.states import TRANSITIONS, State

WIDTH, HEIGHT = 400, 640
BOX_WIDTH, LINE = 162, 15
PLACES = {
    State.NEW: (119, 8),
    State.READING: (16, 118),
    State.WAITING: (222, 118),
    State.HALF_CLOSING: (16, 276),
    State.WRITING: (222, 276),
    State.CLOSING: (60, 440),
    State.LOST: (119, 576),
}
"""The left upper corners."""

FRAME = (State.READING, State.WAITING, State.WRITING, State.HALF_CLOSING)
"""Drawn in a frame; what all of them have in common leads from there."""
FRAME_BOX = (6, 104, 388, 274)

STYLE = """
svg { font: 12px system-ui, sans-serif }
.ground { fill: #fff } .box { fill: #eef4fb; stroke: #2a6099 }
.frame { fill: none; stroke: #888; stroke-dasharray: 5 4 }
text { fill: #222 } .name { font-weight: bold; font-size: 13px }
path { stroke: #555; fill: none } marker path { fill: #555 }
@media (prefers-color-scheme: dark) {
.ground { fill: #131416 } .box { fill: #1d2b3a; stroke: #7fb2e5 } .frame { stroke: #999 }
text { fill: #ddd } path { stroke: #bbb } marker path { fill: #bbb }
}
"""

Point = tuple[float, float]


def changes() -> dict[tuple[State, State], set[str]]:
    """Return the events that lead from one state to another."""
    found: dict[tuple[State, State], set[str]] = {}
    for before, events in TRANSITIONS.items():
        for event, states in events.items():
            for after in states:
                if after is not before:
                    found.setdefault((before, after), set()).add(event)
    return found


def common(after: State) -> list[str]:
    """Return the events that lead from each state in the frame to one outside."""
    sets = [changes().get((before, after), set()) for before in FRAME]
    return [event for event in TRANSITIONS[State.NEW] if event in set.intersection(*sets)]


def own(state: State) -> list[str]:
    """Return the events of a state that are not common to all in the frame."""
    lifted = {*common(State.CLOSING), *common(State.LOST)}
    inside = [event for event, states in TRANSITIONS[state].items() if event not in lifted or len(states) > 1]
    return inside if state in FRAME else []


def words(state: State) -> list[str]:
    """Return the lines in a state's box, below its name."""
    lines = textwrap.wrap(f"waits {state.value}", 27)
    events = own(state)
    return lines + textwrap.wrap(f"until {', '.join(events)}", 27) if events else lines


def extent(state: State) -> tuple[float, float, float, float]:
    """Return where a state's box stands: left, upper, width, height."""
    left, upper = PLACES[state]
    return left, upper, BOX_WIDTH if state is not State.CLOSING else 230, (len(words(state)) + 1) * LINE + 12


def edge(one: State, other: State) -> tuple[Point, Point]:
    """Return the ends of an arrow, to the right of the way back."""
    begin, end = extent(one), extent(other)
    centres = [(left + width / 2, upper + height / 2) for left, upper, width, height in (begin, end)]
    (x1, y1), (x2, y2) = centres
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    aside = ((y1 - y2) / length * 6, (x2 - x1) / length * 6)
    return border(begin, (x1, y1), (x2, y2), aside), border(end, (x2, y2), (x1, y1), aside)


def border(box: tuple[float, float, float, float], centre: Point, target: Point, aside: Point) -> Point:
    """Return where a line from a box's centre leaves it."""
    dx, dy = target[0] - centre[0], target[1] - centre[1]
    scales = [half / abs(step) for half, step in ((box[2] / 2 + 2, dx), (box[3] / 2 + 2, dy)) if step]
    scale = min(scales)
    return centre[0] + dx * scale + aside[0], centre[1] + dy * scale + aside[1]


def arrow(*points: Point) -> str:
    """Return an arrow along points."""
    way = "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
    return f'<path d="M{way}" marker-end="url(#end)"/>'


def label(x: float, y: float, text: str, kind: str = "") -> str:
    """Return a text."""
    return f'<text x="{x:.0f}" y="{y:.0f}"{kind and f" class={kind!r}"}>{escape(text, False)}</text>'


def boxes() -> Iterator[str]:
    """Yield the states."""
    for state in State:
        left, upper, width, height = extent(state)
        yield f'<rect class="box" x="{left}" y="{upper}" width="{width}" height="{height}" rx="8"/>'
        yield label(left + 9, upper + 18, state.name, "name")
        for number, line in enumerate(words(state)):
            yield label(left + 9, upper + 18 + LINE * (number + 1), line)


def arrows() -> Iterator[str]:
    """Yield what leads from one to another: to and from the frame, where it is the same for all in it."""
    for one, other in changes():
        if one in FRAME and other in FRAME:
            yield arrow(*edge(one, other))
    _, top, _, height = FRAME_BOX
    bottom = top + height
    yield from straight(170, extent(State.NEW), top, ["open"])
    closing = extent(State.CLOSING)
    yield from (
        arrow((110, bottom), (110, closing[1] - 2)),
        *stacked(118, bottom + 22, common(State.CLOSING)),
    )
    yield from straight(170, closing, extent(State.LOST)[1], common(State.LOST))
    yield arrow((340, bottom), (340, 600), (extent(State.LOST)[0] + BOX_WIDTH + 2, 600))
    yield label(346, 500, ", ".join(common(State.LOST)))


def straight(
    x: float, box: tuple[float, float, float, float], end: float, events: Iterable[str]
) -> Iterator[str]:
    """Yield an arrow down from a box, with its events."""
    yield arrow((x, box[1] + box[3]), (x, end - 2))
    yield label(x + 8, (box[1] + box[3] + end) / 2 + 4, ", ".join(events))


def stacked(x: float, y: float, events: list[str]) -> Iterator[str]:
    """Yield events, two a line."""
    for number in range(0, len(events), 2):
        yield label(x, y + LINE * number / 2, ", ".join(events[number : number + 2]))


def drawing() -> str:
    """Return the SVG."""
    left, upper, width, height = FRAME_BOX
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">',
            "<title>The states of a session</title>",
            f"<style>{STYLE}</style>",
            '<marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
            '<path d="M0 0L8 4L0 8z"/></marker>',
            f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
            f'<rect class="frame" x="{left}" y="{upper}" width="{width}" height="{height}" rx="10"/>',
            *arrows(),
            *boxes(),
            "</svg>\n",
        ]
    )
