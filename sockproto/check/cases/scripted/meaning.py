"""What the script says is what is said, and nothing else.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only meaning
"""

from sockproto.check.registry import case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import close, exchange, greet
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed

ROUNDS = 20


@case(SCRIPT, basic=True)
def a_dialogue(subject: Subject) -> None:
    """Messages that are sent one after the other's answer are answered, each by what is due and no more."""
    stream = subject.open()
    exchange(stream, subject.script.rounds(1))
    if subject.script.once or subject.script.steps:
        stream.expect_silence()
    else:
        close(subject.script, stream)


@case(SCRIPT, needs="talks")
def every_step_is_answered(subject: Subject) -> None:
    """Each message of the script is answered by what is due; if one is not, the other cases leave it out."""
    for step in subject.script.left_out:
        with subject.open() as stream:
            exchange(stream, [step.numbered(0)])
            stream.expect_silence()
        raise Failed(f"{step.place}: it is answered by what is due only on its own", step.send)


@case(SCRIPT, needs="talks")
def nothing_comes_unasked(subject: Subject) -> None:
    """A client that has sent nothing is sent nothing but a greeting that is due, and stays connected."""
    stream = subject.connect()
    greet(subject.script, stream)
    stream.expect_silence()


@case(SCRIPT, needs="talks")
def messages_are_answered_again(subject: Subject) -> None:
    """What a client may say more than once is answered each time."""
    stream = subject.open()
    try:
        exchange(stream, subject.script.rounds(ROUNDS))
    except Failed as failure:
        failure.reason += "; if it may be said but once, say once = true"
        raise


@case(SCRIPT, needs="closes")
def the_close_ends_it(subject: Subject) -> None:
    """The message that ends the conversation is answered by what is due; then who is to ends the stream."""
    stream = subject.open()
    exchange(stream, subject.script.rounds(1))
    close(subject.script, stream)
