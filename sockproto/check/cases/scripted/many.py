"""Many clients at once: each gets what is its own, where the script's ``{number}`` tells it apart.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only many
"""

import time

from sockproto.check.cases.many import ROUNDS
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import hear
from sockproto.check.subject import Subject

CLIENTS = 20


@case(SCRIPT, source=SENSE, needs="talks")
def each_gets_its_own_answers(subject: Subject) -> None:
    """Of many clients that send at the same time each gets the answers to its own messages, in order."""
    streams = [subject.open() for _ in range(CLIENTS)]
    for turn in range(5 if subject.quick else 25):
        for step in subject.script.steps:
            steps = [step.numbered(1_000 * client + turn) for client in range(CLIENTS)]
            for stream, its in zip(streams, steps, strict=True):
                stream.send(its.send)
            for stream, its in zip(streams, steps, strict=True):
                hear(stream, [its])


@case(SCRIPT, source=SENSE, needs="talks")
def halves_are_not_mixed(subject: Subject) -> None:
    """Of two clients that send a message in halves, in turn, each is answered its own."""
    for turn in range(ROUNDS):  # a busy server may read both halves of one at once
        with subject.open() as one, subject.open() as two:
            for step in subject.script.steps:
                pairs = [(one, step.numbered(2 * turn)), (two, step.numbered(2 * turn + 1))]
                for stream, its in pairs:
                    stream.send(its.half)
                    time.sleep(subject.patience.pause)  # so that the server reads it apart
                for stream, its in pairs:
                    stream.send(its.send[len(its.half) :])
                for stream, its in pairs:
                    hear(stream, [its])
