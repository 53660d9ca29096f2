"""A client that sends and sends, and never reads: the server must wait for it, or cut it off.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only never-reads
"""

import contextlib
import time
from collections.abc import Callable
from itertools import chain, repeat

from sockproto.check.cases.never_reads import STOPPED
from sockproto.check.cases.scripted.pipelining import MESSAGES, rounds
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.script.dialogue import ScriptStep
from sockproto.check.script.speaking import exchange, hear
from sockproto.check.stream import StreamClient
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, Skipped
from sockproto.check.wire import WasReset

OWED_BYTES = 8 << 20
"""More than both kernels hold of answers that nobody reads."""

CLIENTS, GROWN_BYTES = 3, 8 << 20
"""How many more bytes a server may need in all while these clients do not read."""

READ_BYTES = 4 << 20
"""How much is owed to a client that begins to read late, at most."""

HOLDS_BYTES = 1 << 16
"""What our kernel holds of them."""

ROUNDS = 64
SLICE_BYTES = 1 << 16
SLOW = 0.5
"""A server that needs more than this part of a case's time to answer what it is sent is slow."""

SHARE = 0.2
"""Such a one is sent what it answers in this part of it: it is to be there for the next case."""


def block(subject: Subject) -> list[ScriptStep]:
    """Return what is sent again and again."""
    return subject.script.rounds(ROUNDS)


def sent_by(steps: list[ScriptStep]) -> bytes:
    """Return the bytes that are sent."""
    return b"".join(step.send for step in steps)


def for_owed(steps: list[ScriptStep], owed: int) -> int:
    """Return how many bytes to send so that the answers have at least that many bytes."""
    due = sum(step.reply.least for step in steps)
    return len(sent_by(steps)) * (-(-owed // max(due, 1)))


def most_bytes(subject: Subject, limit: int) -> int:
    """Return how many bytes a server is sent: of a slow one fewer than the limit."""
    steps, took = subject.script.rounds(rounds(subject, MESSAGES)), []
    try:
        with subject.open() as stream:
            for _ in range(3):
                began = time.monotonic()
                exchange(stream, steps, pipelined=True)
                took.append(time.monotonic() - began)
    except Failed:  # that is another case's
        return limit
    speed, left = len(sent_by(steps)) / min(took), subject.deadline.left
    return limit if limit / speed <= SLOW * left else int(speed * SHARE * left)


def fill(
    subject: Subject, stream: StreamClient, owed: int, look: Callable[[], None] = lambda: None
) -> tuple[int, str]:
    """Send and read nothing.

    Args:
        subject: The server.
        stream: The connection.
        owed: How many bytes of answers are owed in the end, at least, if the server takes all.
        look: Called again and again meanwhile.

    Returns:
        How many bytes the server took, and why no more: it ``stopped``, that was ``all``, or it is too
        ``slow`` to be sent more, which it would still be reading for cases to come.

    Raises:
        WasReset: The server cuts the connection.
    """
    data, sent, limit = sent_by(block(subject)), 0, for_owed(block(subject), owed)
    silence, most = STOPPED * subject.patience.silence, most_bytes(subject, limit)
    while sent < limit:
        if sent >= most:
            return sent, "slow"
        part = min(SLICE_BYTES, limit - sent)
        took = stream.push(data, part, silence, sent)
        sent += took
        look()
        if took < part:
            return sent, "stopped"
    return sent, "all"


@case(SCRIPT, source=SENSE, independent=True, needs="pipelines")
def memory_is_bounded(subject: Subject) -> None:
    """Clients that do not read cost the server no more than some megabytes of memory."""
    before = subject.started.memory_bytes()

    def look() -> None:
        if (grown := subject.started.memory_bytes() - before) > GROWN_BYTES:
            raise Failed(f"clients that do not read have cost {grown / 1e6:,.0f} MB of memory so far")

    for _ in range(CLIENTS):
        with contextlib.suppress(WasReset):  # that bounds it, too
            taken, why = fill(subject, subject.open(holds=HOLDS_BYTES), OWED_BYTES, look)
            if why == "slow":
                raise Open(f"it has taken {taken:,} bytes, and is too slow to be sent more")


@case(SCRIPT, source=SENSE, independent=True, needs="pipelines")
def it_stops_reading(subject: Subject) -> None:
    """While a client does not read its answers, the server stops reading what it sends."""
    try:
        taken, why = fill(subject, subject.open(holds=HOLDS_BYTES), OWED_BYTES)
    except WasReset:
        raise Open("it cuts the connection of a client that reads no answer") from None
    if why == "all":
        raise Failed(
            f"the server took {taken:,} bytes from a client that read no answer: it buffers without end"
        )
    if why == "slow":
        raise Open(f"it has taken {taken:,} bytes, and is too slow to say whether it ever stops")


@case(SCRIPT, source=SENSE, needs="pipelines")
def all_answers_come_in_the_end(subject: Subject) -> None:
    """A client that begins to read late gets every answer, whole."""
    steps = block(subject)
    data = sent_by(steps)
    stream = subject.open(holds=HOLDS_BYTES)
    try:
        taken, _ = fill(subject, stream, READ_BYTES)
    except WasReset:
        raise Skipped("it cuts the connection of a client that reads no answer") from None
    times, rest = -(-taken // len(data)), data[taken % len(data) :] if taken % len(data) else b""
    hear(stream, chain.from_iterable(repeat(steps, times)), rest)


@case(SCRIPT, source=SENSE, independent=True, needs="pipelines")
def others_are_served(subject: Subject) -> None:
    """While a client does not read, others are served."""
    with contextlib.suppress(WasReset):
        fill(subject, subject.open(holds=HOLDS_BYTES), READ_BYTES)
    subject.still_serves("a client that does not read")
