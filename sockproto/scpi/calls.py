"""What a program message asks for: the calls of an instrument's methods, in their order.

Pure. What a message asks for depends on nothing but what was declared, so for messages that come again and
again (a client measures in a loop) it is kept::

    read = CallReader(Supply.headers)
    read(b"VOLT 5;CURR 1")      # (MethodCall(set_voltage, (5.0,)), MethodCall(set_current, (1.0,)))
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple, cast

from sockproto.errors import CommandError
from sockproto.scpi.declaration import ScpiCommand
from sockproto.scpi.headers import HeaderTree
from sockproto.scpi.message import units

KEPT_MESSAGES = 1024
"""So many messages are read only once."""

KEPT_BYTES = 256
"""Longer ones are read each time, so that what is kept is bounded."""


class MethodCall(NamedTuple):
    """One unit of a program message.

    Attributes:
        declared: What its header means, an ``ScpiCommand``; None if that is not known.
        function: What is called, with the instrument and the arguments; None: it is ``declared.call``, which
            gets the caller too.
        arguments: What follows the header, and its numeric suffixes; the caller is not among them.
        error: What is wrong with it; None: nothing, it can be called.
    """

    declared: Any
    function: Callable[..., Any] | None
    arguments: tuple[object, ...] = ()
    error: CommandError | None = None


class CallReader:
    """Reads the messages of one class of instruments.

    Args:
        headers: The headers that it knows.
    """

    def __init__(self, headers: HeaderTree) -> None:
        self._headers = headers
        self._kept = lru_cache(KEPT_MESSAGES)(self._read)

    def __call__(self, message: bytes) -> tuple[MethodCall, ...]:
        """Return what a message asks for; what is wrong in it is an error in its place, the rest is done.

        Args:
            message: The message, without its terminator.
        """
        return self._kept(message) if len(message) <= KEPT_BYTES else self._read(message)

    def _read(self, message: bytes) -> tuple[MethodCall, ...]:
        calls, path = [], self._headers.root
        for header, data in units(message):
            try:
                declared, suffixes, path = self._headers.find(header, path)
            except CommandError as error:  # the path stays what it was
                calls.append(MethodCall(None, None, error=_without_frames(error)))
                continue
            calls.append(_call(cast("ScpiCommand", declared), data, suffixes))
        return tuple(calls)


def _call(declared: ScpiCommand, data: bytes, suffixes: tuple[object, ...]) -> MethodCall:
    try:
        function, arguments = declared.bind(data)
    except CommandError as error:
        return MethodCall(declared, None, error=_without_frames(error))
    except Exception:  # a bug of somebody's type: found where it is called, as all bugs are
        return MethodCall(declared, partial(_bound_again, declared, data))
    return MethodCall(declared, function, (*suffixes, *arguments))


def _bound_again(declared: ScpiCommand, data: bytes, instrument: Any) -> None:
    declared.bind(data)


def _without_frames(error: CommandError) -> CommandError:
    """Return an error as it can be kept: the frames where it was raised would keep the connection."""
    error.__context__ = None  # "from None" only hides it
    return error.with_traceback(None)
