"""What systemd is told of a service of ``Type=notify``: see sd_notify(3).

::

    notifier = Notifier(reactor, lambda: "12 connections open")
    notifier.ready()
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from twisted.internet.task import LoopingCall

STATUS_SECONDS = 5.0
"""So often the status is told anew, if it has changed."""


class Notifier:
    """Tells systemd, or another parent that has set ``NOTIFY_SOCKET``; without it, does nothing.

    Args:
        reactor: For its timers.
        status: Says in a few words how the service is.
        environment: The process's, if None.
    """

    def __init__(
        self, reactor: Any, status: Callable[[], str], environment: Mapping[str, str] | None = None
    ) -> None:
        given = os.environ if environment is None else environment
        address = given.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._reactor = reactor
        self._status = status
        self._told = ""
        self._repeated = False  # whether anything is told at intervals
        self._watchdog_seconds = _watchdog_seconds(given) if address else 0.0

    def ready(self) -> None:
        """Say that it serves, also after a reload; from then on how it is, and that it is alive."""
        if not self._address:
            return
        self._told = self._status()
        self._tell("READY=1", f"STATUS={self._told}")
        if not self._repeated:
            self._repeat(STATUS_SECONDS, self._tell_status)
            if self._watchdog_seconds:  # twice as often as is asked for: sd_watchdog_enabled(3)
                self._repeat(self._watchdog_seconds / 2, self._tell, "WATCHDOG=1")

    def reloading(self) -> None:
        """Say that a reload has begun."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """Say that a stop has begun."""
        self._tell("STOPPING=1")

    def _repeat(self, seconds: float, call: Callable[..., object], *args: str) -> None:
        self._repeated = True
        loop = LoopingCall(call, *args)
        loop.clock = self._reactor
        loop.start(seconds, now=False)

    def _tell_status(self) -> None:
        status = self._status()
        if status != self._told:
            self._told = status
            self._tell(f"STATUS={status}")

    def _tell(self, *assignments: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.sendto("\n".join(assignments).encode(), self._address)


def _watchdog_seconds(given: Mapping[str, str]) -> float:
    """Return within how many seconds the watchdog must be notified; 0: there is no watchdog."""
    microseconds = given.get("WATCHDOG_USEC", "")
    if given.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    return int(microseconds) / 1e6 if microseconds.isascii() and microseconds.isdecimal() else 0.0
