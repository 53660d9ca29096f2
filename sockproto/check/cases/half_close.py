"""A client that has sent all there is says so by ending its half of the stream, and reads on.

::

    sockproto check echo 127.0.0.1:7 --only half-close
"""

import random
import time

from sockproto.check.bare import at_once, greeted
from sockproto.check.body import Body
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.spoken import LINES, SAYERS, answer
from sockproto.check.subject import Subject, long_dialogue
from sockproto.check.verdict import Failed, Open, edges, shown

TCP = "RFC 9293, 3.6: who has closed may go on receiving"
BLOCK = random.Random(862).randbytes(65_521)  # a prime, so that no buffer's size hides what is missing


TEXT = b"".join(b"client %d\n" % number for number in range(4_567))
"""For a server that takes no other bytes."""


@case("echo", half_closes=True)
def everything_comes_back(subject: Subject) -> None:
    """Megabytes that are sent before the half-close all come back, then the server ends the stream."""
    body = Body(TEXT if subject.habit.text else BLOCK, (16 if subject.quick else 32) << 20)
    stream = subject.open(holds=1 << 18)  # else the kernels' buffers hold all of it, and nothing can be lost
    stream.exchange(body, body, half_close=True)
    stream.expect_end()


@case(*LINES, source=TCP, half_closes=True)
def every_line_is_answered(subject: Subject) -> None:
    """Lines that are sent before the half-close are all answered, then the server ends the stream."""
    stream = subject.open()
    if subject.habit.together:
        stream.exchange(*long_dialogue(subject, 1_000), half_close=True)
    else:
        sent = at_once(subject, 1_000)
        stream.send(sent)
        stream.half_close()
        greeted(stream, sent)
    stream.expect_end()


@case(*LINES, source=SENSE, half_closes=True)
def a_last_line_without_a_newline(subject: Subject) -> None:
    """A line that the half-close ends is a line: it is answered."""
    message = {"greeting": b"Ann", "command": b"/version"}[subject.protocol]
    stream = subject.open()
    stream.send(message)
    stream.half_close()
    said, expected = stream.until_end(), answer(subject.protocol, message)
    if said.rstrip(b"\r\n") != expected.rstrip(b"\n"):  # which newline is right, nobody says
        raise Failed(f"{shown(said)} came", message, expected, edges(said))


@case("echo", "greeting", "command", "discard", SCRIPT, source=TCP, half_closes=True, independent=True)
def the_end_is_answered_by_the_end(subject: Subject) -> None:
    """When a client that waits for nothing ends its half of the stream, the server ends the other."""
    stream = subject.open()
    stream.half_close()
    stream.expect_end()


@case(*SAYERS, source=TCP, half_closes=True)
def the_text_still_comes(subject: Subject) -> None:
    """A client that half-closes at once is sent the whole text."""
    stream = subject.connect()
    stream.half_close()
    said = stream.until_end()
    if reason := subject.habit.wrong(said, time.time()):
        raise Failed(reason, None, None, edges(said))


@case("chargen", source=TCP, half_closes=True)
def the_characters_go_on(subject: Subject) -> None:
    """After a half-close the characters go on: the client is still there."""
    stream = subject.connect()
    stream.receive(1_000)
    stream.half_close()
    came = 0
    while came < 16 << 20:
        data = stream.what_comes(1 << 16)
        if not data:
            raise Open(f"the stream ends, or falls silent, {came:,} bytes after the half-close")
        came += len(data)
