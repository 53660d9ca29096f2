"""How an ``Until`` sees messages that wait: pure; the object exists only while the script runs.

::

    ahead = LookAhead(until)
    waiting = ahead.show(waiting, framing.take)
    ahead.ending        # the place of the message that ends the wait, None: there is none
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

from sockproto.core.actions import Until
from sockproto.errors import MessageMalformed, MessageTooLong

MAX_MESSAGES = 256
MAX_BYTES = 4_096
"""How many messages it looks ahead."""


class LookAhead:
    """The messages that wait, as far as an ``Until`` has seen them.

    Args:
        until: The wait that a message may end.

    Attributes:
        until: That wait, or the latest one of its script.
        ending: The index of the message that ends the wait; None: no message so far.
    """

    __slots__ = ("_seen", "ending", "until")

    def __init__(self, until: Until) -> None:
        self.until = until
        self.ending: int | None = None
        self._seen = 0

    def show(self, messages: Iterable[bytes], take: Callable[[], list[bytes]]) -> list[bytes]:
        """Show the ``Until`` the messages that came, up to the one that ends it.

        Args:
            messages: The messages that wait.
            take: Returns more messages; an empty list if there are no more.

        Returns:
            All messages that wait now.
        """
        waiting = list(messages)
        while self.ending is None:
            for place in range(self._seen, len(waiting)):
                if self.until.ends(waiting[place]):
                    self.ending = place
                    return waiting
            self._seen = len(waiting)
            more = []
            if len(waiting) < MAX_MESSAGES and sum(map(len, waiting)) < MAX_BYTES:
                with suppress(MessageTooLong, MessageMalformed):  # which is told when its turn comes
                    more = take()
            if not more:
                break
            waiting += more
        return waiting

    def take_out(self, messages: Iterable[bytes]) -> list[bytes]:
        """Return the messages that wait, without the one that ended the wait, which is handled already."""
        waiting = list(messages)
        if self.ending is not None:
            del waiting[self.ending]
            self._seen, self.ending = self.ending, None
        return waiting
