"""The registry of a listener's connections: which are open, how many came, how they ended.

Counts them, refuses those above the limits, logs how they end, and drains them when the service stops.
Knows nothing of what they exchange::

    factory.registry.statistics.closed[CloseReason.IDLE]
"""

from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.python.failure import Failure

from sockproto.carriers.connection import Connection
from sockproto.carriers.log import EventLog
from sockproto.carriers.reports import Reports, end_fields, end_text, fields, told
from sockproto.carriers.timers import Timers
from sockproto.carriers.transport import peer_of
from sockproto.core.access import Access
from sockproto.core.admission import Admission, GuardedAdmission
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import Limits
from sockproto.core.script import EXITS
from sockproto.reactor.exits import end_process

DURATIONS = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0)
"""The bounds, in seconds, between which durations of connections are counted."""


@dataclass
class Durations:
    """How long connections lasted.

    Attributes:
        counts: For each bound of ``DURATIONS``, how many connections lasted no longer than it, but longer
            than the bound before; the last number counts those that lasted longer than all bounds.
        total: The sum of all durations, in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(DURATIONS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a connection."""
        self.counts[bisect_left(DURATIONS, seconds)] += 1
        self.total += seconds


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
        dropped: Datagrams that came and were not answered, for each reason: see
            :class:`~sockproto.ConversationDatagramProtocol`.
        faults: For each fault (see :class:`~sockproto.Faults`), how many connections or messages had it.
        durations: How long connections lasted that have ended; None: not counted.
    """

    opened: int = 0
    closed: Counter[CloseReason] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0
    messages_in: int = 0
    messages_out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    durations: Durations | None = None

    @property
    def open(self) -> int:
        """Connections open now."""
        return self.opened - sum(self.closed.values())


# The places that a connection has taken: none, one of all, one of its peer's too.
REFUSED, ENTERED, IDENTIFIED = range(3)


class Registry:
    """Keeps the connections of a listener.

    Args:
        limits: How many connections there may be, and how many events go to the log each second.
        clock: The clock of its timers; None: the global reactor, when the first connection is made.
        access: The addresses that may connect; None: all.

    Attributes:
        limits: The limits.
        connections: The open connections, the oldest first, each with the slots that it has taken.
        statistics: What was counted.
        log: Where events are written.
        reports: Which connections' ends are logged.
        admission: Counts the slots.
    """

    def __init__(
        self, limits: Limits, clock: IReactorTime | None = None, access: Access | None = None
    ) -> None:
        self.limits = limits
        self.connections: dict[Connection, int] = {}
        self.statistics = Statistics()
        self.log = EventLog(limits.log_rate)
        self.reports = Reports.ALL
        self.admission = Admission(limits) if access is None else GuardedAdmission(limits, access)
        self._clock = clock
        self._draining: list[Deferred[None]] = []
        self._address: IAddress | None = None
        self._host = Peer("", None)

    @cached_property
    def clock(self) -> IReactorTime:
        """The source of time and timers."""
        if self._clock is None:
            from twisted.internet import reactor

            self._clock = cast("IReactorTime", reactor)
        return self._clock

    @cached_property
    def timers(self) -> Timers:
        """The timers that call connections when a time-out may be over."""
        return Timers(self.clock, self.limits.grain_seconds)

    def host_at(self, address: IAddress) -> Peer:
        """Return this end of a connection as plain data; usually the same object for all connections."""
        if address is not self._address:
            self._address = address
            host = peer_of(address)
            if host != self._host:
                self._host = host
        return self._host

    # What a connection tells.

    def count_header(self, size: int) -> None:
        """Count the bytes of a PROXY header, which are read but don't belong to the conversation."""
        self.statistics.bytes_in += size

    def enter(self, connection: Connection) -> CloseReason | None:
        """Record a new connection; return why it is refused if there are too many."""
        self.statistics.opened += 1
        connection.serial = self.statistics.opened
        refused = self.admission.enter()
        self.connections[connection] = ENTERED if refused is None else REFUSED
        return refused

    def admit(self, connection: Connection) -> CloseReason | None:
        """Do what ``enter`` and ``identify`` do at once, if the peer is known already."""
        counted, admission = self.statistics, self.admission
        counted.opened = connection.serial = counted.opened + 1
        refused = admission.admit(connection.peer)
        self.connections[connection] = IDENTIFIED if refused is None else REFUSED
        return refused

    def identify(self, connection: Connection, counted: bool = True) -> CloseReason | None:
        """Count a connection of its peer; return why it is refused, or None.

        Args:
            connection: The connection.
            counted: Whether it counts as a connection of its peer.
        """
        if not counted:
            return CloseReason.DENIED if self.admission.denies(connection.peer) else None
        refused = self.admission.identify(connection.peer)
        if refused is None:
            self.connections[connection] = IDENTIFIED
        return refused

    def half_closed(self, connection: Connection) -> None:
        """The conversation has ended our half of the stream, if the transport has half-close."""

    def failed(self, connection: Connection, what: str, error: BaseException) -> None:
        """Log an error of a conversation; an exception that ends the process is raised again."""
        failure = Failure(error, type(error), error.__traceback__)
        message = "{protocol} connection {serial} from {peer}: {what}"
        event = {"event": "conversation_error", "what": what, **fields(connection)}
        self.log.failure(self.clock, message, failure, connection, **event)
        if isinstance(error, EXITS):
            end_process(self.clock, error)

    def leave(self, connection: Connection) -> None:
        """Record, once, that a connection is closed, and free its slots."""
        places = self.connections.pop(connection, None)
        if places is None:
            return
        if not self.connections:
            self.timers.stop()
        if places == IDENTIFIED:
            self.admission.release(connection.peer)
        elif places == ENTERED:
            self.admission.leave()
        session, counted = connection.session, self.statistics
        reason = session.reason
        assert reason is not None
        counted.closed[reason] += 1
        counted.bytes_in += connection.bytes_in
        counted.bytes_out += connection.bytes_out
        counted.messages_in += session.messages_in
        counted.messages_out += session.messages_out
        if counted.durations is not None:
            counted.durations.add(connection.age)
        self.report(connection)
        if self._draining and not self.connections:
            draining, self._draining = self._draining, []
            for drained in draining:
                drained.callback(None)

    def report(self, connection: Connection) -> None:
        """Log how a connection ended, if such ends are logged."""
        reports = self.reports
        if (reports is Reports.ALL or told(reports, connection)) and self.log.admits(self.clock):
            told_of = end_fields(connection)
            self.log.write(end_text(connection, told_of), **told_of)

    # The end.

    def drain(self) -> "Deferred[None]":
        """Let every connection answer what it has received; the Deferred fires when all are closed."""
        for connection in list(self.connections):
            with suppress(*EXITS):  # told of already: the process ends
                connection.drain()
        drained: Deferred[None] = Deferred()
        if self.connections:
            self._draining.append(drained)
        else:
            drained.callback(None)
        return drained.addCallback(lambda _: self.log.flush())

    def abort(self) -> int:
        """Cut every connection that is still open; return how many there were."""
        left = list(self.connections)
        for connection in left:
            with suppress(*EXITS):
                connection.abort(CloseReason.DRAIN_ABORTED)
        return len(left)
