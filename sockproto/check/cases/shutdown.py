"""A server that is asked to end (SIGTERM) while it is at work. Each case starts a new server for that.

::

    sockproto check greeting --start 'python server.py {port}' --only shutdown
"""

import contextlib
import signal
from collections.abc import Sequence

from sockproto.check.body import Body, difference
from sockproto.check.cases.never_reads import ONE_NAME, block
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT, speaking
from sockproto.check.spoken import LINES, PROTOCOLS, TALKERS
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, TooSlow, edges
from sockproto.check.wire import Ended, Silent, StreamClient, WasReset

KILLED = "SIGTERM killed it: handle SIGTERM, stop accepting, finish the answers"
CLIENTS = 5
MOST_BYTES = 8 << 20
"""The most that each client sends before the server is asked to end."""

READ_BYTES = 1 << 18
"""What each has read by then."""


def served(subject: Subject) -> list[StreamClient]:
    """Return clients that the server has: the first was answered, the others may wait until it is gone."""
    first = subject.open()
    _hear(subject, first)
    others = [subject.connect() for _ in range(CLIENTS - 1)]
    _hear(subject, first)
    return [first, *others]


def _hear(subject: Subject, stream: StreamClient) -> None:
    """Have a client answered something, right or wrong."""
    if subject.protocol == SCRIPT:
        with contextlib.suppress(Failed):
            speaking.serve_all(subject.script, [stream])
    elif subject.protocol in TALKERS:
        stream.send(subject.habit.name(1))
        stream.what_comes(1, subject.patience.answer)
    elif subject.protocol == "chargen":
        stream.receive(100)
    else:
        stream.what_comes()


def end(subject: Subject, streams: Sequence[StreamClient]) -> None:
    """Ask the server to end; its clients read what still comes. It must end in time."""
    subject.started.terminate()
    for stream in streams:
        with contextlib.suppress(Failed):
            for _ in range(16):  # to the end, but not without end
                if not stream.what_comes(1 << 20):
                    break
        stream.close()
    seconds = min(subject.patience.answer, subject.deadline.left)
    if not subject.started.wait(seconds):
        if seconds < subject.patience.answer / 2:  # the start took the time
            raise TooSlow(f"it is too slow to be judged within {subject.deadline.seconds:.3g} s")
        raise Failed(f"the server still runs {seconds:.3g} s after SIGTERM, and its clients are gone")


@case(*PROTOCOLS, SCRIPT, source=SENSE, independent=True)
def it_ends_in_time(subject: Subject) -> None:
    """A server that has clients ends soon when it is asked to (SIGTERM), and so does all that it started."""
    with subject.another() as other:
        streams = served(other)
        for stream in streams[1:]:
            if other.protocol in (*TALKERS, SCRIPT):
                stream.send(other.half())
        end(other, streams)
        if not subject.becomes(lambda: not other.started.processes()):
            left = other.started.processes()
            raise Failed(f"the server has ended, but {left} of the processes that it started have not")


@case(*LINES, source=SENSE)
def no_answer_is_cut(subject: Subject) -> None:
    """Of what clients are being sent when the server is asked to end (SIGTERM), the last answer is whole."""
    with subject.another() as other:
        sending = _sending(other, 2 if subject.quick else CLIENTS)
        minds = other.started.minds(signal.SIGTERM)
        other.started.terminate()
        if not minds and "SIGTERM" in other.started.wait(subject.patience.silence):
            raise Open(KILLED)
        try:
            for stream, head in sending:
                _judge_rest(other, stream, head)
        except Failed:
            # Node and Go handle it for all programs, to die of it themselves.
            if "SIGTERM" in other.started.wait(subject.patience.silence):
                raise Open(KILLED) from None
            raise


def _sending(subject: Subject, count: int) -> list[tuple[StreamClient, bytes]]:
    """Return clients to whom the server is sending much, and what each has read; one if it serves no more."""
    messages, found = block(subject)[0], []
    for _ in range(count):
        try:
            stream = subject.open()
            stream.push(messages, MOST_BYTES, subject.patience.silence)
            found.append((stream, stream.receive(READ_BYTES)))
        except (Ended, WasReset):
            if subject.habit.together:
                raise
            raise Open(ONE_NAME) from None
        except Silent:
            if not found:
                raise
            break  # it serves one at a time
    return found


@case(*PROTOCOLS, SCRIPT, source=SENSE, independent=True)
def it_can_be_started_again(subject: Subject) -> None:
    """A server that had clients when it ended can be started again at once, on the same port."""
    with subject.another() as other:
        streams = served(other)
        with contextlib.suppress(Failed):
            end(other, streams)
        other.started.kill()
        other.started.wait(subject.patience.answer)
        with subject.another(other.started.port) as again:
            again.still_serves("it was started again")


def _judge_rest(subject: Subject, stream: StreamClient, last: bytes) -> None:
    """What comes after what came last must be answers, too, to the end, and the last one whole."""
    messages, replies = block(subject)
    came, answers = len(last), Body(replies, 2 * MOST_BYTES)
    try:
        while data := stream.receive_some():
            due = answers.part(came, len(data))
            place = difference(due, data)
            while place is not None and subject.habit.bare and data[place:].startswith(b"!Hello, "):
                # On a busy machine there was a pause within a name, and its halves are two.
                data = data[:place] + data[place + len(b"!Hello, ") :]
                due = answers.part(came, len(data))
                place = difference(due, data)
            if data[place:] == b"!":  # the greeting of a half name, which the server had when it was to end
                return
            if data != due and subject.habit.together:
                reason = f"another answer came, from byte {came + place:,} on"
                raise Failed(
                    reason, edges(messages), answers.around(came + place), data[max(0, place - 32) :][:64]
                )
            came, last = came + len(data), data
    except (Silent, WasReset):  # whether the end comes in time is another case
        pass
    if not _is_whole(subject, last):
        reason = f"the last answer is cut, after {came:,} bytes"
        raise Failed(reason, edges(messages), answers.around(came), last[-32:])


def _is_whole(subject: Subject, last: bytes) -> bool:
    """Say whether what came last is an answer to its end."""
    if subject.habit.together:
        return last.endswith(subject.answer(subject.habit.name(1))[-1:])
    return last.rstrip(b"\r\n").endswith(b"!")
