r"""Messages that begin with their length: netstrings, and lengths of 8, 16 and 32 bits.

For protocols whose messages may hold any byte. The same formats as Twisted's ``NetstringReceiver`` and
``Int8StringReceiver`` to ``Int32StringReceiver``. Knows nothing of what messages mean::

    framing = Netstrings()
    framing.feed(b"7:Michael,3:Tr")
    framing.take()              # [b"Michael"]
    framing.encode(b"Hello")    # b"5:Hello,"
"""

import sys
from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import TypeAlias, cast

from zope.interface import implementer

from sockproto.core.framing.lines import WINDOW
from sockproto.errors import MessageMalformed, MessageTooLong, MessageUnsendable, RemoteError
from sockproto.interfaces import IFraming

ZERO, NINE, COLON = b"09:"

Place: TypeAlias = tuple[int, int]
"""Where a message begins (after its prefix) and where it ends."""


@implementer(IFraming)
class Prefixed:
    """Base of the framings of this module.

    A message that the end of the stream cuts short is dropped. After a message that is too long or malformed
    nothing is kept, because nobody can know where the next message begins.

    Args:
        max_message_bytes: The longest message in bytes, without its prefix; 0 means no limit.
    """

    quiet_seconds: float | None = None
    discards = False
    longest = sys.maxsize
    _tail = b""  # what follows every message

    def __init__(self, max_message_bytes: int = 65_536) -> None:
        self._max = max_message_bytes or sys.maxsize
        self._buffer = bytearray()
        self._whole = 0  # how many bytes of the buffer are complete messages
        self._wanted = 1  # the next message isn't complete before the buffer has this many bytes
        # What follows the whole messages is none. Not the error itself: its traceback would lead back here.
        self._fault: Callable[[], RemoteError] | None = None

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken."""
        return len(self._buffer)

    @property
    def ready(self) -> bool:
        """Whether there is a message, or an error, to take."""
        return bool(self._whole or self._fault)

    @property
    def unfinished(self) -> int:
        """Bytes of a message that has no end yet."""
        return len(self._buffer) - self._whole

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        if self._fault is None:
            self._buffer += data
            self._search()

    def take(self) -> list[bytes]:
        """Return the next messages, a few hundred at most.

        Raises:
            MessageTooLong: A message is longer than the limit, and all before it have been taken.
            MessageMalformed: The next bytes are not a message, and all messages before them have been taken.
        """
        if not self._whole and self._fault is not None:
            raise self._fault()
        if not self._whole:
            return []
        messages: list[bytes] = []
        at, tail = 0, len(self._tail)
        with memoryview(self._buffer) as view:
            while at < self._whole and len(messages) < WINDOW:
                # It was found when it came; to keep all the places would take more room than the messages.
                first, end = cast("Place", self._locate(at))
                messages.append(bytes(view[first:end]))
                at = end + tail
        del self._buffer[:at]
        self._whole -= at
        self._wanted -= at
        return messages

    def quiet(self) -> None:
        """Do nothing: a message ends only where its length says."""

    def end(self) -> None:
        """The stream has ended: an unfinished message was cut short and is dropped."""
        self._forget()

    def encode(self, *messages: bytes) -> bytes:
        """Return the messages, each with its length.

        Raises:
            MessageUnsendable: A message is longer than the prefix can express.
        """
        size = max(map(len, messages))
        if size > self.longest:
            raise MessageUnsendable(
                f"a message of {size} bytes can't be sent: {self.longest} bytes are the most that "
                f"{type(self).__name__} can send; send it in parts, or use a framing with a longer prefix"
            )
        return b"".join(
            [part for message in messages for part in (self._prefix(len(message)), message, self._tail)]
        )

    def encode_error(self, text: bytes) -> bytes:
        """Return a message that begins ``error:``, cut to the longest that the prefix can express."""
        return self.encode((b"error: %b" % text)[: self.longest])

    def _prefix(self, size: int) -> bytes:
        """Return the prefix of a message of *size* bytes."""
        raise NotImplementedError

    def _locate(self, at: int) -> Place | None:
        """Find the message whose prefix begins at *at*; None: the prefix is incomplete, or wrong."""
        raise NotImplementedError

    def _search(self) -> None:
        """Find how much of the buffer is complete messages."""
        buffer, tail, have = self._buffer, self._tail, len(self._buffer)
        while have >= self._wanted:
            place = self._locate(self._whole)
            if place is None:
                break
            end = place[1] + len(tail)
            if end > have:
                self._wanted = end
                break
            if tail and not buffer.startswith(tail, place[1]):
                self._refuse(MessageMalformed, "malformed message: no comma where its length says")
                break
            self._whole, self._wanted = end, end + 1
        if self._fault is not None:
            self._forget()

    def _refuse(self, error: Callable[..., RemoteError], detail: object) -> None:
        """Record that what follows the complete messages is not a message."""
        self._fault = partial(error, detail)

    def _forget(self) -> None:
        """Drop what follows the complete messages."""
        del self._buffer[self._whole :]
        self._wanted = self._whole + 1


class Netstrings(Prefixed):
    """Netstrings both ways: a length in decimal digits, a colon, the message, a comma.

    Args:
        max_message_bytes: The longest message in bytes, without its length and punctuation; 0 means no limit.

    Source:
        D. J. Bernstein, Netstrings, 1 February 1997, https://cr.yp.to/proto/netstrings.txt: a length has no
        needless zeros in front.
    """

    _tail = b","

    def _prefix(self, size: int) -> bytes:
        return b"%d:" % size

    def _locate(self, at: int) -> Place | None:
        # Digit by digit, so that the first byte that can't be right decides, however the bytes were split. It
        # ends soon: what has more digits than the limit, or than the longest bytes of Python, is too long.
        size = 0
        for place in range(at, len(self._buffer)):
            byte = self._buffer[place]
            if byte == COLON and place > at:
                return place + 1, place + 1 + size
            if not ZERO <= byte <= NINE:
                what = "no colon behind its length" if place > at else "it doesn't begin with its length"
                self._refuse(MessageMalformed, f"malformed message: {what}")
                return None
            if place > at and not size:
                self._refuse(MessageMalformed, "malformed message: its length begins with a zero")
                return None
            size = size * 10 + byte - ZERO
            if size > self._max:
                self._refuse(MessageTooLong, self._max)
                return None
        return None


class IntPrefixed(Prefixed):
    """A length of fixed size, most significant byte first, then the message.

    Args:
        max_message_bytes: The longest message that is accepted, in bytes, without its length; 0: no limit.

    Source:
        ``IntNStringReceiver`` of Twisted's ``twisted/protocols/basic.py``.
    """

    _format: Struct

    def _prefix(self, size: int) -> bytes:
        return self._format.pack(size)

    def _locate(self, at: int) -> Place | None:
        first = at + self._format.size
        if first > len(self._buffer):
            return None
        (size,) = self._format.unpack_from(self._buffer, at)
        if size > self._max:
            self._refuse(MessageTooLong, self._max)
            return None
        return first, first + size


class Int8Prefixed(IntPrefixed):
    """A length of one byte, then the message, which has 255 bytes at most; as :class:`IntPrefixed`."""

    longest = 2**8 - 1
    _format = Struct(">B")


class Int16Prefixed(IntPrefixed):
    """A length of 16 bits, then the message, which has 65,535 bytes at most; as :class:`IntPrefixed`."""

    longest = 2**16 - 1
    _format = Struct(">H")


class Int32Prefixed(IntPrefixed):
    """A length of 32 bits, then the message, of less than 4 GiB; as :class:`IntPrefixed`."""

    longest = 2**32 - 1
    _format = Struct(">I")
