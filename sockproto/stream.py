"""The stream carrier: a conversation on TCP, TLS or a UNIX socket.

The only code that reads, writes, holds back and closes, once, for every protocol. It knows Twisted; it
doesn't know what any protocol means::

    class EchoProtocol(ConversationProtocol):
        conversation, framing = Echo, Raw

    class EchoFactory(ConversationFactory):
        protocol = EchoProtocol
"""

from collections.abc import Callable
from typing import Any, ClassVar, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.conversation import CloseReason, Conversation, Peer
from sockproto.dialogue import ENDING, LOST, PAUSED, PUSHED, UNOPENED, Dialogue
from sockproto.errors import SendRefused
from sockproto.framing import Discard, Lines
from sockproto.journal import Journal
from sockproto.limits import READ_AHEAD_BYTES, WRITE_BYTES, Limits
from sockproto.transport import can_half_close, peer_of


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class ConversationProtocol(Dialogue, Protocol):
    """Runs one conversation on one connection.

    Args:
        args: The conversation's.
        limits: How much the peer may have of us.
        framing: Makes the framing, given the longest message; the class's own if None.
        clock: For timers; the global reactor, when the connection is made, if None.
        kwargs: The conversation's.

    Attributes:
        conversation: Makes the conversation: mostly its class.
        framing: Makes the framing, given the longest message: mostly its class.
        serial: The connection's number in its factory, from 1.
        host: This end.
        bytes_in: Bytes read.
        bytes_out: Bytes handed to the transport.
    """

    conversation: ClassVar[Callable[..., Conversation]] = Conversation
    framing: ClassVar[Callable[[int], Any]] = Lines

    serial = 0
    journal = Journal()
    transport: Any  # Twisted's ITransport leaves out most of what every transport has
    bytes_in = bytes_out = 0

    _connections: "set[ConversationProtocol] | None" = None
    _reading = True
    _shut = _forgotten = False
    _timer: IDelayedCall | None = None

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        **kwargs: Any,
    ) -> None:
        self._limits = limits or Limits()
        make_framing = framing or type(self).framing
        super().__init__(
            type(self).conversation(*args, **kwargs),
            make_framing(self._limits.max_message_bytes),
            clock,
        )

    # What Twisted calls.

    def connectionMade(self) -> None:
        """The connection is there; over TLS the conversation waits for the handshake."""
        if self._clock is None:
            from twisted.internet import reactor

            self._clock = cast("IReactorTime", reactor)
        self.peer = peer_of(self.transport.getPeer())
        self.host: Peer = peer_of(self.transport.getHost())
        if self._connections is not None:
            self._connections.add(self)
        if not ISSLTransport.providedBy(self.transport):
            self._open()

    def handshakeCompleted(self) -> None:
        """The TLS handshake is done, for the first time or again."""
        self._open()

    def dataReceived(self, data: bytes) -> None:
        """Bytes came. They go to the framing; what they mean is handled when its turn comes."""
        self.bytes_in += len(data)
        self._framing.feed(data)
        if self._framing.quiet_seconds is not None:
            self._await_quiet()
        if self._stops & UNOPENED:  # a wrapper kept the handshake's end to itself
            self._open()
        self._run()

    def readConnectionLost(self) -> None:
        """The peer will send no more; it may still read."""
        if self._eof:
            return
        self._eof = True
        if self._shut:
            self.transport.loseConnection()
        else:
            self._set_timer(None)
            self._framing.end()
            self._run()

    def writeConnectionLost(self) -> None:
        """All we had to say is sent, and our half of the stream is ended: the peer's turn."""
        self._set_timer(self._limits.close_seconds or None, self.transport.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._stops |= LOST
        if self._reason is None:
            done = reason.check(ConnectionDone)
            self._reason = CloseReason.PEER_CLOSED if done else CloseReason.PEER_RESET
        self._run()

    def pauseProducing(self) -> None:
        """The transport has enough to send."""
        self._stops |= PAUSED
        self._run()

    def resumeProducing(self) -> None:
        """The transport can take more."""
        self._stops &= ~PAUSED
        self._run()

    def stopProducing(self) -> None:
        """The transport takes no more; ``connectionLost`` follows."""

    # What applications call.

    def send(self, message: bytes) -> bool:
        """Send a message between two replies.

        While a reply is being made, or the peer doesn't read, messages wait, up to 64 KiB of them.

        Args:
            message: Its bytes, without a terminator.

        Returns:
            Whether the peer keeps up; False says that it is time to send less.

        Raises:
            SendRefused: 64 KiB wait already, or the connection is not open or ends; the message is not sent.
        """
        if self._stops & (UNOPENED | ENDING | LOST):
            raise SendRefused("the connection is not open")
        if self._pushed and self._pushed_bytes + len(message) > WRITE_BYTES:
            raise SendRefused(f"{self._pushed_bytes} bytes wait for the peer already")
        self._pushed.append(message)
        self._pushed_bytes += len(message)
        self._stops |= PUSHED
        self._run()
        return not self._stops & PAUSED

    def close(self, reason: CloseReason = CloseReason.STOPPED) -> None:
        """Run no further action, deliver what was sent, and close.

        Args:
            reason: What the conversation's ``closed`` and the log are told.
        """
        self._end(reason)
        self._run()

    # Between the dialogue and the transport.

    def _open(self) -> None:
        if self._stops & UNOPENED:
            self._stops &= ~UNOPENED
            self.transport.registerProducer(self, True)
            self._run()

    def _write(self, data: bytes) -> None:
        self.bytes_out += len(data)
        self.transport.write(data)

    def _settle(self) -> None:
        if self._stops & LOST:
            self._forget()
        elif self._stops & ENDING:
            self._close()
        else:
            self._update_reading()

    def _update_reading(self) -> None:
        """Read unless the transport has enough to send, or more is held than we may read ahead."""
        framing = self._framing
        wanted = framing.discards or (not self._stops & PAUSED and framing.held <= READ_AHEAD_BYTES)
        if wanted == self._reading or self._eof:
            return
        self._reading = wanted
        if not wanted:
            self.transport.pauseProducing()
            return
        if framing.quiet_seconds is not None:
            self._await_quiet()
        self.transport.resumeProducing()

    def _close(self) -> None:
        """Close so that the peer can read all that was sent (once).

        Closing a TCP socket with unread input sends a reset, which can destroy the last words. So our
        half of the stream is ended first, then what comes is discarded until the peer ends its own.
        """
        if self._shut:
            return
        self._shut = True
        self._set_timer(None)
        self._stop_work()
        self._framing = Discard()
        if not self._stops & UNOPENED:
            # TLS never sends its close_notify while a producer is registered.
            self.transport.unregisterProducer()
        if self._reason is CloseReason.ABORTED:
            self.transport.abortConnection()
        elif self._eof or self._reason is CloseReason.STOPPED or not can_half_close(self.transport):
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()
            self.transport.resumeProducing()

    def _forget(self) -> None:
        """Nothing is left to do but to tell the conversation and the log (once)."""
        if self._forgotten:
            return
        self._forgotten = True
        if self._connections is not None:
            self._connections.discard(self)
        self._set_timer(None)
        self._stop_work()
        if self._opened:
            self._guard(self._conversation.closed, cast("CloseReason", self._reason))
        self.journal.info(
            cast("IReactorTime", self._clock),
            "{protocol} connection {serial} from {peer} closed: {reason}; "
            "{bytes_in} bytes and {messages_in} messages in, "
            "{bytes_out} bytes and {messages_out} messages out",
            **self._fields(),
            reason=self._reason,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            messages_in=self.messages_in,
            messages_out=self.messages_out,
        )

    # Time and log.

    def _await_quiet(self) -> None:
        """Start the quiet period anew, or end it where it has no purpose."""
        unfinished = self._framing.unfinished and self._reading and not self._eof
        self._set_timer(self._framing.quiet_seconds if unfinished else None, self._quiet)

    def _quiet(self) -> None:
        # Timers run before reads: one more turn, for what is in the kernel already.
        if self._reading:
            self._set_timer(0, self._cut)

    def _cut(self) -> None:
        if self._reading:
            self._framing.quiet()
            self._run()

    def _set_timer(self, seconds: float | None, call: Callable[[], object] | None = None) -> None:
        """Have *call* called after *seconds*, and nothing that was to be called before."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if seconds is not None and call is not None:
            self._timer = cast("IReactorTime", self._clock).callLater(seconds, call)

    def _fields(self) -> dict[str, Any]:
        name = type(self).__name__.removesuffix("Protocol").lower()
        return {"protocol": name, "serial": self.serial, "peer": self.peer, "host": self.host}

    def _log_failure(self, what: str) -> None:
        self.journal.failure(
            cast("IReactorTime", self._clock),
            "{protocol} connection {serial} from {peer}: {what}",
            Failure(),
            what=what,
            **self._fields(),
        )


class ConversationFactory(Factory):
    """Makes a conversation and its carrier for each connection.

    An ordinary ``IProtocolFactory``: other people's endpoints and wrappers take it.

    Args:
        args: The conversation's.
        limits: How much a peer may have of us.
        framing: Makes the framing, given the longest message; the protocol's own if None.
        clock: For timers; the global reactor if None.
        kwargs: The conversation's.

    Attributes:
        protocol: The class of protocol it makes.
        connections: The protocols whose connections are open.
        journal: Writes their events to the log.

    Raises:
        TypeError: The conversation doesn't take these arguments.
    """

    protocol: type[ConversationProtocol] = ConversationProtocol
    noisy = False

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        **kwargs: Any,
    ) -> None:
        self._args = args
        self._kwargs = {"limits": limits or Limits(), "framing": framing, "clock": clock, **kwargs}
        self._serial = 0
        self.connections: set[ConversationProtocol] = set()
        self.journal = Journal()
        self.protocol(*self._args, **self._kwargs)  # wrong arguments show here, not at the first connection

    def buildProtocol(self, addr: IAddress | None) -> ConversationProtocol:
        """Make the protocol for a connection."""
        protocol = self.protocol(*self._args, **self._kwargs)
        protocol.factory = self
        protocol.journal = self.journal
        protocol._connections = self.connections
        self._serial += 1
        protocol.serial = self._serial
        return protocol

    def close(self) -> None:
        """Close every connection once what it was sent is delivered."""
        for protocol in list(self.connections):
            protocol.close()

    def stopFactory(self) -> None:
        """The last port has stopped listening."""
        self.journal.flush()
