"""A port for datagrams, and what is checked of it."""

from collections import Counter
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.logger import (
    LogEvent,
)

from tests.fuzz.checks import Tally, check, check_log
from tests.fuzz.expected import expected_datagram
from tests.fuzz.plans import DEFINITIONS, Event, Plan, arguments


class DatagramTransport(FakeDatagramTransport):
    """Refuses to send when told to."""

    refusing = False

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", "127.0.0.1", 9999)

    def write(self, packet: bytes, addr: Any = None) -> None:
        if self.refusing:
            raise BlockingIOError
        FakeDatagramTransport.write(self, packet, addr)


class Port:
    """A port for datagrams."""

    def __init__(self, planned: Plan, logged: list[LogEvent]) -> None:
        self.plan, self.clock, self.logged = planned, Clock(), logged
        self.port = DEFINITIONS[planned.protocol].datagram_protocol(
            clock=self.clock, limits=planned.limits, **arguments(planned)
        )
        self.transport = DatagramTransport()
        self.port.makeConnection(self.transport)
        self.drains: list[Any] = []
        self.expected: Counter[tuple[bytes, Any]] = Counter()
        self.sent = self.silent = 0

    def happens(self, event: Event) -> bool:
        """Have one thing happen."""
        kind = event.kind
        if kind == "datagram":
            data, addr = event.value
            reply = expected_datagram(self.plan.protocol, data)
            self.sent += 1
            if reply is not None and len(reply) > min(65_507, 4 * len(data) + 32):
                reply = b"error: reply too long\n" if self.speaks_text else None
            if reply is not None:
                self.expected[reply, addr] += 1
            self.port.datagramReceived(data, addr)
        elif kind == "advance":
            self.clock.advance(event.value)
        elif kind == "drain":
            self.drains.append(self.port.drain())
        elif kind == "abort":
            self.port.abort()
        else:
            self.transport.refusing = kind == "refuse"
        self.check_replies()
        return True

    @property
    def speaks_text(self) -> bool:
        return self.plan.protocol in ("greeting", "command")

    def check_replies(self) -> None:
        """Check what was sent."""
        for reply, addr in self.transport.written:
            check(self.expected[reply, addr] > 0, f"sent {reply[:200]!r} to {addr!r}")
            self.expected[reply, addr] -= 1
            check(isinstance(addr, str) or (addr[1] >= 1024 and addr[1] != 9999), f"answered {addr!r}")
        self.transport.written.clear()
        check_log(self.logged)

    def finish(self) -> int:
        """Stop listening, as planned."""
        if self.plan.end == "drain":
            self.drains.append(self.port.drain())
        elif self.plan.end == "silence":
            self.clock.advance(60)
        self.port.doStop()
        self.check_replies()
        return 1

    def check(self, tally: Tally) -> None:
        """Check that nothing is left."""
        port, counted = self.port, self.port.statistics
        check(not self.clock.getDelayedCalls(), "timers left behind")
        check(port.abort() == 0, "answers left waiting")
        check(all(drained.called for drained in self.drains[-1:]), "a drain that never ends")
        check(counted.messages_in == self.sent, "datagrams that were not counted")
        told = ("amplification", "oversize") if self.speaks_text else ()  # and so answered too
        dropped = sum(count for why, count in counted.dropped.items() if why not in told)
        check(counted.messages_out + dropped <= self.sent, "datagrams counted twice")
        if self.plan.protocol in ("echo", "chargen", "qotd", "welcome", "daytime", "time"):
            check(counted.messages_out + dropped == self.sent, "datagrams neither answered nor counted")
        check("error" not in counted.dropped, "an error")
        tally.dropped.update(counted.dropped)
        tally.conversations += 1
