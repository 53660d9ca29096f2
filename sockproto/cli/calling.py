"""Runs one call in a reactor, from the command's first word to its exit status.

::

    hold(lambda reactor: greet("127.0.0.1:9999", ["Michael"], reactor=reactor))
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NoReturn

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from sockproto.cli.console import INTERRUPTED, leave
from sockproto.plain.signals import ENDING


def hold(
    call: Callable[[Any], "Deferred[Any]"],
    asyncio: bool = False,
    interrupted: Callable[[int, Any], NoReturn] | None = None,
) -> Any:
    """Run a call to its end.

    Args:
        call: Begins it, given the reactor.
        asyncio: Whether to run it in asyncio's loop, for those who need that.
        interrupted: Called with the number of a signal that ends it, and what had come by then; a second
            signal ends the process at once. If None, the first one does.

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
    calls: list[Deferred[Any]] = []
    outcome: list[Any] = []

    def begin() -> None:
        calls.append(maybeDeferred(call, loop))
        # A name server that doesn't answer has a thread, which stop() would wait for.
        calls[0].addBoth(outcome.append).addBoth(lambda _: loop.crash())

    def cancel() -> None:
        loop.callFromThread(lambda: calls[0].cancel())

    loop.callWhenRunning(begin)
    first_signal: AbstractContextManager[list[int]] = (
        nullcontext([]) if interrupted is None else _first_signal(cancel)
    )
    with first_signal as signals:
        loop.run(installSignalHandlers=False)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # asyncio's end puts it back
        signal.signal(signal.SIGINT, lambda *_: leave(INTERRUPTED))
    [result] = outcome
    if isinstance(result, Failure):
        if interrupted is not None and signals and result.check(CancelledError):
            interrupted(signals[0], getattr(result.value, "partial", None))
        result.raiseException()
    return result


@contextmanager
def _first_signal(cancel: Callable[[], object]) -> Iterator[list[int]]:
    """Have the first signal call *cancel*, and noted in the list; a second one does what it did before."""
    handlers = {number: signal.getsignal(number) for number in ENDING}
    handlers = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
    signals: list[int] = []

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def note(number: int, _: object) -> None:
        restore()
        signals.append(number)
        cancel()

    for number in handlers:
        signal.signal(number, note)
    try:
        yield signals
    finally:
        restore()
