"""Connecting plain sockets, within a time, to whichever of a host's addresses answers first (RFC 8305).

::

    sock = connect_first(resolve(parse_address("localhost:9999"), 10.0), Deadline(10.0))
"""

import errno
import math
import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sockproto.errors import CallFailed, TimedOut
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import call_failed, most_telling, reason_of
from sockproto.plain.resolving import SocketAddress

ATTEMPT_SECONDS: Final = 0.25
"""How long to wait for an address before the next one is tried as well (RFC 8305, section 8)."""

RETRY_SECONDS: Final = 0.05
"""How often a UNIX socket whose backlog is full is tried: nothing tells when there is room."""

LONGEST_SECONDS: Final = 2_147_483
"""The longest time that ``poll`` takes: 24 days in milliseconds are all that a C int holds."""


class ConnectionAttempt:
    """One socket on its way to one address.

    Args:
        address: The address.
        sock: A socket of its family; None: one is opened.

    Attributes:
        address: The address.
        sock: The socket, which doesn't block; None: the system has none of that family.
        error: Why it can't be connected, None as long as nothing says so.
        under_way: Whether it is neither connected nor failed.
        crowded: Whether to try again: a UNIX socket's backlog is full.
    """

    def __init__(self, address: SocketAddress, sock: socket.socket | None = None) -> None:
        self.address, self.sock = address, sock
        self.error: Exception | None = None
        self.under_way, self.crowded = True, False
        self._began, self._ended = time.monotonic(), 0.0
        try:
            if self.sock is None:
                self.sock = socket.socket(address.family, address.kind)
            self.sock.setblocking(False)
            self.ask()
        except OSError as error:
            self.end(error)

    @property
    def seconds(self) -> float:
        """How long connecting took, or failing to, or has lasted until now."""
        return (time.monotonic() if self.under_way else self._ended) - self._began

    def ask(self) -> None:
        """Have the system begin to connect it."""
        assert self.sock is not None
        self._told(self.sock.connect_ex(self.address.where))

    def look(self) -> None:
        """See what came of it, once the socket can be written to."""
        assert self.sock is not None
        self._told(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def end(self, error: Exception | None = None) -> None:
        """Note that it is connected, or why it can't be used."""
        self.under_way, self.error, self._ended = False, error, time.monotonic()

    def time_out(self) -> None:
        """Note that nothing came of it in time."""
        self._told(errno.ETIMEDOUT)

    def take(self) -> socket.socket:
        """Return the connected socket, which blocks; from now on it is the caller's to close.

        Raises:
            OSError: It can't be connected.
        """
        if self.error is not None:
            raise self.error
        sock, self.sock = self.sock, None
        assert sock is not None
        sock.setblocking(True)
        return sock

    def _told(self, number: int) -> None:
        self.crowded = number == errno.EAGAIN
        if not self.crowded and number != errno.EINPROGRESS:
            self.end(OSError(number, os.strerror(number)) if number else None)


class ConnectionAttempts:
    """Tries the addresses of a host, the next one after 0.25 s, or at once where one fails.

    Iterating yields each attempt as it ends; the earlier ones go on meanwhile. Leaving it closes all
    sockets that were not taken.

    Args:
        addresses: The addresses, in the order in which they are tried.
        deadline: When to give up.

    Attributes:
        begun: The attempts that have begun, in order.
    """

    def __init__(self, addresses: Sequence[SocketAddress], deadline: Deadline) -> None:
        self.begun: list[ConnectionAttempt] = []
        self._waiting, self._deadline = deque(addresses), deadline

    def __enter__(self) -> "ConnectionAttempts":
        return self

    def __exit__(self, *_: object) -> None:
        for attempt in self.begun:
            if attempt.sock is not None:
                attempt.sock.close()

    def __iter__(self) -> Iterator[ConnectionAttempt]:
        due, under_way = 0.0, list[ConnectionAttempt]()  # due: when the next one is to begin
        while (self._waiting or under_way) and self._deadline.left:
            if self._waiting and (not under_way or self._deadline.passed >= due):
                under_way.append(ConnectionAttempt(self._waiting.popleft()))
                self.begun.append(under_way[-1])
                due = self._deadline.passed + ATTEMPT_SECONDS
            else:
                until = due - self._deadline.passed if self._waiting else math.inf
                _wait(under_way, min(until, self._deadline.left))
            for attempt in [each for each in under_way if not each.under_way]:
                under_way.remove(attempt)
                due = 0.0 if attempt.error else due
                yield attempt
        for attempt in under_way:
            attempt.time_out()
            yield attempt

    def failure(self, host: str = "") -> CallFailed:
        """Return why none of them took it: the type that tells most, and a text that tells of each.

        Args:
            host: Who was called, as people write it.
        """
        if not self.begun:
            return TimedOut(f"timed out after {self._deadline.passed:.1f} seconds", host, "connect")
        errors = [(each.address, each.error) for each in self.begun if each.error is not None]
        kind = most_telling(type(call_failed(error, "connect")) for _, error in errors)
        told = "; ".join(f"{address}: {reason_of(error)}" for address, error in errors)
        return kind(f"can't connect: {told}", host, "connect", self._deadline.passed)


def connect_first(addresses: Sequence[SocketAddress], deadline: Deadline) -> socket.socket:
    """Return a socket, which blocks, connected to the first address that takes it.

    Raises:
        CallFailed: None does; the text says why for each.
    """
    with ConnectionAttempts(addresses, deadline) as attempts:
        for attempt in attempts:
            if attempt.error is None:
                return attempt.take()
        raise attempts.failure()


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
    attempt = ConnectionAttempt(SocketAddress(sock.family, sock.type, where), sock)
    while attempt.under_way and deadline.left:
        _wait([attempt], deadline.left)
    if attempt.under_way:
        attempt.time_out()
    if attempt.error is not None:
        raise attempt.error
    sock.settimeout(seconds or None)


def _wait(attempts: Sequence[ConnectionAttempt], seconds: float) -> None:
    """Wait until something can be told of one of the attempts, or for some seconds."""
    poll = select.poll()
    asked = {each.sock.fileno(): each for each in attempts if each.sock and not each.crowded}
    for number in asked:
        poll.register(number, select.POLLOUT)
    if len(asked) < len(attempts):
        seconds = min(seconds, RETRY_SECONDS)
    for number, _ in poll.poll(1000 * min(seconds, LONGEST_SECONDS)):
        asked[number].look()
    for attempt in attempts:
        if attempt.crowded:
            attempt.ask()
