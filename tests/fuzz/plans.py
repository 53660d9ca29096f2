"""What happens in a conversation: a plan, made from the seed and the conversation's number."""

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from sockproto.core.limits import Limits
from sockproto.core.proxy import SIGNATURE
from tests.plugins import ours

DEFINITIONS = {name: each for name, each in ours().items() if name != "faults"}
"""What a peer can have faults do is tried in tests/protocols/test_faults.py."""
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
    *(
        b"\r\0",
        b"\xff",
        b"\xff\xf1",
        b"\xff\xfb\x1f\xff\xfd\x03",
        b"\xff\xff",
        b"\xff\xfa\x18\0x\xff\xf0",
        b"\xff\xf4",
    ),
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
    """Yield what comes first: a PROXY header in two parts, a handshake."""
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


def arguments(planned: Plan) -> dict[str, Any]:
    """Return what the conversation takes."""
    if planned.protocol in ("time", "daytime"):
        return {"now": lambda: 0}
    return {"think_seconds": planned.think_seconds} if planned.protocol == "greeting" else {}
