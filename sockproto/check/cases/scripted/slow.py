"""Clients that take their time: they are served, and delay nobody.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only slow
"""

from sockproto.check.cases.slow import IDLE
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import exchange, greet, hear
from sockproto.check.subject import Subject


@case(SCRIPT, source=SENSE, needs="talks")
def an_idle_client_stays(subject: Subject) -> None:
    """A client that says nothing for a while stays connected, and is served after it."""
    stream = subject.open()
    stream.expect_silence(IDLE * subject.patience.silence)
    exchange(stream, subject.script.rounds(1))


@case(SCRIPT, source=SENSE, needs="talks")
def a_pause_inside_a_message(subject: Subject) -> None:
    """A message whose halves come apart, with a pause between them, is one message."""
    stream = subject.connect()
    greet(subject.script, stream)
    for step in subject.script.dialogue():
        if step.half:
            stream.send(step.half)
            stream.expect_silence()
        hear(stream, [step], step.send[len(step.half) :])
