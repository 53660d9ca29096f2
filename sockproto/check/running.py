"""A whole check: the cases one after the other, each within its time, and all within theirs.

::

    report = run(Terms("echo", target, FULL), cases("echo"))
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from sockproto.check.judging import Judged, Subject, Terms
from sockproto.check.timing import Deadline
from sockproto.check.verdict import Failed, Open, Report, Result, Skipped, Verdict

LEAST_SECONDS = 0.5
"""With less than this left no other case is begun."""


def run(
    terms: Terms,
    judged: Sequence[Judged],
    heard: Callable[[Judged, Result | None], object] = lambda judged, result: None,
) -> Report:
    """Judge a server.

    Args:
        terms: Which protocol, whom and how.
        judged: The cases.
        heard: Told of each case that begins, then of its result.

    Returns:
        What came of it.
    """
    began, deadline = time.time(), Deadline(terms.patience.run)
    terms = acquainted(terms)
    results = []
    for each in judged:
        heard(each, None)
        result = _result(terms, each, deadline)
        results.append(result)
        heard(each, result)
    known = terms.started.known() if terms.started is not None else {}
    seconds = deadline.seconds - deadline.left
    return Report(terms.protocol, str(terms.target), began, seconds, tuple(results), known)


def judge(terms: Terms, judged: Judged) -> Result:
    """Run one case."""
    case, subject = judged.case(terms.protocol), Subject(terms)
    verdict, reason, failure = Verdict.PASS, "", Failed("")
    try:
        judged.judge(subject)
    except Failed as failed:
        verdict, failure, reason = Verdict.FAIL, failed, failed.reason
        if terms.started is not None and terms.started.exit:
            reason += f"; the server has ended ({terms.started.exit})"
    except Open as opened:
        verdict, reason = Verdict.OPEN, str(opened)
    except Skipped as skipped:
        verdict, reason = Verdict.SKIP, str(skipped)
    except Exception as error:  # the other cases are judged all the same
        verdict, reason = Verdict.SKIP, f"this case itself is wrong, please report it: {error!r}"
    finally:
        subject.close()
    if terms.started is not None:
        terms.started.memory_bytes()
    timeline = subject.timeline
    return Result(
        case,
        verdict,
        reason,
        failure.sent,
        failure.expected,
        failure.received,
        timeline.events(),
        timeline.seconds,
    )


def acquainted(terms: Terms) -> Terms:
    """Learn what the server says first, and what its clients are answered, right or wrong."""
    if terms.target.datagrams:
        return terms
    if terms.protocol == "greeting":
        terms = replace(
            terms, welcome=_heard(terms, lambda it: it.connect().what_comes(1_024, it.patience.answer))
        )
    return replace(terms, life=_heard(terms, Subject.sign_of_life))


def _heard(terms: Terms, listen: Callable[[Subject], bytes]) -> bytes:
    """Give what is heard; nothing if the server fails."""
    subject = Subject(terms)
    try:
        return listen(subject)
    except (Failed, Skipped):
        return b""
    finally:
        subject.close()


def _result(terms: Terms, judged: Judged, deadline: Deadline) -> Result:
    """Run a case, if there is a reason to and time for it."""
    reason = ""
    if terms.quick and not judged.quick:
        reason = "not part of the quick form"
    elif judged.half_closes and terms.target.tls is not None:
        reason = "TLS has no half-close"
    elif deadline.left < LEAST_SECONDS:
        reason = f"no time left of {deadline.seconds:g} s: --seconds allows more, --only chooses"
    if reason:
        return Result(judged.case(terms.protocol), Verdict.SKIP, reason)
    patience = replace(terms.patience, case=min(terms.patience.case, deadline.left))
    return judge(replace(terms, patience=patience), judged)
