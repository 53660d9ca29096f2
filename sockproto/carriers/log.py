"""Writes events to the log: one line per event, limited in rate, escaped.

A peer must not be able to flood the log or to forge its lines. A limited number of events is written each
second; at its end one line says how many were left out. No event is built if nobody observes the log. Text
from a peer, which a traceback may quote, is escaped::

    log = EventLog(rate=100)
    log.info(clock, "connection {serial} closed: {reason}", serial=7, reason=reason)
"""

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockproto.core.text import escape
from sockproto.reactor.observers import is_observed


class EventLog:
    """Writes events to the log, at most *rate* of them each second.

    Args:
        rate: Events a second (100); 0 means no limit.
        log: The log to write to; Twisted's global log if None.
    """

    def __init__(self, rate: int = 100, log: Logger | None = None) -> None:
        self._rate = rate
        self._log = log or Logger("sockproto")
        self._second = -1
        self._count = 0
        self._left_out = 0
        self._end: IDelayedCall | None = None  # of the second, once something was left out

    def info(self, clock: IReactorTime, format: str, **fields: Any) -> None:
        """Write an event, with its fields as structured data.

        Args:
            clock: Tells which second it is.
            format: As ``twisted.logger`` formats it.
            fields: What the format names, and more.
        """
        if self.admits(clock):
            self.write(format, **fields)

    def write(self, format: str, **fields: Any) -> None:
        """Write an event that was admitted. Arguments as for :meth:`info`."""
        self._log.info(format, **fields)

    def failure(
        self, clock: IReactorTime, format: str, failure: Failure, source: object, **fields: Any
    ) -> None:
        """Write an event with a traceback, escaped.

        Args:
            clock: Tells which second it is.
            format: As ``twisted.logger`` formats it.
            failure: What has failed.
            source: The object that failed; the event's ``log_source``.
            fields: What the format names, and more.
        """
        if self.admits(clock):
            log = Logger(self._log.namespace, source, self._log.observer)
            log.failure(format, EscapedFailure(failure), **fields)

    def flush(self) -> None:
        """Log how many events were left out since the last such line, as the end of each second does."""
        if self._end is not None:
            if self._end.active():
                self._end.cancel()
            self._end = None
            left_out, self._left_out = self._left_out, 0
            self._log.info(
                "{left_out} events more were left out of the log", event="left_out", left_out=left_out
            )

    def admits(self, clock: IReactorTime) -> bool:
        """Count an event; return whether it should be written. Ask this before costly formatting."""
        now = clock.seconds()
        if not self._second <= now < self._second + 1:
            self._second, self._count = int(now), 0
            self.flush()
        elif self._end is not None:  # this second has had all of them
            self._left_out += 1
            return False
        if not is_observed(self._log.observer):
            return False
        if self._count < self._rate or not self._rate:
            self._count += 1
            return True
        if self._end is None:
            self._end = clock.callLater(self._second + 1 - now, self.flush)
        self._left_out += 1
        return False


class EscapedFailure(Failure):
    """A Failure whose traceback can't forge log lines or drive a terminal.

    Observers still find the exception and its type in it; only the text is changed: control characters
    are escaped, and every line is indented, so that none looks like the beginning of an event.
    """

    def __init__(self, failure: Failure) -> None:
        Failure.__init__(self, failure.value, failure.type, failure.tb)

    def getTraceback(self, *args: Any, **kwargs: Any) -> str:
        """Return the traceback, escaped."""
        text: str = super().getTraceback(*args, **kwargs)
        return "\n".join("  " + escape(line) for line in text.splitlines()) + "\n"
