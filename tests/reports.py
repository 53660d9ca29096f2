"""Reports, as a check makes them: of a faulty server, of a right one, of a hostile one, and a large one."""

from dataclasses import replace

from sockproto.check.verdict import Case, Report, Result, TimelineEvent, Verdict

BEGAN = 1_767_323_045.0  # 2026-01-02 03:04:05 UTC
HOSTILE = b"</code><script>alert('x')</script>]]>\"&quot;\\\r\n\x00\x1b[31m\x7f\xff\xfe\xe2\x80\xae<!--"
HOSTILE_TEXT = '<script>alert("x")</script>]]>\'&\x1b[31m\u202egnp.exe\u2066\ud800<!--</style></title>'


def case(identifier: str, verdict: Verdict = Verdict.PASS, reason: str = "", **what: object) -> Result:
    """Make a result of a case with that name."""
    judged = Case(
        identifier,
        f"What {identifier} says is done, whatever came before.",
        "RFC 862, TCP Based Echo Service",
    )
    return replace(Result(judged, verdict, reason, seconds=0.0123), **what)  # type: ignore[arg-type]


LOST = Result(
    Case(
        "half-close.everything-comes-back",
        "Everything still unsent is sent after the client half-closes, then the server closes.",
        "RFC 862; RFC 9293, section 3.6",
    ),
    Verdict.FAIL,
    "65,536 of 1,048,576 bytes came back, then the server closed.",
    b"0123456789abcdef" * 16,
    b"0123456789abcdef" * 16,
    b"0123456789abcdef" * 8,
    (
        TimelineEvent(0.0, 1, "connected"),
        TimelineEvent(0.0004, 1, "sent", b"0123456789abcdef" * 4, 1_048_576),
        TimelineEvent(0.0011, 1, "half-closed"),
        TimelineEvent(0.0013, 1, "received", b"0123456789abcdef" * 4, 32_768),
        TimelineEvent(0.0017, 1, "received", b"0123456789abcdef" * 4, 32_768),
        TimelineEvent(0.0019, 1, "ended"),
        TimelineEvent(0.0021, 1, "closed"),
    ),
    0.0021,
)
CROSSED = Result(
    Case("clients.no-cross-talk", "Each client gets its own answers, and nobody else's.", "common sense"),
    Verdict.FAIL,
    "Socket 2 received the answer of socket 1.",
    b"Michael\n",
    b"Hello, Anna!\n",
    b"Hello, Michael!\n",
    (
        TimelineEvent(0.0, 1, "connected"),
        TimelineEvent(0.0002, 2, "connected"),
        TimelineEvent(0.0004, 1, "received", b"Welcome!\r\n", 10),
        TimelineEvent(0.0005, 2, "received", b"Welcome!\r\n", 10),
        TimelineEvent(0.001, 1, "sent", b"Michael\n", 8),
        TimelineEvent(0.0012, 2, "sent", b"Anna\n", 5),
        TimelineEvent(0.0031, 2, "received", b"Hello, Michael!\n", 16),
        TimelineEvent(0.0032, 0, "note", text="3 events are left out here"),
        TimelineEvent(5.0031, 1, "waited", text="for an answer, 5 seconds"),
        TimelineEvent(5.004, 1, "reset"),
        TimelineEvent(5.005, 2, "closed"),
    ),
    5.005,
)
LEFT_OPEN = case(
    "datagram.empty",
    Verdict.OPEN,
    "An empty datagram is not answered.",
    sent=b"",
    timeline=(TimelineEvent(0.0, 1, "sent"), TimelineEvent(1.0, 1, "waited", text="for an answer")),
)
PASSING = tuple(
    case(f"{group}.{name}", timeline=(TimelineEvent(0.0, 1, "connected"), TimelineEvent(0.001, 1, "closed")))
    for group in ("meaning", "splits", "pipelining", "half-close", "resets", "clients")
    for name in ("one-line", "byte-by-byte", "empty", "names-that-are-rather-long", "binary")
)
SKIPPED = case(
    "shutdown.under-load", Verdict.SKIP, "Only a server that was started with --start can be stopped."
)
SERVER = {
    "command": "python3 server.py 43210 --a-rather-long-option=/somewhere/in/a/directory/with/a/name.conf",
    "memory": "21.4 MiB at first, 93.0 MiB at most",
    "descriptors": "8 at first, 108 at most, 8 at last",
    "exit": "0 after SIGTERM, in 0.02 s",
}
FAULTY = Report(
    "greeting",
    "127.0.0.1:9999",
    BEGAN,
    12.4,
    (*PASSING[:3], LOST, *PASSING[3:], CROSSED, LEFT_OPEN, SKIPPED),
    SERVER,
)
RIGHT = Report("echo", "udp [::1]:9999", BEGAN, 3.21, PASSING)


def hostile() -> Report:
    """Make a report in which everything that can be of a peer tries to break out of the page."""
    timeline = (
        TimelineEvent(0.0, 1, "connected", text=HOSTILE_TEXT),
        TimelineEvent(0.1, 1, "sent", HOSTILE, len(HOSTILE), HOSTILE_TEXT),
        TimelineEvent(0.2, 1, "received", HOSTILE, len(HOSTILE), HOSTILE_TEXT),
    )
    judged = Case(f"group.{HOSTILE_TEXT}", HOSTILE_TEXT, HOSTILE_TEXT)
    results = [
        Result(judged, verdict, HOSTILE_TEXT, HOSTILE, HOSTILE, HOSTILE[::-1], timeline)
        for verdict in Verdict
    ]
    return Report(HOSTILE_TEXT, HOSTILE_TEXT, BEGAN, 1.0, tuple(results), {HOSTILE_TEXT: HOSTILE_TEXT})


def large(data: bytes = HOSTILE) -> Report:
    """Make a report of 100 cases that all fail, with 200 events on 50 sockets each and long runs of bytes."""
    kinds = ("connected", "sent", "received", "half-closed")
    timeline = tuple(
        TimelineEvent(at * 0.37, 1 + at % 50, kinds[at // 50], data * 9, len(data) * 9, "x" * 40)
        for at in range(200)
    )
    flood = data * (20_000 // len(data))
    results = [
        case(
            f"{'group' * 3}-{at // 10}.case-number-{at}",
            Verdict.FAIL,
            f"Too long, {at}",
            sent=flood,
            expected=flood,
            received=flood[:-at] + b"!" * at,
            timeline=timeline,
        )
        for at in range(100)
    ]
    return Report("echo", "127.0.0.1:9", BEGAN, 119.0, tuple(results))
