"""A whole check: the cases one after the other, each within its time, and all within theirs.

::

    report = run(CheckContext("echo", target, FULL), cases("echo"))
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

from sockproto.check.acquainting import acquainted
from sockproto.check.context import CheckContext
from sockproto.check.registry import Judged
from sockproto.check.subject import Subject
from sockproto.check.target import is_there, speaks_tls
from sockproto.check.verdict import (
    GONE,
    OUR_ERROR,
    OUT_OF_TIME,
    SLOW_PATTERN,
    SPEAKS_TLS,
    STOPPED,
    Failed,
    Open,
    Report,
    Result,
    Skipped,
    Verdict,
)
from sockproto.errors import OptionError, PatternTooSlow, Refused
from sockproto.plain.deadline import Deadline

LEAST_SECONDS = 0.5
"""With less than this left no other case is begun."""

SAID_SECONDS = 0.02
"""How long what a server prints may be on its way."""

TLS_ALERT = b"\x15\x03"
Heard = Callable[[Judged, Result | None], object]


def run(
    context: CheckContext,
    judged: Sequence[Judged],
    heard: Heard = lambda judged, result: None,
    deadline: Deadline | None = None,
) -> Report:
    """Judge a server; Ctrl-C (``KeyboardInterrupt``) ends it early, with what is known by then.

    Args:
        context: Which protocol, whom and how.
        judged: The cases.
        heard: Told of each case that begins, then of its result.
        deadline: When to be done, if the time has begun already; the patience's ``more`` comes to it.

    Returns:
        What came of it.

    Raises:
        PatternTooSlow: A pattern of the script is, for what comes before the cases.
    """
    began, check = time.time(), _Check(context, deadline or Deadline(context.patience.run))
    results: dict[str, Result] = {}
    try:
        check.begin()
        for each in _shared(judged) if context.quick else judged:
            heard(each, None)
            results[each.identifier] = result = check.result(each)
            heard(each, result)
    except KeyboardInterrupt:
        pass
    found = [each.case(context.protocol) for each in judged]
    left = [Result(case, Verdict.SKIP, "interrupted", unjudged=STOPPED) for case in found]
    ordered = tuple(results.get(each.case.identifier, each) for each in left)
    server = context.started.known() if context.started is not None else {}
    return Report(context.name, str(context.target), began, check.seconds, ordered, server, check.known)


class _Check:
    """What is known while a check goes on.

    Args:
        context: What all cases share.
        deadline: When to be done.
    """

    def __init__(self, context: CheckContext, deadline: Deadline) -> None:
        self._context, self._deadline = context, deadline
        self._more = context.patience.more  # of time; nothing once a case fails
        self._failed = ""  # the basic case
        self._gone = ""  # the case since which the server is gone
        self._lost = ""  # why it can't be started again
        # A server that detaches itself leaves us a process that has ended.
        self._watched = context.started is not None and not context.started.exit

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return self._deadline.passed

    @property
    def known(self) -> dict[str, str]:
        """What was found out about the server before it was judged."""
        words = str(self._context.found or "")
        return {"habit": words} if words else {}

    @property
    def _left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._deadline.seconds + self._more - self._deadline.passed)

    def begin(self) -> None:
        """Get acquainted with the server; if that ends it, a case will be about it."""
        self._context = context = acquainted(self._context, self._deadline)
        if context.started is None or not self._watched:
            return
        if context.habit.dialogue != context.habit.messages:
            context.started.wait(min(context.patience.silence, 0.1))  # if it is about to end
        if context.started.ended:
            self._start_again("the first probes")

    def result(self, judged: Judged) -> Result:
        """Run a case, if there is a reason to and time for it."""
        case = judged.case(self._context.protocol)
        if reason := self._reason_not_to(judged):
            return Result(case, Verdict.SKIP, reason, unjudged=GONE if self._gone else "")
        if self._left < LEAST_SECONDS:
            seconds = self._deadline.seconds + self._more
            reason = f"no time left of {seconds:g} s: --seconds allows more, --only chooses"
            return Result(case, Verdict.SKIP, reason, unjudged=OUT_OF_TIME)
        if self._failed and not self._can_run(judged):
            return Result(case, Verdict.SKIP, f"{self._failed} fails", unjudged=f"as {self._failed} fails")
        patience = replace(self._context.patience, case=min(self._context.patience.case, self._left))
        result = judge(replace(self._context, patience=patience), judged)
        if judged.basic and result.verdict is Verdict.FAIL:
            self._failed = judged.identifier
            if (result.received or TLS_ALERT).startswith(TLS_ALERT) and speaks_tls(self._context.target):
                result = replace(result, reason=f"{result.reason}; {SPEAKS_TLS}")
        result = self._looked_after(result)
        if result.verdict is Verdict.FAIL or result.unjudged:
            self._more = 0.0
        return result

    def _can_run(self, judged: Judged) -> bool:
        """Say whether a case can be run where the basic one fails: with what the server answers as is due."""
        habit = self._context.habit
        answered = len(habit.script or ()) >= (1 if judged.single else 2)
        return judged.independent or answered or habit.odd

    def _reason_not_to(self, judged: Judged) -> str:
        context = self._context
        if self._gone and not self._lost and not is_there(context.target):
            return f"the server is gone since {self._gone}"
        if self._lost:
            return f"the server is gone since {self._gone}{self._lost}"
        self._gone = ""
        if context.quick and not judged.quick:
            return "not part of the quick form"
        if judged.half_closes and context.target.tls is not None:
            return "TLS has no half-close"
        return ""

    def _looked_after(self, result: Result) -> Result:
        """See whether the server still runs; if not, that is this case's failure, and it is started again."""
        started, case = self._context.started, result.case.identifier
        if started is None or not self._watched:
            if result.verdict is Verdict.FAIL and not is_there(self._context.target):
                self._gone = case
            return result
        if result.verdict is Verdict.FAIL:
            started.wait(min(self._context.patience.silence, 0.1))  # if it is about to end
        if not (how := started.ended):
            return result
        reason = f"{result.reason}; " if result.verdict is Verdict.FAIL else ""
        said = result.said or started.said()
        reason += f"the server has ended ({how}){started.last_words()}"
        self._start_again(case)
        if not self._lost and not self._context.life:
            self.begin()
        return replace(result, verdict=Verdict.FAIL, reason=reason, said=said, ended=how)

    def _start_again(self, after: str) -> None:
        """Start the server again, which is gone since then; keep why it can't be."""
        target, started = self._context.target, self._context.started
        assert started is not None
        try:
            started.again(target.kind, target.host, self._deadline.left)
        except (OptionError, Refused) as error:
            self._gone, self._lost = after, f", and can't be started again: {error}"


def judge(context: CheckContext, judged: Judged) -> Result:
    """Run one case."""
    case, subject = judged.case(context.protocol), Subject(context)
    verdict, reason, unjudged, failure = Verdict.PASS, "", "", Failed("")
    printed = context.started.lines if context.started is not None else 0
    try:
        judged.judge(subject)
    except Failed as failed:
        verdict, failure, reason = Verdict.FAIL, failed, failed.reason + _hint(context, failed)
    except Open as opened:
        verdict, reason = Verdict.OPEN, str(opened)
    except Skipped as skipped:
        verdict, reason, unjudged = Verdict.SKIP, str(skipped), skipped.unjudged
    except PatternTooSlow as error:
        verdict, reason, unjudged = Verdict.SKIP, str(error), SLOW_PATTERN
    except Exception as error:  # the other cases are judged all the same
        verdict, reason = Verdict.SKIP, f"this case itself is wrong, please report it: {error!r}"
        unjudged = OUR_ERROR
    finally:
        said = _said(context, printed) if verdict is Verdict.FAIL else ()
        subject.close()  # what it says of that is not about the failure
    if context.started is not None:
        context.started.memory_bytes()
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
        said,
        unjudged,
    )


def _said(context: CheckContext, since: int) -> tuple[str, ...]:
    """Return what the server has printed; it may be a little late."""
    if context.started is None:
        return ()
    time.sleep(SAID_SECONDS)
    return context.started.said(since)


def _hint(context: CheckContext, failed: Failed) -> str:
    """Say what a failure may mean, if it is more than it says."""
    error: BaseException | None = failed
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__
    if error is None or context.started is not None or context.target.datagrams:
        return ""
    return ": it is gone, or bounds its connections a second, as xinetd's cps does"


def _shared(judged: Sequence[Judged]) -> list[Judged]:
    """Return the cases in turn, one of each group, so that little time is shared by all groups.

    Those that start servers take longest; they are given what is left.
    """
    groups: dict[str, list[Judged]] = {}
    for each in judged:
        groups.setdefault(each.identifier.partition(".")[0], []).append(each)
    last = groups.pop("shutdown", [])
    return [each for turn in zip_longest(*groups.values()) for each in turn if each is not None] + last
