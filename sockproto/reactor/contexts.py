"""The log contexts of events: Twisted has one for each event; a log line names whose event it is.

Five calls look up, copy, change and push it, and take it off again. Here the same is made and pushed in
place; a new one for each event, which a thread that is started meanwhile takes along::

    contexts, key = stack(), log.ILogContext
    around = contexts[-1].get(key) or context.get(key)
    contexts.append({key: {**around, "system": connection.logstr}})
    ...
    contexts.pop()
"""

from typing import Any

from twisted.python import context

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


def stack() -> list[Any] | None:
    """Return the contexts of this thread, the innermost last; None where they are kept in another way."""
    tracker = context.theContextTracker
    if type(tracker) is not _TRACKER:  # somebody's own
        return None
    contexts: list[Any] = tracker.currentContext().contexts
    return contexts
