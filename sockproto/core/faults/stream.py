"""Conversations on streams that misbehave: each wraps another, sends what that one sends, with faults.

A fault is made of the actions that every conversation has, so it works on all carriers, and a protocol
needs to know nothing about it::

    FaultyStream(session, [FaultSpec.parsed("delay=0.2")], 1, Counter())    # before the session is opened
"""

from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any

from zope.interface import implementer

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, Action, Actions, Script, Sleep
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.faults.catalog import FAULTS
from sockproto.core.faults.chance import ENDS, Chance, FaultRecord, chances
from sockproto.core.faults.framing import FaultyFraming, Piece
from sockproto.core.faults.spec import FaultSpec
from sockproto.core.script import relayed, script_of
from sockproto.interfaces import IConversation

RESET_SECONDS = 0.05
"""Seconds between the last bytes and a reset, which would destroy bytes that have not arrived yet."""

DROPPED = 64
"""After this many messages that are not sent, others have their turn: a script may have no end."""

DROPPED_SECONDS = 0.01


@implementer(IConversation)
class FaultyStream:
    """Misbehaves on a connection; all other attributes are the conversation's.

    Args:
        session: The connection's session, whose conversation and framing it replaces.
        specs: What is to go wrong.
        serial: The connection's number, the seed of its random choices.
        counted: Where faults are counted.
    """

    def __init__(self, session: Any, specs: Sequence[FaultSpec], serial: int, counted: Counter[str]) -> None:
        self._session, self._conversation = session, session.conversation
        self._framing = session.framing = FaultyFraming(session.framing)
        self._had = FaultRecord(counted)
        self._chances = chances(specs, serial, self._had)
        self._opened = self._muted = self._spoke = False
        session.conversation = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conversation, name)

    @property
    def speaks_text(self) -> bool:
        """The same as the conversation's."""
        return bool(self._conversation.speaks_text)

    @property
    def detail(self) -> str:
        """The faults that happened, in words; empty if there were none."""
        return self._had.detail

    def opened(self, peer: Peer) -> Actions:
        """The connection is open: do the faults that come before everything else."""
        if any(FAULTS[name].at_open or name in ENDS for chance in self._chances for name in chance.faults):
            return self._open(peer)
        return self._open_conversation(peer)

    def received(self, message: bytes) -> Actions:
        """A message came."""
        concerned = self._concerned(message)
        result = self._conversation.received(message)
        return self._misbehave(result, concerned, True) if concerned or self._muted else result

    def ended(self) -> Actions:
        """The peer will send no more."""
        return self._unasked(self._conversation.ended())

    def closed(self, reason: CloseReason) -> None:
        """The connection is gone."""
        del self._session  # which refers to this
        if self._opened:
            self._conversation.closed(reason)

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """Not called: no datagram comes on a stream."""
        return self._conversation.datagram(message, peer)  # type: ignore[no-any-return]  # anybody's

    def is_reply(self, datagram: bytes) -> bool:
        """Not called: no datagram comes on a stream."""
        return False

    def _concerned(self, message: bytes | None) -> list[Chance]:
        return [chance for chance in self._chances if chance.concerns(message)]

    def _open_conversation(self, peer: Peer) -> Actions:
        self._opened = True
        return self._unasked(self._conversation.opened(peer))

    def _open(self, peer: Peer) -> Script:
        for chance in self._chances:
            for name in "accept-delay", "no-read":
                yield from self._read_nothing(chance, name)
            if chance.has("close-at-open"):
                yield from self._end("close-at-open")
            if chance.left and chance.concerns(None):
                for messages in False, True:
                    yield from self._count(chance, 0, messages)
        result = self._open_conversation(peer)
        if result is not None:
            yield from script_of(result)

    def _read_nothing(self, chance: Chance, name: str) -> Script:
        """Read nothing for a while; for ever if no time is given."""
        for sleep in chance.pause(name):
            self._framing.reads_nothing = True
            yield sleep
            self._framing.reads_nothing = False
            if chance.faults[name] is None:
                yield from self._end(name)

    def _unasked(self, result: Actions) -> Actions:
        concerned = self._concerned(None)
        return self._misbehave(result, concerned, False) if concerned or self._muted else result

    def _misbehave(self, result: Actions, concerned: list[Chance], is_answer: bool) -> Script:
        """Do what a method of the conversation returned, with faults."""
        delayed, dropped = False, 0

        def say(message: bytes) -> Script:
            nonlocal delayed, dropped
            if not delayed:
                delayed = True
                for chance in concerned:
                    yield from chance.pause("delay")
            if not self._muted and not any(chance.has("no-answer") for chance in concerned):
                sent = yield from self._say(message, concerned)
                if sent:
                    return
            dropped += 1
            if dropped % DROPPED == 0:
                yield Sleep(DROPPED_SECONDS)

        if result is not None:
            yield from relayed(script_of(result), say)
        if is_answer:
            for chance in concerned:
                yield from self._count(chance, 1, messages=True)

    def _say(self, message: bytes, concerned: list[Chance]) -> Generator[Action, Any, bool]:
        """Send a message with the faults that concern it; return whether anything was sent."""
        data = self._framing.encode(message)
        for chance in concerned:
            data = chance.garbled(chance.truncated(data))
        if data and not self._spoke:
            self._spoke = True
            for chance in self._chances:
                yield from chance.pause("first-byte")
        bounds = [
            left
            for chance in concerned
            for name, left in chance.left.items()
            if not chance.faults[name].messages
        ]
        data = data[: min(bounds)] if bounds else data
        yield from self._send(data, concerned)
        for chance in concerned:
            yield from self._count(chance, len(data), messages=False)
        return bool(data)

    def _send(self, data: bytes, concerned: list[Chance]) -> Script:
        """Send bytes, which together are one message, as slowly as the slowest fault asks."""
        parts = iter([(data, 0.0)] if data else [])
        for chance in concerned:
            if "drip" in chance.faults or "split" in chance.faults:
                parts = chance.segments(parts)
        for number, (part, seconds) in enumerate(parts):
            if number:
                self._session.messages_out -= 1
            yield Piece(part)
            if seconds:
                yield Sleep(seconds)

    def _count(self, chance: Chance, number: int, messages: bool) -> Script:
        """Count bytes or messages; end the connection after enough of them."""
        for name in list(chance.left):
            if chance.faults[name].messages == messages:
                chance.left[name] -= number
                if chance.left[name] <= 0 and chance.has(name):
                    del chance.left[name]
                    yield from self._end(name)

    def _end(self, name: str) -> Script:
        """End the connection, or our half of it."""
        if name == "half-close-after":
            self._muted = True
            yield HALF_CLOSE
        elif name == "reset-after":
            yield Sleep(RESET_SECONDS)
            self._session.abort(CloseReason.FAULT)
            yield ABORT
        else:
            self._session.close(CloseReason.FAULT)
            yield CLOSE
