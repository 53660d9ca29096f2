"""Connecting a plain socket, within a time.

::

    sock = connect_first(resolve(parse_address("localhost:9999"), 10.0), Deadline(10.0))
"""

import errno
import os
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

from sockproto.errors import CallFailed
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import failure_type, reason_of
from sockproto.plain.resolving import SocketAddress

RETRY_SECONDS = 0.05
"""How often a UNIX socket whose backlog is full is tried: nothing tells when there is room."""


def connect(sock: socket.socket, where: Any, seconds: float | None = None) -> None:
    """Connect a socket; its own time-out is *seconds* afterwards.

    Args:
        sock: The socket.
        where: As its ``connect`` takes it.
        seconds: How long it may take; None or 0: as long as the system tries.

    Raises:
        OSError: It can't be done; always with an ``errno``, ``ETIMEDOUT`` if the time is over.
    """
    deadline = Deadline(seconds or None)
    sock.setblocking(False)
    while (number := sock.connect_ex(where)) == errno.EAGAIN and deadline.left:
        time.sleep(min(RETRY_SECONDS, deadline.left))
    if number == errno.EINPROGRESS:
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        done = poll.poll(1000 * seconds if seconds else None)
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if done else errno.ETIMEDOUT
    if number:
        number = errno.ETIMEDOUT if number == errno.EAGAIN else number
        raise OSError(number, os.strerror(number))
    sock.settimeout(seconds or None)


def connect_first(addresses: Sequence[SocketAddress], deadline: Deadline) -> socket.socket:
    """Return a socket connected to the first address that takes it, each with its share of the time.

    Raises:
        CallFailed: None does; the text says why for each.
    """
    told: list[str] = []
    failure = OSError()
    for number, address in enumerate(addresses):
        left = deadline.timeout()
        try:
            sock = socket.socket(address.family, address.kind)  # the system may not have the family
        except OSError as error:
            told, failure = [*told, f"{address}: {reason_of(error)}"], error
            continue
        try:
            connect(sock, address.where, left and left / (len(addresses) - number))
            return sock
        except OSError as error:
            sock.close()
            told, failure = [*told, f"{address}: {reason_of(error)}"], error
        except BaseException:
            sock.close()
            raise
    kind: type[CallFailed] = failure_type(failure)
    raise kind(f"can't connect: {'; '.join(told)}", phase="connect", seconds=deadline.passed)
