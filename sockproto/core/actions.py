"""What a conversation does: the actions that its methods give.

Pure values; a session, or the datagram carrier, does them::

    yield b"Hello"          # send
    yield Sleep(0.5)        # go on later
    yield CLOSE
"""

from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias


class End(Enum):
    """The actions that end a connection, our half of it, or an answer."""

    CLOSE = "close"
    ABORT = "abort"
    HALF_CLOSE = "half-close"
    TWICE = "twice"


CLOSE: Final = End.CLOSE
"""Send what is still to be sent, then close so that the peer can read all of it. No action follows."""

ABORT: Final = End.ABORT
"""Close at once and drop what was not sent; a TCP peer sees a reset. No action follows."""

HALF_CLOSE: Final = End.HALF_CLOSE
"""Send what is still to be sent, then end our half of the stream and go on receiving. No bytes follow.

Over TLS, which has no half-close, it does nothing; an answer to a datagram it ends, as ``CLOSE`` does.
"""

TWICE: Final = End.TWICE
"""Send the answer to a datagram twice, as a network may (RFC 768): only faults do so. No action follows."""


@dataclass(frozen=True)
class Sleep:
    """Go on after a while; only this conversation waits.

    Attributes:
        seconds: How long; 0 or less goes on at once.
    """

    seconds: float


@dataclass(frozen=True)
class Wait:
    """Go on when an awaitable is done; only this conversation waits.

    Its result comes back from the ``yield``; its failure is raised there. It is cancelled when the
    connection is lost.

    Attributes:
        awaitable: A Twisted ``Deferred``, a coroutine, or whatever else Twisted can await. It belongs to this
            wait: one Deferred can't be waited for by two.
    """

    awaitable: Awaitable[Any]


class Input(Wait):
    """Wait for something to send. It is given up when the peer has ended its half of the stream."""


@dataclass(frozen=True)
class Until(Wait):
    """Wait, unless a message ends it; the others wait their turn, as always.

    ``Interrupted`` is raised at the ``yield`` if one does, and the awaitable is cancelled. On datagrams it is
    a ``Wait``: there is no next message.

    Attributes:
        ends: Told each message that comes meanwhile, once, as far as some hundred ahead; gives whether it
            ends the wait. The one that does is handled by that.
        endless: The service's stop ends the wait too: what is waited for has no end of its own.
    """

    ends: Callable[[bytes], bool]
    endless: bool = False


class Interrupted(Exception):
    """The wait of an ``Until`` was ended."""


WAITS: Final = (Sleep, Wait)
"""The actions that take time."""

Action: TypeAlias = bytes | End | Sleep | Wait
Script: TypeAlias = Generator[Action, Any, None]
"""What a method is that gives more than one action, or waits: a generator of actions."""

Actions: TypeAlias = Action | Script | None


def next_of(items: Iterator[bytes | Wait]) -> Generator[Action, Any, bytes | None]:
    """Take the next thing to send, as part of a script (``yield from``).

    Args:
        items: Bytes, or a ``Wait`` whose result is bytes, or None if there was nothing.

    Returns:
        It; None if there are no more.
    """
    for item in items:
        found = (yield item) if isinstance(item, Wait) else item
        if found is not None:
            return bytes(found)
    return None
