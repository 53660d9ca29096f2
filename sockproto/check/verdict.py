"""What a check finds: verdicts, with the bytes that led to them. Plain values, which the reports show.

::

    report.failed                               # whether any case fails
    report.results[0].verdict is Verdict.PASS
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum


class Verdict(str, Enum):
    """How a case ends."""

    PASS = "pass"
    FAIL = "fail"
    OPEN = "open"
    SKIP = "skip"

    def __str__(self) -> str:
        return self.value


OUT_OF_TIME = "for want of time"
OUR_ERROR = "for an error of the check's own"
STOPPED = "as the check was stopped"
GONE = "as the server is gone"
SLOW_PATTERN = "for a pattern that takes too long"

SPEAKS_TLS = "it speaks TLS: say --tls"
"""What a reason ends in where that is all that is wrong."""


@dataclass(frozen=True)
class TimelineEvent:
    """Something that happened on one of a case's sockets.

    Attributes:
        seconds: When, since the case began.
        socket: Which of the case's sockets, counted from 1.
        kind: ``connected``, ``sent``, ``received``, ``half-closed`` (by us), ``ended`` (by the server),
            ``reset`` (by it, or by us), ``closed`` (by us), ``waited`` or ``note``.
        data: The bytes, of what was sent or received; of long runs no more than the first and the last.
        size: How many bytes there were.
        text: What there is to say besides.
    """

    seconds: float
    socket: int
    kind: str
    data: bytes = b""
    size: int = 0
    text: str = ""


@dataclass(frozen=True)
class Case:
    """One thing that is judged.

    Attributes:
        identifier: Its group and its name, ``half-close.everything-comes-back``.
        expectation: One sentence: what a right server does.
        source: Who says so: a section of an RFC, the tutorials, common sense.
        quick: Whether ``--quick`` runs it.
    """

    identifier: str
    expectation: str
    source: str
    quick: bool = True

    @property
    def group(self) -> str:
        """What comes before the dot."""
        return self.identifier.partition(".")[0]


@dataclass(frozen=True)
class Result:
    """What came of a case.

    Attributes:
        case: Which.
        verdict: How it ended.
        reason: One line: what was wrong, what the server does, or why it was skipped. Peer bytes in it are
            escaped.
        sent: What the server was sent, where bytes are what was wrong; long runs are cut in the middle.
        expected: What it should have answered.
        received: What it answered.
        timeline: What happened, in order.
        seconds: How long it took.
        said: What a server that was started for the check printed meanwhile, its last lines; escaped.
        unjudged: Why it was skipped though it was to be judged: ``OUT_OF_TIME``, ``OUR_ERROR``,
            ``STOPPED``, ``GONE``, ``SLOW_PATTERN``, or as a case fails on which it depends; else empty.
        ended: How the server that was started for the check ended meanwhile; empty if it did not.
        was_open: Whether it fails only because what is left open is judged strictly.
    """

    case: Case
    verdict: Verdict
    reason: str = ""
    sent: bytes | None = None
    expected: bytes | None = None
    received: bytes | None = None
    timeline: tuple[TimelineEvent, ...] = ()
    seconds: float = 0.0
    said: tuple[str, ...] = ()
    unjudged: str = ""
    ended: str = ""
    was_open: bool = False

    def strict(self) -> "Result":
        """Return it with what is left open as a failure."""
        if self.verdict is not Verdict.OPEN:
            return self
        reason = f"{self.reason} (open, and judged strictly)"
        return replace(self, verdict=Verdict.FAIL, reason=reason, was_open=True)


@dataclass(frozen=True)
class Report:
    """What came of a whole check.

    Attributes:
        protocol: The protocol's name.
        target: Whom it judged, as a person would write it: ``127.0.0.1:9999``, ``udp 127.0.0.1:9999``.
        began: When, seconds since 1970.
        seconds: How long it took.
        results: One for each case, in order.
        server: What is known of a server that was started for the check: ``command``, ``exit``, ``memory`` …
        known: What was found out about any server: ``habit``, in words.
        label: The user's name for the run, to tell reports apart.
        version: Of sockproto.
        command: As it was typed; empty if the check was called from Python.
    """

    protocol: str
    target: str
    began: float
    seconds: float
    results: tuple[Result, ...]
    server: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    label: str = ""
    version: str = ""
    command: str = ""

    @property
    def failed(self) -> bool:
        """Whether any case fails."""
        return any(result.verdict is Verdict.FAIL for result in self.results)

    def strict(self) -> "Report":
        """Return it with what is left open as failures."""
        return replace(self, results=tuple(result.strict() for result in self.results))

    @property
    def complete(self) -> bool:
        """Whether all was judged that was to be, and anything at all."""
        return not self.unjudged and self.count(Verdict.SKIP) < len(self.results)

    @property
    def unjudged(self) -> str:
        """How many cases were to be judged and were not, and why, in words; empty if none."""
        return " and ".join(f"{count} not judged {reason}" for reason, count in self._reasons().items())

    @property
    def headline(self) -> str:
        """The verdict on the server in a sentence, with how many cases were not judged."""
        total, failing, passing = len(self.results), self.count(Verdict.FAIL), self.count(Verdict.PASS)
        skipped = self.count(Verdict.SKIP)
        if skipped == total:
            told = "Nothing was judged"
        elif failing:
            told = f"{failing:,} of {_cases(total)} {'fails' if failing == 1 else 'fail'}"
        elif passing == total:
            told = "The one case passes" if total == 1 else f"All {total:,} cases pass"
        else:
            told = f"Nothing fails; {passing:,} of {_cases(total)} {'passes' if passing == 1 else 'pass'}"
        return f"{told}{self._not_judged(skipped)}."

    def _not_judged(self, skipped: int) -> str:
        """Return how many cases were not judged, and why those that were to be; nothing if all were."""
        if not skipped:
            return ""
        reasons = self._reasons()
        if len(reasons) == 1 and sum(reasons.values()) == skipped:
            return f", {skipped:,} not judged {next(iter(reasons))}"
        why = " and ".join(f"{count:,} {reason}" for reason, count in reasons.items())
        return f", {skipped:,} not judged" + (f" ({why})" if why else "")

    def _reasons(self) -> Counter[str]:
        return Counter(result.unjudged for result in self.results if result.unjudged)

    def count(self, verdict: Verdict) -> int:
        """Tell how many cases ended with a verdict."""
        return sum(result.verdict is verdict for result in self.results)


def _cases(count: int) -> str:
    return f"{count:,} case{'' if count == 1 else 's'}"


class Failed(Exception):
    """What a case raises when the server is wrong.

    Args:
        reason: One line; peer bytes in it are escaped (:func:`shown`).
        sent: What the server was sent.
        expected: What it should have answered.
        received: What it answered.
    """

    def __init__(
        self,
        reason: str,
        sent: bytes | None = None,
        expected: bytes | None = None,
        received: bytes | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.sent, self.expected, self.received = reason, sent, expected, received


class Open(Exception):
    """What a case raises when the specification leaves it open: one line that says what the server does."""


class Skipped(Exception):
    """What a case raises when it can't be judged: one line that says why."""

    unjudged = ""


class TooSlow(Skipped):
    """What it raises when it could be, in more time or on a faster machine."""

    unjudged = OUT_OF_TIME


def shown(data: bytes, limit: int = 60) -> str:
    """Return bytes as a person can read them on any terminal: escaped, and no more than *limit* of them."""
    if len(data) <= limit:
        return repr(data)[1:]
    return f"{repr(data[:limit])[1:]} and {len(data) - limit:,} bytes more"


def edges(data: bytes, limit: int = 1_024) -> bytes:
    """Return bytes; of a long run the first and the last, and between them how many are left out."""
    if len(data) <= limit:
        return data
    half = limit // 2
    return data[:half] + left_out(len(data) - 2 * half) + data[-half:]


def left_out(count: int) -> bytes:
    """Return the text that a report shows in place of bytes that are left out."""
    return b" [... %d bytes ...] " % count
