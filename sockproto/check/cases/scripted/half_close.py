"""A client that has sent all there is says so by ending its half of the stream, and reads on.

::

    sockproto check --script redis.toml 127.0.0.1:6379 --only half-close
"""

from sockproto.check.cases.half_close import TCP
from sockproto.check.cases.scripted.pipelining import rounds
from sockproto.check.registry import case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import exchange
from sockproto.check.subject import Subject

MESSAGES = 200
TIMES = 20
"""A server may see the half-close with the message, or after it."""


@case(SCRIPT, source=TCP, half_closes=True, needs="half_closes")
def the_last_message_is_answered(subject: Subject) -> None:
    """A message that is sent just before the half-close is answered, then the server ends the stream."""
    for number in range(TIMES):
        steps = subject.script.rounds(1, number)
        while not steps[-1].reply.text:
            steps.pop()
        with subject.open() as stream:
            exchange(stream, steps, half_close=True)
            stream.expect_end()


@case(SCRIPT, source=TCP, half_closes=True, needs="half_closes_while_pipelined")
def every_message_is_answered(subject: Subject) -> None:
    """Messages that are sent before the half-close are all answered, then the server ends the stream."""
    stream = subject.open()
    steps = subject.script.rounds(rounds(subject, MESSAGES))
    exchange(stream, steps, pipelined=True, half_close=True)
    stream.expect_end()
