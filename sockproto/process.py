"""What a server that has the process to itself does with it: open files, signals.

Knows nothing of sockets or protocols::

    warning = raise_descriptor_limit(4096)
    with second_signal(reactor, abort):
        yield drained
"""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SPARE = 64
"""Open files besides connections: ports, logs, modules being imported."""


def raise_descriptor_limit(connections: int) -> str | None:
    """Raise the soft limit of open files towards the hard one, so that the connections fit.

    Args:
        connections: How many there may be; 0: as many as there can be.

    Returns:
        What to warn of, if they don't fit all the same.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE if connections else hard
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or 0 <= wanted <= soft:
        return None
    granted = wanted if hard == unlimited or (wanted != unlimited and wanted <= hard) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted == wanted:
        return None
    return (
        f"only {granted} files may be open at once, too few for {connections} connections; "
        f"raise the limit (ulimit -n {wanted}) or lower --max-connections to {max(granted - SPARE, 1)}"
    )


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
