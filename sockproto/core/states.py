"""The states of a session, and what takes it from one to another.

A session keeps neither: its ``need`` says what it waits for, which costs nothing. This is the same for
people, and for a test that finds every change that is listed here, and no other. The page
docs/reference/states.md draws it::

    state_of(session.need)                              # State.READING
    TRANSITIONS[State.READING]["hold"]                  # (State.WRITING,)
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from sockproto.core.session import Need, Needs


class State(Enum):
    """What a session waits for."""

    NEW = "to be opened"
    READING = "for bytes"
    WAITING = "for its script's Sleep or Wait"
    WRITING = "for room to write more"
    HALF_CLOSING = "for our half of the stream to end"
    CLOSING = "for the connection to end"
    LOST = "for nothing"


_STATES: Final[Mapping[object, State]] = {
    None: State.READING,
    Need.OPEN: State.NEW,
    Need.MORE: State.WRITING,
    Need.HALF_CLOSE: State.HALF_CLOSING,
    Need.CLOSE: State.CLOSING,
    Need.LOST: State.LOST,
}

Changes = Mapping[str, tuple[State, ...]]

_OPEN: Final = (State.READING, State.WAITING, State.WRITING, State.HALF_CLOSING, State.CLOSING)


def _to(*states: State) -> tuple[State, ...]:
    return states


_ENDS: Final[Changes] = {
    **dict.fromkeys(("drain", "close", "abort", "fail"), _to(State.CLOSING)),
    "lose": _to(State.LOST),
}
"""What ends any session, whatever it waits for."""

TRANSITIONS: Final[Mapping[State, Changes]] = {
    State.NEW: {"open": _OPEN, **_ENDS},
    State.READING: {
        "receive": _OPEN[1:],
        "quiet": _OPEN[1:],
        "end": _OPEN[1:],
        "hold": _to(State.WRITING),
        **_ENDS,
        "drain": _OPEN[1:],  # what is unfinished is a message then
    },
    State.WAITING: {
        "resume": _OPEN,
        "throw": _OPEN,
        "look_ahead": _to(State.CLOSING),
        "receive": _to(State.CLOSING),
        "end": _OPEN[2:],  # of an Input, which nobody will answer
        **_ENDS,
    },
    State.WRITING: {"go_on": _OPEN, **_ENDS},
    State.HALF_CLOSING: {"go_on": _to(State.READING, State.WAITING, State.CLOSING), **_ENDS},
    State.CLOSING: {"lose": _to(State.LOST)},
    State.LOST: {},
}
"""By state and event, the methods of ``Session``: the states that may follow, but for the same again."""


def state_of(need: Needs) -> State:
    """Return the state of a session.

    Args:
        need: Its ``need``.

    Returns:
        Its state.
    """
    return _STATES.get(need, State.WAITING) if need is None or isinstance(need, Need) else State.WAITING
