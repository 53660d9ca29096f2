"""TCP has no message boundaries: however the bytes are split, they mean the same.

::

    sockproto check greeting 127.0.0.1:9999 --only splits
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sockproto.check.bare import NOT_APART
from sockproto.check.registry import SENSE, case
from sockproto.check.spoken import LINES, TALKERS
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, TooSlow, shown

QUIET_SECONDS = 0.01
"""A pause of half a greeting server's quiet period, which begins a new message."""

ROUNDS = 3
"""A busy server may read at once what was sent apart."""

TCP = "RFC 9293, 3.8: a stream of bytes, without boundaries"


def sent_at_once(subject: Subject) -> list[Sequence[bytes]]:
    """Return the messages of a short dialogue, those together that the server may be sent at once."""
    messages = subject.habit.dialogue
    return [messages] if subject.habit.apart else [[message] for message in messages]


@dataclass
class Pace:
    """How evenly something was sent.

    Attributes:
        pause: The longest time between two pieces of a message, in seconds.
    """

    pause: float = 0.0


def evenly(subject: Subject, attempt: Callable[[Pace], None]) -> None:
    """Send something in pieces and judge the answer; do it again as long as this machine pauses within it.

    A greeting server may take a pause for the end of a message: what it answers then is not wrong.

    Args:
        subject: The server.
        attempt: Connects, sends, notes the longest pause and judges what comes back.

    Raises:
        TooSlow: There was a pause each time, until the case's time was over.
    """
    paused = False
    while subject.deadline.left or not paused:
        pace = Pace()
        try:
            attempt(pace)
            return
        except TooSlow:
            if not paused:
                raise
        except Failed:
            if subject.protocol != "greeting" or pace.pause < QUIET_SECONDS:
                raise
            paused = True
    raise TooSlow(f"this machine can't send two pieces within {1_000 * QUIET_SECONDS:.0f} ms")


def in_pieces(subject: Subject, pieces: Sequence[bytes], expected: bytes) -> None:
    """Send pieces on a new connection; what comes back must be as expected."""

    def attempt(pace: Pace) -> None:
        with subject.open() as stream:
            pace.pause = stream.send_pieces(pieces)
            stream.expect(expected)

    try:
        evenly(subject, attempt)
    except Failed as failure:
        how = " | ".join(shown(piece, 12) for piece in pieces[:6]) + " | …" * (len(pieces) > 6)
        reason = f"sent as {how}: {failure.reason}"
        raise Failed(reason, failure.sent, failure.expected, failure.received) from failure


@case(*TALKERS, source=TCP, single=True)
def each_two_way_split(subject: Subject) -> None:
    """A short dialogue, split in two at every byte, is answered like the whole."""
    for messages in sent_at_once(subject):
        script = b"".join(messages)
        for place in range(1, len(script)):
            in_pieces(subject, [script[:place], script[place:]], subject.answers(messages))


@case(*TALKERS, source=TCP, single=True)
def byte_by_byte(subject: Subject) -> None:
    """A short dialogue that is sent byte by byte is answered like the whole."""
    for _ in range(ROUNDS):
        for messages in sent_at_once(subject):
            script = b"".join(messages)
            pieces = [script[place : place + 1] for place in range(len(script))]
            in_pieces(subject, pieces, subject.answers(messages))


@case(*TALKERS, source=TCP, single=True)
def random_cuts(subject: Subject) -> None:
    """A short dialogue that is cut anywhere is answered like the whole."""
    chance = random.Random(862)  # the same cuts each time
    for _ in range(3 if subject.quick else 30):
        for messages in sent_at_once(subject):
            script = b"".join(messages)
            cuts = chance.sample(range(1, len(script)), min(4, len(script) - 1))
            pieces = [script[start:end] for start, end in pairwise([0, *sorted(cuts), len(script)])]
            in_pieces(subject, pieces, subject.answers(messages))


@case(*TALKERS, source=TCP)
def all_in_one_segment(subject: Subject) -> None:
    """Several messages in one segment are answered one by one."""
    if not subject.habit.apart:
        raise Open(NOT_APART)
    messages = subject.habit.dialogue
    in_pieces(subject, [b"".join(messages)], subject.answers(messages))


@case(*LINES, source=TCP)
def a_split_newline(subject: Subject) -> None:
    """CR and LF in two segments end one message, not two."""
    message = {"greeting": b"Ann\r\n", "command": b"/version\r\n"}[subject.protocol]
    if not subject.habit.apart:
        in_pieces(subject, [message[:-1], message[-1:]], subject.answer(message))
        return
    pieces = [message[:-1], message[-1:] + message[:-1], message[-1:]]
    in_pieces(subject, pieces, subject.answers([message, message]))


@case("greeting", "command", "echo", source=SENSE, single=True)
def a_split_character(subject: Subject) -> None:
    """A character of several bytes, split across two segments, comes back whole."""
    before = {"command": b"/echo "}.get(subject.protocol, b"")
    text = before + "é€😀".encode()
    message = subject.habit.line(text)
    for place in range(len(before) + 1, len(text)):
        in_pieces(subject, [message[:place], message[place:]], subject.answers([message]))
