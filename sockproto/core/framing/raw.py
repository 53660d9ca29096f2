"""Bytes as they are: framings without messages.

::

    framing = Raw()
    framing.feed(b"any")
    framing.take()          # [b"any"]
"""

import sys

from zope.interface import implementer

from sockproto.interfaces import IFraming


class ErrorLine:
    """Base of framings that can encode any message: an error told to the peer is a line."""

    longest = sys.maxsize

    def encode_error(self, text: bytes) -> bytes:
        """Return a line that begins ``error:``."""
        return b"error: %b\n" % text


@implementer(IFraming)
class Raw(ErrorLine):
    """No messages: all bytes are passed on as they are (``echo``).

    Args:
        max_message_bytes: Accepted because every framing accepts it, but not used: there are no messages.
    """

    quiet_seconds: float | None = None
    unfinished = 0
    discards = False
    ready = False
    _data: bytes | bytearray = b""

    def __init__(self, max_message_bytes: int = 0) -> None:
        pass

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken."""
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        if not self.ready:
            self._data = data
            self.ready = bool(data)
        elif type(self._data) is bytearray:
            self._data += data
        else:
            self._data = bytearray(self._data) + data

    def take(self) -> list[bytes]:
        """Return all that is held, in one piece."""
        if not self.ready:
            return []
        data, self._data = self._data, b""
        self.ready = False
        return [data if type(data) is bytes else bytes(data)]

    def cut(self, data: bytes) -> list[bytes] | None:
        """Return the bytes in one piece, if nothing is held; else None."""
        if self.ready:
            return None
        return [data] if data else []

    def quiet(self) -> None:
        """Do nothing: there is no quiet period."""

    def end(self) -> None:
        """Do nothing: nothing is ever unfinished."""

    def encode(self, *messages: bytes) -> bytes:
        """Return the messages as they are."""
        return messages[0] if len(messages) == 1 else b"".join(messages)


class Discard(Raw):
    """Throws all bytes away: for protocols that only send, and for connections that are being closed."""

    discards = True

    def feed(self, data: bytes) -> None:
        """Throw *data* away."""

    def cut(self, data: bytes) -> list[bytes]:
        """Throw the bytes away: there are no messages."""
        self.feed(data)
        return []
