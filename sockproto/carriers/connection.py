"""One connection and its transport: reading, holding back, half-close, closing, the end.

The part of the stream carrier that makes promises 1 to 3 true for every protocol. Knows transports and
time; doesn't know where connections come from, nor who counts them::

    class ConversationProtocol(Connection):
        def connectionMade(self):
            self._watch = Watch(self, limits, clock, timetable)
            self._open()
"""

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.carriers.dialogue import Dialogue
from sockproto.carriers.stops import BLOCKED, DRAINING, ENDING, HALF_CLOSED, LOST, PAUSED, UNOPENED
from sockproto.carriers.timeouts import Watch
from sockproto.carriers.transport import can_half_close, unread_bytes, unsent_bytes
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.raw import Discard
from sockproto.core.limits import READ_AHEAD_BYTES

REFUSALS = frozenset(
    {
        CloseReason.TOO_MANY,
        CloseReason.TOO_MANY_OF_PEER,
        CloseReason.BAD_PROXY_HEADER,
        CloseReason.UNKNOWN_PROXY,
    }
)
"""The reasons for which a connection is closed before its conversation begins."""


NOTHING = Discard()


@implementer(IHalfCloseableProtocol, IPushProducer)
class Connection(Dialogue, Protocol):
    """A dialogue over a transport.

    Attributes:
        bytes_in: Bytes read, but for those that come once the end has begun, which are thrown away.
        bytes_out: Bytes handed to the transport.
    """

    __slots__ = (
        "_aborting",
        "_drained_at",
        "_forgotten",
        "_reading",
        "_registered",
        "_shut",
        "_shut_half",
        "_timer",
        "_watch",
        "bytes_in",
        "bytes_out",
    )

    transport: Any  # Twisted's ITransport leaves out most of what every transport has
    _watch: Watch

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.bytes_in = self.bytes_out = 0
        self._registered = self._shut = self._shut_half = self._forgotten = self._aborting = False
        self._reading = True
        self._timer: IDelayedCall | None = None
        self._drained_at = 0

    def _forget(self) -> None:
        """Note the end, once: the connection is gone and nothing runs any more."""
        raise NotImplementedError

    # What Twisted calls.

    def readConnectionLost(self) -> None:
        """The peer will send no more; it may still read."""
        self._eof = True
        if self._shut:
            self.transport.loseConnection()
        elif self._stops & UNOPENED:
            self.close(CloseReason.PEER_CLOSED)
        else:
            self._framing.end()
            self._run()

    def writeConnectionLost(self) -> None:
        """All we had to say is with the kernel, and our half of the stream is ended: the peer's turn."""
        if self._shut:
            self._watch.close(flushed=not unsent_bytes(self.transport))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._stops |= LOST
        if self._reason is None:
            done = reason.check(ConnectionDone)
            self._reason = CloseReason.PEER_CLOSED if done else CloseReason.PEER_RESET
        self._run()

    def pauseProducing(self) -> None:
        """The transport has enough to send."""
        self._stops |= PAUSED
        self._watch.paused()
        self._run()

    def resumeProducing(self) -> None:
        """The transport can take more."""
        self._stops &= ~PAUSED
        self._watch.begin()
        self._run()

    def stopProducing(self) -> None:
        """The transport takes no more; ``connectionLost`` follows."""

    # What ends it.

    def close(self, reason: CloseReason = CloseReason.CLOSED) -> None:
        """Run no further action, deliver what was sent, and close.

        Args:
            reason: What the conversation's ``closed`` and the log are told.
        """
        self._end(reason)
        self._run()

    def abort(self, reason: CloseReason = CloseReason.ABORTED) -> None:
        """Cut the connection and drop what was not sent.

        Args:
            reason: What the conversation's ``closed`` and the log are told.
        """
        if self._stops & LOST:
            return
        self._stops |= ENDING
        self._reason, self._aborting = reason, True
        if self._shut:
            self.transport.abortConnection()
        else:
            self._run()

    @property
    def reason(self) -> CloseReason | None:
        """Why the connection ends or ended; None while it doesn't."""
        return self._reason

    @property
    def held_back(self) -> bool:
        """Whether reading is paused."""
        return not self._reading

    def expire(self, reason: CloseReason) -> None:
        """End the connection because a limit of time is reached; the watch calls this."""
        if reason is CloseReason.WRITE_STALL:
            self.abort(reason)
        elif self._shut:
            self.transport.abortConnection()
        else:
            self.close(reason)

    # Between the dialogue and the transport.

    def _open(self) -> None:
        if self._stops & UNOPENED and not self._stops & (ENDING | LOST):
            self._stops &= ~UNOPENED
            self._watch.begin()
            self._registered = self._running = True
            self.transport.registerProducer(self, True)
            self._running = False
            self._run()

    def _waited(self) -> None:
        self._watch.begin()
        super()._waited()

    def _deliver_pushed(self) -> None:
        self._watch.sent()
        super()._deliver_pushed()

    def _write(self, data: bytes) -> None:
        self.bytes_out += len(data)
        self.transport.write(data)

    def _settle(self) -> None:
        if not self._stops and self._reading:
            return
        if self._stops & LOST:
            self._forget()
        elif self._stops & ENDING:
            self._close()
        else:
            if self._stops & HALF_CLOSED and not self._shut_half:
                self._close_half()
            self._update_reading()

    def _close_half(self) -> None:
        """End our half of the stream (once), where there are halves; go on reading."""
        self._shut_half = True
        if can_half_close(self.transport):
            self._unregister()
            self.transport.loseWriteConnection()
            if self._stops & PAUSED:  # nothing is left to be held back
                self.resumeProducing()

    def _unregister(self) -> None:
        if self._registered:
            self._registered = False
            self.transport.unregisterProducer()

    def _update_reading(self) -> None:
        """Read unless the transport has enough to send, or more is held than we may read ahead."""
        framing = self._framing
        if framing.discards:
            wanted = True
        elif self._stops & DRAINING or (self._stops & PAUSED and self._until is None):
            wanted = False
        else:
            # While nothing stops the conversation, what is held is one message that has no end yet.
            wanted = not self._stops & BLOCKED or framing.held <= READ_AHEAD_BYTES
        if wanted == self._reading or self._eof:
            return
        self._reading = wanted
        if not wanted:
            self._set_timer(None)  # no quiet period while nothing can come
            self.transport.pauseProducing()
            return
        self._watch.resume()
        if framing.quiet_seconds is not None:
            self._await_quiet()
        self.transport.resumeProducing()

    def _close(self) -> None:
        """Close so that the peer can read all that was sent (once).

        Closing a TCP socket with unread input sends a reset, which can destroy the last words. So our
        half of the stream is ended first, then what comes is discarded until the peer ends its own.
        """
        if self._shut:
            return
        self._shut = True
        self._set_timer(None)
        self._stop_work()
        self._framing = NOTHING
        self._unregister()  # TLS never sends its close_notify while a producer is registered
        if self._aborting or self._reason is CloseReason.ABORTED:
            self.transport.abortConnection()
            return
        at_once = self._eof or self._at_once()
        if not at_once:
            self.transport.resumeProducing()  # to see the peer's own end
            if self._stops & LOST:
                return
        if at_once or not can_half_close(self.transport):
            self.transport.loseConnection()
            if not self._stops & LOST:
                self._watch.close(flushed=False)
        else:
            self._watch.close(flushed=False)
            self.transport.loseWriteConnection()

    def _at_once(self) -> bool:
        """Tell whether there are no last words to save: of one refused, or idle when the service stops."""
        if self._reason is CloseReason.DRAINED:
            return self.bytes_out == self._drained_at and not unread_bytes(self.transport)
        return self._reason in REFUSALS

    # Time.

    def _await_quiet(self) -> None:
        """Start the quiet period anew, or end it where it has no purpose."""
        unfinished = self._framing.unfinished and self._reading
        self._set_timer(self._framing.quiet_seconds if unfinished else None, self._quiet)

    def _quiet(self) -> None:
        # Timers run before reads: one more turn, for what is in the kernel already.
        self._set_timer(0, self._cut)

    def _cut(self) -> None:
        self._watch.sent()
        self._framing.quiet()
        self._run()

    def _set_timer(self, seconds: float | None, call: Callable[[], object] | None = None) -> None:
        """Have *call* called after *seconds*, and nothing that was to be called before."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if seconds is not None and call is not None:
            self._timer = cast("IReactorTime", self._clock).callLater(seconds, call)
