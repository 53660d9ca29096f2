"""What streams and datagrams have in common: a socket, deadlines, notes; and what can go wrong.

::

    raise Silent("no answer came", sent=b"Michael")
"""

import select
import socket
import ssl
from typing import Any, TypeVar

from sockproto.check.body import Edges
from sockproto.check.target import ServerAddress
from sockproto.check.timing import Patience, Timeline
from sockproto.check.verdict import Failed, TooSlow
from sockproto.plain.deadline import Deadline

READ, WRITE = select.POLLIN, select.POLLOUT


class Silent(Failed):
    """Nothing came in time that had to come."""


class Ended(Failed):
    """The server ended the stream too early."""


class WasReset(Failed):
    """The server cut the connection."""


class NotConnected(Failed):
    """The server can't be reached, any more."""


W = TypeVar("W", bound="Wire")


class Wire:
    """A socket of a case.

    Args:
        target: Whom to call.
        number: Which of the case's sockets it is, from 1.
        timeline: Where to note what happens.
        patience: How long to wait.
        deadline: When the case must be done.
        holds: How many bytes our kernel may hold that were not read yet; 0: as many as it likes.

    Attributes:
        deadline: When the case must be done.
    """

    kind = socket.SOCK_STREAM

    def __init__(
        self,
        target: ServerAddress,
        number: int,
        timeline: Timeline,
        patience: Patience,
        deadline: Deadline,
        holds: int = 0,
    ) -> None:
        self._target, self._number, self._timeline = target, number, timeline
        self._patience, self.deadline = patience, deadline
        self._outgoing, self._heard = Edges(), False
        self._sock: Any = socket.socket(target.family, self.kind)
        self._sock.setblocking(False)
        if holds:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
        try:
            self._connect()
        except BaseException:
            self._sock.close()
            raise

    def close(self) -> None:
        """Close it, if it is not closed."""
        if self._sock.fileno() >= 0:
            self._note("closed")
            self._sock.close()

    def __enter__(self: W) -> W:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        raise NotImplementedError

    @property
    def _left(self) -> float:
        """How long the next answer may take, never 0: a socket's time-out of 0 is another thing."""
        return max(min(self._patience.answer, self.deadline.left), 0.001)

    @property
    def _sent(self) -> bytes | None:
        """What was sent, for a report; None if nothing was."""
        return bytes(self._outgoing) if self._outgoing.size else None

    def _note(self, kind: str, data: bytes = b"", text: str = "") -> None:
        self._heard = self._heard or kind == "received"
        self._timeline.note(self._number, kind, data, text)

    def _wait(self, events: int, seconds: float) -> int:
        """Wait for the socket; return what can be done, 0 if that is nothing in time."""
        self._check_time()
        if events & READ and isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return READ
        poll = select.poll()
        poll.register(self._sock, events)
        if ready := poll.poll(1000 * min(seconds, self.deadline.left)):
            return (ready[0][1] & events) or events  # an error shows when it is tried
        if seconds and not self.deadline.left:
            return self._wait(events, 0)
        return 0

    def _check_time(self) -> None:
        """See that the case has time left.

        Raises:
            TooSlow: It has none.
        """
        if not self.deadline.left:
            # Not the server's fault: it was not silent for as long as it may be.
            self._note("waited", text="the case's time is over")
            what = "it is too slow to be judged" if self._heard else "it says nothing, and can't be judged"
            raise TooSlow(f"{what} within {self.deadline.seconds:.3g} s")
