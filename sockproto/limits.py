"""How much a peer may have of us. Pure values; the carriers enforce them.

Each default has its precedent in the docstring; 0 means no limit::

    GreetingFactory(limits=Limits(max_message_bytes=512, close_seconds=5))
"""

from dataclasses import dataclass

READ_AHEAD_BYTES = 65_536
"""Bytes held for a conversation that is busy; past it reading pauses. As much as Twisted reads at once."""

WRITE_BYTES = 65_536
"""Replies are collected until there are this many bytes, or nothing more to do. Where Twisted's
transports call their buffer full."""

TURN_BYTES = 262_144
"""What one connection produces in one turn of the reactor before the others have theirs. Twice what
Twisted hands to one ``send``."""


@dataclass(frozen=True)
class Limits:
    """The limits of a carrier.

    Attributes:
        max_message_bytes: The longest message, its terminator not counted (65,536, four times
            ``LineReceiver``'s 16,384 and the most that Python's ``StreamReader.readline`` takes).
        close_seconds: How long a connection that we closed goes on reading and discarding until the
            peer closes too (2; nginx's ``lingering_timeout`` is 5, Apache's linger 2 at a time).
    """

    max_message_bytes: int = 65_536
    close_seconds: float = 2.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise ValueError(f"{name} must be 0 (no limit) or more, not {value!r}")
