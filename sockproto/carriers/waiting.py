"""What a script waits for: one mechanism for ``Sleep`` and ``Wait``, on every carrier.

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
        action: What to wait for.
        clock: Where a ``Sleep`` schedules its end.

    Attributes:
        action: What is waited for.
        done: Whether the waiting is over.
        error: What the awaitable failed with, None if it did not.
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
        """Be over one turn of the reactor later, though it is now: others have theirs."""
        self.done = False
        outcome = self.value if self.error is None else Failure(self.error)
        self._call = clock.callLater(0, self._finish, outcome)

    def then(self, callback: Callable[[], None]) -> None:
        """Have *callback* called when the waiting is over."""
        self._then = callback

    def cancel(self, failed: Callable[[BaseException], object]) -> None:
        """Wait no longer; the callback is not called, a late result is dropped.

        Args:
            failed: Called with the error if what is cancelled fails in another way than by that.
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
        """End the waiting with an error of ours."""
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
    """Run a script until it takes time, or wants something else than to send or to wait.

    A ``Sleep(0)``, or a Deferred that has fired, takes none, unless it is one of many in a row.

    Args:
        script: The script.
        put: Takes bytes to send; returns whether that is enough for now.
        clock: Where a ``Sleep`` schedules its end.
        value: What its ``yield`` gives back.
        error: What its ``yield`` raises; None: nothing.

    Returns:
        What is to be waited for; ``CLOSE``, ``ABORT``, ``HALF_CLOSE``, or the bytes that were enough; None if
        the script is over.

    Raises:
        BaseException: Whatever the script, or *put*, raised; ``ActionError`` for what is no action.
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
    """Return what is over one turn of the reactor later."""
    waiting = Waiting(Sleep(0), clock)
    waiting.yield_turn(clock)
    return waiting


def as_deferred(awaitable: Awaitable[Any]) -> Deferred[Any]:
    """Return a Deferred for anything that can be awaited.

    Raises:
        TypeError: it can't be awaited.
    """
    if isinstance(awaitable, Deferred):
        return awaitable
    if not hasattr(awaitable, "__await__"):
        raise TypeError(f"Wait() takes a Deferred or a coroutine, not {type(awaitable).__name__!r}")

    async def wait() -> Any:
        return await awaitable

    return Deferred.fromCoroutine(wait())
