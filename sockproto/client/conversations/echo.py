"""A client of echo over datagrams; streams have a ``Pump``.

::

    converse("udp:127.0.0.1:9999", EchoClient([b"one", b"two"]))
"""

from collections.abc import Callable, Iterable

from sockproto.core.actions import CLOSE, Script, Wait, next_of
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.errors import WrongReply


class EchoClient(ClientConversation):
    """Sends datagrams, one after the other's reply, each of which must be the same again.

    Args:
        datagrams: What to send: bytes, or an ``Input`` for bytes or None.
        heard: Called with each reply as it comes; then they are not kept for the result.
    """

    def __init__(
        self, datagrams: Iterable[bytes | Wait], heard: Callable[[bytes], object] | None = None
    ) -> None:
        self._datagrams = iter(datagrams)
        self._said: list[bytes] = []
        self._heard = heard or self._said.append

    def opened(self, peer: Peer) -> Script:
        """Send the first."""
        return self._next()

    def received(self, reply: bytes) -> Script:
        """Compare; send the next."""
        if reply != self._sent:
            raise WrongReply(f"{len(reply)} bytes came back that differ from the {len(self._sent)} sent")
        self._heard(reply)
        return self._next()

    def _next(self) -> Script:
        datagram = yield from next_of(self._datagrams)
        if datagram is None:
            self.done, self.result = True, tuple(self._said)
            yield CLOSE
        else:
            self._sent = datagram
            yield datagram
