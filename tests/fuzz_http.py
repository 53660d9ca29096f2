"""Mutated HTTP responses through the parser: documented errors only, no hang, the same in any split.

::

    python -m tests.fuzz_http [COUNT] [SEED]
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import NamedTuple

from sockproto.errors import CallFailed, CutShort, EmptyReply, WrongReply
from sockproto.rawhttp import Data, EndOfMessage, Interim, ResponseParser

DOCUMENTED = (WrongReply, CutShort, EmptyReply)
HEADS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 304\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\n",
]
FRAMINGS = [
    b"Content-Length: 5\r\n\r\nhello",
    b"content-length: 5, 5\r\n\r\nhelloworld",
    b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n1\r\nx\r\n00\r\nTrailer: yes\r\n\r\n",
    b"Connection: close\r\n\r\nuntil the end",
    b"X-Fold: a\r\n b\r\n\tc\r\nContent-Length: 3\r\n\r\nabc",
]
WORDS = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b"0", b"5", b"-", b"+", b"_", b"0x"]
WORDS += [b"HTTP/1.1 ", b"chunked", b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n"]
WORDS += [b"\xff", b"9" * 40, b"ffffffff"]
WORDS += [b"Content-Length: 5\r\n", b"a" * 5_000, b"HTTP/1.1 100 \r\n\r\n" * 40, b"A: b\r\n" * 1_200]


class Outcome(NamedTuple):
    """What a parser made of a response: its events, adjacent data joined, and how it ended."""

    events: tuple[object, ...]
    body: bytes
    ended: str


def outcome(pieces: list[bytes], method: str = "GET", end: bool = True) -> Outcome:
    """Parse a response that comes in these pieces; at most a few steps a byte, or it hangs."""
    parser, events, body = ResponseParser(method), list[object](), bytearray()
    budget = 100 + 4 * (sum(map(len, pieces)) + len(pieces))
    try:
        for piece in chain(pieces, [None] if end else []):
            if piece is None:
                parser.end()
            else:
                parser.feed(piece)
            while (event := parser.take()) is not None:
                budget -= 1
                assert budget > 0, "hangs"
                if isinstance(event, Data):
                    assert event.data
                    body += event.data
                else:
                    events.append(event)
    except DOCUMENTED as error:
        return Outcome(tuple(events), bytes(body), f"{type(error).__name__}: {error}")
    return Outcome(
        tuple(events), bytes(body), "end" if events and isinstance(events[-1], EndOfMessage) else ""
    )


def responses(random: Random) -> Iterator[bytes]:
    """Yield responses without end, right ones and wrong."""
    while True:
        data = bytearray(random.choice(HEADS) + random.choice(FRAMINGS))
        for _ in range(random.choice((0, 1, 1, 1, 2, 3, 8))):
            at, width = random.randrange(len(data) + 1), random.choice((0, 0, 1, 1, 2, 8))
            word = random.choice(WORDS) if random.random() < 0.7 else random.randbytes(random.randrange(4))
            data[at : at + width] = word
        yield bytes(data)


def split(data: bytes, random: Random) -> list[bytes]:
    """Cut it at some places."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(6)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def fuzz(count: int, seed: int) -> Counter[str]:
    """Parse so many responses, whole and split; return how often each came to which end."""
    random, tally = Random(seed), Counter[str]()
    for number, data in zip(range(count), responses(random), strict=False):
        method = random.choice(("GET", "GET", "GET", "HEAD"))
        pieces = split(data, random)
        try:
            whole, parts = outcome([data], method), outcome(pieces, method)
            assert whole == parts, (whole, parts)
            assert whole.ended, "neither whole nor wrong"
            codes = [event.status.code for event in whole.events if isinstance(event, Interim)]
            assert all(100 <= code < 200 for code in codes)
        except (Exception, CallFailed):
            print(f"response {number} of seed {seed}: {pieces!r}", file=sys.stderr)
            raise
        tally[whole.ended.partition(":")[0]] += 1
    return tally


def summary(tally: Counter[str], seed: int, seconds: float) -> str:
    """Say it in a line."""
    ends = ", ".join(f"{name} {count}" for name, count in tally.most_common())
    run = f"{tally.total()} responses, {seconds:.0f} seconds, seed {seed}, Python {sys.version.split()[0]}"
    return f"{run}: {ends}; no other exception"


if __name__ == "__main__":
    COUNT, SEED = (*map(int, sys.argv[1:]), *(1_000_000, 1)[len(sys.argv) - 1 :])
    BEGAN = time.monotonic()
    TALLY = fuzz(COUNT, SEED)
    print(summary(TALLY, SEED, time.monotonic() - BEGAN))
