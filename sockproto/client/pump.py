"""An echo of any length: what comes back is taken while there is still something to send.

The one client that has to send and receive at once, so it doesn't take messages but the bytes as they come::

    pump = Pump([data], heard=file.write)
    converse("127.0.0.1:7", pump, framing=lambda limit: Sink(pump.take))
"""

from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred

from sockproto.core.actions import CLOSE, Script, Wait, next_of
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.errors import WrongReply

MAX_OUTSTANDING_BYTES = 8 * 1024 * 1024
"""Sent and not yet back: more is not sent meanwhile. Twice what Linux's TCP buffers of one side grow to."""


class Pump(ClientConversation):
    """Sends pieces, and takes back as many bytes, which must be the same.

    Args:
        pieces: What to send: bytes, or an ``Input`` for bytes or None.
        heard: Called with what comes back; then it is not kept for the result.
    """

    def __init__(
        self, pieces: Iterable[bytes | Wait], heard: Callable[[bytes], object] | None = None
    ) -> None:
        self._pieces = iter(pieces)
        self._said: list[bytes] = []
        self._heard = heard or self._said.append
        self._outstanding: deque[bytes] = deque()
        self._checked = 0  # bytes of the first of them that are back
        self._sent = self._taken = 0
        self._room = MAX_OUTSTANDING_BYTES
        self._enough: Deferred[None] | None = None

    @property
    def awaiting(self) -> bool:
        """Whether there is something to come back."""
        return self._sent > self._taken

    def opened(self, peer: Peer) -> Script:
        """Send all; wait until all is back."""
        while (piece := (yield from next_of(self._pieces))) is not None:
            if piece:
                self._sent += len(piece)
                self._outstanding.append(piece)
                yield piece
            if self._sent - self._taken > self._room:
                yield self._wait()
        self._room = 0
        if self.awaiting:
            yield self._wait()
        self.done, self.result = True, b"".join(self._said)
        yield CLOSE

    def take(self, data: bytes) -> None:
        """Take bytes that came back."""
        self._compare(data)
        self._heard(data)
        if self._enough is not None and self._sent - self._taken <= self._room:
            enough, self._enough = self._enough, None
            enough.callback(None)

    def _wait(self) -> Wait:
        """Wait until no more is outstanding than there is room for."""
        self._enough = Deferred()
        return Wait(self._enough)

    def _compare(self, data: bytes) -> None:
        """See that what came back is what was sent."""
        start = 0
        while start < len(data):
            if not self._outstanding:
                raise WrongReply(f"more came back than the {self._sent} bytes sent")
            sent = self._outstanding[0]
            count = min(len(data) - start, len(sent) - self._checked)
            wanted, came = sent[self._checked : self._checked + count], data[start : start + count]
            if wanted != came:
                at = next(at for at in range(count) if wanted[at] != came[at])
                raise WrongReply(
                    f"byte {self._taken + at} came back as 0x{came[at]:02x}, not as 0x{wanted[at]:02x}"
                )
            start += count
            self._taken += count
            self._checked += count
            if self._checked == len(sent):
                self._outstanding.popleft()
                self._checked = 0
