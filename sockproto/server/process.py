"""What a server that has the process to itself does with it: open files, signals.

Knows nothing of sockets or protocols::

    fit = raise_descriptor_limit(4096)
    reactor.callWhenRunning(take_signals, reactor, abort)
"""

import math
import os
import resource
import signal
from collections.abc import Callable
from itertools import count
from typing import Any

SPARE = 8
"""Open files besides those at the start and the connections: refused ones, modules being imported."""

MOST = 1_048_576
"""As many open files as Linux gives a process by default (``fs.nr_open``)."""


def raise_descriptor_limit(connections: int) -> int:
    """Raise the soft limit of open files towards the hard one, so that the connections fit.

    Args:
        connections: How many there may be; 0: as many as there can be.

    Returns:
        How many fit; at least 1.
    """
    in_use = len(os.listdir("/dev/fd")) + SPARE
    soft, hard = (
        math.inf if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    wanted = in_use + connections if connections else min(hard, MOST)
    if wanted > soft:
        soft = min(wanted, hard)
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (int(soft), resource.RLIM_INFINITY if hard == math.inf else int(hard))
        )
    return int(max(min(soft, MOST) - in_use, 1))


def take_signals(reactor: Any, again: Callable[[], object]) -> None:
    """Leave the first SIGINT or SIGTERM to the reactor, and have *again* called for every later one.

    The first stops the reactor, which calls a second one an error.

    Args:
        reactor: A running reactor, which has its signal handlers.
        again: What to call, in the reactor.
    """
    before: dict[int, Any] = {}
    turns = count()

    def handle(number: int, frame: object) -> None:
        # One step, which no other signal can interrupt: of two at once, one is the first.
        if not next(turns):
            before[number](number, frame)
        else:
            reactor.callFromThread(again)

    for number in signal.SIGINT, signal.SIGTERM:
        before[number] = signal.getsignal(number)
        if not callable(before[number]):  # ignored, as SIGINT is in the background of a script: it stays so
            continue
        try:
            signal.signal(number, handle)
        except ValueError:  # not in the main thread: signals are somebody else's
            return
