"""One call of a client: its phases, its time, its outcome.

The same for every carrier. It doesn't know how bytes are carried; the carrier tells it what happens, and
it tells the carrier when to stop::

    call = Call("127.0.0.1:9999", conversation, clock, connect_seconds=10, reply_seconds=30)
    call.enter("reply", protocol.abort)     # from now on ``abort`` is what ends it
    call.result                             # a Deferred
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockproto.errors import CallFailed, NameNotFound, TimedOut

ADVICE = {
    "name": "the name servers don't answer",
    "connect": "a firewall may drop what is sent there, its backlog be full, or no name server answer",
    "handshake": "it may not speak TLS",
    "reply": "it fell silent: it may speak another protocol, or wait for a newline",
}


class Call:
    """A call under way.

    Args:
        address: Who is called, as people write it.
        conversation: What is said.
        clock: What time it is.
        connect_seconds: How long it may take until the conversation can begin; 0: as long as it likes.
        reply_seconds: How long the peer may be silent when it is its turn; 0: as long as it likes.

    Attributes:
        result: Fires with the conversation's result, or fails, when everything is closed. Cancelling it cuts
            the connection; its ``CancelledError`` has a ``partial`` as a ``CallFailed`` has.
        phase: What is under way: ``name``, ``connect``, ``handshake`` or ``reply``.
        error: Why it has failed, None as long as it has not.
        reply_seconds: How long the peer may be silent.
        pending: Tells whether the conversation waits for something of ours.
    """

    def __init__(
        self,
        address: str,
        conversation: Any,
        clock: IReactorTime,
        connect_seconds: float,
        reply_seconds: float,
    ) -> None:
        self.result: Deferred[Any] = Deferred(self._cancel)
        self.phase = "connect"
        self.error: BaseException | None = None
        self.pending: Callable[[], bool] = lambda: False
        self._address, self._conversation, self._clock = address, conversation, clock
        self._connect_seconds, self.reply_seconds = connect_seconds, reply_seconds
        self._stop: Callable[[], object] = lambda: None
        self._began = self._since = clock.seconds()
        self._timer: IDelayedCall | None = None
        self._expire: Callable[[], object] = self._time_out
        self._look()

    def enter(self, phase: str, stop: Callable[[], object]) -> None:
        """Begin a phase; *stop* is what cuts it short."""
        self._stop = stop
        if phase == "reply":  # what comes before shares one deadline
            self._began = self._clock.seconds()
            self.phase = phase
            self.progress()
            self._look()
        self.phase = phase
        if self.error is not None:
            stop()

    def progress(self) -> None:
        """Something was said: the time to reply begins anew."""
        self._since = self._clock.seconds()

    def linger(self, seconds: float, then: Callable[[], object]) -> None:
        """Call *then* if nothing comes for *seconds* seconds; that is not a failure."""
        self.reply_seconds, self._expire = seconds, then
        self.progress()
        self._look()

    def fail(self, error: BaseException) -> None:
        """Have the call fail, when all is closed; the first error counts."""
        if self.error is None:
            if isinstance(error, CallFailed) and not error.address:
                phase = "name" if isinstance(error, NameNotFound) else self.phase
                seconds = self._clock.seconds() - self._began
                due = getattr(self._conversation, "due", "") if phase == "reply" else ""
                reason = f"{error.reason}; {due}" if due else error.reason
                error = type(error)(reason, self._address, phase, seconds)
            self.error = error
            self._stop()

    def finish(self) -> None:
        """Everything is closed: fire the result, or the error."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self.result.called:
            return
        if self.error is None:
            self.result.callback(getattr(self._conversation, "result", None))
        else:
            if isinstance(self.error, CallFailed):
                self.error.partial = self._partial
            self.result.errback(Failure(self.error))

    @property
    def _partial(self) -> Any:
        """What has come until now."""
        return getattr(self._conversation, "result", None)

    def _cancel(self, result: "Deferred[Any]") -> None:
        """Fail at once: who cancels doesn't wait until everything is closed."""
        error: Any = CancelledError()
        error.partial = self._partial
        self.fail(error)
        if not result.called:
            result.errback(Failure(error))

    def _time_out(self) -> None:
        seconds = self._clock.seconds() - self._since
        what = "no reply" if self.phase == "reply" else "no connection"
        self.fail(TimedOut(f"timed out: {what} within {seconds:.1f} seconds; {ADVICE[self.phase]}"))

    def _look(self) -> None:
        """See whether the time is over; look again when it can be."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        now = self._clock.seconds()
        seconds = self.reply_seconds if self.phase == "reply" else self._connect_seconds
        if not seconds or self.error is not None:
            return
        if self.phase == "reply" and not self._awaiting():
            self._since = now
        if self._since + seconds <= now:
            self._expire()
        else:
            self._timer = self._clock.callLater(self._since + seconds - now, self._look)

    def _awaiting(self) -> bool:
        """Tell whether it is the peer's turn."""
        awaiting = getattr(self._conversation, "awaiting", None)
        return not self.pending() if awaiting is None else bool(awaiting)
