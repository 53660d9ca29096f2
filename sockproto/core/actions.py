"""What a conversation does: the actions that its methods return.

Pure values; a session, or the datagram carrier, carries them out::

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

Over TLS, which has no half-close, it does nothing. On datagrams it ends the answer, as ``CLOSE`` does.
"""

TWICE: Final = End.TWICE
"""Send the answer to a datagram twice, as a network may (RFC 768). Only faults use it. No action follows."""


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

    Its result is the value of the ``yield``; its failure is raised there. The awaitable is cancelled when
    the connection is lost.

    Attributes:
        awaitable: A Twisted ``Deferred``, a coroutine, or anything else that Twisted can await. Only this
            ``Wait`` may use it: two can't wait for one Deferred.
    """

    awaitable: Awaitable[Any]


class Input(Wait):
    """Wait for something to send. The wait is cancelled when the peer has ended its half of the stream."""


@dataclass(frozen=True)
class Until(Wait):
    """Wait until the awaitable is done or a message ends the wait; other messages wait their turn, as always.

    If a message ends it, ``Interrupted`` is raised at the ``yield`` and the awaitable is cancelled. On
    datagrams it is the same as ``Wait``, because there is no next message.

    Attributes:
        ends: Called once with each message that comes during the wait (with the next few hundred at most);
            returns whether it ends the wait. The message that ends it is not handled again.
        endless: Whether the stop of the service ends the wait too, because the awaitable may never be done.
    """

    ends: Callable[[bytes], bool]
    endless: bool = False


class Interrupted(Exception):
    """The wait of an ``Until`` was ended."""


WAITS: Final = (Sleep, Wait)
"""The actions that take time."""

Action: TypeAlias = bytes | End | Sleep | Wait
Script: TypeAlias = Generator[Action, Any, None]
"""A generator of actions: what a method returns if it does more than one thing, or waits."""

Actions: TypeAlias = Action | Script | None


def next_of(items: Iterator[bytes | Wait]) -> Generator[Action, Any, bytes | None]:
    """Take the next bytes to send, as part of a script (``yield from``).

    Args:
        items: Each item is bytes, or a ``Wait`` whose result is bytes, or None if there was nothing.

    Returns:
        The bytes; None if there are no more.
    """
    for item in items:
        found = (yield item) if isinstance(item, Wait) else item
        if found is not None:
            return bytes(found)
    return None
