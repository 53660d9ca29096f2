"""A client of those who say something and close: welcome, qotd, daytime, time.

::

    converse("127.0.0.1:9999", WelcomeClient())
"""

from collections.abc import Callable

from sockproto.core.actions import CLOSE, End
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.core.framing.raw import Raw
from sockproto.errors import TooLarge


class WelcomeClient(ClientConversation):
    """Reads what a server says until it ends the stream, as ``qotd``, ``daytime`` and ``time`` do too.

    Args:
        request: The datagram that asks for the text, which then is the one that comes back; None on streams.
        heard: Called with what comes, as it comes; then it is not kept for the result.
        max_bytes: The most that is kept.
    """

    framing = Raw

    def __init__(
        self,
        request: bytes | None = None,
        heard: Callable[[bytes], object] | None = None,
        max_bytes: int = 1 << 20,
    ) -> None:
        self._request = request
        self._heard = heard or self._keep
        self._max_bytes = max_bytes
        self.result = b""

    def opened(self, peer: Peer) -> bytes | None:
        """Ask, where that is needed."""
        return self._request

    def received(self, text: bytes) -> End | None:
        """Take more of the text, or all of it."""
        self._heard(text)
        self.done = self._request is not None
        return CLOSE if self.done else None

    def ended(self) -> None:
        """The text is whole."""
        self.done = True

    def _keep(self, text: bytes) -> None:
        if len(self.result) + len(text) > self._max_bytes:
            raise TooLarge(f"more than {self._max_bytes} bytes came")
        self.result += text
