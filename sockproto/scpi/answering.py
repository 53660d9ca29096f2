"""The conversation of an instrument: program messages in, response messages out.

Knows no transport; the carrier runs it as every conversation::

    class InstrumentProtocol(ConversationProtocol):
        conversation, framing = InstrumentConversation, ProgramMessages

Source:
    IEEE 488.2-1992, chapter 6 (message exchange).
"""

from collections.abc import Awaitable
from functools import partial
from typing import Any, cast

from twisted.python.failure import Failure

from sockproto.commands.caller import Caller
from sockproto.core.actions import Actions, Script, Wait
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.errors import InstrumentError
from sockproto.scpi.base import BaseInstrument

_PLAIN = frozenset({float, int, str, bool, type(None)})  # what most methods return

OUTPUT_QUEUE_BYTES = 1 << 20
"""Once the answers of one message have so many bytes, no further one is kept: the queries are deadlocked."""


class InstrumentConversation(Conversation):
    """Does what program messages say.

    Args:
        instrument: What they say it to; one object serves every connection.

    Raises:
        TypeError: It is no ``Instrument`` object.
    """

    _caller: Caller | None = None

    def __init__(self, instrument: BaseInstrument) -> None:
        if not isinstance(instrument, BaseInstrument):
            raise TypeError(f"an Instrument object is needed, such as Supply(), not {instrument!r}")
        self._instrument = instrument

    def opened(self, peer: Peer) -> None:
        """Note who it is; instruments greet nobody."""
        self._caller = self._instrument.caller(peer)

    def received(self, message: bytes) -> Actions:
        """Do what a message says; its answers are one line."""
        caller = self._caller or self._instrument.caller(Peer("", None))
        return self._answer(MessageExchange(self._instrument, caller, message), b"")

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """Do what a datagram says, which is one message."""
        caller = self._instrument.caller(peer)
        message = message.removesuffix(b"\n")
        return self._answer(MessageExchange(self._instrument, caller, message), b"\n")

    def closed(self, reason: CloseReason) -> None:
        """Queue the error of a message that was too long; the carrier has ended the connection for it."""
        if reason is CloseReason.TOO_LONG:
            self._instrument.status.report(InstrumentError(-363))

    def _answer(self, exchange: "MessageExchange", ending: bytes) -> Actions:
        awaited = exchange.go_on()
        if awaited is not None:
            return self._await(exchange, awaited, ending)
        return b";".join(exchange.answers) + ending if exchange.answers else None

    def _await(self, exchange: "MessageExchange", awaited: Awaitable[Any] | None, ending: bytes) -> Script:
        while awaited is not None:
            try:
                value = yield Wait(awaited)
            except Exception:
                exchange.fail(Failure())
            else:
                exchange.keep(value)
            awaited = exchange.go_on()
        if exchange.answers:
            yield b";".join(exchange.answers) + ending


class MessageExchange:
    """One program message on its way: its units, one after the other, and the answers to its queries.

    Args:
        instrument: What it is said to.
        caller: Who says it.
        message: The message.

    Attributes:
        answers: Those to the queries so far: the output queue.
    """

    __slots__ = ("_caller", "_calls", "_declared", "_instrument", "_size", "answers")

    def __init__(self, instrument: BaseInstrument, caller: Caller, message: bytes) -> None:
        self._instrument, self._caller = instrument, caller
        self._calls = iter(instrument.read(message))
        self._declared: Any = None  # what is under way
        self._size = 0
        self.answers: list[bytes] = []

    def go_on(self) -> Awaitable[Any] | None:
        """Do the next units; return what is to be waited for, None at the end of the message.

        What is wrong with a unit is one error in the queue; the others are done.
        """
        instrument = self._instrument
        status = instrument.status
        for declared, function, arguments, error in self._calls:
            if error is not None:
                status.report(error)
                continue
            status.message_available = bool(self.answers)
            self._declared = declared
            try:
                if function is not None:
                    value = function(instrument, *arguments)
                else:
                    value = declared.call(instrument, arguments, self._caller)
            except Exception:
                self.fail(Failure())
                continue
            if type(value) in _PLAIN or not hasattr(value, "__await__"):
                self.keep(value)
            elif declared.overlapped:
                instrument.operations.begin(value, partial(instrument.failed, declared))
            else:
                return cast("Awaitable[Any]", value)
        return None

    def keep(self, value: Any) -> None:
        """Keep what a method has returned, if it is the answer to a query."""
        declared = self._declared
        if not declared.is_query:
            return
        if self._size > OUTPUT_QUEUE_BYTES:  # deadlock: 6.3.1.7
            self._instrument.status.report(InstrumentError(-430))
            return
        try:
            answer = declared.answer(value)
        except Exception:
            self.fail(Failure())
        else:
            self.answers.append(answer)
            self._size += len(answer) + 1

    def fail(self, failure: Failure) -> None:
        """Report what a method has raised."""
        self._instrument.failed(self._declared, failure)
