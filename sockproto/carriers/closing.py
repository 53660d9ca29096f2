"""How a connection closes (flush, half-close, discard, deadline), and how it drains before that.

Closing a TCP socket with unread input sends a reset, which can destroy the last bytes sent. So our half of
the stream is ended first; then input is discarded until the peer ends its half (nginx calls this a lingering
close)::

    closing = Closing()
    closing.begin(connection, at_once=False)
"""

from sockproto.carriers.connection import Connection
from sockproto.carriers.timeouts import SAMPLES, Progress
from sockproto.carriers.transport import abort, can_half_close
from sockproto.core.conversation import CloseReason
from sockproto.core.session import Need
from sockproto.reactor.buffers import unread_bytes, unsent_bytes

REFUSALS = frozenset(
    {
        CloseReason.DENIED,
        CloseReason.TOO_MANY,
        CloseReason.TOO_MANY_OF_PEER,
        CloseReason.BAD_PROXY_HEADER,
        CloseReason.UNKNOWN_PROXY,
    }
)
"""The reasons for which a connection is closed before its conversation begins."""

PEER_LEFT = "handshake: the peer left"
"""The text for a connection that ended before its TLS handshake was done, not through TLS itself."""


class Draining:
    """A connection whose service stops: messages that have come are answered, later input is dropped.

    Args:
        connection: The connection.
    """

    __slots__ = ("_bytes_out",)

    def __init__(self, connection: Connection) -> None:
        self._bytes_out = connection.bytes_out

    def receive(self, connection: Connection, data: bytes) -> bytes:
        """Drop the bytes."""
        return b""

    def was_idle(self, connection: Connection) -> bool:
        """Return whether nothing was exchanged, and no unread input is left that would cause a reset."""
        return connection.bytes_out == self._bytes_out and not unread_bytes(connection.transport)


class TLSEnded:
    """The end of a connection whose TLS has failed.

    Attributes:
        words: How it failed, for people.
    """

    __slots__ = ("words",)

    def __init__(self, words: str) -> None:
        self.words = words

    def receive(self, connection: Connection, data: bytes) -> bytes:
        """Discard the bytes."""
        return b""


class Closing:
    """The end of a connection."""

    __slots__ = ("_flushed", "_progress")

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._flushed = False  # all is sent; only the peer's end of stream is still to come

    def begin(self, connection: Connection, at_once: bool) -> None:
        """Close.

        Args:
            connection: The connection.
            at_once: Whether to close without waiting, because nothing was sent that a reset could destroy.
        """
        session, transport = connection.session, connection.transport
        if session.opened:
            transport.unregisterProducer()  # TLS never sends its close_notify while one is registered
        if session.aborted:
            abort(transport)
            return
        at_once = at_once or session.eof or session.reason in REFUSALS
        halves = can_half_close(transport)
        if not at_once or not (halves or connection.reading):
            transport.resumeProducing()  # to see the peer's own end, which TLS waits for in any case
            if session.need is Need.LOST:
                return
        if at_once or not halves:
            transport.loseConnection()
        elif not session.half_closed:  # a second time would be an error, which cuts the connection
            transport.loseWriteConnection()

    def receive(self, connection: Connection, data: bytes) -> bytes:
        """Discard the bytes."""
        return b""

    def sent(self, connection: Connection, now: float) -> None:
        """The kernel has all our bytes, and our half of the stream is ended: now we wait for the peer."""
        self._progress = Progress(connection, now)
        self._flushed = not unsent_bytes(connection.transport)

    def look(self, connection: Connection, now: float) -> CloseReason | float:
        """Return the limit that is reached, or in how many seconds to look again; 0: never."""
        found, longest = self._look(connection, now), connection.limits.longest_seconds
        if not longest or isinstance(found, CloseReason):
            return found
        left = longest - connection.age
        if left <= 0:
            return CloseReason.LIFETIME
        return min(found, left) if found else left

    def _look(self, connection: Connection, now: float) -> CloseReason | float:
        """Do the same without the limit of the connection's lifetime."""
        limits = connection.limits
        if self._progress is None:
            self._progress = Progress(connection, now)
        elif self._progress.sample(connection, now) == 0:
            self._flushed = True
        if self._flushed:
            seconds, reason = limits.close_seconds, CloseReason.CLOSED
        else:
            seconds, reason = limits.write_stall_seconds, CloseReason.WRITE_STALL
        left = self._progress.since + seconds - now
        if seconds and left <= 0:
            return reason
        if self._flushed:
            return left if seconds else 0
        every = (limits.close_seconds or limits.write_stall_seconds) / SAMPLES
        return min(left, every) if seconds else every
