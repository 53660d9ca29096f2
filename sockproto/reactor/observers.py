"""Who observes the log: whether anybody does, and what trial makes of it.

Making an event costs 20 µs, which are saved where nobody would see it::

    if is_observed(logger.observer):
        logger.info("…")
"""

import sys
from typing import Any

from twisted.logger import LogPublisher

from sockproto.reactor.names import RelyingOn

TRIAL = "twisted.trial._synctest"
RELIES_ON: RelyingOn = {LogPublisher: ("_observers",), TRIAL: ("_added", "_logObserver", "_synctest")}


def is_observed(publisher: Any) -> bool:
    """Tell whether anybody observes what is published; for anything but a ``LogPublisher``, assume so.

    Args:
        publisher: An ``ILogObserver``, as a ``Logger`` has one.
    """
    return bool(getattr(publisher, "_observers", True))


def is_flushed(error: BaseException) -> bool:
    """Tell whether a test of trial's is running and has flushed an error that was logged: it expects it.

    Args:
        error: The error.
    """
    observer: Any = getattr(sys.modules.get(TRIAL), "_logObserver", None)
    if not getattr(observer, "_added", 0):
        return False
    return all(failure.value is not error for failure in observer.getErrors())
