"""Clients that don't wait for an answer before they send on.

::

    sockproto check command 127.0.0.1:9999 --only pipelining
"""

from sockproto.check.body import Body
from sockproto.check.judging import SENSE, Subject, case, long_dialogue
from sockproto.check.spoken import LINES, TALKERS, name


@case(*TALKERS, source=SENSE)
def every_answer_in_order(subject: Subject) -> None:
    """Of many messages that are sent at once each is answered, once and in order."""
    outgoing, expected = long_dialogue(subject, 1_000 if subject.quick else 20_000)
    stream = subject.open()
    stream.exchange(outgoing, expected)
    stream.expect_silence()


@case(*TALKERS, source=SENSE)
def the_last_answer_is_not_late(subject: Subject) -> None:
    """An answer is not held back until more comes."""
    stream = subject.open()
    for number in range(20):
        messages = [name(subject.protocol, number), name(subject.protocol, number + 1)]
        stream.send(b"".join(messages))
        stream.expect(subject.answers(messages))


@case(*LINES, source=SENSE)
def a_thousand_lines_without_an_answer(subject: Subject) -> None:
    """Lines that get no answer delay those that get one, but lose none."""
    last = name(subject.protocol, 1)
    stream = subject.open()
    stream.exchange(Body(b"\n" * 1_000 + last), Body(subject.answer(last)))
    stream.expect_silence()


@case("greeting")
def nothing_after_exit(subject: Subject) -> None:
    """What stands before ``exit`` is answered, what follows it is not, even in the same segment."""
    stream = subject.open()
    stream.send(b"Ann\nexit\nBob\n")
    stream.expect(subject.answer(b"Ann\n"))
    stream.expect_end()
