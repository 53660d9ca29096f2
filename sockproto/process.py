"""What a server that has the process to itself does with it: open files, signals.

Knows nothing of sockets or protocols::

    fit = raise_descriptor_limit(4096)
    with second_signal(reactor, abort):
        yield drained
"""

import math
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def second_signal(reactor: Any, call: Callable[[], object]) -> Iterator[None]:
    """While this lasts, have SIGINT and SIGTERM call *call* in the reactor.

    The first signal has stopped the reactor, which calls a second one an error.
    """

    def handle(number: int, frame: object) -> None:
        reactor.callFromThread(call)

    before = {}
    for number in signal.SIGINT, signal.SIGTERM:
        try:
            before[number] = signal.signal(number, handle)
        except ValueError:  # not in the main thread: signals are somebody else's
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
