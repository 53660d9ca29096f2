"""A Deferred whose work begins when somebody waits for it, so that work nobody waits for is noticed.

A test that forgets to wait would end before its script does, and pass whatever the result. Here nothing has
begun then, so nothing is left over, and Python warns as for every coroutine that was never awaited::

    outcome = Awaited(hold())  # nothing happens
    await outcome              # now it does
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred

T = TypeVar("T")


def _begins(name: str) -> Callable[..., Any]:
    """Return a method of Deferred that begins the work first."""
    method: Any = getattr(Deferred, name)

    @wraps(method)
    def begin(self: "Awaited[Any]", *args: Any, **kwargs: Any) -> Any:
        self._begin()
        return method(self, *args, **kwargs)

    return begin


class Awaited(Deferred[T]):
    """The result of a coroutine, which begins with the first callback.

    Args:
        work: The coroutine.
    """

    def __init__(self, work: "Coroutine[Deferred[Any], Any, T]") -> None:
        super().__init__(_stop)
        self._work: Coroutine[Deferred[Any], Any, T] | None = work
        self._begun: Deferred[Any] | None = None

    # Not all of them come to the same one inside; ``await`` comes to addBoth.
    addCallbacks: Any = _begins("addCallbacks")
    addCallback: Any = _begins("addCallback")
    addErrback: Any = _begins("addErrback")
    addBoth: Any = _begins("addBoth")

    def __getattr__(self, name: str) -> Any:
        """Begin if asked for the result: all that a Deferred does whose callback has given this one."""
        if name == "result":
            self._begin()
        if name in vars(self):
            return vars(self)[name]
        raise AttributeError(name)

    def _begin(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            self._begun = ensureDeferred(work)
            self._begun.addCallbacks(self.callback, self.errback)


def _stop(cancelled: Any) -> None:
    work, cancelled._work = cancelled._work, None
    if work is not None:
        work.close()
    elif cancelled._begun is not None:
        cancelled._begun.cancel()
