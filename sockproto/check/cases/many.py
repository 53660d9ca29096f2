"""Many clients at once, and many after each other: each is served, with what is its own, and leaves nothing.

::

    sockproto check echo 127.0.0.1:7 --only many
"""

import time
from collections.abc import Callable, Sequence

from sockproto.check.bare import greeted
from sockproto.check.cases.splits import Pace, evenly
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT, speaking
from sockproto.check.spoken import PROTOCOLS, TALKERS
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open
from sockproto.check.wire import StreamClient
from sockproto.plain.deadline import Deadline

LEAKED_BYTES = 8 << 20
"""What a server may need more after hundreds of connections than after some dozens."""

LATE_SECONDS, LATE = 0.9, 3
"""TCP tries again after a second if the queue is full; after this many seconds the result is known."""

FEW_DESCRIPTORS, CROWD = 5, 15

ROUNDS = 3
"""What is kept for use again, such as a pool's pipes, is opened in the first; a leak grows in each."""


def serve_all(subject: Subject, streams: Sequence[StreamClient]) -> None:
    """Have each client served: all ask, then all read."""
    if subject.protocol == SCRIPT:
        speaking.serve_all(subject.script, streams)
        return
    if subject.protocol in TALKERS or subject.protocol == "discard":
        for number, stream in enumerate(streams):
            stream.send(subject.habit.name(number))
    if subject.protocol == "discard":
        streams[0].expect_silence()
    for number, stream in enumerate(streams):
        if subject.protocol in TALKERS:
            stream.expect(subject.answer(subject.habit.name(number)))
        elif subject.protocol == "discard":
            stream.expect_silence(0)
        elif subject.protocol == "chargen":
            stream.receive(100)
        elif reason := subject.habit.wrong(stream.until_end(), time.time()):
            raise Failed(f"of {len(streams)} clients at once number {number + 1} is not served: {reason}")


def fewer(subject: Subject, count: int) -> int:
    """Return how many messages are answered in turn: fewer if each has to wait for a pause."""
    return count if subject.habit.apart else count // 5


def judge_descriptors(subject: Subject, serve: Callable[[], None], after: str) -> None:
    """Complain if more and more descriptors stay open.

    Args:
        subject: The server, which has served clients like these before.
        serve: Has it serve clients.
        after: What they are.
    """
    found = []
    for _ in range(ROUNDS):
        before = subject.settled(subject.started.descriptors)
        serve()
        if subject.becomes(lambda: subject.started.descriptors() <= before, 1 / ROUNDS):  # noqa: B023
            return
        found.append(str(subject.started.descriptors() - before))
    raise Failed(f"{' and '.join(found)} descriptors more are open after {after}, {ROUNDS} times")


@case(*PROTOCOLS, SCRIPT, source=SENSE, single=True)
def all_are_served(subject: Subject) -> None:
    """Many clients that are connected at the same time (200; 50 with ``--quick``) are all served."""
    count, late = 50 if subject.quick else 200, 0
    streams: list[StreamClient] = []
    while len(streams) < count and late < LATE:
        began = time.monotonic()
        streams.append(subject.open())
        late += time.monotonic() - began >= LATE_SECONDS
    serve_all(subject, streams)
    if late:
        raise Open("some of many who come at once wait for a second: its queue, as for listen(), is short")


@case(*TALKERS, source=SENSE)
def each_gets_its_own_answers(subject: Subject) -> None:
    """Of many clients that send many messages at once each gets the answers to its own, in order."""
    clients, rounds = 20, fewer(subject, 20 if subject.quick else 100)
    streams = [subject.open() for _ in range(clients)]
    at_once = rounds if subject.habit.together else 1
    for first in range(0, rounds, at_once):
        asked = [
            [subject.habit.name(1_000 * client + number) for number in range(first, first + at_once)]
            for client in range(clients)
        ]
        for messages in zip(*asked, strict=True):
            for stream, message in zip(streams, messages, strict=True):
                stream.send(message)
        for stream, its in zip(streams, asked, strict=True):
            stream.expect(subject.answers(its))


@case(*TALKERS, source=SENSE)
def halves_are_not_mixed(subject: Subject) -> None:
    """Of two clients that send a message in halves, in turn, each is answered its own."""
    messages = [subject.habit.name(1), subject.habit.name(2)]
    half = len(messages[0]) - 4

    def attempt(pace: Pace) -> None:
        with subject.open() as one, subject.open() as two:
            streams, began = (one, two), []
            for stream, message in zip(streams, messages, strict=True):
                began.append(time.monotonic())
                stream.send(message[:half])
                time.sleep(subject.patience.pause)  # so that the server reads it apart
            for stream, message, since in zip(streams, messages, began, strict=True):
                stream.send(message[half:])
                pace.pause = max(pace.pause, time.monotonic() - since)
                time.sleep(subject.patience.pause)
            for stream, message in zip(streams, messages, strict=True):
                if subject.habit.together:
                    stream.expect(subject.answer(message))
                else:
                    greeted(stream, message)

    for _ in range(ROUNDS):  # a busy server may read both halves of one at once
        evenly(subject, attempt)


@case(*PROTOCOLS, SCRIPT, source=SENSE, single=True)
def no_descriptor_is_left(subject: Subject) -> None:
    """After hundreds of connections that were served and closed no more descriptors are open than before."""
    count = fewer(subject, 100 if subject.quick else 500)
    _serve_some(subject, 20)
    judge_descriptors(subject, lambda: _serve_some(subject, count), f"{count} connections that were closed")


@case(*PROTOCOLS, SCRIPT, source=SENSE, single=True)
def no_memory_is_left(subject: Subject) -> None:
    """Hundreds of connections that were served and closed cost less than some kilobytes each for good."""
    _serve_some(subject, 50)
    before = subject.settled(subject.started.memory_bytes)
    count = fewer(subject, 100 if subject.quick else 500)
    _serve_some(subject, count)
    grown = subject.settled(subject.started.memory_bytes) - before
    if grown > LEAKED_BYTES:
        raise Failed(
            f"{count} connections that were closed have cost {grown / 1e6:,.0f} MB of memory for good"
        )


@case(*PROTOCOLS, SCRIPT, source=SENSE, quick=False, independent=True)
def descriptors_run_out(subject: Subject) -> None:
    """A server that can open no more descriptors for a while serves again when it can."""
    with subject.another() as other:
        other.still_serves("its start")
        with other.started.few_descriptors(FEW_DESCRIPTORS):
            try:
                crowd = [other.connect() for _ in range(CROWD)]
                crowd[-1].what_comes(1)  # so that it has tried to accept them
            except Failed:  # it turns them away, or no more fit into its queue
                pass
            other.close()
        due = Deadline(min(subject.patience.answer, subject.deadline.left))
        while True:
            try:
                return other.still_serves("a time in which it could open no more descriptors")
            except Failed:  # it may still be busy with those that it had to turn away
                if not due.left:
                    raise
                time.sleep(0.02)


def _serve_some(subject: Subject, count: int) -> None:
    """Serve that many clients, one after the other: some servers can do no more."""
    for _ in range(count):
        with subject.open() as stream:
            if subject.protocol != "discard":
                serve_all(subject, [stream])
    subject.still_serves(f"{count} connections that were closed")  # and so has seen them all
