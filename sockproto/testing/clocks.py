"""Time, under a test's command: Twisted's own ``Clock``, and a way to its next call.

::

    clock = Clock()
    remote = connect(GreetingFactory(clock=clock))
    while to_next_call(clock):
        ...
"""

from twisted.internet.task import Clock


def to_next_call(clock: Clock, max_seconds: float | None = None) -> bool:
    """Advance a clock to its next delayed call, and have it called.

    Args:
        clock: The clock.
        max_seconds: How far at most; None: as far as it is.

    Returns:
        Whether there was a call so near; if not, no time has passed.
    """
    calls = list(clock.calls)
    if not calls:
        return False
    seconds = max(0.0, min(call.getTime() for call in calls) - clock.seconds())
    if max_seconds is not None and seconds > max_seconds:
        return False
    clock.rightNow += seconds
    # Not by advance(), which never returns from calls that renew themselves without time passing.
    for call in [call for call in calls if call.getTime() <= clock.seconds()]:
        if call.active():
            clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)
    return True
