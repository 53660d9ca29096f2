"""What a listener knows of its connections and datagrams: who is there, how many came, how they ended.

Counts them, refuses those past the limits, writes their events to the log, and sees them out at the
end. Knows nothing of what they say::

    factory.ledger.statistics.closed[CloseReason.IDLE]
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from sockproto.carriers.log import Journal
from sockproto.carriers.timers import Timetable
from sockproto.core.admission import Admission
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import Limits


@dataclass
class Statistics:
    """What a listener has counted since it was made. Applications read it; nothing of ours does.

    Attributes:
        opened: Connections that came, the refused ones included.
        closed: Connections that ended, for each ``CloseReason``; the refused ones are here too.
        bytes_in: Bytes read, of connections that have ended and of datagrams.
        bytes_out: Bytes sent, likewise.
        messages_in: Messages handled, likewise; a datagram is one.
        messages_out: Messages sent, likewise.
        dropped: Datagrams that came and were not answered, for each reason (``datagram`` lists them).
    """

    opened: int = 0
    closed: Counter[CloseReason] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0
    messages_in: int = 0
    messages_out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def open(self) -> int:
        """Connections open now."""
        return self.opened - sum(self.closed.values())


class Ledger:
    """Keeps the connections of a listener.

    Args:
        limits: How many there may be, and how many events a second go to the log.

    Attributes:
        connections: The protocols whose connections are open.
        statistics: What was counted.
        journal: Writes events to the log.
        admission: Counts the places.
    """

    def __init__(self, limits: Limits) -> None:
        self.connections: set[Any] = set()
        self.statistics = Statistics()
        self.journal = Journal(limits.log_rate)
        self.admission = Admission(limits)
        self._draining: list[Deferred[None]] = []
        self._host = Peer("", None)
        self._grain_seconds = limits.grain_seconds
        self._timetable: Timetable | None = None

    def enter(self, connection: Any) -> CloseReason | None:
        """Note a connection that was made; give why it is refused if there are too many."""
        self.statistics.opened += 1
        connection.serial = self.statistics.opened
        self.connections.add(connection)
        return self.admission.enter()

    def shared(self, host: Peer) -> Peer:
        """Give this end of a connection, which mostly is that of the one before: one object for both."""
        if host != self._host:
            self._host = host
        return self._host

    def timetable(self, clock: IReactorTime) -> Timetable:
        """Give what calls the watches of the connections."""
        if self._timetable is None:
            self._timetable = Timetable(clock, self._grain_seconds)
        return self._timetable

    def identify(self, peer: Peer) -> CloseReason | None:
        """Note whose connection it is; give why it is refused if that peer has too many."""
        return self.admission.identify(peer)

    def leave(self, connection: Any, entered: bool, identified: bool) -> None:
        """Note that a connection is gone; it gives back the places that it was given."""
        self.connections.discard(connection)
        if identified:
            self.admission.forget(connection.peer)
        if entered:
            self.admission.leave()
        counted = self.statistics
        counted.closed[connection.reason] += 1
        counted.bytes_in += connection.bytes_in
        counted.bytes_out += connection.bytes_out
        counted.messages_in += connection.messages_in
        counted.messages_out += connection.messages_out
        if not self.connections:
            draining, self._draining = self._draining, []
            for drained in draining:
                drained.callback(None)

    def drain(self) -> "Deferred[None]":
        """Have every connection finish what it has received; fires when all are gone."""
        for connection in list(self.connections):
            connection.drain()
        if not self.connections:
            return succeed(None)
        drained: Deferred[None] = Deferred()
        self._draining.append(drained)
        return drained

    def abort(self) -> int:
        """Cut every connection that is left; give how many."""
        left = list(self.connections)
        for connection in left:
            connection.abort(CloseReason.DRAIN_ABORTED)
        return len(left)
