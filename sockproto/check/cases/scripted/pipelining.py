"""Clients that don't wait for an answer before they send on.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only pipelining
"""

from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import close, exchange
from sockproto.check.subject import Subject

MESSAGES = 1_000
MOST_BYTES = 1 << 20


def rounds(subject: Subject, messages: int) -> int:
    """Return how often to repeat the dialogue, for that many messages or a megabyte of them."""
    size = sum(len(step.send) for step in subject.script.steps)
    return max(1, min(messages // len(subject.script.steps), MOST_BYTES // size))


@case(SCRIPT, source=SENSE, needs="pipelines")
def every_answer_in_order(subject: Subject) -> None:
    """Of many messages that are sent at once each is answered, once and in order."""
    stream = subject.open()
    exchange(stream, subject.script.rounds(rounds(subject, MESSAGES)), pipelined=True)
    stream.expect_silence()


@case(SCRIPT, source=SENSE, needs="pipelines")
def the_last_answer_is_not_late(subject: Subject) -> None:
    """An answer is not held back until more comes."""
    stream = subject.open()
    for number in range(20):
        exchange(stream, subject.script.rounds(2, number), pipelined=True)


@case(SCRIPT, source=SENSE, needs="closes_while_pipelined")
def nothing_after_the_close(subject: Subject) -> None:
    """What follows the message that ends the conversation is not answered, even in the same segment."""
    stream = subject.open()
    close(subject.script, stream, after=subject.script.rounds(1)[0].send)
