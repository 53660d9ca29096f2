"""Conversations that misbehave: each wraps another, says what that says, and does it wrong.

A fault is made of the actions that every conversation has; so all carriers have it, and a protocol knows
nothing of it::

    plan = FaultPlan(Faults("delay=0.2"), Counter())
    plan.afflict(session)                           # of a connection, before it is opened
"""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from random import Random
from typing import Any

from zope.interface import implementer

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, TWICE, Action, Actions, Script, Sleep
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.faults.spec import FAULTS, FOR_GOOD_SECONDS, FaultSpec, Span
from sockproto.core.limits import READ_AHEAD_BYTES
from sockproto.core.script import script_of
from sockproto.interfaces import IConversation

SEGMENT_SECONDS = 0.005
"""Between two segments: what comes at once may be read at once."""

RESET_SECONDS = 0.05
"""Between what was sent last and a reset, which destroys what is still under way."""

REORDERED_SECONDS = 0.05
"""So late comes an answer that others are to overtake."""

DRIP_SECONDS = 0.01
"""Bytes that drip come one by one, or as many as there are in such a time."""

DROPPED = 64
"""After so many messages that are not sent others have their turn: a script may have no end."""

DROPPED_SECONDS = 0.01

ENDS = {"close-after", "reset-after", "half-close-after"}


class Chance:
    """A spec, and the random choices that are made for it.

    Args:
        spec: The spec.
        random: Where they come from.
        noted: Told the name of each fault that something has.

    Attributes:
        faults: The value of each fault.
        left: How much is left until each of those that end the connection.
    """

    def __init__(self, spec: FaultSpec, random: Random, noted: Callable[[str], None]) -> None:
        self.faults, self._spec, self._random, self._noted = spec.faults, spec, random, noted
        self.left = {name: spec.faults[name].number for name in sorted(ENDS & spec.faults.keys())}
        self._had = spec.of_messages or self._happens(spec.share)

    def concerns(self, message: bytes | None) -> bool:
        """Return whether the answer to a message has faults; None: what is said unasked."""
        if not self._had or (self._spec.match and self._spec.match not in (message or b"")):
            return False
        return not self._spec.of_messages or self._happens(self._spec.share)

    def has(self, name: str) -> bool:
        """Return whether a fault is to be had now, and have it noted."""
        if name not in self.faults or not self._had:
            return False
        self._noted(name)
        return True

    def happens(self, name: str) -> bool:
        """The same, of a fault whose value is how often it is."""
        return name in self.faults and self._happens(self.faults[name]) and self.has(name)

    def seconds(self, name: str) -> float:
        """Return for how long there is a fault; 0 if there is none."""
        if not self.has(name):
            return 0.0
        span: Span | None = self.faults[name]
        return FOR_GOOD_SECONDS if span is None else self._random.uniform(*span)

    def truncated(self, data: bytes) -> bytes:
        """Return what is sent of a message."""
        most: int = self.faults.get("truncate", len(data))
        if len(data) > most:
            self._noted("truncate")
        return data[:most]

    def garbled(self, data: bytes) -> bytes:
        """Return bytes of which some are wrong."""
        share = self.faults.get("garble", 0.0)
        wrong = {place for place in range(len(data)) if self._happens(share)} if share else ()
        if wrong:
            self._noted("garble")
            data = bytes(
                byte ^ self._random.randrange(1, 256) if place in wrong else byte
                for place, byte in enumerate(data)
            )
        return data

    def segments(self, data: bytes) -> Iterator[tuple[bytes, float]]:
        """Cut bytes into what is sent at once, and the seconds after each."""
        rate, size = self.faults.get("drip", 0), self.faults.get("split")
        if rate:
            self._noted("drip")
            size = min(size or 1 << 16, max(1, int(rate * DRIP_SECONDS)))
        elif size is not None:
            self._noted("split")
        place = 0
        while place < len(data):
            end = (
                len(data)
                if size is None
                else place + (size or self._random.randint(1, (len(data) - place + 1) // 2))
            )
            part = data[place:end]
            place = end
            pause = SEGMENT_SECONDS if place < len(data) else 0.0
            yield part, len(part) / rate if rate else pause

    def _happens(self, share: float) -> bool:
        return share >= 1 or self._random.random() < share


@implementer(IConversation)
class _Faulty:
    """What both kinds have in common; whatever is not here is the conversation's.

    Args:
        conversation: What is said.
        counted: Where faults are counted.
    """

    def __init__(self, conversation: Any, counted: Counter[str]) -> None:
        self._conversation, self._counted = conversation, counted
        self._chances: list[Chance] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conversation, name)

    @property
    def speaks_text(self) -> bool:
        """As the conversation has it."""
        return bool(self._conversation.speaks_text)

    def _concerned(self, message: bytes | None) -> list[Chance]:
        return [chance for chance in self._chances if chance.concerns(message)]


class FaultyStream(_Faulty):
    """Misbehaves on a connection.

    Args:
        session: The connection's, whose conversation and framing it takes the places of.
        specs: What is to go wrong.
        serial: The connection's number, with which random choices begin.
        counted: Where faults are counted.
    """

    def __init__(self, session: Any, specs: list[FaultSpec], serial: int, counted: Counter[str]) -> None:
        super().__init__(session.conversation, counted)
        self._session = session
        self._framing = session.framing = FaultyFraming(session.framing)
        self._had: dict[str, None] = {}  # in order
        self._chances = [
            Chance(spec, Random(f"{spec.seed}/{number}/{serial}"), self._note)
            for number, spec in enumerate(specs)
        ]
        self._opened = self._muted = self._spoke = False
        session.conversation = self

    @property
    def detail(self) -> str:
        """The faults that there were, in words; empty if none."""
        return f"faults: {', '.join(self._had)}" if self._had else ""

    def opened(self, peer: Peer) -> Actions:
        """The connection is there: what goes wrong before anything else."""
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
        if self._opened:
            self._conversation.closed(reason)

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """No datagram comes on a stream."""
        return self._conversation.datagram(message, peer)  # type: ignore[no-any-return]

    def is_reply(self, datagram: bytes) -> bool:
        """No datagram comes on a stream."""
        return False

    def _open_conversation(self, peer: Peer) -> Actions:
        self._opened = True
        return self._unasked(self._conversation.opened(peer))

    def _open(self, peer: Peer) -> Script:
        for chance in self._chances:
            for name in "accept-delay", "no-read":
                yield from self._pause(chance, name)
            if chance.has("close-at-open"):
                yield from self._end("close-at-open")
            for name, left in chance.left.items():
                if not left and chance.concerns(None) and chance.has(name):
                    yield from self._end(name)
        result = self._open_conversation(peer)
        if result is not None:
            yield from script_of(result)

    def _pause(self, chance: Chance, name: str) -> Script:
        """Read nothing for a while; where no time is given, for good."""
        seconds = chance.seconds(name)
        if seconds:
            self._framing.deaf = True
            yield Sleep(seconds)
            self._framing.deaf = False
            if chance.faults[name] is None:
                yield from self._end(name)

    def _unasked(self, result: Actions) -> Actions:
        concerned = self._concerned(None)
        return self._misbehave(result, concerned, False) if concerned or self._muted else result

    def _misbehave(self, result: Actions, concerned: list[Chance], is_answer: bool) -> Script:
        """Do what a method of the conversation gave, with faults."""
        first = [sum(chance.seconds("delay") for chance in concerned)] if result is not None else []
        dropped = 0

        def say(message: bytes) -> Script:
            nonlocal dropped
            if first and (seconds := first.pop()):
                yield Sleep(seconds)
            if not self._muted and not any(chance.has("no-answer") for chance in concerned):
                sent = yield from self._say(message, concerned)
                if sent:
                    return
            dropped += 1
            if dropped % DROPPED == 0:
                yield Sleep(DROPPED_SECONDS)

        if result is not None:
            yield from _relayed(script_of(result), say)
        if is_answer:
            for chance in concerned:
                yield from self._count(chance, 1, True)

    def _say(self, message: bytes, concerned: list[Chance]) -> Generator[Action, Any, bool]:
        """Send what those concerned make of a message; return whether that is anything."""
        data = self._framing.encode(message)
        for chance in concerned:
            data = chance.garbled(chance.truncated(data))
        if data and not self._spoke:
            self._spoke = True
            for chance in self._chances:
                yield from _slept(chance.seconds("first-byte"))
        bounds = [
            left
            for chance in concerned
            for name, left in chance.left.items()
            if not chance.faults[name].messages
        ]
        data = data[: min(bounds)] if bounds else data
        parts: Iterator[tuple[bytes, float]] = iter([(data, 0.0)] if data else [])
        for chance in concerned:
            if "drip" in chance.faults or "split" in chance.faults:
                parts = chance.segments(data)
        for number, (part, seconds) in enumerate(parts):
            self._framing.encoded.append(part)
            if number:
                self._session.messages_out -= 1  # all pieces are one message
            yield part
            yield from _slept(seconds)
        for chance in concerned:
            yield from self._count(chance, len(data), False)
        return bool(data)

    def _count(self, chance: Chance, number: int, messages: bool) -> Script:
        """Count bytes or messages; end the connection after enough of them."""
        for name in chance.left:
            if chance.faults[name].messages == messages and not self._muted:
                chance.left[name] -= number
                if chance.left[name] <= 0 and chance.has(name):
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

    def _note(self, name: str) -> None:
        if name not in self._had or FAULTS[name].of_messages:
            self._counted[name] += 1
        self._had[name] = None


class FaultyDatagrams(_Faulty):
    """Misbehaves on the datagrams of a port.

    Args:
        conversation: What is said.
        specs: What is to go wrong.
        counted: Where faults are counted.
    """

    def __init__(self, conversation: Any, specs: list[FaultSpec], counted: Counter[str]) -> None:
        super().__init__(conversation, counted)
        self._chances = [
            Chance(spec, Random(f"{spec.seed}/{number}"), self._note) for number, spec in enumerate(specs)
        ]

    def opened(self, peer: Peer) -> Actions:
        """No connection is made."""

    def received(self, message: bytes) -> Actions:
        """No message comes that is no datagram."""
        return self._conversation.received(message)  # type: ignore[no-any-return]

    def ended(self) -> Actions:
        """No connection ends."""

    def closed(self, reason: CloseReason) -> None:
        """No connection ends."""

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """A datagram came."""
        concerned = self._concerned(message)
        if any(chance.happens("drop") or chance.has("no-answer") for chance in concerned):
            return None
        result: Actions = self._conversation.datagram(message, peer)
        return self._misbehave(result, concerned) if concerned and result is not None else result

    def is_reply(self, datagram: bytes) -> bool:
        """As the conversation has it."""
        return bool(self._conversation.is_reply(datagram))

    def _misbehave(self, result: Actions, concerned: list[Chance]) -> Script:
        for chance in concerned:
            yield from _slept(chance.seconds("delay"))
            yield from _slept(REORDERED_SECONDS if chance.happens("reorder") else 0.0)
        twice = any(chance.happens("duplicate") for chance in concerned)
        most = [chance.faults["truncate"] for chance in concerned if "truncate" in chance.faults]
        left = min(most, default=None)

        def say(message: bytes) -> Script:
            nonlocal left
            part = message if left is None else message[:left]
            for chance in concerned:
                part = chance.garbled(part)
            if left is not None:
                if len(part) < len(message):
                    self._note("truncate")
                left -= len(part)
            yield part
            if left == 0:
                yield TWICE if twice else CLOSE  # no more can be sent, and a script may have no end

        yield from _relayed(script_of(result), say)
        if twice:
            yield TWICE

    def _note(self, name: str) -> None:
        self._counted[name] += 1


class FaultyFraming:
    """A framing whose messages may be in pieces that are encoded already; else as the one that it wraps.

    Args:
        framing: That one.

    Attributes:
        encoded: The pieces that are the next to be sent, in order.
        deaf: Whether nothing is to be read.
    """

    def __init__(self, framing: Any) -> None:
        self._framing = framing
        self.encoded: deque[bytes] = deque()
        self.deaf = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._framing, name)

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken: as good as too many, if nothing is to be read."""
        return READ_AHEAD_BYTES + 1 if self.deaf else int(self._framing.held)

    @property
    def discards(self) -> bool:
        """Whether reading need not stop on its account."""
        return bool(self._framing.discards) and not self.deaf

    @property
    def unfinished(self) -> int:
        """Bytes of a message that has no end yet."""
        return self.held if self.deaf else int(self._framing.unfinished)

    def encode(self, *messages: bytes) -> bytes:
        """Return the bytes of replies on the wire; of pieces that are encoded themselves."""
        return b"".join(map(self._encoded, messages))

    def _encoded(self, message: bytes) -> bytes:
        if self.encoded and message is self.encoded[0]:
            return self.encoded.popleft()
        encoded: bytes = self._framing.encode(message)
        return encoded


def _slept(seconds: float) -> Script:
    if seconds:
        yield Sleep(seconds)


def _relayed(script: Script, say: Callable[[bytes], Script]) -> Script:
    """Do what a script does, but what it sends is said by *say*."""
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
            else:
                try:
                    value = yield action
                except Exception as raised:
                    error = raised
    finally:
        script.close()
