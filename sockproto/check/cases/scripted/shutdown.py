"""A server that is asked to end (SIGTERM) while it is at work.

::

    sockproto check --script redis.toml --start 'redis-server --port {port}' --only shutdown
"""

import contextlib
import signal
from itertools import cycle

from sockproto.check.cases.scripted.never_reads import HOLDS_BYTES, READ_BYTES, block, fill
from sockproto.check.registry import SENSE, case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import Due
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, Skipped
from sockproto.check.wire import Silent, WasReset


@case(SCRIPT, source=SENSE, needs="pipelines")
def no_answer_is_cut(subject: Subject) -> None:
    """Of what a client is being sent when the server is asked to end (SIGTERM), the last answer is whole."""
    with subject.another() as other:
        stream = other.open(holds=HOLDS_BYTES)
        try:
            fill(other, stream, READ_BYTES)
        except WasReset:
            raise Skipped("it cuts the connection of a client that reads no answer") from None
        minds = other.started.minds(signal.SIGTERM)
        other.started.terminate()
        if not minds and "SIGTERM" in other.started.wait(subject.patience.silence):
            raise Open("SIGTERM killed it: handle SIGTERM, stop accepting, finish the answers")
        due = Due(cycle(block(other)), other.deadline)
        with contextlib.suppress(Silent, WasReset):  # whether the end comes in time is another case
            while data := stream.receive_some():
                due.take(data)
        if due.held:
            raise Failed(f"the last answer is cut, after {due.heard:,} whole ones", None, None, due.held)
