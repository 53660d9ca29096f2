"""The stream carrier: runs a conversation on TCP, TLS or a UNIX socket.

The only code that reads, writes, holds back and closes, once, for every protocol. It knows Twisted; it
doesn't know what any protocol means::

    class EchoProtocol(ConversationProtocol):
        conversation, framing = Echo, Raw

    class EchoFactory(ConversationFactory):
        protocol = EchoProtocol
"""

from collections.abc import Callable, Generator, Iterator
from types import GeneratorType
from typing import Any, ClassVar, cast

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.conversation import (
    ABORT,
    Action,
    Actions,
    CloseReason,
    Conversation,
    End,
    Peer,
    Sleep,
    Wait,
)
from sockproto.errors import ActionError, MessageTooLong, SendRefused
from sockproto.framing import Discard, Lines
from sockproto.journal import Journal
from sockproto.limits import READ_AHEAD_BYTES, TURN_BYTES, WRITE_BYTES, Limits
from sockproto.pending import Pending, Turn, resume
from sockproto.transport import can_half_close, peer_of

# Why the conversation doesn't go on: the bits of ConversationProtocol._stops.
UNOPENED = 1  # there is no connection yet, or its handshake isn't done
PENDING = 2  # an action is pending
PAUSED = 4  # the transport has enough to send
ENDING = 8  # no action follows; what was sent is to be delivered, then the connection closed
LOST = 16  # the connection is gone
PUSHED = 32  # the application sent something: no reason to stop, but to look up between two messages
BLOCKED = UNOPENED | PENDING | PAUSED | ENDING | LOST


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class ConversationProtocol(Protocol):
    """Runs one conversation on one connection.

    Everything that happens (data, a timer, the transport's pause or its end) only sets state and calls
    ``_run``, whose loop does the work in order: nothing recurses, nothing overtakes.

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
        peer: The other end.
        host: This end.
        bytes_in: Bytes read.
        bytes_out: Bytes handed to the transport.
        messages_in: Messages handled.
        messages_out: Messages sent.
    """

    conversation: ClassVar[Callable[..., Conversation]] = Conversation
    framing: ClassVar[Callable[[int], Any]] = Lines

    serial = 0
    journal = Journal()
    bytes_in = bytes_out = messages_in = messages_out = 0

    _stops = UNOPENED
    _opened = _running = _again = _eof = _ended = _shut = _forgotten = False
    _reading = True
    _out_bytes = _pushed_bytes = _produced = 0
    _generator: Generator[Action, Any, object] | None = None
    _outcome: Any = None
    _pending: Pending | None = None
    _timer: IDelayedCall | None = None
    _reason: CloseReason | None = None

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        **kwargs: Any,
    ) -> None:
        self._conversation = type(self).conversation(*args, **kwargs)
        self._limits = limits or Limits()
        self._framing = (framing or type(self).framing)(self._limits.max_message_bytes)
        self._clock = clock
        self._messages: Iterator[bytes] = iter(())
        self._out: list[bytes] = []
        self._pushed: list[bytes] = []

    # What Twisted calls.

    def connectionMade(self) -> None:
        """The connection is there; over TLS the conversation waits for the handshake."""
        if self._clock is None:
            from twisted.internet import reactor

            self._clock = cast(IReactorTime, reactor)
        self.peer: Peer = peer_of(self.transport.getPeer())
        self.host: Peer = peer_of(self.transport.getHost())
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

    # The work.

    def _open(self) -> None:
        if self._stops & UNOPENED:
            self._stops &= ~UNOPENED
            self.transport.registerProducer(self, True)
            self._run()

    def _run(self) -> None:
        """Do what there is to do. A call that comes meanwhile is seen by the loop."""
        self._again = True
        if self._running:
            return
        self._running = True
        self._produced = 0
        while self._again:
            self._again = False
            try:
                self._work()
            except BaseException:
                self._fail()
            self._flush()
        self._running = False
        self._settle()

    def _work(self) -> None:
        """Handle what came, in order, until there is no more or something has to be waited for."""
        if self._generator is not None:
            self._drive()
        elif not self._opened and not self._stops & BLOCKED:
            self._opened = True
            self._begin(self._conversation.opened(self.peer))
        received = self._conversation.received
        while not self._stops & BLOCKED:
            if self._stops:
                self._deliver_pushed()
            for message in self._messages:
                self.messages_in += 1
                result = received(message)
                if type(result) is bytes:
                    self._put(result)
                elif result is not None:
                    self._begin(result)
                if self._stops:
                    break
            else:
                if not self._take():
                    return

    def _take(self) -> bool:
        """Take the next messages from the framing, or the end of the stream. Gives whether there is any."""
        try:
            messages = self._framing.take()
        except MessageTooLong as error:
            self._tell(str(error))
            self._end(CloseReason.TOO_LONG)
            return True
        if messages:
            self._messages = iter(messages)
        elif not self._eof:
            return False
        elif self._ended:
            self._end(CloseReason.PEER_CLOSED)
        else:
            self._ended = True
            self._begin(self._conversation.ended())
        return True

    def _begin(self, result: Actions) -> None:
        """Do what a method of the conversation gave."""
        if result is not None:
            self._generator = result if isinstance(result, GeneratorType) else _one(result)
            self._drive()

    def _drive(self) -> None:
        """Do the generator's actions until it is done or something has to be waited for."""
        generator = cast(Generator[Action, Any, object], self._generator)
        try:
            while not self._stops & BLOCKED:
                outcome, self._outcome = self._outcome, None
                action = resume(generator, outcome)
                if type(action) is bytes:
                    self._put(action)
                elif isinstance(action, Sleep | Wait):
                    self._wait(action)
                elif isinstance(action, End):
                    self._end(CloseReason.ABORTED if action is ABORT else CloseReason.CLOSED)
                else:
                    raise ActionError(f"{action!r} is no action: give bytes, CLOSE, ABORT, Sleep or Wait")
        except StopIteration:
            self._generator = None

    def _wait(self, action: Sleep | Wait | Turn) -> None:
        pending = Pending(action, cast(IReactorTime, self._clock))
        if pending.done:
            self._outcome = pending.outcome
        else:
            self._pending = pending
            self._stops |= PENDING
            pending.then(self._waited)

    def _waited(self) -> None:
        self._outcome = cast(Pending, self._pending).outcome
        self._pending = None
        self._stops &= ~PENDING
        self._run()

    def _put(self, message: bytes) -> None:
        """Send a message with the others of this read."""
        data = self._framing.encode(message)
        self._out.append(data)
        self._out_bytes += len(data)
        self.messages_out += 1
        if self._out_bytes >= WRITE_BYTES:
            self._flush()

    def _deliver_pushed(self) -> None:
        self._stops &= ~PUSHED
        pushed, self._pushed, self._pushed_bytes = self._pushed, [], 0
        for message in pushed:
            self._put(message)

    def _flush(self) -> None:
        """Hand what is to be sent to the transport, in one write."""
        if not self._out:
            return
        data = b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        if self._stops & LOST:
            return
        self.bytes_out += len(data)
        self._produced += len(data)
        self.transport.write(data)
        if self._produced > TURN_BYTES - WRITE_BYTES and not self._stops & BLOCKED:
            self._wait(Turn())

    # The end.

    def _end(self, reason: CloseReason) -> None:
        """No further action runs; ``_settle`` sees to the rest."""
        if not self._stops & (ENDING | LOST):
            self._stops |= ENDING
            self._reason = reason

    def _fail(self) -> None:
        """The conversation raised an error: a bug, which ends this connection only."""
        self._log_failure("{protocol} connection {serial} from {peer}: error in the conversation")
        if not self._stops & (ENDING | LOST):
            self._tell("internal error")
            self._end(CloseReason.CONVERSATION_ERROR)

    def _tell(self, error: str) -> None:
        """Tell the peer of an error, in a line, where the protocol is text."""
        if self._conversation.speaks_text:
            self._out.append(b"error: %b\n" % error.encode())

    def _settle(self) -> None:
        """Do what the state asks of the transport, now that the work is done."""
        if self._stops & LOST:
            self._forget()
        elif self._stops & ENDING:
            self._close()
        else:
            self._update_reading()

    def _update_reading(self) -> None:
        """Read unless the transport has enough to send, or more is held than we may read ahead."""
        framing = self._framing
        wanted = framing.discards or (
            not self._stops & PAUSED and framing.held <= READ_AHEAD_BYTES
        )
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
        self._stop_work()
        self._framing = Discard()
        if not self._stops & UNOPENED:
            # TLS never sends its close_notify while a producer is registered.
            self.transport.unregisterProducer()
        if self._reason is CloseReason.ABORTED:
            self.transport.abortConnection()
        elif self._eof or not can_half_close(self.transport):
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()
            self.transport.resumeProducing()

    def _forget(self) -> None:
        """Nothing is left to do but to tell the conversation and the log (once)."""
        if self._forgotten:
            return
        self._forgotten = True
        self._stop_work()
        if self._opened:
            self._guard(self._conversation.closed, cast(CloseReason, self._reason))
        self.journal.info(
            cast(IReactorTime, self._clock),
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

    def _stop_work(self) -> None:
        self._set_timer(None)
        self._messages = iter(())
        self._pushed.clear()
        generator, self._generator = self._generator, None
        if generator is not None:
            self._guard(generator.close)
        pending, self._pending = self._pending, None
        if pending is not None:
            self._guard(pending.cancel)

    def _guard(self, call: Callable[..., object], *args: Any) -> None:
        """Call into the conversation where nothing can be sent any more; log what it raises."""
        try:
            call(*args)
        except BaseException:
            self._log_failure("{protocol} connection {serial} from {peer}: error at its end")

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
            self._timer = cast(IReactorTime, self._clock).callLater(seconds, call)

    def _fields(self) -> dict[str, Any]:
        name = type(self).__name__.removesuffix("Protocol").lower()
        return {"protocol": name, "serial": self.serial, "peer": self.peer, "host": self.host}

    def _log_failure(self, format: str) -> None:
        self.journal.failure(cast(IReactorTime, self._clock), format, Failure(), **self._fields())


def _one(action: Action) -> Generator[Action, Any, None]:
    yield action


class ConversationFactory(Factory):
    """Makes a conversation and its carrier for each connection.

    An ordinary ``IProtocolFactory``: other people's endpoints and wrappers take it.

    Args:
        args: The conversation's.
        limits: How much a peer may have of us.
        framing: Makes the framing, given the longest message; the protocol's own if None.
        clock: For timers; the global reactor if None.
        kwargs: The conversation's.

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
        self.journal = Journal()
        self.protocol(*self._args, **self._kwargs)  # wrong arguments show here, not at the first connection

    def buildProtocol(self, addr: IAddress | None) -> ConversationProtocol:
        """Make the protocol for a connection."""
        protocol = self.protocol(*self._args, **self._kwargs)
        protocol.factory = self
        protocol.journal = self.journal
        self._serial += 1
        protocol.serial = self._serial
        return protocol

    def stopFactory(self) -> None:
        """The last port has stopped listening."""
        self.journal.flush()
