"""An echo of any length: what comes back is taken while there is still something to send.

The one client that has to speak and listen at once, so it doesn't take messages but the bytes as they come::

    pump = Pump([data], heard=file.write)
    converse("127.0.0.1:7", pump, framing=lambda limit: Sink(pump.take))
"""

from collections.abc import Callable, Iterable
from zlib import crc32

from twisted.internet.defer import Deferred

from sockproto.conversation import CLOSE, ClientConversation, Peer, Script, Wait, next_of
from sockproto.errors import WrongReply


class Pump(ClientConversation):
    """Sends pieces, and takes back as many bytes, which must be the same.

    Nothing is kept of what was sent but its length and checksum.

    Args:
        pieces: What to send: bytes, or a ``Wait`` for bytes or None.
        heard: Called with what comes back; then it is not kept for the result.
    """

    def __init__(
        self, pieces: Iterable[bytes | Wait], heard: Callable[[bytes], object] | None = None
    ) -> None:
        self._pieces = iter(pieces)
        self._said: list[bytes] = []
        self._heard = heard or self._said.append
        self._sent = self._taken = self._sent_sum = self._taken_sum = 0
        self._all_sent = False
        self._all_taken: Deferred[None] = Deferred()

    @property
    def awaiting(self) -> bool:
        """Whether there is something to come back."""
        return self._sent > self._taken

    def opened(self, peer: Peer) -> Script:
        """Send all; wait until all is back."""
        while (piece := (yield from next_of(self._pieces))) is not None:
            self._sent += len(piece)
            self._sent_sum = crc32(piece, self._sent_sum)
            yield piece
        self._all_sent = True
        self._compare()
        yield Wait(self._all_taken)
        if self._sent_sum != self._taken_sum:
            raise WrongReply(f"the {self._sent} bytes that came back differ from those sent")
        self.done, self.result = True, b"".join(self._said)
        yield CLOSE

    def take(self, data: bytes) -> None:
        """Take bytes that came back."""
        self._taken += len(data)
        self._taken_sum = crc32(data, self._taken_sum)
        self._heard(data)
        self._compare()

    def _compare(self) -> None:
        if self._taken > self._sent:
            raise WrongReply(f"{self._taken} bytes came back, and only {self._sent} were sent")
        if self._all_sent and self._taken == self._sent and not self._all_taken.called:
            self._all_taken.callback(None)
