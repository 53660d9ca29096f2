"""What a conversation on a stream has to send: collected, encoded, and written a good deal at a time.

Knows the framing, and what stands in the way; nothing of transports, nor of what is said. ``Dialogue`` builds
on it; the carrier overrides ``_write``::

    self._put(b"Hello, Michael!")       # with the others of this read
    self._flush()                       # one write
"""

from typing import Any

from sockproto.carriers.stops import BLOCKED, ENDING, HALF_CLOSED, LOST, PAUSED, PUSHED, UNOPENED
from sockproto.core.limits import TURN_BYTES, WRITE_BYTES
from sockproto.errors import ActionError, SendRefused

FRAME_BYTES = 4
"""So many bytes more than its own each message counts, about what framings add: empty ones count too."""


class Outgoing:
    """Sends messages.

    Args:
        framing: Makes bytes of them.

    Attributes:
        messages_out: Messages sent.
    """

    __slots__ = (
        "_framing",
        "_out",
        "_out_bytes",
        "_produced",
        "_pushed",
        "_pushed_bytes",
        "_replies",
        "_running",
        "_stops",
        "messages_out",
    )

    def __init__(self, framing: Any) -> None:
        self._framing = framing
        self._stops = UNOPENED
        self._running = False
        self.messages_out = 0
        # Messages, and what of those before them is encoded already.
        self._replies: list[bytes] = []
        self._out: list[bytes] = []
        self._pushed: list[bytes] = []
        self._out_bytes = self._pushed_bytes = 0
        self._produced = 0  # in this turn

    # What applications call.

    def send(self, message: bytes) -> bool:
        """Send a message between two replies.

        While a reply is being made, or the peer doesn't read, messages wait, up to 64 KiB of them.

        Args:
            message: Its bytes, without a terminator.

        Returns:
            Whether the peer keeps up; False says that it is time to send less.

        Raises:
            TypeError: The message is not bytes.
            SendRefused: 64 KiB wait already, the connection is not open or ends, or the message is longer
                than the framing can say; it is not sent.
        """
        if not isinstance(message, bytes):
            raise TypeError(f"send() takes bytes, not {type(message).__name__!r}")
        if self._stops & (UNOPENED | ENDING | LOST | HALF_CLOSED):
            raise SendRefused("the connection is not open")
        longest = self._framing.longest
        if len(message) > longest:
            raise SendRefused(f"{len(message)} bytes are more than the {longest} that the framing can send")
        size = len(message) + 2  # with a terminator; empty ones take room too
        if (self._pushed or self._stops & BLOCKED) and self._pushed_bytes + size > WRITE_BYTES:
            raise SendRefused(f"{self._pushed_bytes} bytes wait for the peer, and this would be {size} more")
        self._pushed.append(message)
        self._pushed_bytes += size
        self._stops |= PUSHED
        self._run()
        return not self._stops & PAUSED

    # What a dialogue provides.

    def _run(self) -> None:
        """Do what there is to do."""
        raise NotImplementedError

    def _yield_turn(self) -> None:
        """Let other connections have their turn before anything more is done."""
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        """Hand bytes to the transport, which may set PAUSED at once."""
        raise NotImplementedError

    # What is sent.

    def _put(self, message: bytes) -> None:
        """Send a message, with the others of this read."""
        if len(message) > self._framing.longest:
            self._framing.encode(message)  # which says what is wrong
        self._replies.append(message)
        self._out_bytes += len(message) + FRAME_BYTES
        if self._out_bytes >= WRITE_BYTES:
            self._flush()

    def _deliver_pushed(self) -> None:
        """Send what the application sent meanwhile."""
        self._stops &= ~PUSHED
        pushed, self._pushed, self._pushed_bytes = self._pushed, [], 0
        for message in pushed:
            self._put(message)

    def _flush(self) -> None:
        """Write what was collected; yield to others when this connection has had its share of the turn."""
        self._collect()
        if not self._out:
            return
        out, self._out = self._out, []
        size, self._out_bytes = self._out_bytes, 0
        data = out[0] if len(out) == 1 else b"".join(out)
        self._produced += max(size, len(data))
        if self._stops & HALF_CLOSED and data:
            if not self._stops & (LOST | ENDING):  # otherwise it tells of an error
                raise ActionError(data[:20], "can't be sent: HALF_CLOSE has ended our half of the stream")
        elif data and not self._stops & LOST:
            self._write(data)
        if self._produced > TURN_BYTES - WRITE_BYTES and not self._stops & BLOCKED:
            self._yield_turn()

    def _answer(self) -> None:
        """Write the replies, where they are all there is to send: as ``_flush``, for half as much."""
        replies = self._replies
        try:
            data = self._framing.encode(*replies)
        except Exception:
            self._flush()  # one by one: what can be sent, is
            return
        self.messages_out += len(replies)
        replies.clear()
        self._out_bytes = 0
        self._produced += len(data)
        if data:
            self._write(data)

    def _collect(self) -> None:
        """Encode the replies; they are the next that is sent."""
        replies = self._replies
        if not replies:
            return
        try:
            self._out.append(self._framing.encode(*replies))
            self.messages_out += len(replies)
        except Exception:
            for reply in replies:  # those before the wrong one are sent
                self._out.append(self._framing.encode(reply))
                self.messages_out += 1
        finally:
            replies.clear()

    def _encode_pushed(self) -> None:
        """Have what the application sent be among the last that is sent."""
        self._replies.extend(self._pushed)
        self._pushed.clear()
        self._collect()
