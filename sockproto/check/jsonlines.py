r"""A report as JSON, an object a line: one for each case, as it is judged, and the last one for the whole.

Their names are stable; what they mean: ``json_case`` and ``json_report``::

    print("\n".join(json_lines(report)))
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

from sockproto.check.causes import first_causes
from sockproto.check.verdict import Report, Result, TimelineEvent, Verdict, edges

JSON_EVENTS = 40
"""How many of a timeline's events are in JSON: the first and the last."""

JSON_BYTES = 64
"""How many bytes are there of each event: the first and the last; of what was sent, expected and received
1,024."""


def json_lines(report: Report) -> list[str]:
    """Return it as JSON, an object a line: one for each case, and in the last line one for the whole."""
    return [*map(json_case, report.results), json_report(report)]


def json_report(report: Report) -> str:
    """Return the line for the whole check.

    ``type``
        ``report``; of a case's line ``case``.
    ``command``, ``protocol``, ``target``, ``label``, ``version``, ``typed``
        ``check``; what was judged; the label that its user chose; of sockproto; the command as it was typed.
    ``began``, ``seconds``
        Seconds since 1970; how many it took.
    ``failed``, ``complete``, ``headline``, ``unjudged``, ``counts``
        Whether a case fails; whether all was judged that was to be; the verdict in a sentence; how many cases
        were to be judged and were not, and why; how many cases ended in which way.
    ``causes``
        What to mend first, three at most: ``sentence`` and ``cases``.
    ``known``, ``server``
        What was found out, as ``habit``; what is known of a server that was started for the check.
    """
    return json.dumps(
        {
            "type": "report",
            "command": "check",
            "protocol": report.protocol,
            "target": report.target,
            "label": report.label,
            "version": report.version,
            "typed": report.command,
            "began": report.began,
            "seconds": round(report.seconds, 6),
            "failed": report.failed,
            "complete": report.complete,
            "headline": report.headline,
            "unjudged": report.unjudged,
            "counts": {str(verdict): report.count(verdict) for verdict in Verdict},
            "causes": [
                {"sentence": each.sentence, "cases": list(each.cases)} for each in first_causes(report)
            ],
            "known": report.known,
            "server": report.server,
        }
    )


def json_case(result: Result) -> str:
    """Return the line of a case.

    ``type``, ``case``, ``group``, ``expectation``, ``source``
        ``case``; its name and its group; what a right server does, and who says so.
    ``verdict``, ``reason``, ``unjudged``, ``seconds``
        ``pass``, ``fail``, ``open`` or ``skip``, why, why it was skipped though it was to be judged, and how
        long it took.
    ``sent``, ``expected``, ``received``, ``said``, ``timeline``
        Of a failure only: bytes in base64, as they may be anything, or null; what a server that was started
        for the check printed; what happened: ``seconds``, ``socket``, ``kind``, ``data`` (base64; of long
        runs the first and the last bytes), ``size`` (of all) and ``text``. Events that are left out are told
        of in the ``text`` of one whose ``kind`` is ``note``.
    """
    found: dict[str, Any] = {
        "type": "case",
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
            found[name] = None if data is None else _base64(edges(data))
        found["said"] = list(result.said)
        found["timeline"] = [_event(event) for event in _some(result.timeline)]
    return json.dumps(found)


def _some(timeline: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    """Return the first and the last events, and between them a note of how many are left out."""
    half = JSON_EVENTS // 2
    if len(timeline) <= JSON_EVENTS:
        return list(timeline)
    note = f"{len(timeline) - 2 * half:,} events are left out here"
    return [*timeline[:half], TimelineEvent(timeline[half].seconds, 0, "note", text=note), *timeline[-half:]]


def _event(event: TimelineEvent) -> dict[str, Any]:
    return {
        "seconds": round(event.seconds, 6),
        "socket": event.socket,
        "kind": event.kind,
        "data": _base64(edges(event.data, JSON_BYTES)),
        "size": event.size,
        "text": event.text,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
