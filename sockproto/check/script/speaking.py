r"""A script on a connection: what is sent, and whether what comes is what is due.

::

    begin(script, stream)
    exchange(stream, script.rounds(3), pipelined=True)
    close(script, stream)
"""

from collections.abc import Callable, Iterable, Sequence

from sockproto.check.body import Body
from sockproto.check.script.dialogue import ProtocolScript, ScriptStep
from sockproto.check.script.reply import OtherReply
from sockproto.check.sockets import Ended, Silent, WasReset
from sockproto.check.stream import StreamClient
from sockproto.check.verdict import Failed, edges, shown
from sockproto.plain.deadline import Deadline

MOST_REPLY_BYTES = 32 << 20
"""A reply that has not ended after this many bytes is taken to have no end."""


class Due:
    """What is due, as it comes.

    Args:
        steps: Each of which was sent, or will be.
        deadline: When no more of what has come is looked at.
    """

    def __init__(self, steps: Iterable[ScriptStep], deadline: Deadline | None = None) -> None:
        self._steps, self._held, self.heard = iter(steps), b"", 0
        self._deadline = deadline or Deadline()
        self.step = next(self._steps, None)

    def take(self, data: bytes) -> bool:
        """Take what came; say whether that was all.

        Raises:
            Failed: It is not what is due.
            PatternTooSlow: Whether it is can't be told in time.
        """
        held, start = self._held + data, 0
        while self.step is not None and self._deadline.left:
            try:
                end = self.step.reply.end(held, start)
            except OtherReply:
                raise self.missing(f"{shown(held[start:])} came", held[start:]) from None
            if end < 0:
                break
            start, self.heard = end, self.heard + 1
            self.step = next(self._steps, None)
        self._held = held[start:]
        if self._held and self.step is None:
            raise Failed(f"{shown(self._held)} came where nothing was due", None, b"", edges(self._held))
        if len(self._held) > MOST_REPLY_BYTES:
            raise self.missing(f"{len(self._held):,} bytes came, and not the end", self._held)
        return self.step is None

    @property
    def held(self) -> bytes:
        """What has come of a reply that is not whole."""
        return self._held

    def missing(self, what: str, received: bytes | None = None) -> Failed:
        """Return the failure that something else happened where a reply was due."""
        step = self.step
        assert step is not None
        reason = f"{step.place}: {what} where {step.reply} was due"
        return Failed(reason, edges(step.send), step.reply.bytes_due, edges(received or b""))


def hear(
    stream: StreamClient,
    steps: Iterable[ScriptStep],
    outgoing: bytes = b"",
    half_close: bool = False,
) -> None:
    """Read the replies that are due, and send at the same time.

    Args:
        stream: The connection.
        steps: Those whose replies are due.
        outgoing: What is sent.
        half_close: Whether our half ends when that is sent; see ``StreamClient.exchange``.
    """
    due = Due(steps, stream.deadline)
    try:
        stream.converse(Body(outgoing), due.take, half_close)
    except (Silent, Ended, WasReset) as failure:
        if due.step is None:  # it does not read
            raise
        after = f" after {shown(due.held)}" if due.held else ""
        missing = due.missing(f"{failure.reason}{after},", due.held)
        raise type(failure)(missing.reason, missing.sent, missing.expected, missing.received) from failure


def exchange(
    stream: StreamClient, steps: Sequence[ScriptStep], pipelined: bool = False, half_close: bool = False
) -> None:
    """Send messages, each after the answer to the one before it, or all at once; read the replies."""
    if pipelined:
        hear(stream, steps, b"".join(step.send for step in steps), half_close)
        return
    for number, step in enumerate(steps, 1):
        hear(stream, [step], step.send, half_close and number == len(steps))


def begin(script: ProtocolScript, stream: StreamClient) -> None:
    """Read the greeting, and say what is said once."""
    greet(script, stream)
    exchange(stream, [step.numbered(0) for step in script.once])


def greet(script: ProtocolScript, stream: StreamClient) -> None:
    """Read the greeting, if one is due."""
    if script.greeting is not None:
        hear(stream, [ScriptStep("the greeting", b"", script.greeting)])


def close(script: ProtocolScript, stream: StreamClient, after: bytes = b"") -> None:
    """Send the message that ends the conversation; the stream must end as the script says.

    Args:
        script: Has a close.
        stream: The connection.
        after: What is sent after it in the same segment, which is answered no more.
    """
    step = script.close
    assert step is not None
    if not script.server_closes:
        hear(stream, [step], step.send)
        stream.expect_silence()
        stream.close()
        return
    stream.send(step.send + after)
    said = stream.until_end()
    if not step.reply.is_whole(said):
        came = shown(said) if said else "nothing"
        reason = f"{step.place}: {came} came, to the end of the stream, where {step.reply} was due"
        raise Failed(reason, edges(step.send), step.reply.bytes_due, edges(said))


def answered(script: ProtocolScript, connect: Callable[[], StreamClient]) -> ProtocolScript:
    """Return a script without the steps that a server does not answer as is due; all if it answers none so.

    What is wrong about one message says nothing of the others.

    Args:
        script: The script.
        connect: Makes a connection.

    Raises:
        Failed: What is said once is not answered as is due.
    """
    left = script
    while left.steps:
        with connect() as stream:
            begin(left, stream)
            wrong = _first_wrong(left.rounds(1), stream)
        if wrong is None:
            return left
        left = left.without(wrong)
    return script


def _first_wrong(steps: Sequence[ScriptStep], stream: StreamClient) -> int | None:
    """Return the number of the first step that is not answered as is due; None if all are."""
    for number, step in enumerate(steps):
        try:
            exchange(stream, [step])
        except Failed:
            return number
    return None


def serve_all(script: ProtocolScript, streams: Sequence[StreamClient]) -> None:
    """Have clients served to whom all was said that is said once: all ask, then all read, step by step."""
    for step in script.steps:
        steps = [step.numbered(number) for number in range(len(streams))]
        for stream, its in zip(streams, steps, strict=True):
            stream.send(its.send)
        for stream, its in zip(streams, steps, strict=True):
            hear(stream, [its])
    if not script.once and not script.steps:
        for stream in streams:
            close(script, stream)


def sign_of_life(script: ProtocolScript, stream: StreamClient) -> bytes:
    """Return what a new client is answered, in a word; empty if nothing."""
    try:
        begin(script, stream)
        serve_all(script, [stream])
    except (Silent, Ended, WasReset):
        raise
    except Failed as failure:
        return b"another answer" if failure.received else b""
    return b"what is due"
