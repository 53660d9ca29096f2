"""The stream carrier: a conversation on TCP, TLS or a UNIX socket.

It moves the bytes of a session and does what the session needs (docs/topics/architecture.md), in the same way
for every protocol. It knows Twisted; it doesn't know what any protocol means::

    class EchoProtocol(ConversationProtocol):
        conversation, framing = Echo, Raw

    class EchoFactory(ConversationFactory):
        protocol = EchoProtocol
"""

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.carriers import timeouts
from sockproto.carriers.arrival import Arrival
from sockproto.carriers.closing import PEER_LEFT, Closing, Draining, TLSEnded
from sockproto.carriers.connection import ProgressLike, StreamTransport
from sockproto.carriers.flow import Flow
from sockproto.carriers.registry import Registry
from sockproto.carriers.transport import abort, closes_below, ends_of, openssl_words
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.faults.stream import FaultyStream
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import READ_AHEAD_BYTES, Limits
from sockproto.core.proxy import Trust
from sockproto.core.script import EXITS
from sockproto.core.session import CLOSING, LOST, OPENING, Session
from sockproto.interfaces import IAnsweringProtocol
from sockproto.reactor.alpn import go_on_without_alpn
from sockproto.reactor.connections import TCPConnection


@implementer(IAnsweringProtocol, IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class ConversationProtocol(Protocol):
    """Runs one conversation on one connection.

    To end it from outside call ``close`` or ``abort``, not the transport's ``loseConnection``, which waits
    until the producer is unregistered, and the producer is this protocol.

    Args:
        args: Positional arguments of the conversation.
        limits: The limits of what the peer may use.
        framing: Called with the longest message in bytes, returns the framing; None: the class's own.
        clock: The clock of its timers; None: the global reactor, when the connection is made.
        proxies: The proxies whose PROXY header is accepted; a header must come first then. None: no header.
        registry: Counts the connection and logs its events; its limits and clock are used. None: a new one.
        kwargs: Keyword arguments of the conversation.

    Attributes:
        conversation: Called to make the conversation; usually its class.
        framing: Called with the longest message in bytes, returns the framing; usually its class.
        session: Runs the conversation.
        registry: The registry that counts the connection.
        clock: The source of time and timers; set when the connection is made.
        serial: The connection's number among those of its listener, from 1.
        peer: The other end: the client, even behind a proxy if the proxy tells its address.
        host: This end, likewise.
        bytes_in: Bytes read for the conversation, without the PROXY header, TLS records, and the bytes that
            come after the close has begun, which are thrown away.
        bytes_out: Bytes written to the transport.
        paused: Whether the transport's send buffer is full.
        reading: Whether bytes are read as they come.
        made: When the connection was made; this and the other times are in the clock's seconds.
        began: Since when the peer could have spoken.
        active: When a byte was last read or written.
        message_since: When the first byte of the unfinished message came.
        progress: Whether the peer reads, while it doesn't keep up; else None.
    """

    conversation: ClassVar[Callable[..., Conversation]] = Conversation
    framing: ClassVar[Callable[[int], Any]] = Lines

    # A dictionary of so many attributes would take a kilobyte a connection.
    __slots__ = (
        "_flow",
        "_phase",
        "_quiet_call",
        "_tick",
        "active",
        "began",
        "bytes_in",
        "bytes_out",
        "clock",
        "host",
        "made",
        "message_since",
        "paused",
        "peer",
        "progress",
        "reading",
        "registry",
        "serial",
        "session",
    )

    transport: StreamTransport  # type: ignore[assignment]  # ITransport leaves out most of what they have
    peer: Peer
    host: Peer
    clock: IReactorTime
    progress: ProgressLike | None

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        proxies: Trust | None = None,
        registry: Registry | None = None,
        **kwargs: Any,
    ) -> None:
        go_on_without_alpn()
        registry = registry or Registry(Limits.given(limits), clock)
        make_framing = framing or type(self).framing
        self.prepare(
            type(self).conversation(*args, **kwargs),
            make_framing(registry.limits.max_message_bytes),
            registry,
            None if proxies is None else Arrival(proxies),
        )

    def prepare(
        self, conversation: Conversation, framing: Any, registry: Registry, arrival: Arrival | None = None
    ) -> None:
        """Set up the parts: called by ``__init__``, and by factories that don't call ``__init__``.

        Args:
            conversation: The conversation.
            framing: The framing.
            registry: The registry that counts the connection.
            arrival: What to wait for first, unless it is only a TLS handshake.
        """
        self.registry = registry
        self.session = Session(conversation, framing)
        self.serial = self.bytes_in = self.bytes_out = 0
        self.paused, self.reading = False, True
        self._phase: Arrival | Draining | Closing | TLSEnded | None = arrival
        self._flow: Flow | None = None  # made when something takes time
        self._quiet_call: IDelayedCall | None = None
        self._tick: set[Any] | None = None  # who are called when this one's time may be over

    # What Twisted calls.

    def connectionMade(self) -> None:
        """The connection is open; its conversation may wait for a PROXY header or a TLS handshake."""
        registry, transport = self.registry, self.transport
        self.clock = clock = registry.clock
        now = clock.seconds()
        self.made = self.began = self.active = self.message_since = now
        self.progress = None
        self.peer, address, announced = ends_of(transport)
        self.host = registry.host_at(address)
        arrival = self._phase
        if arrival is None and announced:
            arrival = self._phase = Arrival(None)
        refused = registry.admit(self) if arrival is None else registry.enter(self)
        soonest = registry.limits.soonest
        if soonest:
            self._tick = registry.timers.enter(self, soonest, now)
        if refused is not None:
            self.close(refused)
        elif arrival is None:
            self._open()
        elif isinstance(arrival, Arrival):
            arrival.begin(self)

    def handshakeCompleted(self) -> None:
        """The TLS handshake is done, for the first time or again."""
        if isinstance(self._phase, Arrival):
            self._phase.handshaken(self)

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        self._write(self.answer(data))

    def answer(self, data: bytes) -> bytes:
        """Bytes came; return the bytes to send. See ``IAnsweringProtocol``."""
        if self._phase is not None:
            data = self._phase.receive(self, data)
            if not data:
                return b""
        self.bytes_in += len(data)
        session = self.session
        self.active = self.clock.seconds()
        out = session.receive(data)
        try:
            if session.framing.unfinished or self._quiet_call is not None:
                self._await_end(len(data))
        except BaseException as error:
            out += session.fail(error)
        if session.need is not None or type(out) is not bytes:  # as a framing in error makes it
            self._attend(out)
            return b""
        self.bytes_out += len(out)
        return out

    def readConnectionLost(self) -> None:
        """The peer will send no more; it may still read."""
        session = self.session
        if self._phase is not None and isinstance(self._phase, Closing):
            self.transport.loseConnection()
        elif session.need is OPENING:
            session.eof = True
            self.close(CloseReason.PEER_CLOSED)
        else:
            out = session.end()
            if out or session.need is not CLOSING or self._flow is not None:
                self._attend(out)
            elif (
                isinstance(self.transport, TCPConnection)
                and not session.aborted
                and getattr(self.connectionLost, "__func__", None) is ConversationProtocol.connectionLost
                and self.transport.close_ended()
            ):
                self._forget()  # the commonest end
            else:
                self.end()

    def writeConnectionLost(self) -> None:
        """The kernel has all our bytes, and our half of the stream is ended."""
        if isinstance(self._phase, Closing):
            self._phase.sent(self, self.clock.seconds())
            self.look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        session = self.session
        lost = CloseReason.PEER_CLOSED
        if session.reason is None:
            orderly = reason.check(ConnectionDone)
            words = None if orderly and self._phase is None else self._tls_failure(reason.value)
            if words is not None:
                self._phase, lost = TLSEnded(words), CloseReason.TLS_FAILED
            elif not orderly:
                lost = CloseReason.PEER_RESET
        try:
            session.lose(lost)
        finally:
            self._attend()

    def pauseProducing(self) -> None:
        """The transport's send buffer is full."""
        self.paused = True
        self.session.hold()
        if self.progress is None and self.limits.write_stall_seconds:
            self.progress = timeouts.Progress(self, self.clock.seconds())
            self.look()
        self._attend()

    def resumeProducing(self) -> None:
        """The transport can take more."""
        if closes_below(self.transport):
            self.transport.unregisterProducer()
            return
        self.paused = False
        self.restart_timeouts()
        self._attend()

    def stopProducing(self) -> None:
        """The transport takes no more; ``connectionLost`` follows."""

    # What applications call.

    def send(self, message: bytes) -> bool:
        """Send a message between two replies.

        While a reply is being made, or the peer doesn't read, messages wait, up to 64 KiB of them.

        Args:
            message: Its bytes, without a terminator.

        Returns:
            Whether the peer keeps up; if False, send less.

        Raises:
            TypeError: The message is not bytes.
            SendRefused: 64 KiB wait already, the connection is not open or is closing, or the message is
                longer than the framing can send. The message is not sent.
        """
        out = self.session.push(message)
        self.active = self.clock.seconds()
        self._attend(out)
        return not self.paused

    def drain(self) -> None:
        """Answer the messages that have come completely, then close; what comes later is not read.

        An incomplete message is cut where a quiet period would cut it. A script of ``opened`` ends at once if
        no message waits for it.
        """
        if not self.session.final:
            self._phase = Draining(self)
            self._do(self.session.drain)

    def close(self, reason: CloseReason = CloseReason.CLOSED) -> None:
        """Run no further action, deliver what was sent, and close.

        Args:
            reason: The reason for the conversation's ``closed`` and for the log.
        """
        self._do(self.session.close, reason)

    def abort(self, reason: CloseReason = CloseReason.ABORTED) -> None:
        """Cut the connection and drop what was not sent.

        Args:
            reason: The reason for the conversation's ``closed`` and for the log.
        """
        if self.session.need is not LOST:
            try:
                self.session.abort(reason)
            finally:
                if isinstance(self._phase, Closing):
                    abort(self.transport)
                else:
                    self._attend()

    @property
    def reason(self) -> CloseReason | None:
        """Why the connection is closing or closed; None while it is open."""
        return self.session.reason

    @property
    def detail(self) -> str:
        """How it failed, or which faults it had, in words, if the reason alone doesn't say so; else empty."""
        if isinstance(self._phase, TLSEnded):
            return self._phase.words
        conversation = self.session.conversation
        return conversation.detail if isinstance(conversation, FaultyStream) else ""

    @property
    def messages_in(self) -> int:
        """Messages handled."""
        return self.session.messages_in

    @property
    def messages_out(self) -> int:
        """Messages sent."""
        return self.session.messages_out

    @property
    def limits(self) -> Limits:
        """The limits of what the peer may use."""
        return self.registry.limits

    @property
    def name(self) -> str:
        """The name of its protocol in the log."""
        name: str = getattr(getattr(self, "factory", None), "name", "")
        return name or type(self).__name__.removesuffix("Protocol").lower()

    @property
    def age(self) -> float:
        """Seconds since the connection was made."""
        return self.clock.seconds() - self.made

    @property
    def idle(self) -> float:
        """Seconds since a byte was last read or written."""
        return self.clock.seconds() - self.active

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""
        if isinstance(self._phase, Arrival):
            return "a PROXY header or TLS handshake"
        if isinstance(self._phase, Closing):
            return "the end of the peer's stream"
        if self.paused:
            return "the peer to read"
        return "the answer" if self.busy else "a message"

    @property
    def busy(self) -> bool:
        """Whether the peer need not act now: we wait for something, or the send buffer is full."""
        return self.paused or (self._flow is not None and self._flow.waits)

    # What its parts call.

    def begin(self) -> None:
        """Open the conversation: the header and the handshake are complete."""
        if self.session.need is OPENING and isinstance(self._phase, Arrival):
            self._phase = None
            self.restart_timeouts()
            self._open()

    def update_reading(self) -> None:
        """Read unless the send buffer is full, or more bytes are held than we may read ahead."""
        session, framing = self.session, self.session.framing
        if framing.discards:
            wanted = True
        elif session.draining or (self.paused and session.ahead is None):
            wanted = False
        else:
            # While nothing stops the conversation, what is held is one message that has no end yet.
            wanted = session.need is None or framing.held <= READ_AHEAD_BYTES
        if wanted == self.reading or session.eof:
            return
        self.reading = wanted
        self._await_quiet()
        if wanted:
            self.message_since = self.clock.seconds()  # its end could not be seen so long
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def end(self) -> None:
        """Close, once; when the connection is lost, report it, once."""
        session = self.session
        if self._flow is not None:
            self._flow.stop(self)
        if self._quiet_call is not None:
            self._quiet_call.cancel()
            self._quiet_call = None
        try:
            if session.need is LOST:
                session.closed()
        finally:
            errors, session.errors = session.errors, ()
            for what, error in errors:
                self.registry.failed(self, what, error)
            if session.need is not LOST:
                self._close()
            elif self in self.registry.connections:
                self._look_in(0)
                self.registry.leave(self)

    def _forget(self) -> None:
        """The connection is lost in the most common way: with no work left. See ``end``."""
        session, registry = self.session, self.registry
        session.need = LOST
        try:
            session.closed()
        except EXITS:
            self.end()
            raise
        if session.errors or self._quiet_call is not None:
            self.end()
            return
        if self._tick is not None:
            self._tick.discard(self)
            self._tick = None
        registry.leave(self)

    def restart_timeouts(self) -> None:
        """Restart the peer's time-outs: the conversation is open, or no longer busy."""
        self.began = self.active = self.clock.seconds()

    def look(self) -> None:
        """Check whether a time-out is over; called by the timer."""
        self._look_in(0)
        closing = self._phase if isinstance(self._phase, Closing) else None
        if closing is None and closes_below(self.transport):
            self.close(CloseReason.PEER_CLOSED)  # TLS has ended, and TCP still waits for the peer to read
            return
        try:
            found = (closing or timeouts).look(self, self.clock.seconds())
        except BaseException as error:  # the framing's: what is unfinished is asked
            self._do(self.session.fail, error)
            return
        if not isinstance(found, CloseReason):
            self._look_in(found)
        elif found is CloseReason.WRITE_STALL:
            self.abort(found)
        elif isinstance(self._phase, Closing):
            abort(self.transport)
        else:
            self.close(found)

    def _tls_failure(self, error: BaseException | None) -> str | None:
        """Return how TLS has failed, given what ended the connection; None if it hasn't failed."""
        words = openssl_words(error)
        if isinstance(self._phase, Arrival) and self._phase.shakes_hands(self):
            return f"handshake: {words}" if words else PEER_LEFT
        return words

    def _open(self) -> None:
        session = self.session
        self.transport.registerProducer(self, True)
        try:
            out = session.open(self.peer)
        except EXITS:  # nobody else closes it
            self._attend()
            raise
        if session.need is not None:
            self._attend(out)
        elif out:
            self.bytes_out += len(out)
            self._write(out)

    def _write(self, out: bytes) -> None:
        """Write bytes to the transport, if nothing has to be sent before them."""
        if out:
            try:
                self.transport.write(out)
            except BaseException as error:
                self._attend(self.session.fail(error))

    def _do(self, event: Callable[..., bytes], *args: Any) -> None:
        """Pass an event that is not the transport's to the session, then do what the session needs."""
        try:
            out = event(*args)
        except EXITS:
            self._attend()
            raise
        self._attend(out)

    def _attend(self, out: bytes = b"") -> None:
        """Do what the session needs."""
        flow = self._flow
        if flow is None:
            flow = self._flow = Flow()
        flow.attend(self, out)

    def _close(self) -> None:
        if not isinstance(self._phase, Closing):
            idle = isinstance(self._phase, Draining) and self._phase.was_idle(self)
            self._phase = closing = Closing()
            closing.begin(self, at_once=idle)
            if self.session.need is not LOST:
                self.look()

    # Time.

    def _look_in(self, seconds: float) -> None:
        """Have ``look`` called in this many seconds, not earlier; 0: not at all."""
        if self._tick is not None:
            self._tick.discard(self)
        timers = self.registry.timers
        self._tick = timers.enter(self, seconds, self.clock.seconds()) if seconds else None

    def _await_end(self, came: int) -> None:
        """Note since when the unfinished message, to which the last *came* bytes may belong, has begun."""
        framing = self.session.framing
        if getattr(framing, "begun", framing.unfinished <= came):
            self.message_since = self.active
        self._await_quiet()

    def _await_quiet(self) -> None:
        """Restart the quiet period, or cancel it if it has no purpose."""
        call, self._quiet_call = self._quiet_call, None
        if call is not None and call.active():
            call.cancel()
        framing = self.session.framing
        if framing.quiet_seconds is not None and framing.unfinished and self.reading:
            self._quiet_call = self.clock.callLater(framing.quiet_seconds, self._quiet)

    def _quiet(self) -> None:
        # Timers run before reads: one more turn, for what is in the kernel already.
        self._quiet_call = self.clock.callLater(0, self._cut)

    def _cut(self) -> None:
        self._quiet_call = None
        self.active = self.clock.seconds()
        self._do(self.session.quiet)
