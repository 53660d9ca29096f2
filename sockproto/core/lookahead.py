"""How an ``Until`` hears of messages behind those that wait: pure, and there only while its script runs.

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
"""How far it looks ahead."""


class LookAhead:
    """What an ``Until`` has seen of the messages that wait.

    Args:
        until: The wait that a message may end.

    Attributes:
        until: That wait, or the latest of its script.
        ending: The place of the message that ends it; None: none so far.
    """

    __slots__ = ("_seen", "ending", "until")

    def __init__(self, until: Until) -> None:
        self.until = until
        self.ending: int | None = None
        self._seen = 0

    def show(self, messages: Iterable[bytes], take: Callable[[], list[bytes]]) -> list[bytes]:
        """Show it the messages that came, up to one that ends it.

        Args:
            messages: Those that wait.
            take: Gives more of them, or none.

        Returns:
            All that wait now.
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
        """Return the messages that wait, without the one that has ended a wait: that is handled."""
        waiting = list(messages)
        if self.ending is not None:
            del waiting[self.ending]
            self._seen, self.ending = self.ending, None
        return waiting
