"""The limits of what a peer may use: pure values.

Each default has its precedent in the docstring; 0 means no limit::

    GreetingFactory(limits=Limits(max_message_bytes=512, idle_seconds=30))
"""

from dataclasses import dataclass, field, fields
from functools import cached_property
from math import floor, log2
from typing import Any

READ_AHEAD_BYTES = 65_536
"""Bytes held for a busy conversation; with more, reading pauses. As much as Twisted reads at once."""

WRITE_BYTES = 65_536
"""Replies are collected until there are this many bytes or no more work. The size at which Twisted's
transports call their send buffer full."""

TURN_BYTES = 262_144
"""Bytes that one connection may produce in one reactor turn before others have their turn. Twice what
Twisted passes to one ``send``."""

TURN_STEPS = 256
"""How many waits that are over at once (a stream of short lines may cause them) one connection has in one
reactor turn: a few milliseconds."""

MAX_WAITING = 1_024
"""How many datagrams of a port may wait in ``Sleep`` or ``Wait``."""

MAX_WAITING_BYTES = 8 * 1024 * 1024
"""How many bytes those datagrams may hold."""


def _limit(default: float, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Limits:
    """The limits of a listener. 0 means no limit.

    Attributes:
        max_connections: Connections open at once (4,096; memcached's default is 1,024, Redis's 10,000).
        max_connections_per_peer: Connections of one address (1,024, a quarter of all). ``::ffff:a.b.c.d``
            counts as a.b.c.d; IPv6 addresses count by their /64, which is what one site has (RFC 6177).
        idle_seconds: Time-out without a byte in either direction while nothing is pending (300, Postfix's
            ``smtpd_timeout`` and vsftpd's ``idle_session_timeout``).
        first_message_seconds: Time-out of the first message of a client that must speak first, of a TLS
            handshake, and of a PROXY header (60, nginx's ``client_header_timeout``).
        message_seconds: Time-out of a message, from its first byte to its end (60, likewise).
        write_stall_seconds: How long a peer may read nothing of what is sent to it (30, half of nginx's
            ``send_timeout``).
        lifetime_seconds: How long a connection may last (0: no limit). Then it is closed in the orderly way.
            If none of the three limits is 0, it is cut after ``write_stall_seconds`` and ``close_seconds``
            more, even if its peer still reads a little now and then.
        max_message_bytes: The longest message in bytes, without its terminator (65,536, four times
            ``LineReceiver``'s 16,384 and the most that Python's ``StreamReader.readline`` takes).
        close_seconds: How long a connection that we closed goes on reading and discarding until the
            peer closes too (2, Apache's ``SECONDS_TO_LINGER``).
        drain_seconds: How long answers may take once the service stops (10, the time that Docker waits before
            it kills a container).
        udp_rate: Replies per second to one source address, and the size of a burst (2,000, twice the ICMP
            messages that Linux sends per second, ``icmp_msgs_per_sec``).
        log_rate: Events per second in the log of a listener (100; systemd-journald accepts 333 of a service).
    """

    max_connections: int = _limit(4_096, "connections open at once")
    max_connections_per_peer: int = _limit(1_024, "connections of one address (IPv6: of one /64)")
    idle_seconds: float = _limit(300, "silence after which a connection is closed")
    first_message_seconds: float = _limit(60, "time for the first message, a TLS handshake, a PROXY header")
    message_seconds: float = _limit(60, "time from a message's first byte to its end")
    write_stall_seconds: float = _limit(30, "time for which a peer may read nothing")
    lifetime_seconds: float = _limit(0, "time for which a connection may last")
    max_message_bytes: int = _limit(65_536, "longest message")
    close_seconds: float = _limit(2, "wait for the peer's own end after closing")
    drain_seconds: float = _limit(10, "time for answers once the server stops")
    udp_rate: int = _limit(2_000, "datagram replies a second to one address")
    log_rate: int = _limit(100, "events a second in the log of a listener")

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            kinds = int if limit.type is int else int | float
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < 2**53:
                raise ValueError(f"{limit.name} must be a number, 0 (no limit) or more, not {value!r}")

    @classmethod
    def given(cls, limits: "Limits | None") -> "Limits":
        """Return the limits that were passed, or the default limits for None.

        Raises:
            TypeError: The argument is neither ``Limits`` nor None.
        """
        if limits is None:
            return cls()
        if not isinstance(limits, cls):
            raise TypeError(f"limits must be Limits(...), not {limits!r}")
        return limits

    @cached_property
    def soonest(self) -> float:
        """The shortest time, in seconds, after which a connection can reach a limit; 0: never."""
        return min((seconds for seconds in self._times if seconds), default=0)

    @cached_property
    def grain_seconds(self) -> float:
        """The precision of the time-outs in seconds: a power of two near 1/64 of the shortest, or of 1 s."""
        times = (*self._times, self.close_seconds)
        return 2.0 ** floor(log2(max(min((seconds for seconds in times if seconds), default=1), 1) / 64))

    @cached_property
    def longest_seconds(self) -> float:
        """How many seconds a connection may last, its close included; 0: no limit."""
        times = (self.lifetime_seconds, self.write_stall_seconds, self.close_seconds)
        return sum(times) if all(times) else 0

    @property
    def _times(self) -> list[float]:
        """The times, in seconds, that a connection in use may reach; those that are 0 left out."""
        names = [limit.name for limit in fields(self) if limit.name.endswith("_seconds")]
        return [getattr(self, name) for name in names if name not in ("close_seconds", "drain_seconds")]
