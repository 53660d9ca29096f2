"""A million hostile inputs, in memory, seeded: no unhandled error, no state left, memory bounded.

::

    python -m tests.fuzz [--inputs 1000000] [--seed 1]
    python -m tests.fuzz --seed 1 --only 4711       # one conversation again, every event of it printed

An input is one chunk fed, one datagram, or one thing that happens to a carrier: the peer reads, ends its
half, resets; time passes; the application sends; the server drains. What happens in a conversation is a
``Plan``, made from the seed and the conversation's number, so that it can be run again and made shorter.
"""

import argparse
import gc
import json
import platform
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from random import Random
from typing import Any, NamedTuple, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogPublisher,
    eventAsText,
    globalLogPublisher,
)

from sockproto.carriers.log import Journal
from sockproto.core.admission import MAX_SOURCES
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import MAX_WAITING, MAX_WAITING_BYTES, READ_AHEAD_BYTES, WRITE_BYTES, Limits
from sockproto.core.proxy import MAX_V2_BYTES, SIGNATURE
from sockproto.errors import SendRefused
from sockproto.protocols.chargen import PATTERN
from sockproto.testing import Transport, connect
from tests.endpoints import TLSTransport
from tests.plugins import ours

DEFINITIONS = ours()
NONE = Limits(**dict.fromkeys(vars(Limits()), 0))
LIMITS = (
    Limits(log_rate=0),
    Limits(max_message_bytes=16, max_connections=1, udp_rate=3, log_rate=0),
    Limits(
        max_connections_per_peer=1,
        idle_seconds=1,
        first_message_seconds=1,
        message_seconds=0.5,
        write_stall_seconds=1,
        close_seconds=0.5,
        lifetime_seconds=20,
        log_rate=0,
    ),
    NONE,
)
NAMES = (*DEFINITIONS, *["greeting", "command", "echo"] * 3)
CARRIERS = ("plain",) * 8 + ("tls", "proxied", "proxied", "distrusted") + ("datagrams",) * 3
ENDS = ("eof", "eof", "reset", "silence", "drain", "abort")
MAX_UNREAD = 4 * 65_536  # what may wait in a transport besides the last chunk; the promise is 1 MiB

V2 = SIGNATURE + b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 1, 192, 0, 2, 2, 0x30, 0x39, 0, 80])
V2_UNIX = SIGNATURE + b"\x21\x31\x00\xd8" + b"/run/\n\x1b[2J\xff".ljust(108, b"\0") + bytes(108)
HEADERS = (
    b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n",
    b"PROXY TCP6 2001:db8::1 2001:db8::2 5000 80\r\n",
    b"PROXY UNKNOWN\r\n",
    V2,
    V2_UNIX,
    SIGNATURE + b"\x20\x00\x00\x05TLVs!",
)
BAD_HEADERS = (
    b"PROXY TCP4 999.0.2.1 1 x y\r\n",
    b"PROXY " + b"x" * 120,
    SIGNATURE + b"\x21\x11\xff\xff",
    SIGNATURE + b"\x99\x11\x00\x00",
    SIGNATURE + b"\x21\x11\x00\x02ab",
    b"PROX",
)
WORDS = (
    *([b"\n"] * 6 + [b"\r\n"] * 4 + [b"Michael"] * 3),
    *(b"\r", b"\r\r\n", b"\n\n\n", b"\0", b" ", b"!", b"/", b"exit\r\n", b"exit\n", b"/help\n"),
    *(b"/version\r\n", b"/echo Repeat this\n", b"/echo", b"/help version\n", b"/nonsense\n", b"/\xff\n"),
    *("麦克".encode(), b"\xff\xfe\x80", b"\xe2\x80", b"\xe2\x80\xa8", b"\xc2\x85", b"\xed\xa0\x80"),
    *(b"\x1b[31m", b"\x1b]0;owned\x07", b"\x9b2J", b"{peer}", b"%s%n", b"Hello, x!", b"error: x\n"),
    *(b"x" * 15, b"x" * 16 + b"\r\n", b"x" * 17, b"x" * 1000, b"\n" * 300, b"\r" * 40, b"GET / HTTP/1.1\r\n"),
    *HEADERS[:4],
)
RUNS = (
    b"x" * 65_536,
    b"x" * 65_537 + b"\n",
    b"\r\n" * 2000,
    b"a\n" * 3000,
    b"\r" * 65_536,
    b"/echo y\n" * 900,
)
PLACES = (
    *([("192.0.2.1", 5000)] * 4 + [("198.51.100.7", 1024), ("::1", 65_535, 0, 0), "/run/\x1b[2J\n"]),
    *(("192.0.2.1", 0), ("192.0.2.1", 7), ("192.0.2.1", 1023), ("192.0.2.1", 9999), None),
)
TIMES = (0, 0.001, 0.02, 0.02, 0.5, 1, 5, 31, 61, 301)


class Fault(AssertionError):
    """Something that must not be."""


class Event(NamedTuple):
    """One input: to which of the connections, what, and with what."""

    link: int
    kind: str
    value: Any = None


class Plan(NamedTuple):
    """All that happens in one conversation."""

    protocol: str
    framing: str | None
    carrier: str
    limits: Limits
    think_seconds: float
    links: int
    end: str
    events: tuple[Event, ...]


class Tally:
    """What a run has counted."""

    def __init__(self) -> None:
        self.inputs = self.conversations = 0
        self.reasons: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()


def check(right: object, what: str) -> None:
    """Raise a Fault unless all is right."""
    if not right:
        raise Fault(what)


# What is fed.


def chunk(rng: Random) -> bytes:
    """Make a chunk of what protocols look at, and of what they shouldn't."""
    dice = rng.random()
    if dice < 0.62:
        return b"".join(rng.choices(WORDS, k=int(rng.random() * 4) + 1))
    if dice < 0.80:
        return rng.randbytes(int(rng.random() * 40) + 1)
    if dice < 0.99:
        return rng.choice(WORDS)[: int(rng.random() * 8) + 1]
    return rng.choice(RUNS)


def plan(seed: int, number: int, rng: Random | None = None) -> Plan:
    """Make the plan of a conversation; the same for the same numbers."""
    rng = rng or Random()
    rng.seed(seed << 40 | number)
    name = rng.choice(NAMES)
    words = [*DEFINITIONS[name].framings] or [None]
    carrier = rng.choice(CARRIERS)
    links = rng.choice((1, 1, 1, 2, 3)) if carrier != "datagrams" else 1
    events: list[Event] = []
    if carrier == "datagrams":
        events += (datagram_event(rng) for _ in range(int(rng.random() * 50) + 1))
    else:
        for link in range(links):
            events += beginning(rng, link, carrier)
        events += (stream_event(rng, links) for _ in range(int(rng.random() ** 2 * 80)))
        if rng.random() < 0.02:  # more than may be held
            events += (Event(0, "data", rng.choice(RUNS)) for _ in range(6))
    return Plan(
        name,
        rng.choice(words),
        carrier,
        rng.choice(LIMITS),
        rng.choice((0, 0, 0.05)) if name == "greeting" else 0,
        links,
        rng.choice(ENDS),
        tuple(events),
    )


def beginning(rng: Random, link: int, carrier: str) -> Iterator[Event]:
    """Give what comes first: a PROXY header in two parts, a handshake."""
    if carrier == "tls" and rng.random() < 0.7:
        yield Event(link, "handshake")
    elif carrier == "proxied":
        header = rng.choice(HEADERS if rng.random() < 0.85 else BAD_HEADERS)
        cut = int(rng.random() * len(header)) + 1
        yield Event(link, "data", header[:cut])
        if cut < len(header):
            yield Event(link, "data", header[cut:])


def stream_event(rng: Random, links: int) -> Event:
    """Make one thing that happens to a connection."""
    link = int(rng.random() * links) if links > 1 else 0
    dice = rng.random()
    if dice < 0.70:
        return Event(link, "data", chunk(rng))
    if dice < 0.82:
        return Event(link, "take", None if dice < 0.79 else int(rng.random() * 50_000))
    if dice < 0.90:
        return Event(link, "quiet")
    if dice < 0.95:
        return Event(link, "advance", rng.choice(TIMES))
    if dice < 0.98:
        return Event(link, "push", b"x" * int(rng.random() * rng.choice((20, 70_000))))
    return Event(link, rng.choice(("eof", "eof", "reset", "drain", "handshake", "close", "abort")))


def datagram_event(rng: Random) -> Event:
    """Make one thing that happens to a port."""
    dice = rng.random()
    if dice < 0.93:
        data = b"x" * 65_507 if dice < 0.002 else chunk(rng) if dice < 0.9 else b""
        return Event(0, "datagram", (data, rng.choice(PLACES)))
    if dice < 0.98:
        return Event(0, "advance", rng.choice(TIMES))
    return Event(0, rng.choice(("refuse", "allow", "drain", "abort")))


# What is to be expected.

UNKNOWN = b"error: unknown command, see /help"
EXPLAINED: dict[bytes, bytes] = {
    b"echo": b"/echo [TEXT...]: Give back what follows the word /echo, verbatim.",
    b"help": b"/help [NAME]: List the commands, or explain one.",
    b"version": b"/version: Give the version.",
}


def answer(name: str, line: bytes) -> bytes | None:
    """Give the answer to a line, without its newline; None if there is none."""
    if name == "greeting":
        return b"Hello, %b!" % line if line else None
    if not line.startswith(b"/"):
        return None
    if b"\n" in line:
        return b"error: a line can't hold a newline"
    word = line[1:].split()[0] if line[1:2].strip() else b""
    rest = line[1 + len(word) :]
    if word == b"echo":
        return rest
    if word not in EXPLAINED:
        return UNKNOWN
    usage, _, _ = EXPLAINED[word].partition(b":")
    if word == b"help" and rest.lstrip().startswith(b'"'):
        quoted = re.match(rb'\s*"((?:[^"\\]|\\.)*)"(\s|\Z)', rest, re.DOTALL)
        if quoted is None:
            return b"error: a quote is not closed, or something follows it without a separator"
        words = [re.sub(rb'\\(["\\])', rb"\1", quoted[1]), *rest[quoted.end() :].split()]
    else:
        words = rest.split()
    if len(words) > (word == b"help"):
        return b"error: too many arguments; write " + usage
    if word == b"version":
        return b"Demo version"
    if words == [b"json"]:
        return json.dumps(description()).encode()
    return EXPLAINED.get(words[0].removeprefix(b"/"), UNKNOWN) if words else b"/echo /help /version"


def description() -> dict[str, Any]:
    """Give what ``/help json`` says."""

    def parameter(name: str, kind: str, rest: bool) -> dict[str, Any]:
        return {
            "name": name,
            "type": kind,
            "choices": [],
            "required": False,
            "repeated": False,
            "rest": rest,
        }

    parameters = {"echo": [parameter("TEXT", "bytes", True)], "help": [parameter("NAME", "bytes", False)]}
    commands = []
    for word, explained in EXPLAINED.items():
        usage, _, summary = explained.decode().partition(": ")
        commands.append(
            {
                "name": f"/{word.decode()}",
                "aliases": [],
                "usage": usage,
                "help": summary,
                "streams": False,
                "parameters": parameters.get(word.decode(), []),
            }
        )
    return {"prefix": "/", "separator": " ", "case_sensitive": True, "commands": commands}


def expected_of_lines(name: str, sent: bytes, ended: bool, longest: int) -> bytes:
    """Give all that a server of lines may say to what was sent to it, worked out from the whole of it."""
    out = [b"Welcome!\r\n"] if name == "greeting" else []
    newline = b"\r\n"
    lines = sent.split(b"\n")
    for number, line in enumerate(lines):
        extra = len(line) - longest
        if longest and (extra > 1 or (extra == 1 and not line.endswith(b"\r"))):
            out.append(b"error: message longer than %d bytes\n" % longest)
            break
        message = line.rstrip(b"\r")
        if number < len(lines) - 1:
            newline = b"\r\n" if len(message) < len(line) else b"\n"
        elif not (ended and line):
            break
        if name == "greeting" and message == b"exit":
            break
        reply = answer(name, message)
        if reply is not None:
            out.append(reply + (b"\n" if name == "command" else newline))
    return b"".join(out)


def is_auto_greeting(said: bytes) -> bool:
    """Tell whether it has the shape of what greeting says with the framing auto."""
    if not said.startswith(b"Welcome!"[: len(said)]):
        return False
    starts = (b"Hello, ", b"error: ")
    return all(
        piece.startswith(starts) or any(start.startswith(piece) for start in starts)
        for piece in said[8:].split(b"\n")
    )


def check_said(planned: Plan, link: "Link") -> None:
    """Check what the peer has read against what was sent to the server."""
    if link.pushed or link.own_end:
        return
    name, said, sent = planned.protocol, link.remote.received, bytes(link.sent)
    protocol = link.protocol
    whole = (
        link.remote.ended == "orderly"
        and not link.cut
        and protocol.reason is CloseReason.PEER_CLOSED
        and protocol._ended
    )
    if name == "echo":
        expected = sent
    elif name == "chargen":
        expected = PATTERN * (len(said) // len(PATTERN) + 1)
        whole = False
    elif name in ("command", "greeting") and planned.framing == "lines":
        expected = expected_of_lines(name, sent, protocol._eof, planned.limits.max_message_bytes)
    elif name == "greeting":
        check(is_auto_greeting(said), f"the peer read {said[:200]!r}")
        return
    else:
        expected = {"discard": b"", "time": b"\x83\xaa~\x80", "daytime": said[:26]}.get(name, b"Welcome!\r\n")
        whole = False
    right = said == expected if whole else expected.startswith(said)
    check(right, f"the peer read {said[-200:]!r}, not {expected[:200]!r} (sent: {sent[:200]!r})")


# The carriers.


class Link:
    """One connection, and what is on its way to the server."""

    def __init__(self, protocol: Any, tls: bool) -> None:
        self.protocol = protocol
        self.closed: list[CloseReason] = []
        protocol._conversation.closed = self.closed.append
        self.inbox: deque[bytes | None] = deque()
        self.sent = bytearray()
        self.last = 0
        self.tls = tls
        self.pushed = self.own_end = self.ended = self.cut = False
        self.remote = connect(protocol, kernel_bytes=0, transport=TLSTransport if tls else Transport)
        self.transport = self.remote.transport

    @property
    def lost(self) -> bool:
        return bool(self.transport.disconnected)

    def pump(self) -> None:
        """Have the server read what has come, as far as it wants to."""
        transport, protocol = self.transport, self.protocol
        ending = transport.half_closing or transport.disconnecting
        if transport.aborted or (ending and not transport.held):
            self.remote.run()
        while self.inbox and not transport.disconnected and not transport.disconnecting:
            # TLS delivers what it has decrypted already.
            if not transport.reading and not (self.tls and protocol._framing.held <= READ_AHEAD_BYTES):
                return
            data = self.inbox.popleft()
            if data is None:
                self.lose() if self.tls else self.remote.half_close()
            else:
                self.last = max(self.last, len(data))
                header = protocol._header
                if header is None and not protocol._shut:
                    self.sent += data
                protocol.dataReceived(data)
                if header is not None and protocol._header is None:
                    self.sent += header.rest
            self.check()

    def lose(self, error: Exception | None = None) -> None:
        """End the connection."""
        self.cut = error is not None or bool(self.transport.held)
        self.remote.lose(error)

    def check(self) -> None:
        """Check that memory is bounded."""
        protocol = self.protocol
        held, unread = protocol._framing.held, self.transport.held
        # A message may be as long as the limit, and its CR; without a limit, as long as it likes.
        bounded = protocol._limits.max_message_bytes or not protocol._framing.unfinished
        check(not bounded or held <= READ_AHEAD_BYTES + 1 + self.last, f"{held} bytes held")
        check(unread <= MAX_UNREAD + 2 * self.last, f"{unread} bytes wait in the transport")
        check(not protocol._running, "the loop was left running")
        check(not protocol._out, "output was left behind")
        pushed = protocol._pushed
        check(len(pushed) < 2 or sum(map(len, pushed)) <= WRITE_BYTES, "pushed messages without end")
        header = protocol._header
        check(header is None or len(header._buffer) <= MAX_V2_BYTES, "PROXY header without end")

    def happens(self, event: Event) -> bool:
        """Have one thing happen; give whether it could."""
        transport, protocol, kind = self.transport, self.protocol, event.kind
        if transport.disconnected:
            return False
        if kind in ("data", "eof"):
            if self.ended:
                return False
            self.ended = kind == "eof"
            self.inbox.append(event.value)
        elif kind == "take":
            if not transport.held and not transport.disconnecting and not transport.half_closing:
                return False
            transport.writes.clear()
            self.remote.read(event.value)
        elif kind == "reset":
            self.lose(ConnectionLost())
        elif kind == "handshake":
            if not self.tls:
                return False
            protocol.handshakeCompleted()
        elif kind == "push":
            self.pushed = True
            with suppress(SendRefused):
                protocol.send(event.value)
        else:
            self.own_end = True
            protocol.close() if kind == "close" else protocol.abort()
        return True


class Server:
    """A factory and its connections."""

    def __init__(self, planned: Plan, logged: list[LogEvent]) -> None:
        self.plan, self.clock, self.logged = planned, Clock(), logged
        definition = DEFINITIONS[planned.protocol]
        proxies = {"proxied": ["192.168.0.0/16"], "distrusted": ["127.0.0.0/8"]}.get(planned.carrier)
        self.factory = definition.factory(
            clock=self.clock,
            limits=planned.limits,
            framing=definition.framings.get(planned.framing),
            proxy_from=proxies,
            **arguments(planned),
        )
        self.factory.registry.log = journal(logged)
        tls = planned.carrier == "tls"
        self.links = [Link(self.factory.buildProtocol(None), tls) for _ in range(planned.links)]
        self.drained: Any = None

    def happens(self, event: Event) -> bool:
        """Have one thing happen; give whether it could."""
        if event.kind == "drain":
            if self.drained is not None:
                return False
            self.drained = self.factory.drain()
        elif event.kind == "advance":
            self.clock.advance(event.value)
        elif event.kind == "quiet":
            self.clock.advance(0.02)
            self.clock.advance(0)
        elif not self.links[event.link].happens(event):
            return False
        self.pump()
        return True

    def pump(self) -> None:
        """Have the server read what it wants to."""
        for link in self.links:
            link.pump()
            link.check()
        check_log(self.logged)

    def finish(self) -> int:
        """Bring every connection to its end, as planned; give how many inputs that took."""
        end, inputs = self.plan.end, 0
        if end == "eof":
            inputs = sum(link.happens(Event(0, "eof")) for link in self.links)
        elif end == "drain" and self.drained is None:
            self.drained = self.factory.drain()
            inputs = 1
        elif end == "abort":
            self.factory.abort()
            inputs = 1
        # Each message may take its time to think.
        messages = sum(event.value.count(b"\n") + 1 for event in self.plan.events if event.kind == "data")
        endless = end == "eof" and self.plan.protocol == "chargen"
        endless = endless or (self.plan.limits is NONE and end in ("silence", "drain"))
        for _ in range(4 if endless else 60 + messages):
            if all(link.lost for link in self.links) or end == "reset":
                break
            if end != "silence":
                inputs += sum(link.happens(Event(0, "take")) for link in self.links)
            self.pump()
            self.clock.advance(31 if end == "silence" else 0.1)
        else:
            check(endless, f"still open after {end}")
        for link in self.links:
            inputs += link.happens(Event(0, "reset"))
        self.pump()
        return inputs

    def check(self, tally: Tally) -> None:
        """Check that nothing is left, and what was said."""
        counted, left = self.factory.statistics, self.clock.getDelayedCalls()
        check(not left, f"{len(left)} timers left behind")
        ledger = self.factory.registry
        check(not ledger.connections, "connections left in the ledger")
        check(not ledger.admission._open and not ledger.admission._peers, "places left taken")
        check(counted.open == 0 and counted.opened == len(self.links), "statistics that don't add up")
        check(self.drained is None or self.drained.called, "a drain that never ends")
        for link in self.links:
            protocol = link.protocol
            check(protocol.reason is not None, "no close reason")
            check(link.closed == [protocol.reason] * protocol._opened, "closed() not called exactly once")
            check(not link.transport.faults, f"a fault: {link.transport.faults[:1]}")
            check(protocol._generator is None and protocol._pending is None, "an action left under way")
            check_said(self.plan, link)
            tally.reasons[str(protocol.reason)] += 1
        reasons = Counter(link.protocol.reason for link in self.links)
        check(counted.closed == reasons, "close reasons that don't add up")
        tally.conversations += len(self.links)


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
        self.port.journal = journal(logged)
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
        """Check what was sent, and that memory is bounded."""
        for reply, addr in self.transport.written:
            check(self.expected[reply, addr] > 0, f"sent {reply[:200]!r} to {addr!r}")
            self.expected[reply, addr] -= 1
            check(isinstance(addr, str) or (addr[1] >= 1024 and addr[1] != 9999), f"answered {addr!r}")
        self.transport.written.clear()
        port = self.port
        check(len(port._waiting) <= MAX_WAITING, f"{len(port._waiting)} answers wait")
        check(0 <= port._waiting_bytes <= MAX_WAITING_BYTES, f"{port._waiting_bytes} bytes wait")
        check(len(port._rate._counts) <= MAX_SOURCES, "sources without end")
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
        check(not port._waiting and port._waiting_bytes == 0, "answers left waiting")
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


def expected_datagram(name: str, data: bytes) -> bytes | None:
    """Give the only answer that a datagram may have; None for no answer."""
    if name == "greeting":
        line = data[:-2] if data.endswith(b"\r\n") else data.removesuffix(b"\n")
        reply = answer(name, line) if line != b"exit" else None
        return None if reply is None else reply + data[len(line) :]
    if name == "command":
        reply = answer(name, data.removesuffix(b"\n").rstrip(b"\r"))
        return None if reply is None else reply + b"\n"
    return {
        "echo": data,
        "discard": None,
        "chargen": PATTERN[: min(len(data), 512)],
        "time": b"\x83\xaa~\x80",
        "daytime": time.ctime(0).encode() + b"\r\n",
    }.get(name, b"Welcome!\r\n")


def arguments(planned: Plan) -> dict[str, Any]:
    """Give what the conversation takes."""
    if planned.protocol in ("time", "daytime"):
        return {"now": lambda: 0}
    return {"think_seconds": planned.think_seconds} if planned.protocol == "greeting" else {}


def journal(logged: list[LogEvent]) -> Journal:
    """Make a journal whose events are kept."""
    return Journal(0, Logger("fuzz", observer=LogPublisher(cast("ILogObserver", logged.append))))


def check_log(logged: list[LogEvent]) -> None:
    """Check that no error was logged, and that no event is anything but a line."""
    for event in logged:
        if "log_failure" in event:
            raise Fault(f"logged: {event['log_failure'].getErrorMessage()}") from event["log_failure"].value
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        check(text.isprintable(), f"a log line that is none: {text!r}")
    logged.clear()


# The run.


def run(planned: Plan, tally: Tally, tell: Callable[[str], object] | None = None) -> None:
    """Hold one conversation.

    Raises:
        Fault: Something is wrong.
    """
    logged: list[LogEvent] = []
    try:
        made: Any = Port if planned.carrier == "datagrams" else Server
        carrier = made(planned, logged)
        for event in planned.events:
            if tell:
                tell(f"  {event.link} {event.kind} {event.value!r}")
            tally.inputs += carrier.happens(event)
        tally.inputs += carrier.finish()
        carrier.check(tally)
        check_log(logged)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}") from error


def shortest(planned: Plan) -> Plan:
    """Leave out of a plan that fails whatever it fails without."""

    def fails(candidate: Plan) -> bool:
        try:
            run(candidate, Tally())
        except Fault:
            return True
        return False

    size = max(len(planned.events) // 2, 1)
    while size:
        start = 0
        while start < len(planned.events):
            less = planned._replace(events=planned.events[:start] + planned.events[start + size :])
            if fails(less):
                planned = less
            else:
                start += size
        size //= 2
    return planned


@contextmanager
def nothing_logged() -> Iterator[list[str]]:
    """Collect the failures that reach the global log, such as an unhandled error in a Deferred."""
    failures: list[str] = []

    def observe(event: LogEvent) -> None:
        if "log_failure" in event or event.get("isError"):
            failures.append(str(event.get("log_failure") or event))

    globalLogPublisher.addObserver(cast("ILogObserver", observe))
    try:
        yield failures
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(cast("ILogObserver", observe))


def report(fault: Fault, planned: Plan, seed: int, number: int) -> str:
    """Give what is needed to see a fault again."""
    less = shortest(planned)
    return "\n".join(
        [
            f"FAULT: {fault}",
            f"seed {seed}, conversation {number}: python -m tests.fuzz --seed {seed} --only {number}",
            f"{less._replace(events=())}"[:-1].replace(", events=()", ""),
            *(f"  {event.link} {event.kind} {event.value!r:.300}" for event in less.events),
        ]
    )


def fuzz(inputs: int, seed: int) -> tuple[Tally, str | None]:
    """Feed so many inputs; give what was counted, and what is wrong, None if nothing."""
    tally, rng, number = Tally(), Random(), 0
    with nothing_logged() as failures:
        while tally.inputs < inputs:
            number += 1
            planned = plan(seed, number, rng)
            try:
                run(planned, tally)
                check(not failures, f"in the global log: {failures[:1]}")
            except Fault as fault:
                return tally, report(fault, planned, seed, number)
    return tally, f"FAULT: in the global log, seed {seed}: {failures[0]}" if failures else None


def summary(tally: Tally, seed: int, seconds: float) -> str:
    """Give the one line."""
    versions = f"Python {platform.python_version()}, Twisted {version('twisted')}"
    reasons = ", ".join(f"{reason} {count}" for reason, count in tally.reasons.most_common())
    dropped = ", ".join(f"{reason} {count}" for reason, count in tally.dropped.most_common())
    return (
        f"{tally.inputs} inputs in {tally.conversations} conversations, {seconds:.0f} seconds, seed {seed}, "
        f"sockproto {version('sockproto')}, {versions}; closed: {reasons}; "
        f"datagrams dropped: {dropped}; no errors"
    )


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this conversation alone, and print its events")
    options = parser.parse_args()
    if options.only is not None:
        planned = plan(options.seed, options.only)
        print(planned._replace(events=()))
        run(planned, Tally(), print)
        return 0
    began = time.monotonic()
    tally, wrong = fuzz(options.inputs, options.seed)
    print(wrong or summary(tally, options.seed, time.monotonic() - began))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
