"""A session does what the model does, whatever happens, in any order, however its reads are cut.

More by hand: ``SOCKPROTO_EXAMPLES=20000 python -m pytest tests/core/session/test_model.py``.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from hypothesis import HealthCheck, given, settings, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, Input, Sleep, Until, Wait
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.framing.prefixed import Netstrings
from sockproto.core.framing.raw import Raw
from sockproto.core.session import FRAME_BYTES, Need, Session
from sockproto.errors import SendRefused
from tests import example_count
from tests.core.session.driving import NOTHING, PEER, Drive, PlainLines
from tests.core.session.model import ENOUGH, Model
from tests.core.session.splitting import (
    LIMIT,
    LinesSplitter,
    NetstringsSplitter,
    QuietSplitter,
    RawSplitter,
    Splitter,
)

EXAMPLES = int(os.environ.get("SOCKPROTO_EXAMPLES", "50"))
MAX_CALLS = 50  # of one application, from inside its conversation


class PlainRaw(Raw):
    cut = property()


Step: TypeAlias = tuple[str, Any]

WAITS = ("sleep", "wait", "until", "endless", "input")
ENDS = {"half-close": HALF_CLOSE, "close": CLOSE, "abort": ABORT, "junk": "text"}


class Way(NamedTuple):
    """How a method answers: by what it returns, or as a generator; what it says or does, in order."""

    generator: bool
    steps: tuple[Step, ...]
    fails_at_last: bool = False


class Played(Conversation):
    """Does what was drawn, and notes what happens to it.

    Args:
        ways: How each method answers, ``received`` by the first byte of the message; it echoes others.
        speaks_text: Whether it does.
    """

    def __init__(self, ways: dict[Any, Way], speaks_text: bool) -> None:
        self.ways, self.speaks_text = ways, speaks_text
        self.notes: list[Any] = []
        self.session: Any = None
        self.silent = False  # nothing may be said after HALF_CLOSE
        self.calls = 0

    def opened(self, peer: Any) -> Any:
        self.notes.append("opened")
        return self._answer(self.ways.get("opened"))

    def received(self, message: bytes) -> Any:
        self.notes.append(message)
        way = self.ways.get(message[:1])
        if way is None:
            return None if self.silent else message
        return self._answer(way)

    def ended(self) -> Any:
        self.notes.append("ended")
        return self._answer(self.ways.get("ended"))

    def closed(self, reason: CloseReason) -> Any:
        self.notes.append(reason)
        self._answer(self.ways.get("closed"))

    def ends(self, message: bytes) -> bool:
        """Tell whether a message ends an ``Until``."""
        self.notes.append(("shown", message))
        if message.startswith(b"x"):
            raise ZeroDivisionError
        return message.startswith(b"s")

    def _answer(self, way: Way | None) -> Any:
        if way is None:
            return None
        if way.generator:
            return self._script(way)
        found = None
        for step in way.steps:
            found = self._action(*step) or found
        return found

    def _script(self, way: Way) -> Any:
        try:
            for kind, value in way.steps:
                action = self._action(kind, value)
                if action is None:
                    continue
                try:
                    self.notes.append(("came back", (yield action)))
                except Exception as error:
                    self.notes.append(("failed", type(error)))
                    if value == "not caught":
                        raise
        finally:
            self.notes.append("finally")
            if way.fails_at_last:
                raise RuntimeError

    def _action(self, kind: str, value: Any) -> Any:
        if kind == "send":
            return None if self.silent else value
        if kind == "call":
            return self._call(value)
        if kind == "raise":
            raise ZeroDivisionError
        if kind == "half-close":
            self.silent = True
        waits = {
            "sleep": Sleep(1),
            "wait": Wait(NOTHING),
            "until": Until(NOTHING, self.ends),
            "endless": Until(NOTHING, self.ends, True),
            "input": Input(NOTHING),
        }
        return {**ENDS, **waits}[kind]

    def _call(self, call: tuple[Any, ...]) -> None:
        """Do what an application may do while the session is at work."""
        self.calls += 1
        if self.calls > MAX_CALLS:  # a message that has itself received again would never end
            return
        self.notes.append(call[0])
        try:
            assert not getattr(self.session, call[0])(*call[1:]), "nothing overtakes"
        except SendRefused:
            self.notes.append("refused")


class Case(NamedTuple):
    """A framing, how the model does it, and what comes: whole messages, and parts of some."""

    framing: Callable[[int], Any]
    splitter: Callable[[], Splitter]
    whole: list[bytes]
    parts: list[bytes]


LINES = [b"a\n", b"b\n", b"c\n", b"s\n", b"x\n", b"\n"]
PARTS = [b"d\r\n", b"\r", b"a", b"bc", b"a" * (LIMIT - 1), b"\r\n"]
STRINGS = [b"1:a,", b"1:b,", b"2:cc,", b"1:d,", b"1:s,", b"1:x,", b"0:,"]
STRING_PARTS = [b"1", b":", b"a,", b"b,", b"12:", b"0"]
CASES = {
    "lines": Case(Lines, LinesSplitter, LINES, PARTS),
    "lines without cut": Case(PlainLines, LinesSplitter, LINES, PARTS),
    "quiet lines": Case(QuietLines, QuietSplitter, LINES, PARTS),
    "raw": Case(Raw, RawSplitter, LINES, PARTS),
    "raw without cut": Case(PlainRaw, RawSplitter, LINES, PARTS),
    "netstrings": Case(Netstrings, NetstringsSplitter, STRINGS, STRING_PARTS),
}


def data(case: Case) -> st.SearchStrategy[bytes]:
    """What a read gives: whole messages alone, which some framings cut in one piece, or anything."""
    whole = st.lists(st.sampled_from(case.whole), max_size=6)
    return st.one_of(whole, st.lists(st.sampled_from(case.whole + case.parts), max_size=6)).map(b"".join)


def events(case: Case, inner: bool) -> st.SearchStrategy[tuple[Any, ...]]:
    """What may happen to a session; *inner*: while it is at work."""
    receive = st.tuples(st.just("receive"), data(case))
    push = st.tuples(st.just("push"), st.sampled_from([b"p", b"", b"P" * 30_000]))
    rare: list[tuple[Any, ...]] = [
        ("end",),
        ("drain",),
        ("close", CloseReason.IDLE),
        ("abort", CloseReason.LIFETIME),
        ("lose", CloseReason.PEER_RESET),
    ]
    calls: list[tuple[Any, ...]] = [("quiet",), ("hold",)]
    if inner:
        return st.one_of(push, receive, st.sampled_from(calls), st.sampled_from(rare))
    calls += [("go_on",), ("resume", 7), ("resume", None), ("throw", ValueError()), ("resume", 8)]
    fail = [("fail", KeyError())]
    return st.one_of(
        receive, receive, receive, push, *[st.sampled_from(calls)] * 3, st.sampled_from(rare + fail)
    )


def ways(case: Case) -> st.SearchStrategy[dict[Any, Way]]:
    """How a conversation answers."""
    sends = st.tuples(
        st.just("send"), st.sampled_from([b"1", b"", b"B" * 40_000, b"B" * (ENOUGH - FRAME_BYTES)])
    )
    waits = st.tuples(st.sampled_from(WAITS), st.sampled_from(["caught", "not caught"]))
    ends = st.tuples(st.sampled_from([*ENDS, "raise"]), st.none())
    calls = st.tuples(st.just("call"), events(case, inner=True))
    steps = st.lists(st.one_of(sends, sends, waits, waits, calls, ends), min_size=1, max_size=4).map(tuple)
    way = st.builds(Way, st.booleans(), steps, st.sampled_from([False, False, False, True]))
    methods = ["opened", "ended", "closed", b"a", b"b", b"c", b"d"]
    return st.dictionaries(st.sampled_from(methods), way, min_size=2, max_size=5)


def play(made: Any, conversation: Played, happening: list[tuple[Any, ...]]) -> list[Any]:
    """Have things happen to a session, or a model; return all that can be seen of it, after each of them."""
    conversation.session = made
    drive = Drive(made)
    seen: list[Any] = []
    for event in [("open", PEER), *happening, ("lose", CloseReason.PEER_CLOSED)]:
        if event[0] in ("resume", "throw") and not isinstance(made.need, Sleep | Wait):
            continue
        if event[0] in ("receive", "end") and made.eof:
            continue
        if made.need is Need.LOST:
            break
        try:
            out = drive(*event)
        except SendRefused:
            out = b"refused"
        errors = [(what, type(error)) for what, error in made.errors]
        counted = made.messages_in, None if made.aborted or made.need is Need.LOST else made.messages_out
        state = made.reason, made.aborted, made.draining, made.half_closed, drive.half_closed, made.opened
        need = made.need if isinstance(made.need, Need) else type(made.need)
        seen.append((event[0], out, need, counted, state, errors, list(conversation.notes)))
    assert all(len(written) < 2 * ENOUGH + 60_000 for written in drive.writes)
    return seen


class ModelTests(TestCase):
    def agree(self, case: Case, drawn: Any) -> None:
        chosen = drawn.draw(ways(case), "ways")
        speaks_text = drawn.draw(st.booleans(), "speaks text")
        happening = drawn.draw(st.lists(events(case, inner=False), min_size=4, max_size=12), "events")
        made, meant = Played(chosen, speaks_text), Played(chosen, speaks_text)
        found = play(Session(made, case.framing(LIMIT)), made, happening)
        expected = play(Model(meant, case.splitter()), meant, happening)
        if any(kind in ("until", "endless") for way in chosen.values() for kind, _ in way.steps):
            # What a wait was shown ahead of its turn may change how replies end.
            found, expected = ([_without_newlines(each) for each in seen] for seen in (found, expected))
        for one, other in zip(found, expected, strict=True):
            self.assertEqual(one, other)


def _without_newlines(seen: tuple[Any, ...]) -> tuple[Any, ...]:
    return (seen[0], seen[1].translate(None, b"\r\n"), *seen[2:])


def _test(case: Case) -> Any:
    @settings(
        max_examples=example_count(EXAMPLES),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def test(self: ModelTests, drawn: Any) -> None:
        self.agree(case, drawn)

    return test


for _name, _case in CASES.items():
    setattr(ModelTests, f"test_{_name.replace(' ', '_')}", _test(_case))
