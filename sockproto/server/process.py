"""What a server that has the process to itself does with it: open files, signals.

Knows nothing of sockets or protocols::

    fit = raise_descriptor_limit(4096)
    take_signals(reactor, abort)
"""

import math
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from twisted.logger import Logger

from sockproto.plain.signals import ENDING, EndsProcess

MEANINGLESS = (signal.SIGUSR1, signal.SIGUSR2)
"""Signals that would end the process by default, and must not: nginx's and others' have a use for them."""

SPARE = 8
"""Open files besides those at the start and the connections: refused ones, modules being imported."""

MOST = 1_048_576
"""As many open files as Linux allows a process by default (``fs.nr_open``)."""


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


def take_signals(
    reactor: Any, again: Callable[[], object], hang_up: Callable[[], object] | None = None
) -> None:
    """Have SIGINT, SIGTERM and SIGHUP stop the reactor; a second SIGINT or SIGTERM calls *again*.

    One that was ignored when the process was started stays so and counts for nothing (nohup(1), ``command &``
    in a script; Source: glibc manual, Basic Signal Handling). One that was blocked is let in, as nginx does:
    it would stay undelivered for ever. A later SIGHUP calls nothing: a terminal that closes sends two, the
    system's and the shell's, and systemd may send it right after SIGTERM (``SendSIGHUP=``). A signal that has
    another handler, such as a debugger's, keeps it; ``EndsProcess`` gives way. SIGUSR1 and SIGUSR2, which
    mean something to many servers and nothing to this one, no longer end the process.

    Args:
        reactor: The reactor that will be stopped. Call this before it runs: Twisted takes SIGTERM even if it
            was ignored.
        again: What to call, in the reactor.
        hang_up: What each SIGHUP calls instead, in the reactor; it ends nothing then.
    """
    with suppress(ValueError):  # not in the main thread, which alone may set handlers
        for number in MEANINGLESS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, lambda *_: None)  # not SIG_IGN, which processes that we start inherit
        if hang_up is not None and _is_free(signal.getsignal(signal.SIGHUP), signal.SIG_DFL):
            signal.signal(signal.SIGHUP, _Early(reactor, hang_up))
    ignored = {number for number in ENDING if signal.getsignal(number) == signal.SIG_IGN}
    reactor.callWhenRunning(_take_signals, reactor, ignored, again, hang_up)


class _Early:
    """A handler of SIGHUP until the reactor runs, which would end the process: what it is to call comes then.

    Not in the handler itself, also while the reactor starts: it may interrupt the writing of a log that is to
    be opened again.

    Args:
        reactor: The reactor.
        hang_up: What to call.
    """

    def __init__(self, reactor: Any, hang_up: Callable[[], object]) -> None:
        self._reactor, self._hang_up = reactor, hang_up

    def __call__(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._hang_up)


def _is_free(handler: Any, untouched: Any) -> bool:
    """Return whether a signal has no handler but what the start of the process has given it."""
    return handler == untouched or isinstance(handler, EndsProcess | _Early)


def _take_signals(
    reactor: Any,
    ignored: set[signal.Signals],
    again: Callable[[], object],
    instead: Callable[[], object] | None,
) -> None:
    def hang_up(number: int, frame: object) -> None:
        Logger("sockproto").info("Received SIGHUP, the same as SIGTERM.", event="hung_up")
        reactor.sigTerm(number, frame)

    stops = {signal.SIGINT: reactor.sigInt, signal.SIGTERM: reactor.sigTerm, signal.SIGHUP: hang_up}
    untouched = {**stops, signal.SIGHUP: signal.SIG_DFL}  # Twisted has no handler for it
    turns = count()

    def handle(number: int, frame: object) -> None:
        if number == signal.SIGHUP and instead is not None:
            reactor.callFromThread(instead)
        # One step, which no other signal can interrupt: of two at once, one is the first.
        elif not next(turns):
            stops[signal.Signals(number)](number, frame)
        elif number != signal.SIGHUP:
            reactor.callFromThread(again)

    try:
        for number in ENDING:
            if number in ignored:
                signal.signal(number, signal.SIG_IGN)
            elif _is_free(signal.getsignal(number), untouched[number]):
                signal.signal(number, handle)
    except ValueError:  # not in the main thread, which alone may set handlers
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, set(ENDING) - ignored)
