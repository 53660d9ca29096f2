r"""A report as text, as JSON, and as JUnit's XML, which CI systems read.

What a server sent is escaped in all of them::

    print("\n".join(text_lines(report)))
"""

import base64
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from sockproto.check.verdict import Report, Result, Verdict, shown
from sockproto.core.text import escape

MARKS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.OPEN: "open", Verdict.SKIP: "skip"}
SHOWN_BYTES = 120
"""How many bytes a line of text shows."""

_RUN = re.compile(rb"(.)\1{23,}", re.DOTALL)
_CUT_RUN = re.compile(rb"(.)\1{23,}(?: \[\.\.\. (\d+) bytes \.\.\.\] \1{24,})?", re.DOTALL)


def text_lines(report: Report) -> list[str]:
    """Return it as lines for people: what was judged, what was skipped, and the sum at the end."""
    judged = (result for result in report.results if result.verdict is not Verdict.SKIP)
    return [*(line for result in judged for line in result_lines(result)), *closing_lines(report)]


def result_lines(result: Result, *alike: Result) -> list[str]:
    """Return one case's lines, more than one where it fails; of *alike* skipped ones, one together."""
    if alike:
        return [f"{MARKS[result.verdict]}  {result.case.group}, {1 + len(alike)} cases: {result.reason}"]
    mark = f"{MARKS[result.verdict]}  {result.case.identifier}"
    if result.verdict is Verdict.PASS:
        return [mark]
    if result.verdict is not Verdict.FAIL:
        return [f"{mark}: {result.reason}"]
    lines = [mark, f"      {result.reason}", f"      {result.case.expectation} ({result.case.source})"]
    for name in ("sent", "expected", "received"):
        data = getattr(result, name)
        if data is not None:
            lines.append(f"      {name:<9} {_written(data, name != 'received')}")
    return [*lines, *(f"      {'it said':<9} {line}" for line in result.said)]


def closing_lines(report: Report) -> list[str]:
    """Return what follows on what was judged: what was skipped, the server, and the sum."""
    skipped = [result for result in report.results if result.verdict is Verdict.SKIP]
    lines = [line for results in _alike(skipped) for line in result_lines(*results)]
    lines += ["server"] if report.server else []
    for name, value in report.server.items():
        if name == "last said" and report.server["exit"].startswith("none"):  # each failure has its own
            continue
        escaped = escape(value)
        lines.append(f"      {name:<12}{escaped}")
    return [*lines, summary(report)]


def summary(report: Report) -> str:
    """Give the sum in one line."""
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
    """Give what is told together: of a group, the cases that were skipped for the same reason."""
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
    """Give bytes as text, long runs of one byte by their length; only of ours we know what was left out."""
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


def json_object(report: Report) -> dict[str, Any]:
    """Give it as an object for ``json.dumps``: all there is; bytes in base64, as they may be anything."""
    return {
        "command": "check",
        "protocol": report.protocol,
        "target": report.target,
        "began": report.began,
        "seconds": round(report.seconds, 6),
        "failed": report.failed,
        "complete": report.complete,
        "unjudged": report.unjudged,
        "counts": {str(verdict): report.count(verdict) for verdict in Verdict},
        "server": report.server,
        "results": [_object(result) for result in report.results],
    }


def _object(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = {
        "case": result.case.identifier,
        "group": result.case.group,
        "expectation": result.case.expectation,
        "source": result.case.source,
        "verdict": str(result.verdict),
        "reason": result.reason,
        "unjudged": result.unjudged,
        "seconds": round(result.seconds, 6),
    }
    if result.verdict is Verdict.FAIL:
        for name in ("sent", "expected", "received"):
            data = getattr(result, name)
            found[name] = None if data is None else _base64(data)
        found["said"] = list(result.said)
        found["timeline"] = [
            {
                "seconds": round(event.seconds, 6),
                "socket": event.socket,
                "kind": event.kind,
                "data": _base64(event.data),
                "size": event.size,
                "text": event.text,
            }
            for event in result.timeline
        ]
    return found


def junit(report: Report) -> bytes:
    """Give it as JUnit's XML.

    An open case counts as passed, and says what the server does. One that was to be judged and was not is an
    error: a CI system must not take it for one that may be left out.
    """
    unjudged = sum(bool(result.unjudged) for result in report.results)
    suite = ElementTree.Element(
        "testsuite",
        name=escape(f"sockproto check {report.protocol} {report.target}"),
        tests=str(len(report.results)),
        failures=str(report.count(Verdict.FAIL)),
        errors=str(unjudged),
        skipped=str(report.count(Verdict.SKIP) - unjudged),
        time=f"{report.seconds:.3f}",
    )
    for result in report.results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=escape(f"{report.protocol}.{result.case.group}"),
            name=escape(result.case.identifier),
            time=f"{result.seconds:.3f}",
        )
        if result.verdict is Verdict.FAIL:
            failure = ElementTree.SubElement(case, "failure", message=escape(result.reason))
            failure.text = escape("\n".join(result_lines(result)[1:]), keep="\n")
        elif result.unjudged:
            message = escape(f"not judged {result.unjudged}: {result.reason}")
            ElementTree.SubElement(case, "error", message=message)
        elif result.verdict is Verdict.SKIP:
            ElementTree.SubElement(case, "skipped", message=escape(result.reason))
        elif result.verdict is Verdict.OPEN:
            ElementTree.SubElement(case, "system-out").text = escape(f"open: {result.reason}")
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, "utf-8", xml_declaration=True))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
