"""Clients that are gone all at once, as after a crash: the others must not notice.

::

    sockproto check echo 127.0.0.1:7 --only resets
"""

from sockproto.check.body import Body
from sockproto.check.cases.many import judge_descriptors
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.spoken import PROTOCOLS, TALKERS
from sockproto.check.subject import Subject
from sockproto.check.wire import StreamClient

TIMES = 20


@case(*PROTOCOLS, SCRIPT, source=SENSE, independent=True)
def at_once(subject: Subject) -> None:
    """Clients that cut the connection as soon as it is made harm nobody."""
    for _ in range(TIMES):
        subject.connect().reset()
    subject.still_serves(f"{TIMES} connections that were cut at once")


@case(*PROTOCOLS, SCRIPT, source=SENSE, independent=True)
def in_the_middle(subject: Subject) -> None:
    """Clients that cut the connection in the middle of a message harm nobody."""
    for _ in range(TIMES):
        stream = subject.open()
        stream.send(subject.half())
        stream.reset()
    subject.still_serves(f"{TIMES} connections that were cut in the middle of a message")


@case(*TALKERS, "chargen", SCRIPT, source=SENSE, independent=True, needs="pipelines")
def with_answers_unread(subject: Subject) -> None:
    """Clients that cut the connection while they are being answered harm nobody."""
    for _ in range(TIMES):
        stream = subject.open()
        _send_much(subject, stream)
        stream.reset()
    subject.still_serves(f"{TIMES} connections that were cut with answers unread")


@case(*PROTOCOLS, SCRIPT, source=SENSE, independent=True)
def no_descriptor_is_lost(subject: Subject) -> None:
    """Connections that are cut leave no descriptors open, however many there are."""
    after = f"{TIMES} connections that were cut"

    def cut() -> None:
        for _ in range(TIMES):
            subject.open().reset()
        subject.still_serves(after)  # now it has seen them all

    subject.still_serves("nothing")  # what it opens once, it opens for the first
    cut()
    judge_descriptors(subject, cut, after)


def _send_much(subject: Subject, stream: StreamClient) -> None:
    """Send what has many answers, and read none."""
    if subject.protocol == SCRIPT:
        block = b"".join(step.send for step in subject.script.rounds(1_000))
        stream.send(Body(block).part(0, 8_000))
    elif subject.protocol != "chargen":
        block = b"".join(subject.habit.name(number) for number in range(1_000))
        stream.send(Body(block).part(0, 8_000))
