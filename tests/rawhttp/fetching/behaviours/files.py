"""What is written where, and when nothing is: output, file names, files that are there already."""

from tests.rawhttp.fetching.behaviours.answers import (
    GZIP,
    HELLO,
    MANY,
    ZIPPED,
    chunked,
    chunks,
    lines,
    moved,
    ok,
    there,
)
from tests.rawhttp.fetching.behaviours.behaviour import (
    CODING,
    COMPRESSED,
    FAILED,
    NOTHING,
    RECEIVE,
    SHORT,
    SOON,
    TIMEOUT,
    URL,
    WEIRD,
    WRITE,
    Behaviour,
    bad,
    either,
    good,
)
from tests.rawhttp.fetching.server import KEEP_OPEN, READ, RESET, STALL, Script

OLD = b"what was there before"

# fmt: off
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
]
# fmt: on
