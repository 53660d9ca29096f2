"""What happened on a case's sockets, drawn and told.

Time runs to the right, and each socket has two rails, ours and the server's. Bytes are arrows from rail to
rail; a rail ends where its side will send no more. Long waits are drawn shorter than they were, and of many
events the first and the last are shown::

    drawing(result.timeline)
    table(result.timeline)
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import log10
from typing import NamedTuple

from sockproto.check.markup import Markup, element, joined, text
from sockproto.check.octets import as_text, left_out
from sockproto.check.verdict import TimelineEvent

SHOWN_EVENTS = 20
SHOWN_SOCKETS = 8
SHOWN_CHARACTERS = 200
SHOWN_BYTES = 32  # of an event, in the table
PIXELS = 26  # between two events at least
LABEL_PIXELS = 56  # what a time under the axis takes
LANE, OURS, THEIRS = 62, 14, 48  # heights: of a lane, of its rails in it
ENDS_OURS, ENDS_THEIRS = {"half-closed", "closed", "reset"}, {"ended", "closed", "reset"}


class Shown(NamedTuple):
    """What is shown of a timeline.

    Attributes:
        events: The first and the last.
        before: How many of them stand before those that were left out.
        left_out: How many were, and what is noted of them; empty if none.
    """

    events: tuple[TimelineEvent, ...]
    before: int
    left_out: str


def chosen(timeline: Sequence[TimelineEvent]) -> Shown:
    """Choose what to show."""
    half = SHOWN_EVENTS // 2
    left_out = timeline[half:-half]
    if len(timeline) <= SHOWN_EVENTS:
        return Shown(tuple(timeline), len(timeline), "")
    notes = [event.text for event in left_out if not event.socket]  # that still more were not kept
    told = "; ".join([f"{len(left_out):,} events are left out", *notes])
    return Shown((*timeline[:half], *timeline[-half:]), half, told)


def table(timeline: Sequence[TimelineEvent]) -> Markup:
    """Return the events, one a row."""
    shown = chosen(timeline)
    rows = [_row(event) for event in shown.events]
    if shown.left_out:
        cell = element("td", text(f"\u2026 {shown.left_out} \u2026"), colspan=4)
        rows.insert(shown.before, element("tr", cell))
    heads = (element("th", text(head), scope="col") for head in ("Time", "Socket", "Event", "What"))
    body = element("tbody", *rows)
    return element("table", element("thead", element("tr", *heads)), body)


def arrows() -> Markup:
    """Return the heads of the arrows, which a page has once, before its drawings."""
    heads = (
        element(
            "marker",
            element("path", d="M0 0L8 4L0 8z"),
            id=name,
            markerUnits="userSpaceOnUse",
            markerWidth=8,
            markerHeight=8,
            refX=7,
            refY=4,
            orient="auto",
        )
        for name in "sr"
    )
    return element("svg", *heads, class_="arrows", width=0, height=0, aria_hidden="true")


def drawing(timeline: Sequence[TimelineEvent]) -> Markup:
    """Return the events as a picture as wide as there is room, which scrolls where there is too little."""
    sockets = _sockets(timeline)
    shown = chosen([event for event in timeline if event.socket in sockets])
    if not shown.events:
        return Markup("")
    places = _places(shown)
    width = round(places[-1] + 2 * PIXELS)  # with room for the last event's size
    shares = [f"{100 * place / width:.4g}%" for place in places]
    height = LANE * len(sockets) + 22
    parts = [_axis(shown.events, places, shares, height)]
    for lane, socket in enumerate(sockets):
        parts.append(_lane(shown.events, shares, socket, lane * LANE))
    if shown.left_out:
        parts.append(_gap(places, width, shown, height))
    picture = element("svg", *parts, width=width, height=height, aria_hidden="true")
    strip = element("div", picture, class_="strip", tabindex=0, role="img", aria_label=_summary(timeline))
    return element("div", _names(sockets, height), strip, class_="timeline")


def undrawn(timeline: Sequence[TimelineEvent]) -> str:
    """Say how many sockets the picture leaves out; empty if none."""
    count = len({event.socket for event in timeline if event.socket}) - SHOWN_SOCKETS
    return f", on {count:,} more sockets than are drawn" if count > 0 else ""


def moment(seconds: float) -> str:
    """Return a time as people say it: ``0``, ``0.8 ms``, ``1.24 s``."""
    if seconds < 0.0001:
        return "0"
    if seconds < 0.9995:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:,.0f} s"


def size(count: int) -> str:
    """Return a number of bytes in short: ``12 B``, ``64 K``, ``1.5 M``."""
    for unit, factor in (("M", 1 << 20), ("K", 1 << 10)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} B"


def _row(event: TimelineEvent) -> Markup:
    said = []
    if event.kind in ("sent", "received"):
        said.append(element("b", text(f"{event.size:,} {'byte' if event.size == 1 else 'bytes'} ")))
    if event.data:
        more = max(event.size, len(event.data)) - SHOWN_BYTES
        said.append(element("code", as_text(event.data[:SHOWN_BYTES]), left_out(more, "more")))
    if event.text:
        said.append(element("span", text(event.text[:SHOWN_CHARACTERS])))
    cells = [text(moment(event.seconds)), text(str(event.socket or "")), text(event.kind), joined(said)]
    return element("tr", *(element("td", cell) for cell in cells))


def _summary(timeline: Sequence[TimelineEvent]) -> str:
    sockets = len({event.socket for event in timeline if event.socket})
    noun = "socket" if sockets == 1 else "sockets"
    return (
        f"Timeline of {sockets:,} {noun}, {moment(timeline[-1].seconds)} long; the events are listed below."
    )


def _sockets(timeline: Sequence[TimelineEvent]) -> list[int]:
    """Return the sockets that are drawn: of many, those on which something happened last."""
    latest = list(dict.fromkeys(event.socket for event in reversed(timeline) if event.socket))
    return sorted(latest[:SHOWN_SOCKETS])


def _places(shown: Shown) -> list[float]:
    """Tell where each event stands at least, in pixels: later ones further right, but not in proportion."""
    places = [8.0]
    for at, (one, other) in enumerate(pairwise(shown.events), 1):
        milliseconds = max(0.0, other.seconds - one.seconds) * 1000
        step = (
            1
            + log10(1 + milliseconds)
            + 0.7 * bool(one.size)
            + 3 * (shown.left_out != "" and at == shown.before)
        )
        places.append(places[-1] + PIXELS * step)
    return places


def _axis(events: Sequence[TimelineEvent], places: list[float], shares: list[str], height: int) -> Markup:
    parts, free = [], 0.0
    for event, place, x in zip(events, places, shares, strict=True):
        if place >= free:
            free = place + LABEL_PIXELS
            parts.append(element("line", class_="t", x1=x, x2=x, y1=0, y2=height - 16))
            anchored = "middle" if parts[1:] else "start"  # at the edge there is no room before it
            label = text(moment(event.seconds))
            parts.append(element("text", label, class_="t", x=x, y=height - 3, text_anchor=anchored))
    return joined(parts)


def _gap(places: list[float], width: int, shown: Shown, height: int) -> Markup:
    x = f"{50 * (places[shown.before - 1] + places[shown.before] + PIXELS) / width:.4g}%"
    line = element("line", class_="gap", x1=x, x2=x, y1=0, y2=height - 16)
    label = element("text", text("left out"), class_="gap", x=x, y=height // 2 - 8)
    return joined([line, label])


def _names(sockets: list[int], height: int) -> Markup:
    parts = []
    for lane, socket in enumerate(sockets):
        top = lane * LANE
        parts.append(element("text", text("we"), x=0, y=top + OURS + 4))
        parts.append(
            element("text", text(f"socket {socket}"), class_="n", x=0, y=top + (OURS + THEIRS) // 2 + 4)
        )
        parts.append(element("text", text("server"), x=0, y=top + THEIRS + 4))
    return element("svg", *parts, class_="names", width=64, height=height, aria_hidden="true")


def _lane(events: Sequence[TimelineEvent], shares: list[str], socket: int, top: int) -> Markup:
    own = [(event, x) for event, x in zip(events, shares, strict=True) if event.socket == socket]
    rails = [_rail(own, ENDS_OURS, top + OURS), _rail(own, ENDS_THEIRS, top + THEIRS)]
    return joined([*rails, *(_DRAWN.get(event.kind, _nothing)(event, x, top) for event, x in own)])


def _rail(own: list[tuple[TimelineEvent, str]], ends: set[str], y: int) -> Markup:
    """Draw a side's rail, with a bar where it ends."""
    begin = own[0][1]
    event, x = next(((event, x) for event, x in own if event.kind in ends), (None, "100%"))
    rail = element("line", class_="rail", x1=begin, x2=x, y1=y, y2=y)
    if event is None or event.kind == "reset":
        return rail
    return joined([rail, element("line", _titled(event), class_="end", x1=x, x2=x, y1=y - 7, y2=y + 7)])


def _titled(event: TimelineEvent) -> Markup:
    count = f" {event.size:,} bytes" if event.kind in ("sent", "received") else ""
    return element("title", text(f"{moment(event.seconds)}: {event.kind}{count}"))


def _arrow(event: TimelineEvent, x: str, top: int) -> Markup:
    sent = event.kind == "sent"
    begin, end = (OURS, THEIRS - 2) if sent else (THEIRS, OURS + 2)
    thick = f"{1.5 + min(3.0, log10(1 + event.size) * 0.6):.2g}"
    name = "s" if sent else "r"
    line = element(
        "line", _titled(event), class_=name, x1=x, x2=x, y1=top + begin, y2=top + end, stroke_width=thick
    )
    return joined([line, element("text", text(size(event.size)), class_=name, x=x, y=top + 35)])


def _dot(event: TimelineEvent, x: str, top: int) -> Markup:
    return element("circle", _titled(event), class_="dot", cx=x, cy=top + (OURS + THEIRS) // 2, r=4)


def _begin(event: TimelineEvent, x: str, top: int) -> Markup:
    ours = element("circle", _titled(event), class_="begin", cx=x, cy=top + OURS, r=4)
    return joined([ours, element("circle", class_="begin", cx=x, cy=top + THEIRS, r=4)])


def _nothing(event: TimelineEvent, x: str, top: int) -> Markup:
    return Markup("")  # its rails show it


def _reset(event: TimelineEvent, x: str, top: int) -> Markup:
    crosses = (element("text", text("\u00d7"), class_="x", x=x, y=top + y + 8) for y in (OURS, THEIRS))
    return joined(
        [*crosses, element("line", _titled(event), class_="x", x1=x, x2=x, y1=top + OURS, y2=top + THEIRS)]
    )


_DRAWN: dict[str, Callable[[TimelineEvent, str, int], Markup]] = {
    "connected": _begin,
    "sent": _arrow,
    "received": _arrow,
    "reset": _reset,
    "waited": _dot,
    "note": _dot,
}
