"""The log contexts of events: Twisted sets one for each event; it tells whose event a log line is about.

Five calls look up, copy, change and push it, and take it off again. Here the same is made and pushed in
place; a new one for each event, which a thread that is started meanwhile takes along::

    call_in_context(connection, connection.connectionLost, reason)      # as log.callWithLogger does
"""

from collections.abc import Callable
from typing import Any

from twisted.python import context, log

from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {context: ("ContextTracker", "ThreadedContextTracker", "theContextTracker")}
if has_all(context, RELIES_ON[context]):
    RELIES_ON = {
        **RELIES_ON,
        context.ThreadedContextTracker: ("currentContext",),
        context.ContextTracker: ("contexts",),
    }


def are_known() -> bool:
    """Tell whether Twisted has all that is relied on here."""
    if not has_all(context, RELIES_ON[context]):
        return False
    tracker, tracked = context.ThreadedContextTracker, context.ContextTracker
    known = has_all(tracker, ("currentContext",))
    return known and has_all(tracked(), ("contexts",))  # type: ignore[no-untyped-call]


_TRACKER: Any = context.ThreadedContextTracker if are_known() else None
_LOG = log.ILogContext


def stack() -> list[Any] | None:
    """Return the contexts of this thread, the innermost last; None where they are kept in another way."""
    tracker = context.theContextTracker
    if type(tracker) is not _TRACKER:  # somebody's own
        return None
    contexts: list[Any] = tracker.currentContext().contexts
    return contexts


def call_in_context(logger: Any, call: Callable[..., Any], *args: Any) -> Any:
    """Call, in the log context of *logger*.

    Args:
        logger: Has a ``logPrefix()``.
        call: What is called.
        args: Its arguments.

    Returns:
        What it returns.
    """
    contexts = stack()
    if contexts is None:
        return log.callWithContext({"system": logger.logPrefix()}, call, *args)
    around = contexts[-1].get(_LOG) or context.get(_LOG)
    contexts.append({_LOG: {**around, "system": logger.logPrefix()}})
    try:
        return call(*args)
    finally:
        contexts.pop()
