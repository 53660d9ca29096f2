"""A client's connection: the carrier that runs a server's conversations too, and what a call wants to know.

It holds the carrier and passes on what Twisted calls. The call is told of progress by the framing, which sees
all that crosses the wire, and of errors and the end by the registry::

    protocol = ClientProtocol(conversation, call, framing=Lines)
    endpoint.connect(Once(protocol))
"""

import os
from collections.abc import Callable
from errno import ECONNREFUSED, ECONNRESET
from typing import Any

from twisted.internet import error as errors
from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import alsoProvides, implementer

from sockproto.carriers.connection import Connection
from sockproto.carriers.registry import Registry
from sockproto.carriers.stream import ConversationProtocol
from sockproto.carriers.transport import announces_handshake, can_half_close
from sockproto.client.call import Call
from sockproto.client.tls import tls_failure
from sockproto.core.actions import Sleep, Wait
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.limits import TURN_BYTES, WRITE_BYTES, Limits
from sockproto.core.session import Need, Session
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
from sockproto.reactor.buffers import is_reset, unsent_bytes

READ_BYTES = 262_144
"""What is read at once, where Twisted's transports read 64 KiB: a large echo takes a third of the reads."""

LINGER_SECONDS = 0.5
"""Over TLS, which has no half-close: how many seconds the last bytes of the server may take."""

UNHEARD = TURN_BYTES // WRITE_BYTES
"""How often a conversation may go on to the next 64 KiB when its output reaches nobody any more."""

MALFORMED = "a reply is malformed; does the server speak this protocol, with this framing?"
"""What a call is told whose replies can't be cut."""

Trace = Callable[[str, bytes], object]
"""Called with ``<`` or ``>`` and the bytes that came or went."""


class Observed:
    """A framing that tells a call of what crosses the wire.

    Args:
        framing: What it is besides.
        call: Told that something was said.
        trace: Told of the bytes.
    """

    def __init__(self, framing: Any, call: Call, trace: Trace | None) -> None:
        self._framing, self._call, self._trace = framing, call, trace

    def __getattr__(self, name: str) -> Any:
        """Other attributes are the framing's, except how it cuts a read: every message must be seen."""
        if name == "cut":
            raise AttributeError(name)
        return getattr(self._framing, name)

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        if self._framing.discards:  # there will be no messages to tell of
            self._call.progress()
        if self._trace is not None:
            self._trace("<", data)
        self._framing.feed(data)

    def take(self) -> list[bytes]:
        """Return the next messages."""
        messages: list[bytes] = self._framing.take()
        if messages:
            self._call.progress()
        return messages

    def encode(self, *messages: bytes) -> bytes:
        """Return the bytes on the wire."""
        data: bytes = self._framing.encode(*messages)
        self._call.progress()
        if self._trace is not None:
            self._trace(">", data)
        return data

    def end_tracing(self) -> None:
        """Stop tracing: what is sent from now on reaches nobody."""
        self._trace = None


class CallRegistry(Registry):
    """Tells a call of its connection: of errors, and of the end.

    Args:
        call: The call.
        limits: How much the server may have of us.
        clock: For timers.

    Attributes:
        lost: What Twisted said at the end of the connection.
    """

    def __init__(self, call: Call, limits: Limits, clock: IReactorTime) -> None:
        super().__init__(limits, clock)
        self._call = call
        self._lingered = 0  # how often it has waited for more from the server
        self.lost: Failure = connectionDone

    def failed(self, connection: Connection, what: str, error: BaseException) -> None:
        """Whoever made the call is told of an error; there is no other log."""
        self._call.fail(error)

    def half_closed(self, connection: Connection) -> None:
        """Where there are no halves, wait a while for what the server still says."""
        if not can_half_close(connection.transport):
            self._linger(connection)

    def report(self, connection: Connection) -> None:
        """Fire the call's result, or tell why it has failed."""
        failed = self._failure(connection, connection.session)
        if failed is not None:
            self._call.fail(failed)
        self._call.finish()

    def _linger(self, connection: Connection) -> None:
        self._call.linger(LINGER_SECONDS, lambda: self._look_again(connection))

    def _look_again(self, connection: Connection) -> None:
        """Nothing has come for a while: that is the end, if the server has read all there is to answer."""
        self._lingered += 1
        seconds = self.limits.write_stall_seconds
        if not unsent_bytes(connection.transport):
            connection.readConnectionLost()
        elif seconds and self._lingered * LINGER_SECONDS >= seconds:
            self._call.fail(TimedOut(f"timed out: the server has not read all within {seconds:g} seconds"))
        else:
            self._linger(connection)

    def _failure(self, connection: Connection, session: Session) -> BaseException | None:
        """Return why the call has failed, None if it has not."""
        done = getattr(session.conversation, "done", None)
        reason, bytes_in = session.reason, connection.bytes_in
        if done or (done is None and reason is CloseReason.PEER_CLOSED):
            return None
        if self._call.phase != "reply":
            return tls_failure(self.lost.value) or TLSFailed(
                "the server ended the TLS handshake; does it speak TLS?"
            )
        if reason is CloseReason.TOO_LONG:
            return TooLarge(f"a reply is longer than {self.limits.max_message_bytes} bytes")
        if reason is CloseReason.MALFORMED:
            return WrongReply(MALFORMED)
        if reason is CloseReason.WRITE_STALL:
            return TimedOut(
                f"timed out: the server has read nothing for {self.limits.write_stall_seconds:g} seconds"
            )
        if reason is CloseReason.PEER_CLOSED:
            return _cut_short(bytes_in)
        if reason is CloseReason.TLS_FAILED:
            return tls_failure(self.lost.value)
        if reason is CloseReason.PEER_RESET and announces_handshake(connection.transport):
            # Twisted doesn't say whether TCP ended in an orderly way.
            return CutShort(f"the connection was cut after {bytes_in} bytes, without TLS's own end")
        if reason is CloseReason.PEER_RESET:
            return Reset(
                f"connection reset by the peer after {bytes_in} bytes; it may have crashed or refused us"
            )
        return None


def _cut_short(bytes_in: int) -> CallFailed:
    if not bytes_in:
        return EmptyReply("the server closed the connection without a word; does it speak this protocol?")
    return CutShort(f"the server closed the connection in the middle, after {bytes_in} bytes")


class _Carrier(ConversationProtocol):
    """Carries a conversation that is made already."""

    @staticmethod
    def conversation(conversation: Conversation) -> Conversation:
        """Return the conversation."""
        return conversation


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class ClientProtocol(Protocol):
    """Holds one conversation with a server.

    Args:
        conversation: What to say.
        call: What is told of it.
        framing: Makes the framing, given the longest message.
        max_message_bytes: The longest message that is taken.
        clock: For timers.
        trace: Told of the bytes that cross the wire.

    Attributes:
        carrier: What carries it.
    """

    transport: Any

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
        self._call, self._registry = call, CallRegistry(call, limits, clock)
        self._observed = Observed(framing(max_message_bytes), call, trace)
        self.carrier = _Carrier(conversation, framing=lambda _: self._observed, registry=self._registry)
        call.pending = lambda: isinstance(self.carrier.session.need, Sleep | Wait)

    def connectionMade(self) -> None:
        """Connected; over TLS the handshake follows."""
        wrapper = getattr(self.transport, "protocol", None)
        if wrapper not in (None, self) and not IHalfCloseableProtocol.providedBy(wrapper):
            # Twisted's client endpoints claim one interface of their protocol's only, the last that they try.
            alsoProvides(wrapper, IHalfCloseableProtocol)
        self.transport.bufferSize = READ_BYTES
        phase = "handshake" if announces_handshake(self.transport) else "reply"
        self._call.enter(phase, self._abort)
        self.carrier.makeConnection(self.transport)
        if self._call.error is not None:
            self._abort()

    def handshakeCompleted(self) -> None:
        """The TLS handshake is done, for the first time or again."""
        self._begin_replies()
        self.carrier.handshakeCompleted()

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        self._begin_replies()
        self.carrier.dataReceived(data)

    def readConnectionLost(self) -> None:
        """The server will say no more."""
        if is_reset(self.transport):
            self.carrier.abort(CloseReason.PEER_RESET)
            return
        self.carrier.readConnectionLost()
        if self._observed.discards:  # who takes the bytes as they come waits for no turn
            self.carrier.close(CloseReason.PEER_CLOSED)

    def writeConnectionLost(self) -> None:
        """All that we had to say is with the kernel."""
        self.carrier.writeConnectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._registry.lost = reason
        session = self.carrier.session
        if reason.check(errors.ConnectionDone) and session.opened and not session.eof:
            # TLS ends both halves at once; what has come is handled, as it is after the end of one half.
            self._observed.end_tracing()
            session.end()
            _finish(session)
        self.carrier.connectionLost(reason)

    def _begin_replies(self) -> None:
        if self._call.phase != "reply":
            self._call.enter("reply", self._abort)

    def _abort(self) -> None:
        if self.carrier.connected:
            self.carrier.abort()


def _finish(session: Session) -> None:
    """Handle what has come; what is said to it reaches nobody, so there is no waiting for an end of that."""
    left = UNHEARD
    while session.need is Need.MORE and left:
        handled = session.messages_in
        session.go_on()
        left = left - 1 if session.messages_in == handled else UNHEARD


class Once(Factory):
    """Makes the one protocol of a call.

    Args:
        protocol: That protocol.
    """

    noisy = False

    def __init__(self, protocol: ClientProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> ClientProtocol:
        """Return that protocol."""
        return self._protocol


def client_limits(max_message_bytes: int, reply_seconds: float) -> Limits:
    """Return the limits of a client: time limits are the call's, except for a server that stops reading."""
    return Limits(
        max_message_bytes=max_message_bytes,
        idle_seconds=0,
        first_message_seconds=0,
        message_seconds=0,
        write_stall_seconds=reply_seconds,
    )


def unreachable(number: object, otherwise: str) -> CallFailed:
    """Return the error for what the system says of an address."""
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
    """Return our error for what an endpoint failed with."""
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
