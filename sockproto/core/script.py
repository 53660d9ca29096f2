"""One way to run a script: a generator of actions.

Pure. Sessions and the datagram carrier share it: what a script sends goes to their *put*, and what else it
wants is returned::

    action = advance(script, put)               # what it wants: Sleep(0.5)
    action = advance(script, put, "result")     # half a second later
"""

from collections.abc import Callable
from types import GeneratorType
from typing import Any, Final, cast

from sockproto.core.actions import WAITS, Action, End, Script
from sockproto.errors import ActionError

WANTED: Final = (*WAITS, End)
"""What a script may want besides sending."""

EXITS: Final = (KeyboardInterrupt, SystemExit)
"""What is no error of a conversation that raises it, but ends the process."""


def script_of(action: object) -> Script:
    """Return as a script what a method of a conversation gave: that, or one of that action alone."""
    return cast("Script", action) if isinstance(action, GeneratorType) else _one(cast("Action", action))


def _one(action: Action) -> Script:
    yield action


def relayed(script: Script, say: Callable[[bytes], Script]) -> Script:
    """Do what a script does, but what it sends is said by *say*, which may take time."""
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
    """Run a script until it wants something else than to send.

    Args:
        script: The script.
        put: Takes bytes to send; returns whether that is enough for now.
        value: What its ``yield`` gives back.
        error: What its ``yield`` raises; None: nothing.

    Returns:
        The action that it stopped at: a ``Sleep`` or ``Wait``, ``CLOSE``, ``ABORT`` or ``HALF_CLOSE``, or the
        bytes that were enough; None if it is over.

    Raises:
        ActionError: It gave something that is no action.
        BaseException: Whatever the script, or *put*, raised.
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
