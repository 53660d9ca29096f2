"""TCP has no message boundaries: however the bytes are split, they mean the same.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only splits
"""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from sockproto.check.cases.splits import TCP
from sockproto.check.registry import case
from sockproto.check.script import SCRIPT
from sockproto.check.script.dialogue import ScriptStep
from sockproto.check.script.speaking import greet, hear
from sockproto.check.stream import StreamClient
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, shown

PLACES = 100
"""At how many places messages are split at most."""

PIECES_BYTES = 1_000
"""Of a longer message, only this many bytes are sent one by one."""


def in_pieces(stream: StreamClient, pieces: Sequence[bytes], steps: Sequence[ScriptStep]) -> None:
    """Send pieces; the replies that are due must come."""
    stream.send_pieces([piece for piece in pieces if piece])
    try:
        hear(stream, steps)
    except Failed as failure:
        how = " | ".join(shown(piece, 12) for piece in pieces[:6]) + " | …" * (len(pieces) > 6)
        reason = f"sent as {how}: {failure.reason}"
        raise type(failure)(reason, failure.sent, failure.expected, failure.received) from failure


def each_in_pieces(subject: Subject, cut: Callable[[bytes], Sequence[bytes]]) -> None:
    """Have a dialogue in which each message is cut, on a new connection."""
    with subject.connect() as stream:
        greet(subject.script, stream)
        for step in subject.script.dialogue():
            in_pieces(stream, cut(step.send), [step])


def byte_for_byte(message: bytes) -> list[bytes]:
    """Return each byte apart; of a long message the rest in one."""
    few = message[:PIECES_BYTES]
    return [few[place : place + 1] for place in range(len(few))] + [message[PIECES_BYTES:]]


def at_random(message: bytes, chance: random.Random, cuts: int) -> list[bytes]:
    """Return a message cut at some places."""
    places = sorted(chance.sample(range(1, len(message)), min(cuts, len(message) - 1)))
    return [message[start:end] for start, end in pairwise([0, *places, len(message)])]


@case(SCRIPT, source=TCP, needs="splits")
def each_two_way_split(subject: Subject) -> None:
    """Messages that are split in two, at every byte, are answered like whole ones."""
    longest = max(len(step.send) for step in subject.script.dialogue())
    for place in range(1, longest, -(-longest // PLACES)):
        each_in_pieces(subject, lambda message: (message[:place], message[place:]))  # noqa: B023  # called at once


@case(SCRIPT, source=TCP, needs="talks")
def byte_by_byte(subject: Subject) -> None:
    """Messages that are sent byte by byte are answered like whole ones."""
    each_in_pieces(subject, byte_for_byte)


@case(SCRIPT, source=TCP, needs="talks")
def random_cuts(subject: Subject) -> None:
    """Messages that are cut anywhere are answered like whole ones."""
    chance = random.Random(862)  # the same cuts each time
    for _ in range(3 if subject.quick else 30):
        each_in_pieces(subject, lambda message: at_random(message, chance, 4))


@case(SCRIPT, source=TCP, needs="pipelines")
def cuts_between_messages_too(subject: Subject) -> None:
    """Several messages, cut anywhere, so that a segment has the end of one and the beginning of the next."""
    chance, steps = random.Random(863), subject.script.rounds(3)
    for _ in range(3 if subject.quick else 30):
        with subject.open() as stream:
            in_pieces(stream, at_random(b"".join(step.send for step in steps), chance, len(steps) + 1), steps)


@case(SCRIPT, source=TCP, needs="pipelines")
def all_in_one_segment(subject: Subject) -> None:
    """Several messages in one segment are answered one by one."""
    steps = subject.script.rounds(3)
    in_pieces(subject.open(), [b"".join(step.send for step in steps)], steps)
