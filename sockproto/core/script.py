"""One way to run a script: a generator of actions.

Pure. Sessions and the datagram carrier share it: bytes that a script sends go to *put*; any other action is
returned::

    action = advance(script, put)               # what it wants: Sleep(0.5)
    action = advance(script, put, "result")     # half a second later
"""

from collections.abc import Callable
from types import GeneratorType
from typing import Any, Final, cast

from sockproto.core.actions import WAITS, Action, End, Script
from sockproto.errors import ActionError

WANTED: Final = (*WAITS, End)
"""The actions of a script besides sending."""

EXITS: Final = (KeyboardInterrupt, SystemExit)
"""Exceptions that are no errors of a conversation but end the process."""


def script_of(action: object) -> Script:
    """Return the script for what a method of a conversation returned: itself, or a script of one action."""
    return cast("Script", action) if isinstance(action, GeneratorType) else _one(cast("Action", action))


def _one(action: Action) -> Script:
    yield action


def relayed(script: Script, say: Callable[[bytes], Script]) -> Script:
    """Do what a script does, but send its messages through *say*, which may take time."""
    value, error = None, None
    try:
        while True:
            try:
                action = script.send(value) if error is None else script.throw(error)
            except StopIteration:
                return
            value = error = None
            if isinstance(action, bytes):
                yield from say(action)
                continue
            try:
                value = yield action
            except GeneratorExit:
                raise
            except BaseException as raised:
                error = raised
    finally:
        error = None  # whose traceback refers to this frame
        script.close()


def advance(
    script: Script, put: Callable[[bytes], bool], value: Any = None, error: BaseException | None = None
) -> Action | None:
    """Run a script until its action is something other than bytes to send.

    Args:
        script: The script.
        put: Called with bytes to send; returns whether they are enough for now.
        value: The value of its ``yield``.
        error: The exception that its ``yield`` raises; None: it raises nothing.

    Returns:
        The action at which it stopped: a ``Sleep`` or ``Wait``, ``CLOSE``, ``ABORT`` or ``HALF_CLOSE``, or
        the bytes that were enough; None if the script is over.

    Raises:
        ActionError: The script yielded something that is not an action.
        BaseException: Any exception that the script, or *put*, raised.
    """
    try:
        action = script.send(value) if error is None else script.throw(error)
        while type(action) is bytes or isinstance(action, bytes):
            if put(action if type(action) is bytes else bytes(action)):
                return action
            action = script.send(None)
    except StopIteration:
        return None
    if isinstance(action, WANTED):
        return action
    raise ActionError(action)
