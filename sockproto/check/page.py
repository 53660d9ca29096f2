"""A report as one page of HTML, to read and to send to somebody.

It needs nothing besides itself, and its policy forbids it to load or to run anything. What to mend comes
first, then what failed, with its bytes and their timeline; what passes is folded::

    Path("report.html").write_text(html(report), encoding="utf-8")
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from hashlib import sha256
from importlib.resources import files

from sockproto.check.causes import Cause, first_causes
from sockproto.check.markup import Markup, element, joined, text, void
from sockproto.check.octets import as_hexadecimal, as_text, difference
from sockproto.check.timeline import arrows, drawing, moment, table, undrawn
from sockproto.check.verdict import Report, Result, Verdict

UNFOLDED = 8  # failures; more are folded, so that one sees them all
SHOWN_CASES = 3  # of each thing to mend
WORST_FIRST = (Verdict.FAIL, Verdict.OPEN, Verdict.SKIP, Verdict.PASS)
SIGNS = {Verdict.PASS: "\u2713", Verdict.FAIL: "\u00d7", Verdict.OPEN: "?", Verdict.SKIP: "\u2013"}
WORDS = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.OPEN: "open", Verdict.SKIP: "skipped"}


def html(report: Report) -> str:
    """Return the page; it is ASCII but for a few signs, to be written as UTF-8."""
    body = element("body", arrows(), _header(report), element("main", *_sections(report)), _footer())
    return f"<!DOCTYPE html>\n{element('html', _head(report), body, lang='en')}\n"


def _head(report: Report) -> Markup:
    css = files("sockproto.check").joinpath("report.css").read_text("utf-8")
    digest = b64encode(sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=policy),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        element("title", text(_title(report))),
        element("style", Markup(css)),  # ours, and free of "<"
    )


def _title(report: Report) -> str:
    label = f"{report.label}: " if report.label else ""
    return f"{label}{report.protocol} at {report.target}: {report.headline}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _header(report: Report) -> Markup:
    began = datetime.fromtimestamp(report.began, timezone.utc)
    when = element("time", text(f"{began:%Y-%m-%d %H:%M:%S} UTC"), datetime=f"{began:%Y-%m-%dT%H:%M:%SZ}")
    took = text(f", in {moment(report.seconds)}")
    good = report.complete and not report.failed
    return element(
        "header",
        element("p", text("sockproto check"), class_="maker"),
        *([element("p", text(report.label), class_="label")] if report.label else []),
        element(
            "h1", element("b", text(report.protocol)), text(" at "), element("span", text(report.target))
        ),
        element(
            "p",
            text(report.headline),
            class_=f"verdict {'good' if good else 'bad'}",
        ),
        _known(report),
        _bar(report),
        _tally(report.results),
        element("p", text("Judged on "), when, took, *_with(report), class_="when"),
    )


def _known(report: Report) -> Markup:
    """Say what was found out about the server, as its habit."""
    if not report.known:
        return Markup("")
    pairs = {name.capitalize(): said for name, said in report.known.items()}
    return element("div", _pairs(pairs), class_="known")


def _with(report: Report) -> list[Markup]:
    """Say with what it was judged: the version, and the command as it was typed."""
    made = [text(f", by sockproto {report.version}")] if report.version else []
    return [*made, text(": "), element("code", text(report.command))] if report.command else made


def _causes(report: Report, found: Sequence[Cause]) -> Markup:
    """Say what to mend first, with links to the cases that show it."""
    anchors = {result.case.identifier: f"#{_anchor(result)}" for result in report.results}
    items = []
    for cause in found:
        links: list[Markup] = []
        for name in cause.cases[:SHOWN_CASES]:
            links += [text(", " if links else ""), element("a", text(name), href=anchors[name])]
        if more := len(cause.cases[SHOWN_CASES:]):
            links.append(text(f" and {_counted(more, 'other')}"))
        items.append(element("li", element("p", text(cause.sentence)), element("small", *links)))
    return _section("What to mend first", element("ol", *items, class_="causes"))


def _bar(report: Report) -> Markup:
    """Draw how many cases ended in which way."""
    parts, x = [], 0.0
    for verdict, count in _counts(report.results):
        share = 100 * count / len(report.results)
        parts.append(element("rect", class_=verdict.value, x=f"{x:.4g}%", width=f"{share:.4g}%", height=8))
        x += share
    return element("svg", *parts, class_="bar", width="100%", height=8, aria_hidden="true")


def _tally(results: Sequence[Result]) -> Markup:
    parts = (
        element("li", _sign(verdict), text(f" {count:,} {WORDS[verdict]}"))
        for verdict, count in _counts(results)
    )
    return element("ul", *parts, class_="tally")


def _counts(results: Sequence[Result]) -> list[tuple[Verdict, int]]:
    """Tell how many cases ended in each way that occurs, the worst first."""
    counts = Counter(result.verdict for result in results)
    return [(verdict, counts[verdict]) for verdict in WORST_FIRST if counts[verdict]]


def _sign(verdict: Verdict) -> Markup:
    return element("span", text(SIGNS[verdict]), class_=f"sign {verdict.value}", aria_hidden="true")


def _sections(report: Report) -> list[Markup]:
    failing = [result for result in report.results if result.verdict is Verdict.FAIL]
    undecided = [result for result in report.results if result.verdict is Verdict.OPEN]
    found = first_causes(report)
    sections = [_causes(report, found)] if found else []
    if failing:
        cards = [_card(result, at < UNFOLDED) for at, result in enumerate(failing)]
        sections.append(_section("What fails", _key(), *cards))
    if undecided:
        about = element("p", text("The specification does not say what is right here. This server does so:"))
        sections.append(_section("What is left open", about, *(_card(result, False) for result in undecided)))
    if report.server:
        sections.append(_section("The server", _pairs(report.server)))
    if report.results:
        groups = [_group(name, list(results)) for name, results in _grouped(report.results)]
        sections.append(_section("All cases", *groups))
    return sections


def _section(heading: str, *content: Markup) -> Markup:
    return element("section", element("h2", text(heading)), *content)


def _pairs(pairs: dict[str, str]) -> Markup:
    """Return names and what they stand for."""
    parts = [(element("dt", text(name)), element("dd", text(said))) for name, said in pairs.items()]
    return element("dl", *(element("div", *pair) for pair in parts))


def _key() -> Markup:
    """Say how to read the timelines."""
    parts = [
        ("s", "\u2193", "sent to the server"),
        ("r", "\u2191", "received from it"),
        ("e", "|", "will send no more"),
        ("x", "\u00d7", "reset"),
    ]
    signs = (
        element("li", element("b", text(sign), class_=name), text(f" {said}")) for name, sign, said in parts
    )
    return element("ul", *signs, class_="key", aria_label="How to read the timelines")


def _anchor(result: Result) -> str:
    """Return the name by which the page's links know a case."""
    return "case-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in result.case.identifier)


def _card(result: Result, unfolded: bool) -> Markup:
    """Return all that is known of a case."""
    heading = element(
        "summary",
        _sign(result.verdict),
        element("h3", text(result.case.identifier)),
        element("span", text(moment(result.seconds)), class_="took"),
        element("span", text(result.reason), class_="reason"),
    )
    judged = {"What is right": result.case.expectation, "Source": result.case.source}
    if result.said:
        judged["It printed"] = " | ".join(result.said)
    content = [_pairs(judged), _octets(result)]
    if result.timeline:
        events = element("summary", text(_counted(len(result.timeline), "event") + undrawn(result.timeline)))
        content.append(drawing(result.timeline))
        content.append(element("details", events, table(result.timeline), class_="fold"))
    return element(
        "details",
        heading,
        element("div", *content, class_="card"),
        class_=f"case {result.verdict.value}",
        id=_anchor(result),
        open=unfolded,
    )


def _octets(result: Result) -> Markup:
    """Return the bytes that were sent, expected and received, the first that differs marked."""
    at = difference(result.expected, result.received)
    shown = [
        (name, data, None if name == "Sent" else at)
        for name, data in (
            ("Sent", result.sent),
            ("Expected", result.expected),
            ("Received", result.received),
        )
        if data is not None
    ]
    if not shown:
        return Markup("")
    ended = any(event.kind in ("ended", "reset") for event in result.timeline)
    ends = {"Received": "the end" if ended or not result.timeline else "nothing more"}
    lines = [_line(name, data, marked, ends.get(name, "the end")) for name, data, marked in shown]
    dumps = [
        element(
            "figure",
            element("figcaption", text(name)),
            element("pre", as_hexadecimal(data, marked, end=ends.get(name, "the end"))),
        )
        for name, data, marked in shown
    ]
    folded = element("summary", text("The same in hexadecimal"))
    dump = element("details", folded, element("div", *dumps, class_="dumps"), class_="fold")
    note = (
        element("p", text(f"The first difference, byte {at + 1:,} of these, is marked."), class_="note")
        if at is not None
        else Markup("")
    )
    return joined([element("dl", *lines, class_="octets"), note, dump])


def _line(name: str, data: bytes, marked: int | None, end: str) -> Markup:
    about = f"{_counted(len(data), 'byte')} kept"  # of long runs a part
    shown = element("code", as_text(data, marked, end=end)) if data else element("em", text("nothing"))
    return element(
        "div", element("dt", text(name), element("small", text(about))), element("dd", shown, tabindex=0)
    )


def _grouped(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    ordered: dict[str, list[Result]] = {}
    for result in results:
        ordered.setdefault(result.case.group, []).append(result)
    return list(ordered.items())


def _group(name: str, results: list[Result]) -> Markup:
    signs = element("span", *(_sign(result.verdict) for result in results), class_="signs")
    told = ", ".join(f"{count:,} {WORDS[verdict]}" for verdict, count in _counts(results))
    summary = element("summary", element("h3", text(name)), signs, element("span", text(told), class_="took"))
    return element("details", summary, element("ul", *(_entry(result) for result in results)), class_="group")


def _entry(result: Result) -> Markup:
    """Return a case in its group: of what was told above, where."""
    name = element("b", text(result.case.identifier))
    if result.verdict in (Verdict.FAIL, Verdict.OPEN):
        name = element("a", name, href=f"#{_anchor(result)}")
    said = [
        element("p", text(result.case.expectation), text(" "), element("small", text(result.case.source)))
    ]
    if result.reason:
        said.append(element("p", text(result.reason), class_="reason"))
    verdict = element("span", text(f" {WORDS[result.verdict]}, {moment(result.seconds)}"), class_="took")
    return element("li", _sign(result.verdict), element("div", name, verdict, *said))


def _footer() -> Markup:
    return element(
        "footer", element("p", text("Made by sockproto check. This page loads nothing and runs nothing."))
    )
