"""Overlapped operations: what goes on while later commands are done already.

::

    operations = Operations()
    operations.begin(sweep(), failed=status.report_bug)
    await operations.finished()         # what *WAI and *OPC? do

Source:
    IEEE 488.2-1992, chapter 12.
"""

import inspect
from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from sockproto.carriers.waiting import as_deferred
from sockproto.errors import InstrumentError

MAX_PENDING = 1024
"""So many go on at once; a client that begins more would take all memory."""


class Operations:
    """The operations of an instrument that have begun and are not over."""

    def __init__(self) -> None:
        self._pending: set[Deferred[None]] = set()
        self._waiting: list[Deferred[None]] = []

    def begin(self, awaitable: Awaitable[object], failed: Callable[[Failure], None]) -> None:
        """Begin one; past :data:`MAX_PENDING` it fails with -321, out of memory.

        Args:
            awaitable: What ends when the operation does.
            failed: Told of its failure, unless it was cancelled.
        """
        if len(self._pending) >= MAX_PENDING:
            if inspect.iscoroutine(awaitable):
                awaitable.close()  # nothing of it is done
            else:
                as_deferred(awaitable).addErrback(lambda _: None).cancel()
            failed(Failure(InstrumentError(-321)))
            return
        operation = as_deferred(awaitable)

        def over(result: object) -> None:
            self._pending.discard(operation)
            if isinstance(result, Failure) and not result.check(CancelledError):
                failed(result)
            if not self._pending:
                waiting, self._waiting = self._waiting, []
                for each in waiting:
                    each.callback(None)

        self._pending.add(operation)
        operation.addBoth(over)

    def finished(self) -> "Deferred[None] | None":
        """Return what fires when none is pending any more; None: none is."""
        if not self._pending:
            return None
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def cancel(self) -> None:
        """End them all: *RST does (IEEE 488.2, 10.32)."""
        for operation in tuple(self._pending):
            operation.cancel()
