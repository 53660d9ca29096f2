"""Every change of state that the table has is seen, and no other: all short lives of a session are lived."""

import contextlib
from collections.abc import Iterator
from itertools import product
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, Input, Interrupted, Until, Wait
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.framing.lines import QuietLines
from sockproto.core.session import Session
from sockproto.core.states import TRANSITIONS, State, state_of
from sockproto.errors import SendRefused
from tests.core.session.driving import NOTHING, PEER

MUCH = b"M" * 70_000
OPENED = ["", "M", "w", "h", "c"]
SAID = ["", "s", "M", "w", "h", "c", "a", "i", "f", "wM", "wh", "wc", "Mw", "Mh", "Mc", "hw", "hc"]
ENDED = ["", "w", "M", "h"]
OTHERS: list[tuple[Any, ...]] = [
    ("end",),
    ("quiet",),
    ("push", b"p" * 60_000),
    ("hold",),
    ("go_on",),
    ("resume",),
    ("throw", KeyError()),
    ("throw", ZeroDivisionError()),
    ("throw", Interrupted()),
    ("look_ahead",),
    ("drain",),
    ("close", CloseReason.IDLE),
    ("abort", CloseReason.IDLE),
    ("fail", ValueError()),
    ("lose", CloseReason.PEER_RESET),
]
UNFINISHED = ["w", "M", "h", "c", "f\ns"]
READS = [said.encode() + b"\n" for said in SAID] + [said.encode() for said in UNFINISHED]
EVENTS = [("open", PEER), *(("receive", read) for read in READS), ("receive", b"f\ns\n"), *OTHERS]


def fails(message: bytes) -> bool:
    """Tell nothing: raise an error."""
    raise ZeroDivisionError


class Spoken(Conversation):
    """Does what its letters say.

    Args:
        opened: What it does first.
        ended: What it does at the end.
    """

    speaks_text = True

    def __init__(self, opened: str, ended: str) -> None:
        self._opened, self._ended = opened, ended

    def opened(self, peer: Any) -> Any:
        return self._do(self._opened)

    def received(self, message: bytes) -> Any:
        return self._do(message.decode())

    def ended(self) -> Any:
        return self._do(self._ended)

    def _do(self, letters: str) -> Iterator[Any]:
        actions = {
            "s": b"said",
            "M": MUCH,
            "w": Wait(NOTHING),
            "f": Until(NOTHING, fails),
            "i": Input(NOTHING),
        }
        actions |= {"h": HALF_CLOSE, "c": CLOSE, "a": ABORT}
        for letter in letters:
            with contextlib.suppress(ZeroDivisionError):  # of a wait: it goes on
                yield actions[letter]


def seen(session: Session, happening: tuple[tuple[Any, ...], ...]) -> Iterator[tuple[State, str, State]]:
    """Have things happen to a session; yield the changes of its state."""
    for event, *arguments in happening:
        before = state_of(session.need)
        if event in ("resume", "throw") and before is not State.WAITING:
            continue
        try:
            getattr(session, event)(*arguments)
        except SendRefused:
            continue
        after = state_of(session.need)
        if after is not before:
            yield before, event, after


class StateTests(TestCase):
    def test_what_is_seen_is_what_the_table_has(self) -> None:
        found = set()
        short = [*product(EVENTS, repeat=2), *product(EVENTS[:1], EVENTS, EVENTS)]
        for opened, ended in product(OPENED, ENDED):
            for happening in short if opened or ended else product(EVENTS[:1], *[EVENTS[1:]] * 3):
                session = Session(Spoken(opened, ended), QuietLines(1_000))
                found |= set(seen(session, happening))
        listed = {
            (before, event, after)
            for before, changes in TRANSITIONS.items()
            for event, states in changes.items()
            for after in states
            if after is not before
        }
        self.assertEqual(found - listed, set())
        self.assertEqual(listed - found, set())

    def test_what_waits_for_nothing_never_changes(self) -> None:
        self.assertEqual([state for state, changes in TRANSITIONS.items() if not changes], [State.LOST])
