"""Clients that take their time: they are served, and delay nobody.

::

    sockproto check command 127.0.0.1:9999 --only slow
"""

from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.spoken import PROTOCOLS, TALKERS
from sockproto.check.subject import Subject

CLIENTS = 10
IDLE = 6
"""How many times as long as a silence a client does nothing."""


@case(*PROTOCOLS, SCRIPT, source=SENSE, independent=True)
def waiting_clients_delay_nobody(subject: Subject) -> None:
    """While others have sent half a message, or nothing, a new client is served."""
    for number in range(CLIENTS):
        stream = subject.connect()
        if number % 2 and subject.protocol in (*TALKERS, SCRIPT):
            stream.send(subject.half(number))
    subject.still_serves(f"{CLIENTS} clients that take their time")


@case("echo", "greeting", "command", "discard", source=SENSE, single=True)
def an_idle_client_stays(subject: Subject) -> None:
    """A client that says nothing for a while stays connected, and is served after it."""
    stream = subject.open()
    stream.expect_silence(IDLE * subject.patience.silence)
    message = subject.habit.name(1)
    stream.send(message)
    if subject.protocol == "discard":
        stream.expect_silence()
    else:
        stream.expect(subject.answer(message))


@case("command", source=SENSE)
def a_pause_inside_a_line(subject: Subject) -> None:
    """A line whose halves come apart, as a person types it, is one line."""
    stream = subject.open()
    stream.send(b"/echo Rep")
    stream.expect_silence()
    stream.send(b"eat this\n")
    stream.expect(subject.answer(b"/echo Repeat this\n"))
