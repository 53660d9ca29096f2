"""Whether anybody observes a log: making an event costs 20 µs, which are saved where nobody would see it.

::

    if is_observed(logger.observer):
        logger.info("…")
"""

from typing import Any

from twisted.logger import LogPublisher

from sockproto.reactor.names import RelyingOn

RELIES_ON: RelyingOn = {LogPublisher: ("_observers",)}


def is_observed(publisher: Any) -> bool:
    """Tell whether anybody observes what is published; of what is no ``LogPublisher``, it is assumed.

    Args:
        publisher: An ``ILogObserver``, as a ``Logger`` has one.
    """
    return bool(getattr(publisher, "_observers", True))
