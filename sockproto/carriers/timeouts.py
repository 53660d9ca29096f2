"""The time-outs of one open connection.

No timer is reset when bytes are read or written: each look compares the time with those that the connection
has noted, and returns when to look again::

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


def look(connection: Connection, now: float) -> CloseReason | float:
    """Return the reason of a time-out that is over, or in how many seconds to look again; 0: never."""
    if connection.busy:
        connection.active = now
    progress = connection.progress
    if not connection.paused:
        progress = connection.progress = None
    elif progress is not None:
        progress.sample(connection, now)
    ends = []
    for seconds, since, reason in _limits(connection):
        if not seconds:
            continue
        # What doesn't run now can begin now, and be over so many seconds later.
        end = (now if since is None else since) + seconds
        if end <= now:
            return reason
        ends.append(end - now)
    if progress is not None:
        ends.append(connection.limits.write_stall_seconds / SAMPLES)
    return min(ends, default=0)


def _limits(connection: Connection) -> Iterator[Limit]:
    """Yield the time-outs and since when each runs."""
    limits, session = connection.limits, connection.session
    framing = session.framing
    yield limits.lifetime_seconds, connection.made, CloseReason.LIFETIME
    if session.need is Need.OPEN:
        yield limits.first_message_seconds, connection.made, CloseReason.NO_HANDSHAKE
    elif not framing.discards and not session.messages_in:
        since = None if connection.busy else connection.began
        yield limits.first_message_seconds, since, CloseReason.NO_MESSAGE
    since = connection.progress.since if connection.progress is not None else None
    yield limits.write_stall_seconds, since, CloseReason.WRITE_STALL
    since = connection.message_since if framing.unfinished and connection.reading else None
    yield limits.message_seconds, since, CloseReason.SLOW_MESSAGE
    yield limits.idle_seconds, connection.active, CloseReason.IDLE
