"""Who sends the commands of one connection.

Pure. Subclass it to keep more of them::

    class Session(Caller):
        authenticated = False
"""

from collections.abc import Callable
from typing import Any
from weakref import ref

from sockproto.core.conversation import Peer


class Caller:
    """The other end of one connection, and what a ``CommandSet`` keeps of it; of a datagram, its sender.

    Args:
        peer: Its address; over TLS also its certificate.

    Attributes:
        peer: The same.
    """

    _end_connection: Callable[[], object] | None = None

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def attach(self, end_connection: Callable[[], object]) -> None:
        """Note what ends the connection; its conversation does that when it opens.

        Args:
            end_connection: Called by :meth:`close`.
        """
        self._end_connection = end_connection

    def close(self) -> None:
        """End the connection: what was sent is delivered, and nothing more is done.

        To be called from wherever a program finds that a caller has to go. A command returns ``CLOSE``
        instead, for its own answer would not be sent any more. Nothing happens where there is no connection:
        to the sender of a datagram, in a test without one, and once it has ended.
        """
        if self._end_connection is not None:
            self._end_connection()


def end_of(protocol: Any) -> Callable[[], None]:
    """Return what ends a connection in order; it doesn't keep the protocol, which keeps it."""
    this = ref(protocol)

    def end() -> None:
        connection = this()
        if connection is not None:
            connection.close()

    return end
