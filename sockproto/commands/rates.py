"""How often a command may be called.

Pure; the time is asked of a call::

    class Door(CommandSet):
        @command
        @rate_limit(3, seconds=60)
        def open(self, code: int) -> None: ...
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from sockproto.commands.caller import Caller
from sockproto.errors import CommandError, DeclarationError

LIMITS = "__sockproto_rate_limits__"

Method = TypeVar("Method", bound=Callable[..., Any])


class RateLimit:
    """A number of calls in a number of seconds: a token bucket, full at first.

    Args:
        calls: How many calls at once.
        seconds: How long it takes until as many are allowed again; they come back evenly.
        per_caller: Whether each caller has as many; else all have them together.
        now: What time it is, in seconds.

    Attributes:
        per_caller: The same.
    """

    def __init__(self, calls: int, seconds: float, per_caller: bool, now: Callable[[], float]) -> None:
        self._calls, self._seconds, self.per_caller, self._now = calls, seconds, per_caller, now
        self._key = f"__sockproto_rate_{id(self)}__"

    def spend(self, commands: object, caller: Caller) -> None:
        """Count a call.

        Args:
            commands: The set: what all callers have together is kept there.
            caller: Who calls: what is one caller's is kept there, and gone with it.

        Raises:
            CommandError: There were too many.
        """
        kept = vars(caller if self.per_caller else commands)
        now = self._now()
        left, since = kept.get(self._key, (float(self._calls), now))
        left = min(self._calls, left + (now - since) * self._calls / self._seconds)
        if left < 1:
            kept[self._key] = left, now
            raise CommandError(f"too often: {self._calls} calls in {self._seconds:g} seconds are allowed")
        kept[self._key] = left - 1, now


def rate_limit(
    calls: int,
    *,
    seconds: float = 1.0,
    per_caller: bool = True,
    now: Callable[[], float] = time.monotonic,
) -> Callable[[Method], Method]:
    """Limit how often a command of a ``CommandSet`` may be called; above or below ``@command``, also twice.

    What is past the limit is answered with an ``error:`` line, before its arguments are looked at. A method
    that overrides a limited one is limited alike, unless it has a limit of its own.

    Args:
        calls: How many calls are allowed at once.
        seconds: How long it takes until as many are allowed again; they come back evenly.
        per_caller: Whether each connection has as many; else all connections have them together. A datagram
            is a caller of its own: there only what all have together limits anything, and ``--udp-rate``.
        now: What time it is, in seconds; for tests.

    Returns:
        What decorates the method, which it returns.

    Raises:
        DeclarationError: *calls* or *seconds* is no positive number.
    """
    if calls < 1 or seconds <= 0:
        raise DeclarationError(f"a rate limit has a number of calls and of seconds, not {calls} in {seconds}")
    limit = RateLimit(calls, seconds, per_caller, now)

    def mark(function: Method) -> Method:
        setattr(function, LIMITS, (*getattr(function, LIMITS, ()), limit))
        return function

    return mark
