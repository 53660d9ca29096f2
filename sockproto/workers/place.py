"""The place of a worker: its number, and the descriptors that it was started with.

::

    place = taken_place()       # in a worker; None in any other process
"""

import json
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from sockproto.core.limits import Limits
from sockproto.errors import OptionError
from sockproto.plain.signals import ENDING

VARIABLE = "SOCKPROTO_WORKER"
"""The variable of the environment that tells a process that it is a worker."""

SHARED = ("max_connections", "max_connections_per_peer", "udp_rate", "log_rate")
"""The limits of a listener that its workers share: each has its part, rounded up."""

PASSED = ("LISTEN_FDS", "LISTEN_FDNAMES")


@dataclass(frozen=True)
class WorkerPlace:
    """What a worker is given.

    Attributes:
        number: Its number, from 1.
        workers: How many there are.
        orders: The descriptor from which it reads what it is told.
        answers: The descriptor to which it writes.
        sockets: The descriptors of its listeners, in their order.
        passed: Variables about the sockets that systemd has passed to the supervisor.
    """

    number: int
    workers: int
    orders: int
    answers: int
    sockets: Sequence[int]
    passed: dict[str, str]

    def variable(self) -> str:
        """Return it as the value of the variable."""
        return json.dumps(asdict(self))

    def opened(self) -> list[socket.socket]:
        """Return the sockets, which never block."""
        found = [socket.socket(fileno=number) for number in self.sockets]
        for each in found:
            each.setblocking(False)
        return found

    def share(self, limits: Limits) -> Limits:
        """Return this worker's part of what the limits allow all."""
        parts: dict[str, Any] = {name: ceil(getattr(limits, name) / self.workers) for name in SHARED}
        return replace(limits, **parts)


def taken_place() -> WorkerPlace | None:
    """Take what this process was started with as a worker; None where it was not.

    Signals that end a server are the supervisor's, which then tells the workers what to do: a terminal's
    Ctrl-C and systemd's stop reach every process of a group.

    Raises:
        OptionError: The variable is somebody else's.
    """
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return None
    try:
        place = WorkerPlace(**json.loads(text))
        for number in (place.orders, place.answers, *place.sockets):
            os.set_inheritable(number, False)
    except (ValueError, TypeError, OSError) as error:
        raise OptionError(f"{VARIABLE} is set by the supervisor of workers alone; unset it") from error
    for signal_number in ENDING:
        signal.signal(signal_number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # the supervisor has blocked them until now
    os.environ.update(place.passed)
    if place.passed:
        os.environ["LISTEN_PID"] = str(os.getpid())
    return place


def passed_variables(environment: Any) -> dict[str, str]:
    """Return the variables about systemd's sockets that a worker needs, if they are for this process."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    return {name: environment[name] for name in PASSED if name in environment}
