"""The waits of scripts: one mechanism for ``Sleep`` and ``Wait`` on every carrier.

Knows clocks and Deferreds; doesn't know who is waiting::

    waiting = Waiting(Sleep(0.5), reactor)
    if not waiting.done:                # a Sleep(0) and a Deferred that has fired are done at once
        waiting.then(go_on)             # calls go_on() later, once
    waiting.value, waiting.error
"""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockproto.core.actions import Action, Script, Sleep, Wait
from sockproto.core.limits import TURN_STEPS
from sockproto.core.script import advance


class Waiting:
    """A ``Sleep`` or a ``Wait`` that has begun.

    Args:
        action: The action to wait for.
        clock: The clock on which a ``Sleep`` schedules its end.

    Attributes:
        action: The action that it waits for.
        done: Whether the wait is over.
        error: The exception of the awaitable; None if it did not fail.
        value: The awaitable's result, None after a ``Sleep``.
    """

    __slots__ = ("_call", "_deferred", "_failed", "_then", "action", "done", "error", "value")

    def __init__(self, action: Sleep | Wait, clock: IReactorTime) -> None:
        self.action = action
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self._then: Callable[[], None] | None = None
        self._failed: Callable[[BaseException], object] | None = None
        self._call: IDelayedCall | None = None
        self._deferred: Deferred[Any] | None = None
        try:
            self._begin(action, clock)
        except BaseException as error:  # what is to be awaited can't be, or seconds are no number
            self.fail(error)

    def _begin(self, action: Sleep | Wait, clock: IReactorTime) -> None:
        if isinstance(action, Wait):
            self._deferred = as_deferred(action.awaitable)
            self._deferred.addBoth(self._finish)
        elif action.seconds > 0:
            self._call = clock.callLater(action.seconds, self._finish, None)
        else:
            self.done = True

    def yield_turn(self, clock: IReactorTime) -> None:
        """End one reactor turn later instead of now, so that others have their turn."""
        self.done = False
        outcome = self.value if self.error is None else Failure(self.error)
        self._call = clock.callLater(0, self._finish, outcome)

    def then(self, callback: Callable[[], None]) -> None:
        """Have *callback* called when the wait is over."""
        self._then = callback

    def cancel(self, failed: Callable[[BaseException], object]) -> None:
        """Cancel the wait: the callback is not called, and a late result is dropped.

        Args:
            failed: Called with the error if the awaitable fails with anything but its cancellation.
        """
        self._then = None  # first, because cancelling a Deferred fires it
        self._failed = failed
        call, deferred = self._call, self._deferred
        try:
            if call is not None and call.active():
                call.cancel()
            if deferred is not None:
                deferred.cancel()
        except BaseException as error:  # of somebody's canceller
            failed(error)

    def fail(self, error: BaseException) -> None:
        """End the wait with an error of our own."""
        self.done, self.value, self.error = True, None, error

    def _finish(self, outcome: Any) -> Any:
        self._call = self._deferred = None
        self.done = True
        then, self._then = self._then, None
        if not isinstance(outcome, Failure):
            self.value = outcome
            if then is not None:
                then()
            return outcome  # a result stays in the Deferred, for others who wait for it
        self.error = error = outcome.value
        if self._failed is not None and error is not None and not outcome.check(CancelledError):
            self._failed(error)
        if then is not None:
            then()
        return None  # a failure has been dealt with


def drive(
    script: Script,
    put: Callable[[bytes], bool],
    clock: IReactorTime,
    value: Any = None,
    error: BaseException | None = None,
) -> Waiting | Action | None:
    """Run a script until it takes time, or until its action is neither bytes to send nor a wait.

    A ``Sleep(0)``, or a Deferred that has fired, takes no time, unless it is one of many in a row.

    Args:
        script: The script.
        put: Called with bytes to send; returns whether they are enough for now.
        clock: Where a ``Sleep`` schedules its end.
        value: The value of its ``yield``.
        error: The exception that its ``yield`` raises; None: it raises nothing.

    Returns:
        The wait that has begun; ``CLOSE``, ``ABORT``, ``HALF_CLOSE``, or the bytes that were enough; None if
        the script is over.

    Raises:
        ActionError: The script yielded something that is not an action.
        BaseException: Any exception that the script, or *put*, raised.
    """
    for _ in range(TURN_STEPS):
        action = advance(script, put, value, error)
        if not isinstance(action, Sleep | Wait):
            return action
        waiting = Waiting(action, clock)
        if not waiting.done:
            return waiting
        value, error = waiting.value, waiting.error
    waiting.yield_turn(clock)
    return waiting


def next_turn(clock: IReactorTime) -> Waiting:
    """Return a wait that is over one reactor turn later."""
    waiting = Waiting(Sleep(0), clock)
    waiting.yield_turn(clock)
    return waiting


def as_deferred(awaitable: Awaitable[Any]) -> Deferred[Any]:
    """Return a Deferred for anything that can be awaited.

    Raises:
        TypeError: It can't be awaited.
    """
    if isinstance(awaitable, Deferred):
        return awaitable
    if not hasattr(awaitable, "__await__"):
        raise TypeError(f"Wait() takes a Deferred or a coroutine, not {type(awaitable).__name__!r}")

    async def wait() -> Any:
        return await awaitable

    return Deferred.fromCoroutine(wait())
