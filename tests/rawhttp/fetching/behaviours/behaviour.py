"""A way that a server behaves, and what a fetcher has to make of it.

A fetcher may be strict or lenient where the RFC leaves it the choice: then an entry allows several exit
statuses. Success with wrong bytes is never one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.rawhttp.fetching.behaviours.answers import HELLO
from tests.rawhttp.fetching.server import Script, Step

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
    "range": "Parts of a page",
    "resume": "Files that are gone on with",
    "tls": "TLS",
}

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
    SIZE: "more than `--max-filesize`, or than `--max-ratio` allows",
    LARGE: "headers too large",
}

BAD_CHUNK = (WEIRD, RECEIVE)  # curl has 56 for all that is wrong within chunks
NOT_HTTP = (PROTOCOL, WEIRD)  # curl has 1 because it takes it for HTTP/0.9, which is switched off
TOO_MUCH = (WEIRD, RECEIVE, SIZE, LARGE)  # of headers; curl has had 27, 56 and 100

# Options.
COMPRESSED = ("--compressed",)
SOON = ("--max-time", "2")


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


def good(name: str, source: str, note: str, *reply: Step, body: bytes = HELLO, **more: object) -> Behaviour:
    """Return a behaviour that must succeed."""
    return Behaviour(name, source, note, reply, (0,), body, **more)  # type: ignore[arg-type]  # the fields of Behaviour


def bad(
    name: str, source: str, note: str, *reply: Step, status: int | tuple[int, ...] = WEIRD, **more: object
) -> Behaviour:
    """Return a behaviour that must fail, so or so."""
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
    """Return a behaviour that may succeed or fail, but not succeed with another body."""
    statuses = (status,) if isinstance(status, int) else status
    return Behaviour(name, source, note, reply, (0, *statuses), body, **more)  # type: ignore[arg-type]  # the fields of Behaviour
