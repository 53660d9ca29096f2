"""Time that a test controls: Twisted's own ``Clock``, and a way to its next call.

::

    clock = Clock()
    remote = connect(GreetingFactory(clock=clock))
    while to_next_call(clock):
        ...
"""

from twisted.internet.task import Clock

from sockproto.reactor.clocks import advance_once


def to_next_call(clock: Clock, max_seconds: float | None = None) -> bool:
    """Advance a clock to its next delayed call, and have it called.

    Args:
        clock: The clock.
        max_seconds: How many seconds to advance at most; None: no limit.

    Returns:
        Whether there was such a call; if not, no time has passed.
    """
    times = [call.getTime() for call in clock.getDelayedCalls()]
    if not times:
        return False
    seconds = max(0.0, min(times) - clock.seconds())
    if max_seconds is not None and seconds > max_seconds:
        return False
    advance_once(clock, seconds)
    return True
