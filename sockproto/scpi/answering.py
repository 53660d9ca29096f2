"""The conversation of an instrument: program messages in, response messages out.

Knows no transport; the carrier runs it as every conversation::

    class InstrumentProtocol(ConversationProtocol):
        conversation, framing = InstrumentConversation, ProgramMessages

Source:
    IEEE 488.2-1992, chapter 6 (message exchange).
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, cast

from twisted.python.failure import Failure

from sockproto.commands.caller import Caller
from sockproto.core.actions import Actions, Script, Wait
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.errors import InstrumentError
from sockproto.scpi.base import BaseInstrument
from sockproto.scpi.calls import MethodCall

_PLAIN = frozenset({float, int, str, bool, type(None)})  # what most methods return

OUTPUT_QUEUE_BYTES = 1 << 20
"""When the answers of a message have this size, no further one is kept: the queries are deadlocked."""


class InstrumentConversation(Conversation):
    """Does what program messages say.

    Args:
        instrument: What they say it to; one object serves every connection.

    Raises:
        TypeError: It is no ``Instrument`` object.
    """

    end_connection: Callable[[], object] | None = None
    """What a caller's ``close`` calls."""

    _caller: Caller | None = None

    def __init__(self, instrument: BaseInstrument) -> None:
        if not isinstance(instrument, BaseInstrument):
            raise TypeError(f"an Instrument object is needed, such as Supply(), not {instrument!r}")
        self._instrument = instrument

    def opened(self, peer: Peer) -> None:
        """Note who it is; instruments greet nobody."""
        self._caller = self._instrument.caller(peer)
        if self.end_connection is not None:
            self._caller.attach(self.end_connection)

    def received(self, message: bytes) -> Actions:
        """Do what a message says; its answers are one line."""
        return self._answer(message, self._caller or self._instrument.caller(Peer("", None)), b"")

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """Do what a datagram says, which is one message."""
        return self._answer(message.removesuffix(b"\n"), self._instrument.caller(peer), b"\n")

    def closed(self, reason: CloseReason) -> None:
        """Queue the error of a message that was too long; the carrier has ended the connection for it."""
        if reason is CloseReason.TOO_LONG:
            self._instrument.status.report(InstrumentError(-363))

    def _answer(self, message: bytes, caller: Caller, ending: bytes) -> Actions:
        instrument = self._instrument
        calls = instrument.parse_message(message)
        if len(calls) == 1:  # most messages: without an exchange they take two thirds of the time
            [(declared, function, arguments, error)] = calls
            if error is not None:
                instrument.status.report(error)
                return None
            if function is not None:
                instrument.status.message_available = False
                try:
                    value = function(instrument, *arguments)
                    if type(value) in _PLAIN:
                        return declared.answer(value) + ending if declared.is_query else None
                except Exception:
                    instrument.failed(declared, Failure())
                    return None
                exchange = MessageExchange(instrument, caller, ())
                return self._finish(exchange, exchange.take(declared, value), ending)
        exchange = MessageExchange(instrument, caller, calls)
        return self._finish(exchange, exchange.go_on(), ending)

    def _finish(self, exchange: "MessageExchange", awaited: Awaitable[Any] | None, ending: bytes) -> Actions:
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
    """One program message on its way: its calls, one after the other, and the answers to its queries.

    Args:
        instrument: What it is said to.
        caller: Who says it.
        calls: What the message asks for.

    Attributes:
        answers: Those to the queries so far: the output queue.
    """

    __slots__ = ("_caller", "_calls", "_declared", "_instrument", "_size", "answers")

    def __init__(self, instrument: BaseInstrument, caller: Caller, calls: Iterable[MethodCall]) -> None:
        self._instrument, self._caller = instrument, caller
        self._calls = iter(calls)
        self._declared: Any = None  # what was taken last
        self._size = 0
        self.answers: list[bytes] = []

    def go_on(self) -> Awaitable[Any] | None:
        """Do the next calls; return what to wait for, None at the end of the message.

        What is wrong with one is an error in the queue; the others are done.
        """
        instrument, status = self._instrument, self._instrument.status
        for declared, function, arguments, error in self._calls:
            if error is not None:
                status.report(error)
                continue
            status.message_available = bool(self.answers)
            try:
                if function is not None:
                    value = function(instrument, *arguments)
                else:
                    value = declared.call(instrument, arguments, self._caller)
            except Exception:
                instrument.failed(declared, Failure())
                continue
            awaited = self.take(declared, value)
            if awaited is not None:
                return awaited
        return None

    def take(self, declared: Any, value: Any) -> Awaitable[Any] | None:
        """Take what a method has returned; return what to wait for, None if nothing."""
        self._declared = declared
        if type(value) in _PLAIN or not hasattr(value, "__await__"):
            self.keep(value)
        elif declared.overlapped:
            self._instrument.operations.begin(value, partial(self._instrument.failed, declared))
        else:
            return cast("Awaitable[Any]", value)
        return None

    def keep(self, value: Any) -> None:
        """Keep the value of what was taken last, if it is the answer to a query."""
        if not self._declared.is_query:
            return
        if self._size > OUTPUT_QUEUE_BYTES:  # deadlock: 6.3.1.7
            self._instrument.status.report(InstrumentError(-430))
            return
        try:
            answer = self._declared.answer(value)
        except Exception:
            self.fail(Failure())
        else:
            self.answers.append(answer)
            self._size += len(answer) + 1

    def fail(self, failure: Failure) -> None:
        """Report what was raised by what was taken last."""
        self._instrument.failed(self._declared, failure)
