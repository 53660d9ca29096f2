"""Runs one call in a reactor, from the command's first word to its exit status.

::

    hold(lambda reactor: greet("127.0.0.1:9999", ["Michael"], reactor=reactor))
"""

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from sockproto.cli.console import INTERRUPTED, leave


def hold(call: Callable[[Any], "Deferred[Any]"], asyncio: bool = False) -> Any:
    """Run a call to its end.

    Args:
        call: Begins it, given the reactor.
        asyncio: Whether to run it in asyncio's loop, for those who need that.

    Returns:
        Its result.

    Raises:
        Exception: What it failed with.
    """
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    if asyncio:
        from twisted.internet import asyncioreactor

        asyncioreactor.install()
    from twisted.internet import reactor

    loop: Any = reactor
    outcome: list[Any] = []

    def begin() -> None:
        # A name server that doesn't answer has a thread, which stop() would wait for.
        maybeDeferred(call, loop).addBoth(outcome.append).addBoth(lambda _: loop.crash())

    loop.callWhenRunning(begin)
    loop.run(installSignalHandlers=False)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # asyncio's end puts it back
        signal.signal(signal.SIGINT, lambda *_: leave(INTERRUPTED))
    [result] = outcome
    if isinstance(result, Failure):
        result.raiseException()
    return result
