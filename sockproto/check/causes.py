"""What a person should mend first, and the likely cause: derived from which cases fail, and how. Pure.

What no known mistake explains is told as it was found::

    for cause in first_causes(report):
        print(cause.sentence, cause.cases)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sockproto.check.mistakes import MISTAKES, Mistake
from sockproto.check.verdict import Report, Result, Verdict, shown

MOST = 3
"""So many are told: who has mended them checks again."""

SHOWN_BYTES = 40
"""What is no longer can be shown in a sentence."""


@dataclass(frozen=True)
class Cause:
    """Something to mend.

    Attributes:
        sentence: What is wrong, in one sentence, with what to do where that is known; peer bytes in it are
            escaped.
        cases: Which failing cases it explains, in the report's order.
    """

    sentence: str
    cases: tuple[str, ...]


def first_causes(report: Report) -> tuple[Cause, ...]:
    """Return what to mend first, three things at most; what explains most, or harms most, comes first."""
    failing = [result for result in report.results if result.verdict is Verdict.FAIL]
    left = [result for result in failing if not result.was_open]
    found: list[Cause] = []
    for mistake in (each for each in MISTAKES if each.but != report.protocol):
        if explained := _explained(mistake, left, failing):
            found.append(Cause(mistake.sentence or _told(explained[0]), _identifiers(explained)))
            left = [result for result in left if result not in explained]
    left += [result for result in failing if result.was_open]
    found += [Cause(_told(result), _identifiers([result])) for result in left]
    return tuple(found[:MOST])


def _explained(mistake: Mistake, left: Sequence[Result], failing: Sequence[Result]) -> list[Result]:
    """Return which of what is left a mistake explains; nothing if it was not made."""
    if _any(failing, mistake.unless) or (mistake.also and not _any(failing, mistake.also)):
        return []
    showing = [result for result in left if _named(result, mistake.needs) and mistake.shown(result)]
    if not showing:
        return []
    return [result for result in left if result in showing or _named(result, mistake.explains)]


def _any(results: Sequence[Result], patterns: str) -> bool:
    return any(_named(result, patterns) for result in results)


def _named(result: Result, patterns: str) -> bool:
    return any(fnmatchcase(result.case.identifier, pattern) for pattern in patterns.split())


def _identifiers(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(result.case.identifier for result in results)


def _told(result: Result) -> str:
    """Return what is wrong of a case, as it was found, and what is right."""
    sent, due, came = result.sent, result.expected, result.received
    if sent and due and came and max(map(len, (sent, due, came))) <= SHOWN_BYTES:
        return f"{shown(sent)} is answered by {shown(came)}, where {shown(due)} is due."
    return f"{result.reason.rstrip('.')}; but what is right: {result.case.expectation}"
