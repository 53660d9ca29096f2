r"""Names that are sent at once to a server that does not tell them apart: none of their bytes may be lost.

::

    stream.send(b"client 0client 1")
    greeted(stream, b"client 0client 1")    # "Hello, client 0cli!Hello, ent 1!" will do
"""

from sockproto.check.body import difference
from sockproto.check.habit import payload
from sockproto.check.stream import StreamClient
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, edges
from sockproto.check.wire import Ended, Silent

NOT_APART = "its bare sends can't be told apart: names that are sent at once are one to it"
"""What the tutorials leave open about a server that knows no newlines."""

AROUND = 64


def at_once(subject: Subject, count: int) -> bytes:
    """Return that many names, to send at once."""
    return b"".join(subject.habit.line(b"client%d" % number) for number in range(count))


def greeted(stream: StreamClient, sent: bytes) -> int:
    """Read greetings until all that was sent has been greeted, in order, however it was taken apart.

    Args:
        stream: The connection, on which that was sent and nothing of its greetings was read.
        sent: What was sent.

    Returns:
        How many greetings came.

    Raises:
        Failed: Something is lost, out of order, or another's.
    """
    due, data = payload(sent), b""
    while len(data) < len(due) or len(payload(data)) < len(due):
        try:
            piece = stream.receive_some()
        except Silent:
            raise Silent(f"nothing more came {_greeted(due, data)}", *_bytes(due, data)) from None
        if not piece:
            raise Ended(f"the stream ended {_greeted(due, data)}", *_bytes(due, data))
        data += piece
    data += stream.what_comes()
    if (came := payload(data)) != due:
        place = difference(due, came)
        reason = f"the names are not greeted as they were sent, from byte {place:,} of them on"
        start = max(0, place - AROUND // 2)
        raise Failed(reason, edges(sent), due[start:][:AROUND], came[start:][:AROUND])
    return data.count(b"Hello, ")


def _greeted(due: bytes, data: bytes) -> str:
    return f"when {len(payload(data)):,} of {len(due):,} bytes of names had been greeted"


def _bytes(due: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    return edges(due), edges(due), edges(data)
