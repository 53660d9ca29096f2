r"""Where a reply ends: framings for clients, which may use any other framing as well.

They know nothing of what replies mean::

    replies = Expecting()
    replies.expect(b"Hello, Michael!")
    replies.feed(b"\r\nHello, Mich")
    replies.take()              # []: the rest is to come
"""

import sys
from collections.abc import Callable

from zope.interface import implementer

from sockproto.core.framing.raw import Discard, ErrorLine, Raw
from sockproto.errors import MessageTooLong
from sockproto.interfaces import IFraming


@implementer(IFraming)
class Expecting(ErrorLine):
    """Replies that the client knows in advance, found however they were split or joined.

    A message ends where the expected reply ends. Bytes that can't become that reply any more are a message
    once nothing has followed them for the quiet period, because another server may answer differently.

    Args:
        max_message_bytes: The longest reply, in bytes; 0 means no limit.
        quiet_seconds: The quiet period (0.2: ten times that of the server, for the way there and back).
    """

    discards = False
    ready = True

    def __init__(self, max_message_bytes: int = 65_536, quiet_seconds: float = 0.2) -> None:
        self._max = max_message_bytes or sys.maxsize
        self.quiet_seconds = quiet_seconds
        self._expected = b""
        self._buffer = bytearray()
        self._searched = 0  # in this many bytes of the buffer no expected reply begins
        self._end = 0  # where the message ends, 0 if that is not known
        self._ended = False

    def expect(self, reply: bytes) -> None:
        """Set the next reply that is expected."""
        self._expected = reply
        self._searched = self._end = 0
        self._search()

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken."""
        return len(self._buffer)

    @property
    def unfinished(self) -> int:
        """Bytes of a message that has no end yet."""
        return 0 if self._end else len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._buffer += data
        self._search()

    def take(self) -> list[bytes]:
        """Return the reply in a list; an empty list if it is not complete yet.

        Raises:
            MessageTooLong: The reply is longer than the limit.
        """
        end = self._end or (len(self._buffer) if self._ended else 0)
        if (end or len(self._buffer)) > self._max:
            raise MessageTooLong(self._max)
        if not end:
            return []
        message = bytes(memoryview(self._buffer)[:end])
        del self._buffer[:end]
        self._searched = self._end = 0
        return [message]

    def quiet(self) -> None:
        """The quiet period is over: what came is a reply, unless it is the beginning of the expected one."""
        if not self._end and not self._expected.startswith(self._buffer.lstrip(b"\r\n")):
            self._end = len(self._buffer)

    def end(self) -> None:
        """The stream has ended: what came is a reply."""
        self._ended = True

    def encode(self, *messages: bytes) -> bytes:
        """Return the messages as they are."""
        return b"".join(messages)

    def _search(self) -> None:
        if self._end or not self._expected:
            return
        at = self._buffer.find(self._expected, self._searched)
        if at >= 0:
            self._end = at + len(self._expected)
        else:
            self._searched = max(0, len(self._buffer) - len(self._expected) + 1)


class Sink(Discard):
    """Passes on all bytes at once and makes no messages, so reading need not stop while we send.

    Args:
        consume: Called with the bytes of each read.
    """

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        super().__init__()
        self._consume = consume

    def feed(self, data: bytes) -> None:
        """Pass the bytes on."""
        self._consume(data)


class Datagrams(Raw):
    """Each feed is a message: a datagram."""

    ready = True

    def __init__(self) -> None:
        super().__init__()
        self._messages: list[bytes] = []

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken; an empty datagram takes room too."""
        return sum(map(len, self._messages)) + len(self._messages)

    def feed(self, data: bytes) -> None:
        """Add a datagram."""
        self._messages.append(data)

    def take(self) -> list[bytes]:
        """Return the datagrams."""
        messages, self._messages = self._messages, []
        return messages
