"""What a conversation waits for: one mechanism for ``Sleep`` and ``Wait``, on every carrier.

Knows clocks and Deferreds; doesn't know who is waiting::

    pending = Pending(Sleep(0.5), reactor)
    if not pending.done:                # a Sleep(0) and a Deferred that has fired are done at once
        pending.then(go_on)             # calls go_on() later, once
    action = resume(generator, pending.outcome)
"""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockproto.core.actions import Action, Script, Sleep, Wait


class Turn:
    """Wait until the reactor has turned once: the carrier's own action, for others to have theirs.

    Args:
        outcome: What the generator was about to be given; it gets it afterwards.
    """

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome


class Pending:
    """A ``Sleep``, a ``Wait`` or a ``Turn`` that has begun.

    Args:
        action: What to wait for.
        clock: Where a ``Sleep`` schedules its end.

    Attributes:
        done: Whether the waiting is over.
        outcome: The awaitable's result or its ``Failure``, None after a ``Sleep``.
    """

    __slots__ = ("_call", "_deferred", "_failed", "_then", "done", "outcome")

    def __init__(self, action: Sleep | Wait | Turn, clock: IReactorTime) -> None:
        self.done = False
        self.outcome: Any = None
        self._then: Callable[[], None] | None = None
        self._failed: Callable[[], object] | None = None
        self._call: IDelayedCall | None = None
        self._deferred: Deferred[Any] | None = None
        if isinstance(action, Wait):
            self._deferred = as_deferred(action.awaitable)
            self._deferred.addBoth(self._finish)
        elif isinstance(action, Turn):
            self._call = clock.callLater(0, self._finish, action.outcome)
        elif action.seconds > 0:
            self._call = clock.callLater(action.seconds, self._finish, None)
        else:
            self.done = True

    def then(self, callback: Callable[[], None]) -> None:
        """Have *callback* called when the waiting is over."""
        self._then = callback

    def cancel(self, failed: Callable[[], object]) -> None:
        """Wait no longer; the callback is not called, a late result is dropped.

        Args:
            failed: Called, with the error in flight, if what is cancelled fails in another way than by that.
        """
        self._then = None  # first, because cancelling a Deferred fires it
        self._failed = failed
        if self._call is not None and self._call.active():
            self._call.cancel()
        if self._deferred is not None:
            self._deferred.cancel()

    def _finish(self, outcome: Any) -> Any:
        self.done, self.outcome = True, outcome
        if self._failed is not None and isinstance(outcome, Failure) and not outcome.check(CancelledError):
            try:
                outcome.raiseException()
            except BaseException:
                self._failed()
        self._call = self._deferred = None
        then, self._then = self._then, None
        if then is not None:
            then()
        # A result stays in the Deferred, for others who wait for it; a failure has been dealt with.
        return None if isinstance(outcome, Failure) else outcome


def as_deferred(awaitable: Awaitable[Any]) -> Deferred[Any]:
    """Give a Deferred for anything that can be awaited.

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


def resume(generator: Script, outcome: Any) -> Action:
    """Let a conversation's generator go on with the outcome of what it waited for.

    Args:
        generator: The generator.
        outcome: What its ``yield`` gives; a ``Failure`` is raised there.

    Returns:
        Its next action.

    Raises:
        StopIteration: It is over.
    """
    if isinstance(outcome, Failure):
        action: Action = outcome.throwExceptionIntoGenerator(generator)
        return action
    return generator.send(outcome)
