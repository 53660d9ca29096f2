"""Clients that don't wait for an answer before they send on.

::

    sockproto check command 127.0.0.1:9999 --only pipelining
"""

from sockproto.check.bare import NOT_APART, at_once, greeted
from sockproto.check.body import Body
from sockproto.check.registry import SENSE, case
from sockproto.check.spoken import LINES, TALKERS
from sockproto.check.subject import Subject, long_dialogue
from sockproto.check.verdict import Open

BARE = 100
"""How many names a server is sent at once that does not tell them apart."""


@case(*TALKERS, source=SENSE)
def every_answer_in_order(subject: Subject) -> None:
    """Of many messages that are sent at once each is answered, once and in order."""
    count = 1_000 if subject.quick else 20_000
    stream = subject.open()
    if subject.habit.apart:
        stream.exchange(*long_dialogue(subject, count))
        stream.expect_silence()
        return
    sent = at_once(subject, BARE)
    stream.send(sent)
    came = greeted(stream, sent)
    raise Open(f"{NOT_APART}: of {BARE} it made {came}, and no byte of them was lost")


@case(*TALKERS, source=SENSE)
def the_last_answer_is_not_late(subject: Subject) -> None:
    """An answer is not held back until more comes."""
    stream = subject.open()
    if not subject.habit.apart:
        sent = at_once(subject, 2)
        stream.send(sent)
        greeted(stream, sent)
        return
    for number in range(20):
        messages = [subject.habit.name(number), subject.habit.name(number + 1)]
        stream.send(b"".join(messages))
        stream.expect(subject.answers(messages))


@case(*LINES, source=SENSE)
def a_thousand_lines_without_an_answer(subject: Subject) -> None:
    """Lines that get no answer delay those that get one, but lose none."""
    if not subject.habit.apart or subject.answer(b"\n"):
        raise Open("there is no line without an answer: a newline is part of the name to it")
    last = subject.habit.name(1)
    stream = subject.open()
    stream.exchange(Body(b"\n" * 1_000 + last), Body(subject.answer(last)))
    stream.expect_silence()


@case("greeting")
def nothing_after_exit(subject: Subject) -> None:
    """What stands before ``exit`` is answered, what follows it is not, even in the same segment."""
    if not subject.habit.apart:
        raise Open(NOT_APART)
    stream = subject.open()
    stream.send(b"Ann\nexit\nBob\n")
    stream.expect(subject.answer(b"Ann\n"))
    stream.expect_end()
