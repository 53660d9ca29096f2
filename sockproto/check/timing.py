"""How long a check waits, and what happened meanwhile.

::

    timeline = Timeline()
    timeline.note(1, "sent", b"Michael")
    timeline.events()[0].seconds
"""

import time
from collections import deque
from dataclasses import dataclass, replace

from sockproto.check.verdict import TimelineEvent

KEPT_EVENTS = 200
"""How many events are kept of the beginning of a case, and as many of its end."""

KEPT_BYTES = 512
"""How many bytes are kept of the beginning of what was sent or received at once, and as many of its end."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, and for what.

    Attributes:
        answer: Seconds within which something must come that has to come.
        silence: Seconds in which nothing comes, after which nothing is held to come.
        pause: Seconds between two pieces, so that the server reads them apart.
        case: Seconds that a case may take in all.
        run: Seconds that all cases may take together, and the start of the server before them.
        more: Seconds more that they may take while none fails: a good server needs them on a busy machine.
        end: Seconds that a server which was started for the check may take to end after them.
    """

    answer: float = 5.0
    silence: float = 0.3
    pause: float = 0.001
    case: float = 10.0
    run: float = 115.0
    more: float = 0.0
    end: float = 3.0


FULL = Patience(more=60.0)
QUICK = Patience(answer=1.5, silence=0.1, case=4.0, run=8.5, more=20.0, end=0.5)


AT_ONCE_SECONDS = 0.001
"""What is received on a stream within such a time is one event."""


class Timeline:
    """What happened on a case's sockets; of a long story the beginning and the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: list[TimelineEvent] = []
        self._last: deque[TimelineEvent] = deque(maxlen=KEPT_EVENTS)
        self._left_out = 0

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._began

    def note(self, socket: int, kind: str, data: bytes = b"", text: str = "") -> None:
        """Note an event; see ``TimelineEvent``."""
        kept = data if len(data) <= 2 * KEPT_BYTES else data[:KEPT_BYTES] + data[-KEPT_BYTES:]
        event = TimelineEvent(self.seconds, socket, kind, bytes(kept), len(data), text)
        latest = self._last or self._first
        if latest and _continues(latest[-1], event):
            latest[-1] = _joined(latest[-1], event)
        elif len(self._first) < KEPT_EVENTS:
            self._first.append(event)
        else:
            self._left_out += len(self._last) == KEPT_EVENTS
            self._last.append(event)

    def events(self) -> tuple[TimelineEvent, ...]:
        """Return them in order."""
        if not self._left_out:
            return (*self._first, *self._last)
        left_out = f"{self._left_out:,} events are left out here"
        gap = TimelineEvent(self._last[0].seconds, 0, "note", text=left_out)
        return (*self._first, gap, *self._last)


def _continues(before: TimelineEvent, event: TimelineEvent) -> bool:
    """Say whether an event is more of what was received just before."""
    if (before.kind, before.socket) != ("received", event.socket) or event.kind != "received":
        return False
    return bool(before.text == event.text == "" and event.seconds - before.seconds < AT_ONCE_SECONDS)


def _joined(one: TimelineEvent, other: TimelineEvent) -> TimelineEvent:
    data = one.data + other.data
    kept = data if len(data) <= 2 * KEPT_BYTES else data[:KEPT_BYTES] + data[-KEPT_BYTES:]
    return replace(one, data=kept, size=one.size + other.size)
