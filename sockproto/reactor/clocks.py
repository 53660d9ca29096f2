"""Twisted's ``Clock``, moved by the delayed calls that were due, and by no others.

::

    advance_once(clock, 5.0)
"""

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock

from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {Clock: ("calls", "rightNow"), DelayedCall: ("args", "called", "func", "kw")}


def advance_once(clock: Clock, seconds: float) -> None:
    """Advance a clock, and have the calls made that were due already; not those that they ask for.

    ``Clock.advance`` makes those too, and never returns from calls that renew themselves without time
    passing.

    Args:
        clock: The clock.
        seconds: How far.
    """
    known = has_all(clock, RELIES_ON[Clock])
    if not known or not all(has_all(call, RELIES_ON[DelayedCall]) for call in clock.calls):
        clock.advance(seconds)
        return
    clock.rightNow += seconds
    for call in list(clock.calls):
        if call.active() and call.getTime() <= clock.seconds():
            clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)
