"""Lines that are longer than anybody needs: answered, or refused in a way that harms nobody.

No specification says how long a line may be, so a refusal is not wrong; silence is, and memory without end.

::

    sockproto check command 127.0.0.1:9999 --only long-messages
"""

import contextlib

from sockproto.check.bare import NOT_APART, greeted
from sockproto.check.habit import payload
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.spoken import LINES
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, edges, shown
from sockproto.check.wire import Ended, Silent, StreamClient, WasReset

BEFORE = {"command": b"/echo "}
BLOCK = b"x" * 65_536
GROWN_BYTES = 48 << 20
"""What a server may need more, in all, for lines that do not end: Node has 35 MB of garbage."""

CLIENTS = 4
SENT_BYTES = 32 << 20
"""What each of them sends, at most: together much more than a server may need."""


def long_line(subject: Subject, size: int) -> bytes:
    """Return a line of this many bytes, without counting its newline."""
    before = BEFORE.get(subject.protocol, b"")
    return subject.habit.line(before + b"x" * (size - len(before)))


def endless(subject: Subject, size: int) -> StreamClient:
    """Return a connection on which the beginning of a line was sent, as much of it as the server takes."""
    stream = subject.open()
    with contextlib.suppress(WasReset):  # that ends it, too
        stream.send(BEFORE.get(subject.protocol, b""))
        stream.push(BLOCK, size, subject.patience.silence)
    return stream


@case(*LINES, source=SENSE, single=True)
def a_thousand_bytes(subject: Subject) -> None:
    """A line of 1,000 bytes is answered like a short one."""
    message = long_line(subject, 1_000)
    stream = subject.open()
    stream.send(message)
    stream.expect(subject.answer(message))


@case(*LINES, source=SENSE)
def sixty_thousand_bytes(subject: Subject) -> None:
    """A line of 60,000 bytes is answered like a short one."""
    message = long_line(subject, 60_000)
    stream = subject.open()
    if not subject.habit.together:
        stream.push(message, len(message), subject.patience.answer)
        if (parts := greeted(stream, message)) > 1:
            raise Open(f"a name of 60,000 bytes is greeted in {parts} parts")
        return
    try:
        stream.exchange(message, subject.answer(message))
    except WasReset:
        raise Open("a line of 60,000 bytes is too long for it: it cuts the connection") from None
    except Failed as failure:
        said = failure.received or b""
        if said[:5].lower() == b"error" or (isinstance(failure, Ended) and not said):
            raise Open(f"a line of 60,000 bytes is too long for it: {shown(said)}, then the end") from None
        raise


@case(*LINES, source=SENSE)
def a_megabyte(subject: Subject) -> None:
    """A line of 1 MiB is answered, or refused; the next one is answered, unless the stream ends."""
    message, after = long_line(subject, 1 << 20), subject.habit.name(1)
    expected = subject.answer(after)
    stream = subject.open()
    if not subject.habit.together:
        _judge_bare_megabyte(subject, stream, message)
        return
    try:
        stream.push(message + after, len(message + after), subject.patience.answer)
        said = stream.until(expected, 2 << 20)
    except WasReset:
        return
    rest = said.removesuffix(expected)
    if rest == said == b"" or rest == subject.answer(message):
        return
    if not rest:
        raise Open("a line of 1 MiB gets no answer at all; the next one does")
    if rest[:5].lower() != b"error" or rest.count(b"\n") > 1:
        raise Failed(f"{shown(rest)} answers a line of 1 MiB", edges(message), None, edges(rest))


def _judge_bare_megabyte(subject: Subject, stream: StreamClient, message: bytes) -> None:
    """Judge what answers a megabyte where names are not told apart: it, its parts, an error or the end."""
    try:
        stream.push(message, len(message), subject.patience.answer)
        said = stream.what_comes(2 << 20, subject.patience.answer)
        if not said:
            stream.expect_end()
            return
    except WasReset:
        return
    if said[:5].lower() == b"error" or said == subject.answer(message):
        return
    if payload(said) != payload(message):
        raise Failed(f"{shown(said)} answers a name of 1 MiB", edges(message), None, edges(said))
    raise Open(f"a name of 1 MiB is greeted in {said.count(b'Hello, ')} parts")


@case(*LINES, SCRIPT, source=SENSE, independent=True)
def a_line_without_end_is_ended(subject: Subject) -> None:
    """A client that sends a line that does not end is disconnected."""
    size = (16 if subject.quick else 64) << 20
    try:
        stream = endless(subject, size)
        if not subject.habit.together and stream.what_comes(1 << 18).count(b"Hello, ") > 1:
            raise Open("what comes without end is greeted in parts, which costs no memory")
        stream.until_end()
    except WasReset:
        return
    except Failed as failure:
        raise Failed(f"a line without end is sent: {failure.reason}", *_bytes(failure)) from failure


@case(*LINES, source=SENSE)
def what_came_before_is_answered(subject: Subject) -> None:
    """A message before a line that does not end is answered, and the answer arrives."""
    if not subject.habit.together:
        raise Open(NOT_APART)
    message = subject.habit.name(1)
    expected = subject.answer(message)
    outgoing = message + BEFORE.get(subject.protocol, b"") + 4 * BLOCK
    stream = subject.open()
    with contextlib.suppress(WasReset):  # what was answered before that can still be read
        stream.push(outgoing, len(outgoing), subject.patience.silence)
    said = stream.receive(len(expected))
    if said != expected:
        raise Failed("another answer came", edges(outgoing), expected, said)


@case(*LINES, SCRIPT, source=SENSE, independent=True)
def others_do_not_notice(subject: Subject) -> None:
    """While clients send lines that do not end, and afterwards, others are served."""
    for _ in range(CLIENTS):
        endless(subject, 1 << 20)
    subject.still_serves(f"{CLIENTS} lines without end")
    subject.close()
    subject.still_serves(f"the end of {CLIENTS} clients that sent lines without end")


@case(*LINES, "discard", SCRIPT, source=SENSE, independent=True)
def memory_is_bounded(subject: Subject) -> None:
    """What comes without end costs the server no more than some dozens of megabytes of memory."""
    before = subject.started.memory_bytes()
    for clients in range(CLIENTS):
        try:
            endless(subject, SENT_BYTES)
        except Silent:
            if not clients:
                raise
            return  # it serves one at a time
        grown = subject.settled(subject.started.memory_bytes) - before
        if grown > GROWN_BYTES:
            raise Failed(f"lines without end have cost {grown / 1e6:,.0f} MB of memory so far")


def _bytes(failure: Failed) -> tuple[bytes | None, bytes | None, bytes | None]:
    return failure.sent, failure.expected, failure.received
