r"""A report as text: each verdict in a line, what to mend first, and then the details.

What a server sent is escaped::

    print("\n".join(text_lines(report)))
"""

import re
from collections.abc import Sequence

from sockproto.check.causes import first_causes
from sockproto.check.verdict import Report, Result, Verdict, shown
from sockproto.core.text import escape

MARKS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.OPEN: "open", Verdict.SKIP: "skip"}
SHOWN_BYTES = 120
"""How many bytes a line of text shows."""

_RUN = re.compile(rb"(.)\1{23,}", re.DOTALL)
_CUT_RUN = re.compile(rb"(.)\1{23,}(?: \[\.\.\. (\d+) bytes \.\.\.\] \1{24,})?", re.DOTALL)


def text_lines(report: Report) -> list[str]:
    """Return it as lines for people: each verdict, then what to mend, then the details and the sum."""
    judged = (result for result in report.results if result.verdict is not Verdict.SKIP)
    return [*map(verdict_line, judged), *report_lines(report)]


def verdict_line(result: Result) -> str:
    """Return how a case ended, in one line."""
    mark = f"{MARKS[result.verdict]}  {result.case.identifier}"
    return f"{mark}: {result.reason}" if result.reason else mark


def report_lines(report: Report) -> list[str]:
    """Return what follows on the verdicts: the headline, what to mend, then the details, and the sum."""
    lines = ["", *_head(report)]
    for result in report.results:
        if result.verdict is Verdict.FAIL:
            lines += ["", *failure_lines(result)]
    skipped = [result for result in report.results if result.verdict is Verdict.SKIP]
    lines += ["", *map(_skipped, _alike(skipped))] if skipped else []
    return [*lines, "", *_about(report), summary(report)]


def _head(report: Report) -> list[str]:
    """Return the headline, the server's habit, and what to mend first."""
    lines = [escape(report.label)] if report.label else []
    lines.append(report.headline)
    lines += [f"{name}: {escape(value)}" for name, value in report.known.items()]
    found = first_causes(report)
    lines += ["To mend first:"] if found else []
    for number, cause in enumerate(found, 1):
        lines.append(f"  {number}. {escape(cause.sentence)} ({_of(cause.cases)})")
    return lines


def _of(cases: Sequence[str]) -> str:
    """Return which cases those are: the first ones, and how many more."""
    more = f" and {len(cases) - 2} more" if len(cases) > 2 else ""
    return ", ".join(cases[:2]) + more


def failure_lines(result: Result) -> list[str]:
    """Return all that is known of a case that fails."""
    lines = [f"{MARKS[result.verdict]}  {result.case.identifier}", f"      {result.reason}"]
    lines.append(f"      {result.case.expectation} ({result.case.source})")
    for name in ("sent", "expected", "received"):
        data = getattr(result, name)
        if data is not None:
            lines.append(f"      {name:<9} {_written(data, name != 'received')}")
    return [*lines, *(f"      {'it said':<9} {line}" for line in result.said)]


def _skipped(results: Sequence[Result]) -> str:
    """Return what was skipped for one reason: cases of a group together."""
    if len(results) == 1:
        return verdict_line(results[0])
    first = results[0]
    return f"{MARKS[first.verdict]}  {first.case.group}, {len(results)} cases: {first.reason}"


def _about(report: Report) -> list[str]:
    """Return what is known of the server, and of the check."""
    lines = ["server"] if report.server else []
    for name, value in report.server.items():
        if name == "last said" and report.server["exit"].startswith("none"):  # each failure has its own
            continue
        lines.append(f"      {name:<12}{escape(value)}")
    if report.command:
        lines.append(f"sockproto {report.version}: {escape(report.command)}")
    return lines


def summary(report: Report) -> str:
    """Return the sum in one line."""
    took = f"in {report.seconds:.1f} s" + (f"; {report.unjudged}" if report.unjudged else "")
    if all(result.verdict is Verdict.SKIP for result in report.results):
        what = f"nothing was judged, {report.count(Verdict.SKIP)} skipped"
        return f"{report.protocol} at {report.target}: {what}, {took}"
    counts = ", ".join(
        f"{report.count(verdict)} {word}"
        for verdict, word in (
            (Verdict.PASS, "pass"),
            (Verdict.FAIL, "fail"),
            (Verdict.OPEN, "open"),
            (Verdict.SKIP, "skipped"),
        )
        if report.count(verdict) or verdict is Verdict.PASS
    )
    return f"{report.protocol} at {report.target}: {counts}, {took}"


def _alike(results: Sequence[Result]) -> list[list[Result]]:
    """Return what is told together: of a group, the cases that were skipped for the same reason."""
    found: list[list[Result]] = []
    for result in results:
        same = found and found[-1][0].verdict is result.verdict is Verdict.SKIP
        before = found[-1][0] if same else None
        if before and (before.case.group, before.reason) == (result.case.group, result.reason):
            found[-1].append(result)
        else:
            found.append([result])
    return found


def _written(data: bytes, ours: bool) -> str:
    """Return bytes as text, long runs of one byte by their length; only of ours we know what was left out."""
    parts, end = [], 0
    for run in (_CUT_RUN if ours else _RUN).finditer(data):
        if run.start() > end:
            parts.append(shown(data[end : run.start()], SHOWN_BYTES))
        length, byte = len(run[0]), run[1]
        if ours and run[2]:
            length += int(run[2]) - len(b" [...  bytes ...] ") - len(run[2])
        parts.append(f"{shown(byte)} \u00d7 {length:,}")
        end = run.end()
    if end < len(data) or not parts:
        parts.append(shown(data[end:], SHOWN_BYTES))
    return " + ".join(parts)
