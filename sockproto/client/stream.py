"""The stream carrier at a client: the same that runs a server's conversations, and what a call wants to know.

::

    protocol = ClientProtocol(conversation, call, framing=Lines)
    endpoint.connect(Once(protocol))
"""

import os
from collections.abc import Callable
from errno import ECONNREFUSED, ECONNRESET
from typing import Any, cast

from twisted.internet import error as errors
from twisted.internet.interfaces import IHalfCloseableProtocol, IReactorTime
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure
from zope.interface import alsoProvides

from sockproto.carriers.stops import LOST, PENDING, UNOPENED
from sockproto.carriers.stream import ConversationProtocol
from sockproto.carriers.transport import announces_handshake, can_half_close, is_reset, unsent_bytes
from sockproto.carriers.waiting import Pending
from sockproto.client.call import Call
from sockproto.client.tls import tls_failure
from sockproto.core.actions import Input, Script
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.limits import Limits
from sockproto.errors import (
    CallFailed,
    CutShort,
    EmptyReply,
    NameNotFound,
    Refused,
    Reset,
    TimedOut,
    TLSFailed,
    TooLarge,
    Unreachable,
    WrongReply,
)

READ_BYTES = 262_144
"""What is read at once, where Twisted's transports read 64 KiB: a large echo takes a third of the reads."""

LINGER_SECONDS = 0.5
"""Over TLS, which has no half-close: so long may what the server still says take to come."""

MALFORMED = "a reply is malformed; does the server speak this protocol, with this framing?"
"""What a call is told whose replies can't be cut."""

Trace = Callable[[str, bytes], object]
"""Called with ``<`` or ``>`` and the bytes that came or went."""


class ClientProtocol(ConversationProtocol):
    """Holds one conversation with a server.

    Args:
        conversation: What to say.
        call: What is told of it.
        framing: Makes the framing, given the longest message.
        max_message_bytes: The longest message that is taken.
        clock: For timers.
        trace: Told of the bytes that cross the wire.
    """

    _said = 0  # messages, so far, both ways
    _awaits_input = False  # what is pending is an Input
    _lingered = 0  # so often, for what the server may still say
    _gone = False  # the transport is, and the end is being handled

    def __init__(
        self,
        conversation: Conversation,
        call: Call,
        framing: Callable[[int], Any],
        max_message_bytes: int,
        clock: IReactorTime,
        trace: Trace | None = None,
    ) -> None:
        limits = client_limits(max_message_bytes, call.reply_seconds)
        super().__init__(conversation, limits=limits, framing=framing, clock=clock)
        self._call, self._trace = call, trace
        self._lost: Failure = connectionDone
        call.pending = lambda: bool(self._stops & PENDING)

    @staticmethod
    def conversation(conversation: Conversation) -> Conversation:
        """Give the conversation, which is made already."""
        return conversation

    # What Twisted calls.

    def connectionMade(self) -> None:
        """Connected; over TLS the handshake follows."""
        self._call.enter("handshake" if announces_handshake(self.transport) else "connect", self.abort)
        wrapper = getattr(self.transport, "protocol", None)
        if wrapper not in (None, self) and not IHalfCloseableProtocol.providedBy(wrapper):
            # Twisted's client endpoints claim one interface of their protocol's only, the last that they try.
            alsoProvides(wrapper, IHalfCloseableProtocol)
        self.transport.bufferSize = READ_BYTES
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        if self._framing.discards:
            self._call.progress()
        try:
            if self._trace is not None:
                self._trace("<", data)
            super().dataReceived(data)
        except BaseException as error:  # of those who take the bytes
            self._call.fail(error)

    def readConnectionLost(self) -> None:
        """The server will say no more."""
        if is_reset(self.transport):
            self.abort(CloseReason.PEER_RESET)
            return
        super().readConnectionLost()
        if self._framing.discards:  # who takes the bytes as they come waits for no turn
            self.close(CloseReason.PEER_CLOSED)
        while self._stops & PENDING and self._awaits_input:
            self._give_up_input()

    def _give_up_input(self) -> None:
        """Wait for nothing more to send: nobody would answer it. What the server has said is handled."""
        generator, self._generator = self._generator, None
        pending, self._pending = self._pending, None
        self._stops &= ~PENDING
        self._guard(cast("Script", generator).close)
        self._cancel(cast("Pending", pending))
        self._run()

    def _wait(self, action: Any) -> None:
        self._awaits_input = isinstance(action, Input)
        super()._wait(action)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._lost = reason
        if reason.check(errors.ConnectionDone) and not self._stops & (UNOPENED | LOST) and not self._eof:
            # TLS ends both halves at once; what has come is handled, as it is after the end of one half.
            self._gone = self._eof = True
            self._framing.end()
            self._run()
        super().connectionLost(reason)

    # Between the dialogue and the call.

    def _open(self) -> None:
        if self._stops & UNOPENED and not self._stops & LOST:
            self._call.enter("reply", self.abort)
        super()._open()

    def _write(self, data: bytes) -> None:
        if self._gone:
            return
        if self._trace is not None:
            self._trace(">", data)
        super()._write(data)

    def _settle(self) -> None:
        if self._gone and not self._stops & LOST:
            return
        said = self.messages_in + self.messages_out
        if said != self._said:
            self._said = said
            self._call.progress()
        super()._settle()

    def _close_half(self) -> None:
        super()._close_half()
        if not can_half_close(self.transport):
            self._linger()

    def _linger(self) -> None:
        self._call.linger(LINGER_SECONDS, self._look_again)

    def _look_again(self) -> None:
        """Nothing has come for a while: that is the end, if the server has read all there is to answer."""
        self._lingered += 1
        seconds = self._limits.write_stall_seconds
        if not unsent_bytes(self.transport):
            self.readConnectionLost()
        elif seconds and self._lingered * LINGER_SECONDS >= seconds:
            self._call.fail(TimedOut(f"timed out: the server has not read all within {seconds:g} seconds"))
        else:
            self._linger()

    def _report(self) -> None:
        failed = self._failure()
        if failed is not None:
            self._call.fail(failed)
        self._call.finish()

    def _failure(self) -> BaseException | None:
        """Give why the call has failed, None if it has not."""
        done = getattr(self._conversation, "done", None)
        if done or (done is None and self._reason is CloseReason.PEER_CLOSED):
            return None
        if self._stops & UNOPENED:
            return tls_failure(self._lost.value) or TLSFailed(
                "the server ended the TLS handshake; does it speak TLS?"
            )
        if self._reason is CloseReason.TOO_LONG:
            return TooLarge(f"a reply is longer than {self._limits.max_message_bytes} bytes")
        if self._reason is CloseReason.MALFORMED:
            return WrongReply(MALFORMED)
        if self._reason is CloseReason.WRITE_STALL:
            return TimedOut(
                f"timed out: the server has read nothing for {self._limits.write_stall_seconds:g} seconds"
            )
        if self._reason is CloseReason.PEER_CLOSED:
            return self._cut_short()
        if self._reason is CloseReason.PEER_RESET and announces_handshake(self.transport):
            # Twisted doesn't say whether TCP ended in an orderly way.
            return tls_failure(self._lost.value) or CutShort(
                f"the connection was cut after {self.bytes_in} bytes, without TLS's own end"
            )
        if self._reason is CloseReason.PEER_RESET:
            return Reset(
                f"connection reset by the peer after {self.bytes_in} bytes; it may have crashed or refused us"
            )
        return None

    def _cut_short(self) -> CallFailed:
        if not self.bytes_in:
            return EmptyReply("the server closed the connection without a word; does it speak this protocol?")
        return CutShort(f"the server closed the connection in the middle, after {self.bytes_in} bytes")

    def _log_failure(self, what: str) -> None:
        # Whoever made the call is told; there is no other log.
        error = Failure().value
        assert error is not None
        self._call.fail(error)


class Once(Factory):
    """Makes the one protocol of a call.

    Args:
        protocol: It.
    """

    noisy = False

    def __init__(self, protocol: ClientProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> ClientProtocol:
        """Give it."""
        return self._protocol


def client_limits(max_message_bytes: int, reply_seconds: float) -> Limits:
    """Give the limits of a client: the call watches the time, but for a server that reads nothing."""
    return Limits(
        max_message_bytes=max_message_bytes,
        idle_seconds=0,
        first_message_seconds=0,
        message_seconds=0,
        write_stall_seconds=reply_seconds,
    )


def unreachable(number: object, otherwise: str) -> CallFailed:
    """Give the error for what the system says of an address."""
    if number == ECONNRESET:
        return Reset("connection reset by the peer; it may have crashed or refused us")
    if number == ECONNREFUSED:
        return Refused("connection refused: nothing listens there; start the server or check the port")
    why = os.strerror(number) if isinstance(number, int) and number > 0 else otherwise
    return Unreachable(f"can't be reached: {why}")


def is_crowded(error: object) -> bool:
    """Tell whether a UNIX socket's backlog is full: Twisted has no error for that, and no number."""
    return type(error) is errors.ConnectError and error.osError is None


def connect_failure(failure: Failure) -> BaseException:
    """Give our error for what an endpoint failed with."""
    error = failure.value
    if isinstance(error, errors.DNSLookupError | errors.UnknownHostError):
        return NameNotFound("host name not found; check its spelling")
    if isinstance(error, ValueError) and "hostname" in str(error):
        return NameNotFound("not a possible host name; check its spelling")
    if isinstance(error, errors.TimeoutError | errors.TCPTimedOutError):
        return TimedOut("timed out: no connection; a firewall may drop what is sent there")
    if isinstance(error, errors.ConnectError | OSError):
        number = getattr(error, "osError", None) or getattr(error, "errno", None)
        return unreachable(number, str(error))
    assert error is not None
    return error
