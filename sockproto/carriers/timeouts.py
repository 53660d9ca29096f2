"""The time-outs of one open connection.

No timer is reset when bytes are read or written: each look compares the state with that of the last look and
returns when to look again. It reads the connection's state and doesn't change it::

    timeouts = Timeouts(now)
    timeouts.look(connection, now)      # CloseReason.IDLE: that is over; 12.5: look again in 12.5 s
"""

from collections.abc import Iterator
from typing import TypeAlias

from sockproto.carriers.connection import Connection
from sockproto.core.conversation import CloseReason
from sockproto.core.session import Need
from sockproto.reactor.buffers import unsent_bytes

Limit: TypeAlias = tuple[float, float | None, CloseReason]
"""A time-out: its seconds, 0 for none; since when it runs, None if it doesn't; the reason that it gives."""

SAMPLES = 8
"""How often within ``write_stall_seconds`` a peer that doesn't keep up is checked for progress."""


class Progress:
    """Whether a peer reads what is sent to it. It is sampled, not measured at each write.

    Args:
        connection: The connection.
        now: The time, in the clock's seconds.

    Attributes:
        since: When it last was seen to have read something.
    """

    __slots__ = ("_delivered", "since")

    def __init__(self, connection: Connection, now: float) -> None:
        self._delivered, self.since = -1, now  # where the kernel counts the end of our half, -1 may be right
        self.sample(connection, now)

    def sample(self, connection: Connection, now: float) -> int | None:
        """Take a sample; return how many bytes are unsent, None if the transport can't tell."""
        unsent = unsent_bytes(connection.transport)
        delivered = connection.bytes_out - (unsent or 0)
        if delivered != self._delivered:
            self._delivered, self.since = delivered, now
        return unsent


class Timeouts:
    """The times of an open connection on which its time-outs depend.

    Args:
        now: When it was made, in the clock's seconds.

    Attributes:
        made: When it was made.
        began: Since when the peer could have spoken.
        active: When a byte was last read or written.
        message_since: When the first byte of the unfinished message came.
        progress: Whether the peer reads, while it doesn't keep up.
    """

    __slots__ = ("active", "began", "made", "message_since", "progress")

    def __init__(self, now: float) -> None:
        self.made = self.began = self.active = self.message_since = now
        self.progress: Progress | None = None

    def look(self, connection: Connection, now: float) -> CloseReason | float:
        """Return the reason of a time-out that is over, or in how many seconds to look again; 0: never."""
        if connection.busy:
            self.active = now
        if not connection.paused:
            self.progress = None
        elif self.progress is not None:
            self.progress.sample(connection, now)
        ends = []
        for seconds, since, reason in self._limits(connection):
            if not seconds:
                continue
            # What doesn't run now can begin now, and be over so many seconds later.
            end = (now if since is None else since) + seconds
            if end <= now:
                return reason
            ends.append(end - now)
        if self.progress is not None:
            ends.append(connection.limits.write_stall_seconds / SAMPLES)
        return min(ends, default=0)

    def _limits(self, connection: Connection) -> Iterator[Limit]:
        """Yield the time-outs and since when each runs."""
        limits, session = connection.limits, connection.session
        framing = session.framing
        yield limits.lifetime_seconds, self.made, CloseReason.LIFETIME
        if session.need is Need.OPEN:
            yield limits.first_message_seconds, self.made, CloseReason.NO_HANDSHAKE
        elif not framing.discards and not session.messages_in:
            since = None if connection.busy else self.began
            yield limits.first_message_seconds, since, CloseReason.NO_MESSAGE
        since = self.progress.since if self.progress is not None else None
        yield limits.write_stall_seconds, since, CloseReason.WRITE_STALL
        since = self.message_since if framing.unfinished and connection.reading else None
        yield limits.message_seconds, since, CloseReason.SLOW_MESSAGE
        yield limits.idle_seconds, self.active, CloseReason.IDLE
