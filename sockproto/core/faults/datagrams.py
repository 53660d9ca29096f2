"""Conversations on datagrams that misbehave: each wraps another, sends what that one sends, with faults.

::

    FaultyDatagrams(conversation, [FaultSpec.parsed("drop=0.1")], Counter())
"""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from sockproto.core.actions import ABORT, CLOSE, TWICE, Actions, Script, Sleep
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.faults.chance import Chance, FaultRecord, chances
from sockproto.core.faults.spec import FaultSpec
from sockproto.core.script import relayed, script_of
from sockproto.interfaces import IConversation

REORDERED_SECONDS = 0.05
"""How many seconds late an answer is sent so that others overtake it."""

MAX_DROPPED = 1_024
"""After this many pieces that are not sent, an answer ends: a script may have no end."""


@implementer(IConversation)
class FaultyDatagrams:
    """Misbehaves on the datagrams of a port; all other attributes are the conversation's.

    Args:
        conversation: The conversation that it wraps.
        specs: What is to go wrong.
        counted: Where faults are counted.
    """

    def __init__(self, conversation: Any, specs: Sequence[FaultSpec], counted: Counter[str]) -> None:
        self._conversation, self._specs, self._counted = conversation, specs, counted
        self._serial = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conversation, name)

    @property
    def speaks_text(self) -> bool:
        """The same as the conversation's."""
        return bool(self._conversation.speaks_text)

    def opened(self, peer: Peer) -> Actions:
        """Not called: a port of datagrams has no connections."""

    def received(self, message: bytes) -> Actions:
        """Not called: every message is a datagram."""
        return self._conversation.received(message)  # type: ignore[no-any-return]  # anybody's

    def ended(self) -> Actions:
        """Not called: a port of datagrams has no connections."""

    def closed(self, reason: CloseReason) -> None:
        """Not called: a port of datagrams has no connections."""

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """A datagram came."""
        self._serial += 1
        had = FaultRecord(self._counted)
        found = chances(self._specs, self._serial, had)
        concerned = [chance for chance in found if chance.concerns(message)]
        if any(chance.happens("drop") for chance in concerned):
            return None
        result: Actions = self._conversation.datagram(message, peer)
        return self._misbehave(result, concerned, had) if concerned and result is not None else result

    def is_reply(self, datagram: bytes) -> bool:
        """The same as the conversation's."""
        return bool(self._conversation.is_reply(datagram))

    def _misbehave(self, result: Actions, concerned: list[Chance], had: FaultRecord) -> Script:
        """Do what the conversation returned, with faults."""
        for chance in concerned:
            yield from chance.pause("delay")
            if chance.happens("reorder"):
                yield Sleep(REORDERED_SECONDS)
        if any(chance.has("no-answer") for chance in concerned):
            yield from _dropped(result)
        twice = any(chance.happens("duplicate") for chance in concerned)
        left = min(chance.faults.get("truncate", sys.maxsize) for chance in concerned)

        def say(message: bytes) -> Script:
            nonlocal left
            part = message[:left]
            if len(part) < len(message):
                had.note("truncate")
            left -= len(part)
            for chance in concerned:
                part = chance.garbled(part)
            yield part
            if not left:
                yield TWICE if twice else CLOSE  # no more can be sent, and a script may have no end

        yield from relayed(script_of(result), say)
        if twice:
            yield TWICE


def _dropped(result: Actions) -> Script:
    """Do what the conversation returned, but send nothing."""
    dropped = 0

    def say(message: bytes) -> Script:
        nonlocal dropped
        dropped += 1
        if dropped == MAX_DROPPED:
            yield ABORT

    yield from relayed(script_of(result), say)
    yield ABORT
