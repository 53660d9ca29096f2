"""Parts of a page, and files that are gone on with."""

from tests.rawhttp.fetching.behaviours.answers import HELLO, ok
from tests.rawhttp.fetching.behaviours.behaviour import FAILED, SHORT, WEIRD, Behaviour, bad, good
from tests.rawhttp.fetching.server import KEEP_OPEN

PARTIAL = b"HTTP/1.1 206 Partial Content\r\n"
BEYOND = b"HTTP/1.1 416 Range Not Satisfiable\r\n"
GO_ON = ("-C", "-")


def part(content_range: str, body: bytes = HELLO, *given: str) -> bytes:
    """Return a part of a page."""
    return ok(body, f"Content-Range: bytes {content_range}", *given, status=PARTIAL)


# fmt: off
BEHAVIOURS: list[Behaviour] = [
    # ------------------------------------------------------------------ range
    *(
        good(f"range-{name}", "RFC 9110, 14.1.2", f"`Content-Range: bytes {came}`, asked for {asked}",
            part(came), KEEP_OPEN, arguments=("-r", asked), sent=(f"\r\nRange: bytes={asked}\r\n",))
        for name, asked, came in [
            ("first", "0-4", "0-4/10"),
            ("rest", "5-", "5-9/10"),
            ("last", "-5", "5-9/10"),
            ("beyond", "5-99", "5-9/10"),
            ("all", "-99", "0-4/5"),
            ("unknown", "5-9", "5-9/*"),
        ]
    ),
    good("range-header", "curl", "a part, which `-H` has asked for", part("0-4/10"), KEEP_OPEN,
        arguments=("-H", "range: bytes=0-4")),
    good("range-many", "RFC 9110, 14.6", "two parts in one body, which is kept as it came",
        ok(HELLO, "Content-Type: multipart/byteranges; boundary=x", status=PARTIAL), KEEP_OPEN,
        arguments=("-r", "0-1,4-5")),
    good("range-disregarded", "RFC 9110, 14.2", "200 with all of it, where a part was asked for", ok(),
        KEEP_OPEN, arguments=("-r", "0-1")),
    good("range-too-far", "curl", "416 with a text, without `-f`",
        ok(HELLO, "Content-Range: bytes */5", status=BEYOND), KEEP_OPEN, arguments=("-r", "9-")),
    bad("range-too-far-fail", "curl", "416, with `-f`",
        ok(HELLO, "Content-Range: bytes */5", status=BEYOND), arguments=("-r", "9-", "-f"), status=FAILED),
    bad("range-unasked", "RFC 9110, 15.3.7", "a part, where all of it was asked for", part("0-4/10")),
    *(
        bad(f"range-{name}", "RFC 9110, 15.3.7", f"`Content-Range: bytes {came}`, asked for {asked}",
            part(came), arguments=("-r", asked))
        for name, asked, came in [
            ("other", "0-4", "5-9/10"),
            ("shorter", "0-9", "0-4/10"),
            ("longer", "0-1", "0-4/10"),
            ("other-last", "-5", "0-4/10"),
            ("open-short", "0-", "0-4/10"),
            ("nonsense", "0-4", "4-0/10"),
            ("outside", "0-4", "0-4/3"),
        ]
    ),
    bad("range-unsaid", "RFC 9110, 15.3.7", "206 without Content-Range", ok(status=PARTIAL),
        arguments=("-r", "0-4")),
    bad("range-twice", "RFC 9110, 15.3.7", "206 with two fields Content-Range",
        part("0-4/10", HELLO, "Content-Range: bytes 0-4/9"), arguments=("-r", "0-4")),
    bad("range-length-short", "RFC 9110, 15.3.7", "a body shorter than its Content-Range", part("0-9/10"),
        arguments=("-r", "0-9"), status=(SHORT, WEIRD)),
    bad("range-length-long", "RFC 9110, 15.3.7", "a body longer than its Content-Range", part("0-3/10"),
        arguments=("-r", "0-3")),
    # ------------------------------------------------------------------ resume
    good("resume-nothing", "curl", "all of it, where there is no file yet", ok(), KEEP_OPEN, arguments=GO_ON,
        unsent=("\r\nRange:", "\r\nIf-Range:")),
    good("resume-rest", "RFC 9110, 13.1.5", "what is not there yet", part("2-4/5", HELLO[2:]), KEEP_OPEN,
        arguments=GO_ON, old=HELLO[:2], sent=("\r\nRange: bytes=2-\r\n", "\r\nIf-Range: ")),
    good("resume-offset", "curl", "what follows the byte that `-C` names", part("2-4/5", HELLO[2:]),
        KEEP_OPEN, arguments=("-C", "2"), old=b"help", sent=("\r\nRange: bytes=2-\r\n",)),
    good("resume-changed", "RFC 9110, 13.1.5", "200 with all of it, since it has changed", ok(), KEEP_OPEN,
        arguments=GO_ON, old=b"HE"),
    good("resume-whole", "RFC 9110, 15.5.17", "416: there is no more",
        ok(b"", "Content-Range: bytes */5", status=BEYOND), KEEP_OPEN, arguments=GO_ON, old=HELLO),
    bad("resume-other", "RFC 9110, 15.3.7", "206 with another part than was asked for: the file stays",
        part("0-4/5"), arguments=GO_ON, old=HELLO[:2]),
    bad("resume-missing", "curl", "404: the file stays", ok(status=b"HTTP/1.1 404 Not Found\r\n"),
        arguments=GO_ON, old=HELLO[:2], status=FAILED),
    bad("resume-no-content", "curl", "204: the file stays", b"HTTP/1.1 204 No Content\r\n\r\n",
        arguments=GO_ON, old=HELLO[:2]),
]
# fmt: on
