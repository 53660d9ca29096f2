"""A client that sends and sends, or is sent without end, and never reads: the server must wait for it.

::

    sockproto check echo 127.0.0.1:7 --only never-reads
"""

import contextlib
import time

from sockproto.check.bare import greeted
from sockproto.check.body import Body, difference
from sockproto.check.registry import SENSE, case
from sockproto.check.spoken import CHARGEN, TALKERS
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, shown
from sockproto.check.wire import Ended, StreamClient, WasReset

GROWN_BYTES = 16 << 20
"""What a server may need more, in all, while its clients do not read."""

PARTS = 2
ONE_NAME = "what comes without a pause is one name to it, and too long for one"

LOOKS = 10

STOPPED = 3
"""How many silences the server must read nothing for, so that it is not only slow."""


def block(subject: Subject) -> tuple[bytes, bytes]:
    """Return 64 KiB of different messages, and the answers to them."""
    before = {"command": b"/echo "}.get(subject.protocol, b"")
    messages = [before + b"%04d" % number + b"x" * 1_000 + b"\n" for number in range(64)]
    return b"".join(messages), subject.answers(messages)


def fill(subject: Subject, stream: StreamClient) -> int:
    """Send and read nothing until the server stops reading; return how many bytes it took.

    What it takes before that is held by the two kernels: some megabytes, if the server is right.
    """
    limit = (32 if subject.quick else 64) << 20
    return stream.push(block(subject)[0], limit, STOPPED * subject.patience.silence)


# First, for a server that has filled its memory once may use that again.
@case(*TALKERS, "chargen", source=SENSE, independent=True)
def memory_is_bounded(subject: Subject) -> None:
    """Clients that do not read cost the server no more than some megabytes of memory."""
    before = subject.started.memory_bytes()
    for _ in range(2):
        stream = subject.connect()
        for _ in range(LOOKS):
            if subject.protocol == "chargen":
                time.sleep(subject.patience.silence / LOOKS)
            else:
                stream.push(block(subject)[0], 4 << 20, subject.patience.silence / LOOKS)
            grown = subject.started.memory_bytes() - before
            if grown > GROWN_BYTES:
                raise Failed(f"clients that do not read have cost {grown / 1e6:,.0f} MB of memory so far")


@case(*TALKERS, source=SENSE, independent=True)
def it_stops_reading(subject: Subject) -> None:
    """While a client does not read its answers, the server stops reading what it sends."""
    stream = subject.open()
    taken = fill(subject, stream)
    if taken >= (32 if subject.quick else 64) << 20:
        if not subject.habit.together:
            _see_greetings(stream)
        raise Failed(
            f"the server took {taken:,} bytes from a client that read no answer: it buffers without end"
        )


@case(*TALKERS, source=SENSE)
def all_answers_come_in_the_end(subject: Subject) -> None:
    """A client that begins to read when the server has stopped reading gets every answer, whole."""
    messages, answers = block(subject)
    stream = subject.open()
    taken = fill(subject, stream)
    if not subject.habit.together:
        try:
            greeted(stream, (messages * (taken // len(messages) + 1))[:taken])
        except (Ended, WasReset) as failure:
            if (failure.received or b"").count(b"Hello, ") < PARTS:
                raise Open(ONE_NAME) from None
            raise
        return
    times = -(-taken // len(messages))
    rest = messages[taken % len(messages) :] if taken % len(messages) else b""
    stream.exchange(rest, Body(answers, times * len(answers)))


def _see_greetings(stream: StreamClient) -> None:
    """See that what was sent is greeted, in parts, while it comes.

    Raises:
        Open: It is not: it was too long for a name.
    """
    said = b""
    with contextlib.suppress(WasReset):
        said = stream.what_comes(1 << 18)
    if said.count(b"Hello, ") < PARTS:
        raise Open(ONE_NAME)


@case("chargen", source=SENSE)
def no_character_is_left_out(subject: Subject) -> None:
    """A client that begins to read late gets the characters without a gap."""
    stream = subject.connect()
    time.sleep(subject.patience.silence)
    first = stream.receive(200)
    place = (2 * CHARGEN).find(first)
    if place < 0:
        raise Open(f"the characters are not in the pattern that the RFC shows: {shown(first, 76)}")
    place = (place + len(first)) % len(CHARGEN)
    body, came = Body(CHARGEN[place:] + CHARGEN[:place], 1 << 40), 0
    while came < 16 << 20:
        data = stream.receive_some()
        place = difference(body.part(came, len(data)), data)
        if place < len(data) or not data:
            reason = f"the characters have a gap, or end, {came + place:,} bytes after the first"
            raise Failed(reason, None, body.around(came + place), data[max(0, place - 32) :][:64])
        came += len(data)


@case(*TALKERS, "chargen", source=SENSE, independent=True)
def others_are_served(subject: Subject) -> None:
    """While a client does not read, others are served."""
    stream = subject.connect()
    if subject.protocol == "chargen":
        time.sleep(subject.patience.silence)
    else:
        fill(subject, stream)
    subject.still_serves("a client that does not read")
