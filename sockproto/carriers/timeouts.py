"""The limits of time of one connection.

Nothing is reset as bytes come and go: when it is called, it looks at what has happened meanwhile, and
sleeps until the next limit can be reached. Knows the carrier's state; doesn't change it, but says what is
over::

    self._watch = Watch(self, limits, clock, timetable)
    self._watch.start()
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from twisted.internet.interfaces import IReactorTime

from sockproto.carriers.stops import PAUSED, PENDING, UNOPENED
from sockproto.carriers.timers import Timetable
from sockproto.carriers.transport import unsent_bytes
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits

Limit: TypeAlias = tuple[float, float | None, CloseReason]
"""A limit: its seconds, 0 for none; since when it runs, None if it doesn't now; what is over at its end."""

SAMPLES = 8
"""How often within ``write_stall_seconds`` it is looked whether a peer that doesn't keep up reads at all."""


class Watch:
    """Watches one connection.

    Args:
        connection: A ``ConversationProtocol``; its ``expire`` is called with the reason.
        limits: The limits.
        clock: What time it is.
        timetable: What calls it.

    Attributes:
        made: When the connection was made, in the clock's seconds.
        began: Since when the peer could have spoken.
        active: When a byte last came or went.
        message_since: When the first byte of the message came that has no end yet.
        closing: Whether only the close is left.
        flushed: Whether, then, all is sent and only the peer's own end is waited for.
    """

    __slots__ = (
        "_clock",
        "_connection",
        "_delivered",
        "_limits",
        "_progress",
        "_sampling",
        "_tick",
        "_timetable",
        "active",
        "began",
        "closing",
        "flushed",
        "made",
        "message_since",
    )

    def __init__(self, connection: Any, limits: Limits, clock: IReactorTime, timetable: Timetable) -> None:
        self._connection, self._limits, self._clock = connection, limits, clock
        self._timetable = timetable
        self._tick: int | None = None  # when it is called
        self.made = self.began = self.active = self.message_since = self._progress = clock.seconds()
        self.closing = self.flushed = self._sampling = False
        self._delivered = 0

    def start(self) -> None:
        """Begin to watch."""
        if self._limits.soonest:
            self._schedule(self._limits.soonest)

    def begin(self) -> None:
        """The peer's time begins: the conversation is open, or no longer busy with something else."""
        self.began = self.active = self._clock.seconds()

    def resume(self) -> None:
        """Reading goes on: for so long the message's end could not be seen."""
        self.message_since = self._clock.seconds()

    def sent(self) -> None:
        """Bytes are handed to the transport, of which none came before."""
        self.active = self._clock.seconds()

    def paused(self) -> None:
        """The transport has enough to send: look from now on whether the peer reads at all."""
        if not self._sampling and self._limits.write_stall_seconds:
            self._sampling = True
            self._progress = self._clock.seconds()
            self._sample()
            self._schedule(self._limits.write_stall_seconds / SAMPLES)

    def close(self, flushed: bool) -> None:
        """The connection is being closed; *flushed*: the peer has been sent everything."""
        self.closing, self.flushed = True, flushed
        self._progress = self._clock.seconds()
        self.look()

    def stop(self) -> None:
        """The connection is gone."""
        if self._tick is not None:
            self._timetable.leave(self, self._tick)
            self._tick = None

    def _schedule(self, seconds: float) -> None:
        self.stop()
        self._tick = self._timetable.enter(self, seconds)

    def look(self) -> None:
        """Find what is over; otherwise sleep until something can be."""
        now = self._clock.seconds()
        stops = self._connection._stops
        busy = bool(stops & (PENDING | PAUSED))
        if busy:
            self.active = now
        self._sampling = self.closing or bool(stops & PAUSED)
        if self._sampling:
            self._sample()
        ends = []
        for seconds, since, reason in self._closing() if self.closing else self._open(stops, busy):
            if not seconds:
                continue
            # What doesn't run now can begin now, and be over so many seconds later.
            end = (now if since is None else since) + seconds
            if end <= now:
                self.stop()
                self._connection.expire(reason)
                return
            ends.append(end - now)
        if self._sampling and not self.flushed:
            every = (self.closing and self._limits.close_seconds) or self._limits.write_stall_seconds
            if every:
                ends.append(every / SAMPLES)
        if ends:
            self._schedule(min(ends))
        else:
            self.stop()

    def _closing(self) -> Iterator[Limit]:
        """Give the limits of a connection that is being closed."""
        if self.flushed:
            yield self._limits.close_seconds, self._progress, CloseReason.CLOSED
        else:
            yield self._limits.write_stall_seconds, self._progress, CloseReason.WRITE_STALL

    def _open(self, stops: int, busy: bool) -> Iterator[Limit]:
        """Give the limits of a connection in use."""
        limits, connection = self._limits, self._connection
        framing = connection._framing
        yield limits.lifetime_seconds, self.made, CloseReason.LIFETIME
        if stops & UNOPENED:
            yield limits.first_message_seconds, self.made, CloseReason.NO_HANDSHAKE
        elif not framing.discards and not connection.messages_in:
            since = None if busy else self.began
            yield limits.first_message_seconds, since, CloseReason.NO_MESSAGE
        since = self._progress if self._sampling else None
        yield limits.write_stall_seconds, since, CloseReason.WRITE_STALL
        since = self.message_since if framing.unfinished and not connection.held_back else None
        yield limits.message_seconds, since, CloseReason.SLOW_MESSAGE
        yield limits.idle_seconds, self.active, CloseReason.IDLE

    def _sample(self) -> None:
        """See whether the peer has read anything since the last time."""
        unsent = unsent_bytes(self._connection.transport)
        delivered = self._connection.bytes_out - (unsent or 0)
        if delivered != self._delivered:
            self._delivered = delivered
            self._progress = self._clock.seconds()
        if self.closing and unsent == 0:
            self.flushed = True
