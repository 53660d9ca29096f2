"""What servers do, and what a fetcher has to make of it: one table, for the tests and for the reader.

A fetcher may be strict or lenient where the RFC leaves it the choice: then an entry allows several exit
statuses. Success with wrong bytes is never one of them.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.rawhttp.fetching.server import CUT, DRIP, ENDLESS, KEEP_OPEN, READ, RESET, STALL, Script, Step

GROUPS = {
    "length": "Content-Length",
    "chunked": "The chunked coding",
    "coding": "Other transfer codings",
    "close": "Until the server closes",
    "empty": "Answers without a body",
    "interim": "Interim answers",
    "status": "The status line",
    "header": "Header lines",
    "connection": "Connections that end, or don't",
    "redirect": "Redirects",
    "credentials": "Credentials",
    "content": "Content codings",
    "size": "Limits of size",
    "fail": "Errors as the server tells them",
    "output": "What is written",
    "name": "File names from URLs",
    "old": "Files that are there already",
    "tls": "TLS",
}

HELLO = b"hello"
OLD = b"what was there before"
OK = b"HTTP/1.1 200 OK\r\n"

# Exit statuses, as curl has them.
PROTOCOL, URL, WEIRD, SHORT, FAILED, WRITE, TIMEOUT, HANDSHAKE = 1, 3, 8, 18, 22, 23, 28, 35
REDIRECTS, NOTHING, RECEIVE, CERTIFICATE, CODING, SIZE, LARGE = 47, 52, 56, 60, 61, 63, 100
STATUSES = {
    0: "it is saved",
    PROTOCOL: "a protocol other than HTTP and HTTPS",
    URL: "a wrong URL",
    WEIRD: "what came is no right answer",
    SHORT: "the answer was cut short",
    FAILED: "the server says that it failed, and `-f` was given",
    WRITE: "the file can't be written",
    TIMEOUT: "it took longer than `--max-time`",
    HANDSHAKE: "the TLS handshake failed",
    REDIRECTS: "too many redirects",
    NOTHING: "the server closed without a word",
    RECEIVE: "the connection was reset, or what came can't be received",
    CERTIFICATE: "the certificate doesn't prove who the server is",
    CODING: "the coding is unknown, or wrong",
    SIZE: "more than `--max-filesize`",
    LARGE: "headers too large",
}

BAD_CHUNK = (WEIRD, RECEIVE)  # curl has 56 for all that is wrong within chunks
NOT_HTTP = (PROTOCOL, WEIRD)  # curl has 1 because it takes it for HTTP/0.9, which is switched off
TOO_MUCH = (WEIRD, RECEIVE, SIZE, LARGE)  # of headers; curl has had 27, 56 and 100


@dataclass(frozen=True)
class Behaviour:
    """A way to behave.

    Attributes:
        name: The path on the server; what stands before its first hyphen is the group.
        source: Where it is laid down what follows, or who else does so.
        note: What the server does.
        reply: The same as a script.
        status: The exit status that the fetcher must have, or one of several.
        body: What is saved when the status is 0; None when it must not be 0.
        arguments: What the fetcher is given besides the URL and its output.
        url: What it is given as a URL, with the server's ports in braces.
        further: What the server answers when more than the name is in the target.
        output: The option that says where the body goes.
        saved: The file, or any of several, where the body must be; "-" is the standard output.
        old: What was in the file before.
        sent: What the last request must have.
        unsent: What the last request must not have.
        requests: How many requests there must be.
    """

    name: str
    source: str
    note: str
    reply: Script
    status: tuple[int, ...] = (0,)
    body: bytes | None = HELLO
    arguments: tuple[str, ...] = ()
    url: str = ""
    further: Mapping[str, Script] = field(default_factory=dict)
    output: tuple[str, ...] = ("-o", "out")
    saved: tuple[str, ...] = ("out",)
    old: bytes | None = None
    sent: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    requests: int | None = None

    def __post_init__(self) -> None:
        if (0 in self.status) == (self.body is None) or self.group not in GROUPS:
            raise ValueError(self.name)

    @property
    def group(self) -> str:
        """What it is about."""
        return self.name.partition("-")[0]

    @property
    def address(self) -> str:
        """The URL, or its pattern."""
        return self.url or f"http://127.0.0.1:{{plain}}/{self.name}"


def lines(*given: str | bytes, status: bytes = OK) -> bytes:
    """Give a head: its status line, header lines and the empty line."""
    encoded = [line.encode("latin-1") if isinstance(line, str) else line for line in given]
    return status + b"".join(line + b"\r\n" for line in encoded) + b"\r\n"


def ok(body: bytes = HELLO, *given: str | bytes, status: bytes = OK) -> bytes:
    """Give an answer with the right Content-Length."""
    return lines(*given, f"Content-Length: {len(body)}", status=status) + body


def chunks(*parts: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """Give a body in the chunked coding."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + last


def chunked(body: bytes, *given: str | bytes) -> bytes:
    """Give an answer with a chunked body, which is given as it is sent."""
    return lines(*given, "Transfer-Encoding: chunked") + body


def singly(data: bytes) -> Script:
    """Send bytes one by one, so that the client gets each by itself."""
    return [step for byte in data for step in (bytes([byte]), READ)]


def moved(location: str | bytes, code: int = 302, *given: str | bytes, body: bytes = b"Moved") -> bytes:
    """Give a redirect."""
    where = location.encode("latin-1") if isinstance(location, str) else location
    return ok(body, b"Location: " + where, *given, status=b"HTTP/1.1 %d Elsewhere\r\n" % code)


def there(rest: str, *given: str | bytes) -> dict[str, Script]:
    """Give the answer to which a redirect leads; all else is not found."""
    return {rest: [ok(HELLO, *given), KEEP_OPEN]}


def good(name: str, source: str, note: str, *reply: Step, body: bytes = HELLO, **more: object) -> Behaviour:
    """Give a behaviour that must succeed."""
    return Behaviour(name, source, note, reply, (0,), body, **more)  # type: ignore[arg-type]  # the fields of Behaviour


def bad(
    name: str, source: str, note: str, *reply: Step, status: int | tuple[int, ...] = WEIRD, **more: object
) -> Behaviour:
    """Give a behaviour that must fail, so or so."""
    statuses = (status,) if isinstance(status, int) else status
    return Behaviour(name, source, note, reply, statuses, None, **more)  # type: ignore[arg-type]  # the fields of Behaviour


def either(
    name: str,
    source: str,
    note: str,
    *reply: Step,
    status: int | tuple[int, ...] = WEIRD,
    body: bytes = HELLO,
    **more: object,
) -> Behaviour:
    """Give a behaviour that may succeed or fail, but not succeed with another body."""
    statuses = (status,) if isinstance(status, int) else status
    return Behaviour(name, source, note, reply, (0, *statuses), body, **more)  # type: ignore[arg-type]  # the fields of Behaviour


def raw_deflate(data: bytes) -> bytes:
    """Compress without any wrapper."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def gzipped(data: bytes) -> bytes:
    """Compress the same way each time."""
    return gzip.compress(data, mtime=0)


MANY = bytes(range(256)) * 800  # 204,800 bytes with every value
ZIPPED = gzipped(HELLO)
FLAGGED = (  # an extra field, a name, a comment and a check sum of the header
    lambda head: head + (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") + ZIPPED[10:]
)(b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x04\x00abcdname\x00" + b"comment" * 500 + b"\x00")
GZIP = "Content-Encoding: gzip"
COMPRESSED = ("--compressed",)
SOON = ("--max-time", "2")
FOLDED = b"X-Folded: one\r\n two\r\n\tthree"
VERSIONS = "RFC 9112, 2.3"
RULE_5 = "RFC 9112, 6.3 rule 5"

# fmt: off
# Locations that lead to no request.
REFUSED: list[tuple[str, str, int | tuple[int, ...]]] = [
    ("ftp", "ftp://127.0.0.1/there", PROTOCOL),
    ("file", "file:///etc/hostname", PROTOCOL),
    ("data", "data:text/plain,hello", (PROTOCOL, URL)),
    ("javascript", "javascript:alert(1)", (PROTOCOL, URL)),
    ("no-host", "http:///there", (PROTOCOL, URL)),
    ("no-host-port", "http://:80/there", (PROTOCOL, URL)),
    ("bad-port", "http://127.0.0.1:99999/there", URL),
    ("word-port", "http://127.0.0.1:http/there", URL),
    ("bad-ipv6", "http://[::1/there", URL),
]

# What must not touch a file that is there.
STAYS: list[tuple[str, str, Script, int, tuple[str, ...]]] = [
    ("no-word", "not a word", [], NOTHING, ()),
    ("short", "half a body", [lines("Content-Length: 10") + HELLO], SHORT, ()),
    ("no-chunk", "chunks without the last", [chunked(chunks(HELLO, last=b""))], SHORT, ()),
    ("failed", "404, with `-f`,", [ok(status=b"HTTP/1.1 404 Not Found\r\n")], FAILED, ("-f",)),
    ("stall", "half a body and no more", [lines("Content-Length: 10") + HELLO, STALL], TIMEOUT, SOON),
    ("reset", "a reset within the body", [lines() + HELLO, READ, RESET], RECEIVE, ()),
    ("corrupt", "`gzip` with a wrong check sum", [ok(ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:], GZIP)], CODING,
        COMPRESSED),
]

BEHAVIOURS: list[Behaviour] = [
    # ------------------------------------------------------------------ Content-Length
    good("length-exact", "RFC 9112, 6.2", "`Content-Length: 5`, 5 bytes, and closes", ok()),
    good("length-kept-open", "RFC 9112, 9.3", "the same, and leaves the connection open", ok(), KEEP_OPEN),
    good("length-split", "RFC 9112, 2.2", "the same byte by byte", *singly(ok()), KEEP_OPEN),
    good("length-binary", "RFC 9112, 6", "204,800 bytes of every value", ok(MANY), KEEP_OPEN, body=MANY),
    bad("length-short", "RFC 9112, 8", "promises 10 bytes, sends 5, closes",
        lines("Content-Length: 10") + HELLO, status=SHORT),
    bad("length-none-came", "RFC 9112, 8", "promises 5 bytes, sends none, closes", lines("Content-Length: 5"),
        status=SHORT),
    bad("length-enormous", "RFC 9112, 8", "promises 10¹⁵ bytes, sends 5, closes",
        lines("Content-Length: 1000000000000000") + HELLO, status=SHORT),
    good("length-long", "RFC 9112, 6.3", "sends more than it promised", ok() + b"garbage\r\n\r\n"),
    good("length-second-answer", "RFC 9112, 6.3", "sends another answer that nobody asked for",
        ok() + ok(b"smuggled"), KEEP_OPEN),
    good("length-zero", "curl", "`Content-Length: 0`; an empty file is right", ok(b""), KEEP_OPEN, body=b""),
    good("length-leading-zeros", "RFC 9110, 8.6", "`Content-Length: 0005`",
        lines("Content-Length: 0005") + HELLO, KEEP_OPEN),
    good("length-spaces", "RFC 9112, 5", "spaces and tabs around the number",
        lines("Content-Length: \t 5 \t ") + HELLO, KEEP_OPEN),
    good("length-no-space", "RFC 9112, 5", "no space after the colon", lines("Content-Length:5") + HELLO,
        KEEP_OPEN),
    good("length-case", "RFC 9110, 5.1", "`cONTENT-lENGTH`", lines("cONTENT-lENGTH: 5") + HELLO, KEEP_OPEN),
    good("length-other-name", "RFC 9110, 5.1", "`Content_Length: 3` besides the right one",
        ok(HELLO, "Content_Length: 3", "X-Content-Length: 3"), KEEP_OPEN),
    good("length-twice", RULE_5, "the same length twice", ok(HELLO, "Content-Length: 5"), KEEP_OPEN),
    good("length-list", RULE_5, "`Content-Length: 5, 5`", lines("Content-Length: 5, 5") + HELLO, KEEP_OPEN),
    bad("length-conflict", RULE_5, "two lengths, 5 and 3", ok(HELLO, "Content-Length: 3")),
    bad("length-conflict-list", RULE_5, "`Content-Length: 5, 3`", lines("Content-Length: 5, 3") + HELLO),
    *(
        bad(f"length-{name}", RULE_5, f"`Content-Length: {shown}`",
            lines(b"Content-Length: " + value) + HELLO)
        for name, shown, value in [
            ("negative", "-5", b"-5"),
            ("plus", "+5", b"+5"),
            ("hex", "0x5", b"0x5"),
            ("underscore", "0_5", b"0_5"),
            ("fraction", "5.0", b"5.0"),
            ("exponent", "5e0", b"5e0"),
            ("word", "five", b"five"),
            ("nothing", "", b""),
            ("two-words", "5 5", b"5 5"),
            ("semicolon", "5;", b"5;"),
            ("superscript", "²", b"\xb2"),
            ("arabic", "\u0665", "\u0665".encode()),
            ("no-break-space", "\\xa05", b"\xa05"),
        ]
    ),
    bad("length-overflow", "RFC 9110, 8.6", "a length of 30 digits, 5 bytes, and closes",
        lines("Content-Length: " + "9" * 30) + HELLO, status=(WEIRD, SHORT, SIZE)),
    bad("length-wraps", "RFC 9110, 8.6", "2⁶⁴ + 5, and 5 bytes",
        lines(f"Content-Length: {2**64 + 5}") + HELLO, status=(WEIRD, SHORT, SIZE)),
    bad("length-many-digits", "RFC 9110, 8.6", "a length of 5,000 digits",
        lines("Content-Length: " + "1" * 5000) + HELLO, status=(*TOO_MUCH, SHORT)),
    # ------------------------------------------------------------------ chunked
    good("chunked-plain", "RFC 9112, 7.1", "two chunks", chunked(chunks(b"hel", b"lo"))),
    good("chunked-kept-open", "RFC 9112, 7.1", "two chunks, and leaves the connection open",
        chunked(chunks(b"hel", b"lo")), KEEP_OPEN),
    good("chunked-split", "RFC 9112, 7.1", "all of it byte by byte", *singly(chunked(chunks(b"hel", b"lo"))),
        KEEP_OPEN),
    good("chunked-singly", "RFC 9112, 7.1", "5,000 chunks of one byte", chunked(chunks(*[b"x"] * 5000)),
        KEEP_OPEN, body=b"x" * 5000),
    good("chunked-binary", "RFC 9112, 7.1", "204,800 bytes of every value in chunks of 4,097",
        chunked(chunks(*(MANY[at : at + 4097] for at in range(0, len(MANY), 4097)))), KEEP_OPEN, body=MANY),
    good("chunked-like-an-end", "RFC 9112, 7.1", "data that looks like the last chunk",
        chunked(chunks(b"0\r\n\r\n", b"\r\n5\r\n")), KEEP_OPEN, body=b"0\r\n\r\n\r\n5\r\n"),
    good("chunked-upper-case", "RFC 9112, 7.1", "a size of `A`", chunked(b"A\r\n0123456789\r\n0\r\n\r\n"),
        body=b"0123456789"),
    good("chunked-lower-case", "RFC 9112, 7.1", "a size of `a`", chunked(b"a\r\n0123456789\r\n0\r\n\r\n"),
        body=b"0123456789"),
    good("chunked-leading-zeros", "RFC 9112, 7.1", "sizes of `0005` and `000`",
        chunked(b"0005\r\nhello\r\n000\r\n\r\n"), KEEP_OPEN),
    good("chunked-empty", "RFC 9112, 7.1", "only the last chunk", chunked(chunks()), KEEP_OPEN, body=b""),
    good("chunked-extension", "RFC 9112, 7.1.1", "extensions that nobody knows",
        chunked(b"5;a;b=c\r\nhello\r\n0;d\r\n\r\n"), KEEP_OPEN),
    good("chunked-quoted-extension", "RFC 9112, 7.1.1", "an extension with a quoted value",
        chunked(b'5;a="b;c\\"9"\r\nhello\r\n0\r\n\r\n'), KEEP_OPEN),
    good("chunked-space-extension", "RFC 9112, 7.1.1", "spaces around the semicolon of an extension",
        chunked(b"5 ; a = b\r\nhello\r\n0\r\n\r\n"), KEEP_OPEN),
    either("chunked-huge-extension", "RFC 9112, 7.1.1", "an extension of a million bytes",
        chunked(b"5;a=" + b"b" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n"), status=TOO_MUCH),
    good("chunked-trailers", "RFC 9112, 7.1.2", "trailers",
        chunked(chunks(HELLO, last=b"0\r\nX-Sum: 5\r\nX-More: a, b\r\n\r\n"), "Trailer: X-Sum"), KEEP_OPEN),
    good("chunked-trailer-length", "RFC 9110, 6.5.1",
        "trailers that would change the framing or lead elsewhere",
        chunked(chunks(HELLO, last=b"0\r\nContent-Length: 3\r\nContent-Encoding: x\r\nLocation: /\r\n\r\n")),
        KEEP_OPEN, arguments=COMPRESSED),
    either("chunked-bad-trailer", "curl", "a NUL byte in a trailer",
        chunked(chunks(HELLO, last=b"0\r\nX-Sum: \x00\r\n\r\n")), status=BAD_CHUNK),
    bad("chunked-endless-trailers", "RFC 9112, 7.1.2", "trailers without end",
        chunked(chunks(HELLO, last=b"0\r\n")), b"X-Sum: 5\r\n" * 1000, ENDLESS, status=TOO_MUCH),
    bad("chunked-no-last", "RFC 9112, 8", "closes before the last chunk", chunked(chunks(HELLO, last=b"")),
        status=SHORT),
    bad("chunked-cut-data", "RFC 9112, 8", "closes within a chunk", chunked(b"5\r\nhel"), status=SHORT),
    bad("chunked-cut-size", "RFC 9112, 8", "closes within the size of a chunk", chunked(b"5\r\nhello\r\n1"),
        status=SHORT),
    bad("chunked-cut-after-data", "RFC 9112, 8", "closes after the data of a chunk", chunked(b"5\r\nhello"),
        status=SHORT),
    bad("chunked-cut-zero", "RFC 9112, 8", "closes after the `0` of the last chunk",
        chunked(b"5\r\nhello\r\n0"), status=SHORT),
    bad("chunked-none-came", "RFC 9112, 8", "closes before the first chunk", chunked(b""), status=SHORT),
    either("chunked-cut-trailers", "RFC 9112, 8", "closes after the line of the last chunk",
        chunked(b"5\r\nhello\r\n0\r\n"), status=SHORT),
    *(
        bad(f"chunked-{name}", "RFC 9112, 7.1", f"a size of `{shown or size.decode()}`",
            chunked(size + b"\r\nhello\r\n0\r\n\r\n"), KEEP_OPEN, status=BAD_CHUNK)
        for name, shown, size in [
            ("word", "", b"size"),
            ("nothing", "", b""),
            ("negative", "", b"-5"),
            ("plus", "", b"+5"),
            ("prefix", "", b"0x5"),
            ("underscore", "", b"0_5"),
            ("leading-space", " 5", b" 5"),
            ("two-sizes", "", b"5 5"),
            ("comma", "", b"5,5"),
            ("no-break-space", "5\\xa0", b"5\xa0"),
            ("overflow", "1" + "0" * 15 + "5", b"1" + b"0" * 15 + b"5"),
        ]
    ),
    bad("chunked-many-digits", "RFC 9112, 7.1", "a size of 5,000 digits",
        chunked(b"1" * 5000 + b"\r\nhello\r\n0\r\n\r\n"), status=TOO_MUCH),
    bad("chunked-endless-size", "RFC 9112, 7.1", "a size without end", chunked(b""), b"0" * 10_000, ENDLESS,
        status=TOO_MUCH),
    bad("chunked-enormous", "RFC 9112, 8", "a size of `7fffffffffffffff`, 5 bytes, and closes",
        chunked(b"7fffffffffffffff\r\nhello"), status=(SHORT, *TOO_MUCH)),
    bad("chunked-no-end-of-data", "RFC 9112, 7.1", "more data than the size says",
        chunked(b"5\r\nhello!\r\n0\r\n\r\n"), status=BAD_CHUNK),
    bad("chunked-no-crlf", "RFC 9112, 7.1", "the next size right after the data",
        chunked(b"5\r\nhello0\r\n\r\n"), status=BAD_CHUNK),
    either("chunked-trailing-space", "curl", "a space after a size", chunked(b"5 \r\nhello\r\n0 \r\n\r\n"),
        status=BAD_CHUNK),
    either("chunked-bare-lf", "RFC 9112, 2.2", "LF instead of CRLF", chunked(b"5\nhello\n0\n\n"),
        status=BAD_CHUNK),
    bad("chunked-bare-cr", "RFC 9112, 2.2", "CR instead of CRLF", chunked(b"5\rhello\r0\r\r"),
        status=(*BAD_CHUNK, SHORT)),
    bad("chunked-not-at-all", "RFC 9112, 7.1", "says chunked and sends plain text",
        chunked(b"hello, this is no chunk\r\n\r\n"), status=BAD_CHUNK),
    either("chunked-and-length", "RFC 9112, 6.3 rule 3", "a length besides",
        chunked(chunks(HELLO), "Content-Length: 3"), KEEP_OPEN),
    either("chunked-then-length", "RFC 9112, 6.3 rule 3", "a length after it",
        lines("Transfer-Encoding: chunked", "Content-Length: 50") + chunks(HELLO), KEEP_OPEN),
    good("chunked-garbage-after", "RFC 9112, 7.1", "garbage after the end",
        chunked(chunks(HELLO) + b"garbage")),
    good("chunked-case", "RFC 9112, 7", "`Transfer-Encoding: Chunked`",
        lines("Transfer-Encoding: Chunked") + chunks(HELLO), KEEP_OPEN),
    either("chunked-old-version", "RFC 9112, 6.1", "chunked in HTTP/1.0",
        lines("Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK\r\n") + chunks(HELLO)),
    either("chunked-space-before-colon", "RFC 9112, 5.1", "`Transfer-Encoding : chunked`",
        lines("Transfer-Encoding : chunked") + chunks(HELLO)),
    # ------------------------------------------------------------------ other codings
    either("coding-twice", "RFC 9112, 6.1", "`Transfer-Encoding: chunked, chunked`, but chunks once",
        lines("Transfer-Encoding: chunked, chunked") + chunks(HELLO), status=(*BAD_CHUNK, CODING)),
    either("coding-two-lines", "RFC 9112, 6.1", "`Transfer-Encoding: chunked` in two lines",
        lines("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunks(HELLO),
        status=(*BAD_CHUNK, CODING)),
    either("coding-gzip", "RFC 9112, 7.2", "`gzip, chunked`, which nobody asked for",
        lines("Transfer-Encoding: gzip, chunked") + chunks(ZIPPED), status=(WEIRD, CODING)),
    either("coding-gzip-two-lines", "RFC 9112, 7.2", "the same in two lines",
        lines("Transfer-Encoding: gzip", "Transfer-Encoding: chunked") + chunks(ZIPPED),
        status=(WEIRD, CODING)),
    either("coding-gzip-only", "RFC 9112, 6.3 rule 4", "`gzip` until it closes",
        lines("Transfer-Encoding: gzip") + ZIPPED, status=(WEIRD, CODING)),
    either("coding-chunked-first", "RFC 9112, 6.3 rule 4", "`chunked, gzip` until it closes",
        lines("Transfer-Encoding: chunked, gzip") + gzipped(chunks(HELLO)), status=(WEIRD, CODING)),
    bad("coding-unknown", "RFC 9112, 6.1", "`Transfer-Encoding: frob`",
        lines("Transfer-Encoding: frob") + b"uryyb", status=(WEIRD, CODING)),
    bad("coding-unknown-chunked", "RFC 9112, 6.1", "`Transfer-Encoding: frob, chunked`",
        lines("Transfer-Encoding: frob, chunked") + chunks(b"uryyb"), status=(WEIRD, CODING)),
    bad("coding-almost", "RFC 9112, 6.1", "`Transfer-Encoding: xchunked`",
        lines("Transfer-Encoding: xchunked") + chunks(HELLO), status=(WEIRD, CODING)),
    either("coding-parameter", "RFC 9112, 7", "`Transfer-Encoding: chunked;a=b`",
        lines("Transfer-Encoding: chunked;a=b") + chunks(HELLO), status=(WEIRD, CODING)),
    either("coding-empty-members", "RFC 9110, 5.6.1", "`Transfer-Encoding: , chunked ,`",
        lines("Transfer-Encoding: , chunked ,") + chunks(HELLO), status=(WEIRD, CODING)),
    either("coding-vertical-tab", "RFC 9110, 5.6.3", "a vertical tab before `chunked`, which is no space",
        lines("Transfer-Encoding: \x0bchunked") + chunks(HELLO), status=(WEIRD, CODING)),
    either("coding-identity", "curl", "`Transfer-Encoding: identity` until it closes",
        lines("Transfer-Encoding: identity") + HELLO, status=(WEIRD, CODING)),
    either("coding-identity-length", "curl", "`Transfer-Encoding: identity` with a length",
        ok(HELLO, "Transfer-Encoding: identity"), status=(WEIRD, CODING)),
    either("coding-nothing", "RFC 9112, 6.1", "`Transfer-Encoding:` with a length",
        ok(HELLO, "Transfer-Encoding:"), status=(WEIRD, CODING)),
    # ------------------------------------------------------------------ until close
    good("close-plain", "RFC 9112, 6.3 rule 8", "no length; closes at the end", lines() + HELLO),
    good("close-keep-alive", "RFC 9112, 6.3 rule 8", "the same with `Connection: keep-alive`",
        lines("Connection: keep-alive") + HELLO),
    good("close-old-version", "RFC 9112, 6.3 rule 8", "the same in HTTP/1.0",
        lines(status=b"HTTP/1.0 200 OK\r\n") + HELLO),
    good("close-old-version-length", "RFC 9112, 9.3", "HTTP/1.0, keep-alive and a length",
        ok(HELLO, "Connection: keep-alive", status=b"HTTP/1.0 200 OK\r\n"), KEEP_OPEN),
    good("close-split", "RFC 9112, 6.3 rule 8", "no length, byte by byte", *singly(lines() + HELLO)),
    good("close-binary", "RFC 9112, 6.3 rule 8", "no length, 204,800 bytes of every value", lines() + MANY,
        body=MANY),
    good("close-nothing", "RFC 9112, 6.3 rule 8", "no length and no body", lines(), body=b""),
    bad("close-reset", "curl", "no length; resets the connection after 5 bytes", lines() + HELLO, READ, RESET,
        status=RECEIVE),
    # ------------------------------------------------------------------ no body
    good("empty-head", "RFC 9112, 6.3 rule 1", "answers HEAD with a length", lines("Content-Length: 5"),
        KEEP_OPEN, body=lines("Content-Length: 5"), arguments=("-I",), sent=("HEAD /",)),
    good("empty-head-chunked", "RFC 9112, 6.3 rule 1", "answers HEAD with chunked",
        lines("Transfer-Encoding: chunked"), KEEP_OPEN, body=lines("Transfer-Encoding: chunked"),
        arguments=("-I",)),
    good("empty-head-body", "curl", "answers HEAD with a body", ok(), KEEP_OPEN,
        body=lines("Content-Length: 5"), arguments=("-I",)),
    good("empty-head-coding", "RFC 9110, 9.3.2", "answers HEAD with gzip", lines(GZIP, "Content-Length: 25"),
        KEEP_OPEN, body=lines(GZIP, "Content-Length: 25"), arguments=("-I", "--compressed")),
    *(
        good(f"empty-{code}-{what}", "RFC 9112, 6.3 rule 1", f"{code} with {shown}",
            lines(header, status=b"HTTP/1.1 %d None\r\n" % code), KEEP_OPEN, body=b"")
        for code in (204, 304)
        for what, shown, header in [
            ("length", "a length", "Content-Length: 5"),
            ("chunked", "chunked", "Transfer-Encoding: chunked"),
            ("plain", "neither", "X-A: b"),
        ]
    ),
    good("empty-204-body", "RFC 9112, 6.3 rule 1", "204 with a body all the same",
        ok(HELLO, status=b"HTTP/1.1 204 None\r\n"), body=b""),
    good("empty-204-coding", "RFC 9110, 8.4", "204 with `Content-Encoding: gzip`",
        lines(GZIP, status=b"HTTP/1.1 204 None\r\n"), KEEP_OPEN, body=b"", arguments=COMPRESSED),
    # ------------------------------------------------------------------ interim
    *(
        good(f"interim-{code}", "RFC 9110, 15.2", f"{code} before the answer",
            lines("Link: </a>", status=b"HTTP/1.1 %d Wait\r\n" % code) + ok(), KEEP_OPEN)
        for code in (100, 102, 103, 199)
    ),
    good("interim-split", "RFC 9110, 15.2", "100 and the answer byte by byte",
        *singly(b"HTTP/1.1 100 Continue\r\n\r\n" + ok()), KEEP_OPEN),
    good("interim-several", "RFC 9110, 15.2", "ten of them", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10 + ok(),
        KEEP_OPEN),
    good("interim-length", "RFC 9112, 6.3 rule 1", "100 with a length",
        lines("Content-Length: 5", status=b"HTTP/1.1 100 Continue\r\n") + ok(), KEEP_OPEN),
    good("interim-chunked", "RFC 9112, 6.3 rule 1", "103 with chunked",
        lines("Transfer-Encoding: chunked", status=b"HTTP/1.1 103 Early Hints\r\n") + ok(), KEEP_OPEN),
    good("interim-location", "RFC 9110, 15.2", "103 with `Location`",
        lines("Location: /", status=b"HTTP/1.1 103 Early Hints\r\n") + ok(), KEEP_OPEN, requests=1),
    bad("interim-endless", "RFC 9110, 15.2", "100 without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 500,
        ENDLESS, status=TOO_MUCH),
    bad("interim-only", "curl", "100, then closes", b"HTTP/1.1 100 Continue\r\n\r\n",
        status=(WEIRD, SHORT, NOTHING, RECEIVE)),
    bad("interim-101", "RFC 9110, 15.2.2", "101, which nobody asked for, and another protocol",
        lines("Upgrade: chat", "Connection: upgrade", status=b"HTTP/1.1 101 Switch\r\n") + HELLO),
    # ------------------------------------------------------------------ status line
    good("status-no-reason", "RFC 9112, 4", "`HTTP/1.1 200 ` with an empty reason",
        ok(status=b"HTTP/1.1 200 \r\n"), KEEP_OPEN),
    either("status-no-space", "RFC 9112, 4", "`HTTP/1.1 200` and the end of the line",
        ok(status=b"HTTP/1.1 200\r\n"), KEEP_OPEN),
    either("status-spaces", "RFC 9112, 4", "several spaces and tabs in it",
        ok(status=b"HTTP/1.1  200 \t OK\r\n"), KEEP_OPEN, status=NOT_HTTP),
    good("status-odd-reason", "RFC 9112, 4", "a reason with tabs and other bytes than ASCII",
        ok(status=b"HTTP/1.1 200 \xc4\xe4\t\xff\r\n"), KEEP_OPEN),
    good("status-201", "RFC 9110, 15", "201 with `Location`, which is no redirect",
        ok(HELLO, "Location: /", status=b"HTTP/1.1 201 Created\r\n"), KEEP_OPEN, requests=1),
    good("status-299", "RFC 9110, 15", "299, which nobody knows", ok(status=b"HTTP/1.1 299 What\r\n"),
        KEEP_OPEN),
    either("status-newer", VERSIONS, "`HTTP/1.9 200 OK`", ok(status=b"HTTP/1.9 200 OK\r\n"), KEEP_OPEN,
        status=NOT_HTTP),
    either("status-lower-case", VERSIONS, "`http/1.1 200 OK`", ok(status=b"http/1.1 200 OK\r\n"), KEEP_OPEN,
        status=NOT_HTTP),
    either("status-glued", "RFC 9112, 4", "`HTTP/1.1 200OK`", ok(status=b"HTTP/1.1 200OK\r\n"), KEEP_OPEN,
        status=NOT_HTTP),
    either("status-2-0", VERSIONS, "`HTTP/2.0 200 OK`", ok(status=b"HTTP/2.0 200 OK\r\n"), status=NOT_HTTP),
    either("status-2", VERSIONS, "`HTTP/2 200`", ok(status=b"HTTP/2 200\r\n"), status=NOT_HTTP),
    either("status-999", "RFC 9110, 15", "999", ok(status=b"HTTP/1.1 999 What\r\n"), KEEP_OPEN),
    *(
        bad(f"status-{name}", source, f"`{shown}`", ok(status=line + b"\r\n"), status=NOT_HTTP)
        for name, source, shown, line in [
            ("two-digits", "RFC 9112, 4", "HTTP/1.1 99 OK", b"HTTP/1.1 99 OK"),
            ("four-digits", "RFC 9112, 4", "HTTP/1.1 2000 OK", b"HTTP/1.1 2000 OK"),
            ("zero", "RFC 9110, 15", "HTTP/1.1 000 OK", b"HTTP/1.1 000 OK"),
            ("word", "RFC 9112, 4", "HTTP/1.1 abc OK", b"HTTP/1.1 abc OK"),
            ("sign", "RFC 9112, 4", "HTTP/1.1 +20 OK", b"HTTP/1.1 +20 OK"),
            ("underscore", "RFC 9112, 4", "HTTP/1.1 2_0 OK", b"HTTP/1.1 2_0 OK"),
            ("superscript", "RFC 9112, 4", "HTTP/1.1 20² OK", b"HTTP/1.1 20\xb2 OK"),
            ("no-code", "RFC 9112, 4", "HTTP/1.1", b"HTTP/1.1"),
            ("no-minor", VERSIONS, "HTTP/1 200 OK", b"HTTP/1 200 OK"),
            ("long-version", VERSIONS, "HTTP/1.111… 200 OK", b"HTTP/1." + b"1" * 100 + b" 200 OK"),
            ("version-0", VERSIONS, "HTTP/0.9 200 OK", b"HTTP/0.9 200 OK"),
            ("another", VERSIONS, "ICY 200 OK", b"ICY 200 OK"),
            ("leading-space", "RFC 9112, 4", " HTTP/1.1 200 OK", b" HTTP/1.1 200 OK"),
            ("leading-nul", "RFC 9112, 4", "\\0HTTP/1.1 200 OK", b"\0HTTP/1.1 200 OK"),
        ]
    ),
    bad("status-not-http", "curl", "text that is no HTTP", b"Not HTTP at all\nbut text.\n", status=NOT_HTTP),
    bad("status-banner", "curl", "the first line of SSH", b"SSH-2.0-OpenSSH_9.2\r\n", STALL, status=NOT_HTTP,
        arguments=("--max-time", "30")),
    bad("status-one-byte", "curl", "one byte", b"x", status=(*NOT_HTTP, SHORT, NOTHING, RECEIVE)),
    bad("status-endless", "RFC 9112, 3", "a status line without end", b"HTTP/1.1 200 ", b"O" * 10_000,
        ENDLESS, status=TOO_MUCH),
    bad("status-cut", "RFC 9112, 8", "closes within the status line", b"HTTP/1.1 20",
        status=(*NOT_HTTP, SHORT, NOTHING, RECEIVE)),
    bad("status-empty-lines", "curl", "only empty lines", b"\r\n\r\n",
        status=(*NOT_HTTP, SHORT, NOTHING, RECEIVE)),
    # ------------------------------------------------------------------ headers
    good("header-many", "curl", "60 headers", ok(HELLO, *(f"X-{n}: {n}" for n in range(60))), KEEP_OPEN),
    good("header-long", "curl", "a header of 18 KB", ok(HELLO, "X-Long: " + "x" * 18_000), KEEP_OPEN),
    good("header-odd-values", "RFC 9110, 5.5", "values with other bytes than ASCII, colons, and none",
        ok(HELLO, b"X-A: \xe4\xff \xf0\x9f\x90\x8d", "X-B: a: b: c", "X-C:"), KEEP_OPEN),
    good("header-folded", "RFC 9112, 5.2", "a value folded over three lines", ok(HELLO, FOLDED), KEEP_OPEN),
    either("header-folded-length", "RFC 9112, 5.2", "the number of Content-Length in a folded line",
        lines("Content-Length:", " 5") + HELLO, KEEP_OPEN),
    either("header-folded-first", "RFC 9112, 2.2", "a space before the first header, `Content-Length: 3`",
        lines(" Content-Length: 3", "Content-Length: 5") + HELLO, KEEP_OPEN),
    either("header-folded-smuggled", "RFC 9112, 5.2", "a folded line that looks like a Content-Length",
        lines("X-A: b", " Content-Length: 3", "Content-Length: 5") + HELLO, KEEP_OPEN),
    either("header-no-colon", "RFC 9112, 5", "a line without a colon", ok(HELLO, "What is this"), KEEP_OPEN),
    either("header-no-name", "RFC 9112, 5", "a line that begins with the colon", ok(HELLO, ": what"),
        KEEP_OPEN),
    either("header-odd-name", "RFC 9110, 5.1", "a name with spaces and brackets", ok(HELLO, "X (a): b"),
        KEEP_OPEN),
    either("header-space-before-colon", "RFC 9112, 5.1", "`Content-Length : 5`",
        lines("Content-Length : 5") + HELLO, KEEP_OPEN),
    either("header-bare-cr", "RFC 9112, 2.2", "a bare CR, after it `Content-Length: 3`",
        ok(HELLO, "X-A: b\rContent-Length: 3"), KEEP_OPEN),
    *(
        either(f"header-{name}", "RFC 9112, 2.2",
            f"a value with {shown}, which ends no line, then `Content-Length: 3`",
            ok(HELLO, b"X-A: b" + byte + b"Content-Length: 3"), KEEP_OPEN)
        for name, shown, byte in [
            ("vertical-tab", "a vertical tab", b"\x0b"),
            ("form-feed", "a form feed", b"\x0c"),
            ("separator", "byte 0x1c", b"\x1c"),
            ("next-line", "byte 0x85", b"\x85"),
        ]
    ),
    either("header-nul", "RFC 9110, 5.5", "a NUL byte in a value", ok(HELLO, "X-A: b\0c"), KEEP_OPEN),
    good("header-bare-lf", "RFC 9112, 2.2", "LF instead of CRLF", ok().replace(b"\r\n", b"\n"), KEEP_OPEN),
    good("header-mixed-lf", "RFC 9112, 2.2", "LF and CRLF by turns",
        b"HTTP/1.1 200 OK\nX-A: b\r\nContent-Length: 5\n\r\nhello", KEEP_OPEN),
    either("header-empty-line-first", "RFC 9112, 2.2", "an empty line before the status line", b"\r\n" + ok(),
        KEEP_OPEN, status=NOT_HTTP),
    bad("header-huge", "curl", "a header of a million bytes", ok(HELLO, "X-Long: " + "x" * 1_000_000),
        status=TOO_MUCH),
    either("header-too-many", "curl", "10,000 short headers", ok(HELLO, *["X-A: b"] * 10_000),
        status=TOO_MUCH),
    bad("header-endless", "curl", "headers without end", OK, b"X-A: b\r\n" * 1000, ENDLESS, status=TOO_MUCH),
    bad("header-endless-line", "curl", "a header line without end", OK + b"X-A: ", b"b" * 10_000, ENDLESS,
        status=TOO_MUCH),
    bad("header-cut", "RFC 9112, 8", "closes within a header", OK + b"Content-Len",
        status=(WEIRD, SHORT, RECEIVE)),
    bad("header-no-end", "RFC 9112, 8", "closes after a header, without an empty line",
        OK + b"Content-Length: 0\r\n", status=(WEIRD, SHORT, RECEIVE)),
    bad("header-none", "RFC 9112, 8", "closes after the status line", OK, status=(WEIRD, SHORT, RECEIVE)),
    # ------------------------------------------------------------------ connections
    bad("connection-no-word", "curl", "closes without a word", status=NOTHING),
    bad("connection-reset", "curl", "resets the connection without a word", RESET, status=RECEIVE),
    bad("connection-reset-head", "curl", "resets it within the headers", OK + b"X-A", READ, RESET,
        status=RECEIVE),
    bad("connection-reset-length", "curl", "resets it within a body with a length",
        lines("Content-Length: 10") + HELLO, READ, RESET, status=(SHORT, RECEIVE)),
    bad("connection-reset-chunk", "curl", "resets it within a chunk", chunked(b"a\r\nhello"), READ, RESET,
        status=(SHORT, RECEIVE)),
    good("connection-reset-late", "RFC 9112, 9.6", "resets it after the whole answer", ok(), READ, RESET),
    bad("connection-stall", "curl", "says nothing", STALL, status=TIMEOUT, arguments=SOON),
    bad("connection-stall-head", "curl", "stops within the headers", OK + b"X-A: b\r\n", STALL,
        status=TIMEOUT, arguments=SOON),
    bad("connection-stall-length", "curl", "stops within a body with a length",
        lines("Content-Length: 10") + HELLO, STALL, status=TIMEOUT, arguments=SOON),
    bad("connection-stall-chunk", "curl", "stops between chunks", chunked(b"5\r\nhello\r\n"), STALL,
        status=TIMEOUT, arguments=SOON),
    bad("connection-stall-close", "curl", "stops, without a length, before it closes", lines() + HELLO, STALL,
        status=TIMEOUT, arguments=SOON),
    bad("connection-drip", "curl", "one byte of the body after the other, without end", lines(), b"x", DRIP,
        status=TIMEOUT, arguments=SOON),
    bad("connection-drip-head", "curl", "one byte of a header after the other, without end", OK + b"X-A: ",
        b"x", DRIP, status=(TIMEOUT, *TOO_MUCH), arguments=SOON),
    # ------------------------------------------------------------------ redirects
    *(
        good(f"redirect-{code}", "RFC 9110, 15.4", f"{code} to a path",
            moved(f"/redirect-{code}/there", code), KEEP_OPEN, further=there("/there"),
            sent=(f"GET /redirect-{code}/there HTTP/1.1\r\n",), requests=2)
        for code in (301, 302, 303, 307, 308)
    ),
    good("redirect-relative", "RFC 3986, 5.2", "to `redirect-relative/there`",
        moved("redirect-relative/there"), KEEP_OPEN, further=there("/there")),
    good("redirect-dots", "RFC 3986, 5.2.4", "to `./redirect-dots/a/../b/./there`",
        moved("./redirect-dots/a/../b/./there"), KEEP_OPEN, further=there("/b/there")),
    good("redirect-above", "RFC 3986, 5.2.4", "to `../../../redirect-above/there`",
        moved("../../../redirect-above/there"), KEEP_OPEN, further=there("/there")),
    good("redirect-absolute", "RFC 9110, 10.2.2", "to a URL of the same server",
        moved("http://127.0.0.1:{plain}/redirect-absolute/there"), KEEP_OPEN, further=there("/there")),
    good("redirect-other-origin", "RFC 9110, 10.2.2", "to a URL of another server",
        moved("http://127.0.0.1:{other}/redirect-other-origin/there"), KEEP_OPEN, further=there("/there"),
        sent=("\r\nHost: 127.0.0.1:{other}\r\n",)),
    good("redirect-no-scheme", "RFC 3986, 5.2", "to `//127.0.0.1:…/redirect-no-scheme/there`",
        moved("//127.0.0.1:{other}/redirect-no-scheme/there"), KEEP_OPEN, further=there("/there"),
        sent=("\r\nHost: 127.0.0.1:{other}\r\n",)),
    good("redirect-query", "RFC 3986, 5.2", "to `?there`", moved("?there"), KEEP_OPEN,
        further=there("?there"), sent=("GET /redirect-query?there HTTP/1.1\r\n",)),
    good("redirect-fragment", "RFC 9112, 3.2.1", "to `/redirect-fragment/there#part`",
        moved("/redirect-fragment/there#part"), KEEP_OPEN, further=there("/there")),
    good("redirect-upper-case", "RFC 3986, 3.1", "to `HTTP://…`",
        moved("HTTP://127.0.0.1:{plain}/redirect-upper-case/there"), KEEP_OPEN, further=there("/there")),
    good("redirect-chain", "curl", "five redirects", moved("/redirect-chain/1"), KEEP_OPEN, requests=6,
        further={**{f"/{n}": [moved(f"/redirect-chain/{n + 1}"), KEEP_OPEN] for n in range(1, 5)},
        **there("/5")}),
    good("redirect-closes", "RFC 9112, 9.6", "to a path, and closes",
        moved("/redirect-closes/there", 302, "Connection: close"), further=there("/there")),
    good("redirect-chunked", "RFC 9112, 6", "a redirect with a chunked body",
        lines("Location: /redirect-chunked/there", "Transfer-Encoding: chunked",
        status=b"HTTP/1.1 302 Found\r\n") + chunks(b"Moved"), KEEP_OPEN, further=there("/there")),
    good("redirect-no-length", "RFC 9112, 6.3 rule 8", "a redirect whose body ends when it closes",
        lines("Location: /redirect-no-length/there", status=b"HTTP/1.1 302 Found\r\n") + b"Moved",
        further=there("/there")),
    good("redirect-interim", "RFC 9110, 15.2", "103 before the redirect and before the answer",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + moved("/redirect-interim/there"), KEEP_OPEN,
        further={"/there": [b"HTTP/1.1 103 Early Hints\r\n\r\n" + ok(), KEEP_OPEN]}),
    either("redirect-stalled-body", "curl", "a redirect whose body stops",
        moved("/redirect-stalled-body/there", body=b"x" * 100)[:-50], STALL, further=there("/there"),
        status=TIMEOUT, arguments=SOON),
    either("redirect-endless-body", "curl", "a redirect whose body doesn't end",
        lines("Location: /redirect-endless-body/there", status=b"HTTP/1.1 302 Found\r\n"), b"x" * 10_000,
        ENDLESS, further=there("/there"), status=(TIMEOUT, SIZE), arguments=SOON),
    bad("redirect-loop", "RFC 9110, 15.4", "to itself", moved("/redirect-loop"), KEEP_OPEN, status=REDIRECTS),
    bad("redirect-pair", "RFC 9110, 15.4", "to another, and back", moved("/redirect-pair/there"), KEEP_OPEN,
        further={"/there": [moved("/redirect-pair"), KEEP_OPEN]}, status=REDIRECTS),
    bad("redirect-past-limit", "curl", "three redirects where two are allowed",
        moved("/redirect-past-limit/1"), KEEP_OPEN, status=REDIRECTS, arguments=("--max-redirs", "2"),
        further={"/1": [moved("/redirect-past-limit/2")], "/2": [moved("/redirect-past-limit/3")],
        **there("/3")}, requests=3),
    good("redirect-at-limit", "curl", "two redirects where two are allowed", moved("/redirect-at-limit/1"),
        KEEP_OPEN, arguments=("--max-redirs", "2"),
        further={"/1": [moved("/redirect-at-limit/2")], **there("/2")}, requests=3),
    bad("redirect-none-allowed", "curl", "a redirect where none is allowed",
        moved("/redirect-none-allowed/1"), further=there("/1"), status=REDIRECTS,
        arguments=("--max-redirs", "0"), requests=1),
    good("redirect-not-followed", "curl", "a redirect that is not to be followed",
        moved("/redirect-not-followed/there"), KEEP_OPEN, further=there("/there"), body=b"Moved",
        arguments=("--no-location",), requests=1),
    *(
        bad(f"redirect-{name}", "RFC 9110, 17.4", f"to `{location}`", moved(location), status=status,
            requests=1)
        for name, location, status in REFUSED
    ),
    good("redirect-nowhere", "curl", "302 without `Location`", ok(status=b"HTTP/1.1 302 Found\r\n"),
        KEEP_OPEN, requests=1),
    either("redirect-empty", "curl", "an empty `Location`",
        ok(HELLO, "Location:", status=b"HTTP/1.1 302 Found\r\n"), KEEP_OPEN, status=(URL, WEIRD, REDIRECTS)),
    good("redirect-encoded-crlf", "RFC 3986, 2.1", "`%0d%0a` in `Location`, which stays as it is",
        moved("/redirect-encoded-crlf/there%0d%0aX-Evil:%20yes"), KEEP_OPEN,
        further=there("/there%0d%0aX-Evil:%20yes"), unsent=("\r\nX-Evil",)),
    either("redirect-bare-cr", "RFC 9112, 2.2", "a CR in `Location`, then what looks like a header",
        moved("/redirect-bare-cr/there\rX-Evil: yes"), KEEP_OPEN, status=(URL, WEIRD),
        further={**there("/there%20X-Evil:%20yes"), **there("/there%0DX-Evil:%20yes")},
        unsent=("\rX-Evil", "\nX-Evil")),
    either("redirect-bare-lf", "RFC 9112, 2.2", "an LF in `Location`: another header begins",
        moved("/redirect-bare-lf/there\nX-Evil: yes"), KEEP_OPEN, status=(URL, WEIRD),
        further=there("/there"), unsent=("X-Evil",)),
    either("redirect-tab", "RFC 3986, 2", "a tab and ESC in `Location`", moved("/redirect-tab/the\tr\x1be"),
        KEEP_OPEN, status=(URL, WEIRD), unsent=("\t", "\x1b"),
        further={**there("/the%09r%1Be"), **there("/the%09r%1be")}),
    either("redirect-space", "curl", "a space in `Location`", moved("/redirect-space/the re"), KEEP_OPEN,
        status=URL, further=there("/the%20re"), unsent=("the re",)),
    good("redirect-umlaut", "curl", "UTF-8 in `Location`", moved("/redirect-umlaut/thäre".encode()),
        KEEP_OPEN, further={**there("/th%C3%A4re"), **there("/th%c3%a4re")}),
    bad("redirect-to-404", "curl", "to a page that is not there, with `-f`", moved("/redirect-to-404/there"),
        status=FAILED, arguments=("-f",),
        further={"/there": [ok(b"no", status=b"HTTP/1.1 404 Not Found\r\n")]}),
    bad("redirect-to-silence", "curl", "to a page of which nothing comes",
        moved("/redirect-to-silence/there"), further={"/there": []}, status=NOTHING),
    # ------------------------------------------------------------------ credentials
    good("credentials-userinfo", "RFC 7617, 2", "asked with `user:secret@` in the URL", ok(), KEEP_OPEN,
        url="http://user:secret@127.0.0.1:{plain}/credentials-userinfo",
        sent=("\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n", "\r\nHost: 127.0.0.1:{plain}\r\n"),
        unsent=("user:secret",)),
    good("credentials-encoded", "RFC 3986, 3.2.1", "asked with `us%40er:se%3Acret@` in the URL", ok(),
        KEEP_OPEN, url="http://us%40er:se%3Acret@127.0.0.1:{plain}/credentials-encoded",
        sent=("\r\nAuthorization: Basic dXNAZXI6c2U6Y3JldA==\r\n",)),
    good("credentials-no-password", "RFC 7617, 2", "asked with `user@` in the URL", ok(), KEEP_OPEN,
        url="http://user@127.0.0.1:{plain}/credentials-no-password",
        sent=("\r\nAuthorization: Basic dXNlcjo=\r\n",)),
    good("credentials-none", "RFC 9110, 11", "asked without any", ok(), KEEP_OPEN,
        unsent=("\r\nAuthorization:",)),
    bad("credentials-hidden", "RFC 3986, 7.5", "404 for a URL with `user:secret@`: it is not in the message",
        ok(status=b"HTTP/1.1 404 Not Found\r\n"), status=FAILED, arguments=("-f",),
        url="http://user:secret@127.0.0.1:{plain}/credentials-hidden"),
    good("credentials-same-origin", "curl", "redirects within the origin",
        moved("/credentials-same-origin/there"), KEEP_OPEN, further=there("/there"),
        url="http://user:secret@127.0.0.1:{plain}/credentials-same-origin",
        sent=("\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n",)),
    good("credentials-other-port", "RFC 9110, 15.4", "redirects to another port",
        moved("http://127.0.0.1:{other}/credentials-other-port/there"), KEEP_OPEN, further=there("/there"),
        url="http://user:secret@127.0.0.1:{plain}/credentials-other-port", unsent=("\r\nAuthorization:",)),
    good("credentials-other-host", "RFC 9110, 15.4", "redirects to another host name",
        moved("http://localhost:{plain}/credentials-other-host/there"), KEEP_OPEN, further=there("/there"),
        url="http://user:secret@127.0.0.1:{plain}/credentials-other-host", unsent=("\r\nAuthorization:",)),
    good("credentials-other-scheme", "RFC 9110, 15.4", "redirects from https: to http:",
        moved("http://127.0.0.1:{plain}/credentials-other-scheme/there"), KEEP_OPEN, further=there("/there"),
        url="https://user:secret@127.0.0.1:{tls}/credentials-other-scheme",
        arguments=("--cacert", "{authority}"), unsent=("\r\nAuthorization:",)),
    good("credentials-header", "curl", "asked with `-H 'Authorization: …'`, redirects within the origin",
        moved("/credentials-header/there"), KEEP_OPEN, further=there("/there"),
        arguments=("-H", "Authorization: Bearer secret"), sent=("\r\nAuthorization: Bearer secret\r\n",)),
    good("credentials-header-elsewhere", "RFC 9110, 15.4", "the same, redirects to another port",
        moved("http://127.0.0.1:{other}/credentials-header-elsewhere/there"), KEEP_OPEN,
        further=there("/there"), arguments=("-H", "aUTHORIZATION: Bearer secret"), unsent=("secret",)),
    good("credentials-cookie-elsewhere", "RFC 9110, 15.4", "the same with `-H 'Cookie: …'`",
        moved("http://127.0.0.1:{other}/credentials-cookie-elsewhere/there"), KEEP_OPEN,
        further=there("/there"), arguments=("-H", "Cookie: a=secret"), unsent=("secret",)),
    good("credentials-host-elsewhere", "curl", "asked with `-H 'Host: …'`, redirects to another host name",
        moved("http://localhost:{other}/credentials-host-elsewhere/there"), KEEP_OPEN,
        further=there("/there"), arguments=("-H", "Host: inner.example"),
        sent=("\r\nHost: localhost:{other}\r\n",), unsent=("inner.example",)),
    good("credentials-header-kept", "curl", "asked with `-H 'X-A: b'`, redirects to another port",
        moved("http://127.0.0.1:{other}/credentials-header-kept/there"), KEEP_OPEN, further=there("/there"),
        arguments=("-H", "X-A: b"), sent=("\r\nX-A: b\r\n",)),
    # ------------------------------------------------------------------ content codings
    *(
        good(f"content-{name}", source, note, ok(data, header), KEEP_OPEN, arguments=COMPRESSED, body=body)
        for name, source, note, header, data, body in [
            ("gzip", "RFC 9110, 8.4.1.3", "`gzip`", GZIP, ZIPPED, HELLO),
            ("x-gzip", "RFC 9110, 8.4.1.3", "`x-gzip`", "Content-Encoding: x-gzip", ZIPPED, HELLO),
            ("case", "RFC 9110, 8.4.1", "`GZip`", "Content-Encoding: GZip", ZIPPED, HELLO),
            ("deflate", "RFC 9110, 8.4.1.2", "`deflate` within zlib's format", "Content-Encoding: deflate",
                zlib.compress(HELLO), HELLO),
            ("raw-deflate", "RFC 9110, 8.4.1.2", "`deflate` without zlib's format",
                "Content-Encoding: deflate", raw_deflate(HELLO), HELLO),
            ("raw-deflate-large", "RFC 9110, 8.4.1.2",
                "`deflate` without zlib's format, 262,165 zeros: the last byte of input holds the last 21",
                "Content-Encoding: deflate", raw_deflate(bytes(262_165)), bytes(262_165)),
            ("header-fields", "RFC 1952, 2.3", "`gzip` with all the fields its header may have", GZIP,
                FLAGGED, HELLO),
            ("twice", "RFC 9110, 8.4", "`deflate, gzip`, in this order", "Content-Encoding: deflate, gzip",
                gzipped(zlib.compress(HELLO)), HELLO),
            ("large", "RFC 9110, 8.4.1.3", "`gzip` of a megabyte that is 1 KB compressed", GZIP,
                gzipped(bytes(1_000_000)), bytes(1_000_000)),
            ("binary", "RFC 9110, 8.4.1.3", "`gzip` of 204,800 bytes of every value", GZIP, gzipped(MANY),
                MANY),
            ("no-bytes", "RFC 9110, 8.4", "`gzip` of a body of no bytes at all", GZIP, b"", b""),
            ("zipped-nothing", "RFC 1952, 2.3", "`gzip` of nothing", GZIP, gzipped(b""), b""),
            ("identity", "RFC 9110, 8.4", "`identity`", "Content-Encoding: identity", HELLO, HELLO),
            ("plain", "RFC 9110, 8.4", "no coding, although asked for", "X-A: b", HELLO, HELLO),
        ]
    ),
    good("content-asked", "RFC 9110, 12.5.3", "asked with `--compressed`", ok(), KEEP_OPEN,
        arguments=COMPRESSED, sent=("\r\nAccept-Encoding: ", "gzip")),
    either("content-members", "RFC 1952, 2.2", "`gzip` with two members",
        ok(gzipped(b"hel") + gzipped(b"lo"), GZIP), KEEP_OPEN, arguments=COMPRESSED, status=(WRITE, CODING)),
    good("content-split", "RFC 9110, 8.4.1.3", "`gzip` byte by byte", *singly(ok(ZIPPED, GZIP)), KEEP_OPEN,
        arguments=COMPRESSED),
    good("content-chunked", "RFC 9112, 6.1", "`gzip` in chunks of one byte",
        chunked(chunks(*(bytes([byte]) for byte in ZIPPED)), GZIP), KEEP_OPEN, arguments=COMPRESSED),
    good("content-close", "RFC 9112, 6.3 rule 8", "`gzip` until it closes", lines(GZIP) + ZIPPED,
        arguments=COMPRESSED),
    bad("content-short", "RFC 9112, 8", "`gzip`, closed too early", ok(ZIPPED, GZIP)[:-6], status=SHORT,
        arguments=COMPRESSED),
    *(
        bad(f"content-{name}", source, note, ok(data, header), KEEP_OPEN, arguments=COMPRESSED, status=CODING)
        for name, source, note, header, data in [
            ("cut", "RFC 1952, 2.3", "`gzip` that ends too early, of the right length", GZIP, ZIPPED[:-6]),
            ("cut-trailer", "RFC 1952, 2.3", "`gzip` without the last byte of its check", GZIP, ZIPPED[:-1]),
            ("cut-header", "RFC 1952, 2.3", "`gzip` that ends within its header", GZIP, ZIPPED[:6]),
            ("cut-deflate", "RFC 1950, 2.2", "`deflate` that ends too early", "Content-Encoding: deflate",
                zlib.compress(HELLO)[:-5]),
            ("corrupt", "RFC 1952, 2.3", "`gzip` with wrong data", GZIP, ZIPPED[:10] + b"\xff" + ZIPPED[11:]),
            ("check-sum", "RFC 1952, 2.3", "`gzip` with a wrong check sum", GZIP,
                ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:]),
            ("no-gzip", "RFC 1952, 2.3", "`gzip`, but the text is plain", GZIP, HELLO),
            ("no-deflate", "RFC 1950, 2.2", "`deflate`, but the text is plain", "Content-Encoding: deflate",
                b"\xff" + HELLO),
            ("deflate-sum", "RFC 1950, 2.2", "`deflate` with a wrong check sum", "Content-Encoding: deflate",
                zlib.compress(HELLO)[:-1] + b"\0"),
            ("unknown", "curl", "a coding that nobody knows", "Content-Encoding: frob", HELLO),
            ("unknown-last", "curl", "a known coding after one that nobody knows",
                "Content-Encoding: frob, gzip", ZIPPED),
            ("chain", "curl", "`gzip` a hundred times", "Content-Encoding: " + ", ".join(["gzip"] * 100),
                ZIPPED),
        ]
    ),
    bad("content-close-cut", "RFC 1952, 2.3", "`gzip` until it closes, too early", lines(GZIP) + ZIPPED[:-6],
        arguments=COMPRESSED, status=(SHORT, CODING)),
    either("content-garbage-after", "RFC 1952, 2.2", "garbage after the end of the `gzip`",
        ok(ZIPPED + b"garbage", GZIP), KEEP_OPEN, arguments=COMPRESSED, status=(WRITE, CODING)),
    bad("content-bomb", "curl", "`gzip` of ten megabytes where 1,000 bytes are allowed",
        ok(gzipped(bytes(10_000_000)), GZIP), KEEP_OPEN, arguments=("--compressed", "--max-filesize", "1000"),
        status=SIZE),
    bad("content-small-bomb", "curl", "`gzip` of ten kilobytes, 40 bytes of it, where 1,000 are allowed",
        ok(gzipped(bytes(10_000)), GZIP), KEEP_OPEN, arguments=("--compressed", "--max-filesize", "1000"),
        status=SIZE),
    good("content-not-asked", "RFC 9110, 8.4", "`gzip`, which nobody asked for; it is kept as it came",
        ok(ZIPPED, GZIP), KEEP_OPEN, body=ZIPPED),
    good("content-unknown-not-asked", "RFC 9110, 8.4", "a coding that nobody knows, without `--compressed`",
        ok(HELLO, "Content-Encoding: frob"), KEEP_OPEN),
    # ------------------------------------------------------------------ size
    good("size-at-limit", "curl", "5 bytes where 5 are allowed", ok(), KEEP_OPEN,
        arguments=("--max-filesize", "5")),
    bad("size-length", "curl", "a length of 6 where 5 are allowed; it doesn't get as far as the body",
        lines("Content-Length: 6"), STALL, status=SIZE,
        arguments=("--max-filesize", "5", "--max-time", "30")),
    bad("size-chunked", "curl", "6 bytes in chunks where 5 are allowed", chunked(chunks(b"hello", b"!")),
        KEEP_OPEN, arguments=("--max-filesize", "5"), status=SIZE),
    good("size-chunked-at-limit", "curl", "5 bytes in chunks where 5 are allowed",
        chunked(chunks(b"hel", b"lo")), KEEP_OPEN, arguments=("--max-filesize", "5")),
    bad("size-close", "curl", "6 bytes until it closes where 5 are allowed", lines() + b"hello!",
        arguments=("--max-filesize", "5"), status=SIZE),
    bad("size-endless", "curl", "a body without end where 50,000 bytes are allowed", lines(), b"x" * 1000,
        ENDLESS, arguments=("--max-filesize", "50000"), status=SIZE),
    # ------------------------------------------------------------------ fail
    *(
        bad(f"fail-{code}", "curl", f"{code}, with `-f`", ok(status=b"HTTP/1.1 %d No\r\n" % code), KEEP_OPEN,
            arguments=("-f",), status=FAILED)
        for code in (400, 401, 404, 500, 503)
    ),
    good("fail-not-asked", "curl", "404, without `-f`", ok(status=b"HTTP/1.1 404 Not Found\r\n"), KEEP_OPEN),
    good("fail-not-at-all", "curl", "200, with `-f`", ok(), KEEP_OPEN, arguments=("-f",)),
    bad("fail-hostile", "RFC 9112, 4", "404 with a reason of escape sequences, with `-f`",
        ok(status=b"HTTP/1.1 404 \x1b[31m\x9b2J\x07\x85\xe2\x80\xae\r\n"), KEEP_OPEN, arguments=("-f",),
        status=(WEIRD, FAILED)),
    bad("fail-stalled-body", "curl", "404 whose body stops, with `-f`",
        lines("Content-Length: 10", status=b"HTTP/1.1 404 Not Found\r\n") + HELLO, STALL,
        arguments=("-f", "--max-time", "30"), status=FAILED),
    # ------------------------------------------------------------------ output
    good("output-stdout", "curl", "asked with `-o -`", ok(), KEEP_OPEN, output=("-o", "-"), saved=("-",)),
    good("output-stdout-binary", "curl", "the same, 204,800 bytes of every value", ok(MANY), KEEP_OPEN,
        output=("-o", "-"), saved=("-",), body=MANY),
    good("output-headers", "curl", "asked with `-i`", ok(HELLO, "X-A: b"), KEEP_OPEN, arguments=("-i",),
        body=ok(HELLO, "X-A: b")),
    good("output-headers-chunked", "curl", "asked with `-i`, chunked: the body without the chunks",
        chunked(chunks(HELLO)), KEEP_OPEN, arguments=("-i",), body=chunked(HELLO)),
    bad("output-no-directory", "curl", "asked with `-o nowhere/out`", ok(), output=("-o", "nowhere/out"),
        status=WRITE),
    bad("output-directory", "curl", "asked with `-o .`", ok(), output=("-o", "."), status=WRITE),
    good("output-disposition", "RFC 6266, 4.3", "`Content-Disposition` with a name for the file",
        ok(HELLO, 'Content-Disposition: attachment; filename="../evil"'), KEEP_OPEN),
    # ------------------------------------------------------------------ names
    *(
        good(f"name-{name}", source, f"asked for `{rest or '/name-' + name}` without `-o`", ok(), KEEP_OPEN,
            url=f"http://127.0.0.1:{{plain}}/name-{name}{rest}", output=(), saved=saved)
        for name, source, rest, saved in [
            ("plain", "curl", "", ("name-plain",)),
            ("last", "curl", "/a/b.txt", ("b.txt",)),
            ("query", "curl", "/b.txt?c=d/e", ("b.txt", "b.txt?c=d", "b.txt?c=d%2Fe")),
            ("fragment", "curl", "/b.txt#c/d", ("b.txt",)),
        ]
    ),
    good("name-redirect", "curl", "asked without `-o`, redirects to `/name-redirect/evil`",
        moved("/name-redirect/evil"), KEEP_OPEN, further=there("/evil"), output=(), saved=("name-redirect",)),
    *(
        either(f"name-{name}", "RFC 3986, 7.3",
            f"asked for `{rest}` without `-o`; nothing outside the directory", ok(), KEEP_OPEN,
            url=f"http://127.0.0.1:{{plain}}/name-{name}{rest}", output=(), saved=saved, status=(URL, WRITE))
        for name, rest, saved in [
            ("empty", "/", ("index.html", "curl_response", "name-empty")),
            ("dots", "/..%2f..%2fevil", ("..%2f..%2fevil", "evil", ".._.._evil", "%2e%2e%2f%2e%2e%2fevil")),
            ("encoded-dots", "/%2e%2e", ("%2e%2e", "index.html", "__")),
            ("slash", "/%2fetc%2fevil", ("%2fetc%2fevil", "_etc_evil", "evil")),
            ("nul", "/a%00b", ("a%00b", "a_b", "ab")),
            ("newline", "/a%0ab", ("a%0ab", "a_b", "a%0Ab", "a\nb")),
        ]
    ),
    # ------------------------------------------------------------------ old files
    good("old-replaced", "curl", "a right answer where a file is already", ok(), KEEP_OPEN, old=OLD),
    *(
        bad(f"old-{name}", "tutorial", f"{note} where a file is already: it stays", *reply, status=status,
            old=OLD, arguments=arguments)
        for name, note, reply, status, arguments in STAYS
    ),
    # ------------------------------------------------------------------ TLS
    good("tls-trusted", "RFC 9110, 4.3.4", "a certificate of the authority in `--cacert`", ok(), KEEP_OPEN,
        url="https://127.0.0.1:{tls}/tls-trusted", arguments=("--cacert", "{authority}")),
    good("tls-split", "RFC 9110, 4.3.4", "the same byte by byte", *singly(ok()), KEEP_OPEN,
        url="https://127.0.0.1:{tls}/tls-split", arguments=("--cacert", "{authority}")),
    good("tls-host-name", "RFC 9110, 4.3.4", "a certificate for the name that is asked for", ok(), KEEP_OPEN,
        url="https://localhost:{tls}/tls-host-name", arguments=("--cacert", "{authority}"),
        sent=("\r\nHost: localhost:{tls}\r\n",)),
    *(
        bad(f"tls-{name}", "RFC 9110, 4.3.4", note, ok(), url=f"https://127.0.0.1:{{{origin}}}/tls-{name}",
            arguments=arguments, status=CERTIFICATE, requests=0)
        for name, origin, note, arguments in [
            ("untrusted", "tls", "a certificate of an unknown authority", ()),
            ("stranger", "stranger", "a certificate of another authority than `--cacert`",
                ("--cacert", "{authority}")),
            ("misnamed", "misnamed", "a certificate for another host name", ("--cacert", "{authority}")),
            ("expired", "expired", "a certificate that has expired", ("--cacert", "{authority}")),
        ]
    ),
    good("tls-insecure", "curl", "a certificate of an unknown authority, with `-k`", ok(), KEEP_OPEN,
        url="https://127.0.0.1:{stranger}/tls-insecure", arguments=("-k",)),
    good("tls-insecure-name", "curl", "a certificate for another host name, with `-k`", ok(), KEEP_OPEN,
        url="https://127.0.0.1:{misnamed}/tls-insecure-name", arguments=("-k",)),
    bad("tls-plain", "curl", "no TLS at all, asked with https:", ok(),
        url="https://127.0.0.1:{plain}/tls-plain", status=HANDSHAKE, requests=0),
    bad("tls-unasked", "curl", "TLS, asked with http:", ok(), url="http://127.0.0.1:{tls}/tls-unasked",
        status=(*NOT_HTTP, NOTHING, RECEIVE), requests=0),
    good("tls-close", "RFC 9112, 9.8", "no length; ends TLS and closes", lines() + HELLO,
        url="https://127.0.0.1:{tls}/tls-close", arguments=("--cacert", "{authority}")),
    bad("tls-cut", "RFC 9112, 9.8", "no length; closes without ending TLS: somebody may have cut it",
        lines() + HELLO, CUT, url="https://127.0.0.1:{tls}/tls-cut", arguments=("--cacert", "{authority}"),
        status=(SHORT, RECEIVE)),
    good("tls-cut-length", "RFC 9112, 9.8", "a length; closes without ending TLS", ok(), CUT,
        url="https://127.0.0.1:{tls}/tls-cut-length", arguments=("--cacert", "{authority}")),
    bad("tls-cut-short", "RFC 9112, 9.8", "half of the length; closes without ending TLS",
        lines("Content-Length: 10") + HELLO, CUT, url="https://127.0.0.1:{tls}/tls-cut-short",
        arguments=("--cacert", "{authority}"), status=(SHORT, RECEIVE)),
    good("tls-redirect", "RFC 9110, 10.2.2", "redirects from http: to https:",
        moved("https://127.0.0.1:{tls}/tls-redirect/there"), KEEP_OPEN, further=there("/there"),
        arguments=("--cacert", "{authority}")),
    bad("tls-redirect-untrusted", "RFC 9110, 4.3.4", "redirects to a server with a wrong certificate",
        moved("https://127.0.0.1:{misnamed}/tls-redirect-untrusted/there"), further=there("/there"),
        arguments=("--cacert", "{authority}"), status=CERTIFICATE, requests=1),
]
# fmt: on

# The tests of curl (tests/data/test*) that show the same.
CURL_TESTS = {
    "chunked-and-length": 365,
    "chunked-bad-trailer": 2106,
    "chunked-bare-lf": 1417,
    "chunked-no-last": 207,
    "chunked-overflow": 1416,
    "chunked-trailers": 266,
    "chunked-word": 36,
    "coding-chunked-first": 1722,
    "coding-gzip": 1496,
    "coding-identity": 1494,
    "coding-twice": 1482,
    "coding-two-lines": 1483,
    "connection-no-word": 1079,
    "content-chain": 387,
    "content-deflate": 222,
    "content-gzip": 220,
    "content-header-fields": 224,
    "content-members": 2305,
    "content-no-deflate": 223,
    "content-no-gzip": 221,
    "content-raw-deflate": 232,
    "content-twice": 230,
    "empty-204-chunked": 334,
    "empty-head-body": 1484,
    "header-bare-cr": 2105,
    "header-folded": 1274,
    "header-folded-first": 1473,
    "header-huge": 1154,
    "header-long": 1205,
    "header-no-end": 1665,
    "interim-102": 1033,
    "interim-only": 1480,
    "length-list": 770,
    "length-negative": 178,
    "redirect-fragment": 1413,
    "redirect-no-host": 1141,
    "redirect-no-scheme": 1314,
    "redirect-query": 1031,
    "redirect-umlaut": 1138,
    "size-chunked": 457,
    "status-long-version": 1433,
    "status-not-http": 1172,
}

BY_NAME = {behaviour.name: behaviour for behaviour in BEHAVIOURS}


def find(name: str, rest: str) -> Script | None:
    """Give the script for a path."""
    behaviour = BY_NAME.get(name)
    if behaviour is None:
        return None
    if rest in behaviour.further:
        return behaviour.further[rest]
    return None if rest and behaviour.further else behaviour.reply
