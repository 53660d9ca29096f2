"""The stream carrier: a conversation on TCP, TLS or a UNIX socket.

The only code that reads, writes, holds back and closes, once, for every protocol. It knows Twisted; it
doesn't know what any protocol means::

    class EchoProtocol(ConversationProtocol):
        conversation, framing = Echo, Raw

    class EchoFactory(ConversationFactory):
        protocol = EchoProtocol
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IReactorTime,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.carriers.connection import Connection
from sockproto.carriers.registry import Ledger, Statistics
from sockproto.carriers.stops import DRAINING, ENDING, LOST, UNOPENED
from sockproto.carriers.timeouts import Watch
from sockproto.carriers.transport import announces_handshake, certificate_of, peer_of
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.core.proxy import HeaderReader, Trust
from sockproto.errors import ProxyHeaderInvalid


@implementer(IHandshakeListener)
class ConversationProtocol(Connection):
    """Runs one conversation on one connection.

    To end it from outside call ``close`` or ``abort``, not the transport's ``loseConnection``: Twisted waits
    with that for its producer, which is this protocol.

    Args:
        args: The conversation's.
        limits: How much the peer may have of us.
        framing: Makes the framing, given the longest message; the class's own if None.
        clock: For timers; the global reactor, when the connection is made, if None.
        proxies: Whose PROXY header to take, which then must come first; None: there is none to come.
        kwargs: The conversation's.

    Attributes:
        conversation: Makes the conversation: mostly its class.
        framing: Makes the framing, given the longest message: mostly its class.
        serial: The connection's number among those of its listener, from 1.
        peer: The other end: the client, also behind a proxy that tells its address.
        host: This end, likewise.
    """

    conversation: ClassVar[Callable[..., Conversation]] = Conversation
    framing: ClassVar[Callable[[int], Any]] = Lines

    __slots__ = (
        "_entered",
        "_handshaken",
        "_header",
        "_identified",
        "_known",
        "_ledger",
        "_limits",
        "_proxies",
        "host",
        "serial",
    )

    host: Peer

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        proxies: Trust | None = None,
        **kwargs: Any,
    ) -> None:
        self._limits = limits or Limits()
        self._proxies = proxies
        self.serial = 0
        self._ledger: Ledger | None = None
        self._header: HeaderReader | None = None
        self._entered = self._known = self._identified = self._handshaken = False
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
        if self._ledger is None:
            self._ledger = Ledger(self._limits)
        self.host = self._ledger.shared(peer_of(self.transport.getHost()))
        refused = self._ledger.enter(self)
        self._entered = refused is None
        self._watch = Watch(self, self._limits, self._clock, self._ledger.timetable(self._clock))
        self._watch.start()
        if refused is not None:
            self.close(refused)
        elif self._proxies is None:
            self._identify()
        elif self.peer in self._proxies:
            self._header = HeaderReader()
        else:
            self.close(CloseReason.UNKNOWN_PROXY)

    def handshakeCompleted(self) -> None:
        """The TLS handshake is done, for the first time or again."""
        self._handshaken = True
        if self._known:
            self._open()

    def dataReceived(self, data: bytes) -> None:
        """Bytes came. They go to the framing; what they mean is handled when its turn comes."""
        if self._stops:
            data = self._admit(data)
            if not data:
                return
        self.bytes_in += len(data)
        framing = self._framing
        framing.feed(data)
        watch = self._watch
        watch.active = self._clock.seconds()  # type: ignore[union-attr]  # there is a connection
        if 0 < framing.unfinished <= len(data):
            watch.message_since = watch.active
        if framing.quiet_seconds is not None:
            self._await_quiet()
        if self._stops or self._running:
            self._run()
        elif framing.ready:
            self._run_messages()

    # What applications call, besides ``send``, ``close`` and ``abort``.

    def drain(self) -> None:
        """Answer the messages that have come whole, then close; what else comes is not read.

        An incomplete message is cut where a quiet period would cut it. What the conversation does of its
        own accord, since it was opened, ends at once if no message waits for it.
        """
        if self._stops & (ENDING | LOST):
            return
        self._stops |= DRAINING
        self._drained_at = self.bytes_out
        self._framing.quiet()
        framing = self._framing
        if self._until is not None and self._until.endless and self._interruptible:
            self._interrupt()
        opening = self._generator is not None and not self.messages_in
        if self._stops & UNOPENED or (opening and framing.held == framing.unfinished):
            self._end(CloseReason.DRAINED)
        self._run()

    # Between the dialogue and the transport.

    def _open(self) -> None:
        if self._handshaken:
            self.peer = self.peer._replace(certificate=certificate_of(self.transport))
        super()._open()

    def _admit(self, data: bytes) -> bytes:
        """Give what is for the framing of bytes that come while not all is as usual."""
        if self._shut or self._stops & DRAINING:
            return b""
        if self._header is not None:
            size = len(data)
            data = self._read_header(self._header, data)
            self.bytes_in += size - len(data)
            if self._shut:
                return b""
        if data and self._stops & UNOPENED:  # somebody kept the handshake's end to himself
            self._open()
        return data

    def _read_header(self, header: HeaderReader, data: bytes) -> bytes:
        """Read the PROXY header; give what came behind it."""
        try:
            if not header.feed(data):
                return b""
        except ProxyHeaderInvalid:
            self._header = None
            self.close(CloseReason.BAD_PROXY_HEADER)
            return b""
        self._header = None
        self.peer = header.source or self.peer
        self.host = header.destination or self.host
        self._identify(counted=header.source is not None)
        return header.rest

    def _identify(self, counted: bool = True) -> None:
        """Begin, now that it is known who the peer is, unless it has too many connections.

        A proxy that doesn't say who its client is, or speaks for itself, is not counted.
        """
        refused = cast("Ledger", self._ledger).identify(self.peer) if counted else None
        self._known = True
        self._identified = counted and refused is None
        if refused is not None:
            self.close(refused)
        elif self._handshaken or not announces_handshake(self.transport):
            self._open()

    def _forget(self) -> None:
        """Nothing is left to do but to tell the conversation and the log (once)."""
        if self._forgotten:
            return
        self._forgotten = True
        self._watch.stop()
        self._set_timer(None)
        self._stop_work()
        if self._opened:
            self._guard(self._conversation.closed, cast("CloseReason", self._reason))
        cast("Ledger", self._ledger).leave(self, self._entered, self._identified)
        self._report()

    def _report(self) -> None:
        """Say how it ended."""
        journal, clock = cast("Ledger", self._ledger).journal, cast("IReactorTime", self._clock)
        if not journal.admits(clock):
            return
        journal.write(
            "{protocol} connection {serial} from {peer} closed: {reason}; "
            "{bytes_in} bytes and {messages_in} messages in, "
            "{bytes_out} bytes and {messages_out} messages out, {seconds:.3f} seconds",
            **self._fields(),
            reason=self._reason,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            messages_in=self.messages_in,
            messages_out=self.messages_out,
            seconds=clock.seconds() - self._watch.made,
        )

    # Time and log.

    def _fields(self) -> dict[str, Any]:
        name = getattr(self.factory, "name", "") or type(self).__name__.removesuffix("Protocol").lower()
        peer = self.peer._replace(certificate=None)  # which would fill the log
        return {"protocol": name, "serial": self.serial, "peer": peer, "host": self.host}

    def _log_failure(self, what: str) -> None:
        cast("Ledger", self._ledger).journal.failure(
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
        limits: How much the peers may have of us, together and each.
        framing: Makes the framing, given the longest message; the protocol's own if None.
        clock: For timers; the global reactor if None.
        proxy_from: Networks of the proxies whose PROXY header tells who the client is; every connection
            must begin with one then. None: there are no proxies.
        kwargs: The conversation's.

    Attributes:
        protocol: The class of protocol it makes.
        name: What the log calls it; the name of the protocol's class, in short, if empty.
        limits: How much the peers may have of us.
        ledger: Its connections, and what was counted of them.

    Raises:
        TypeError: The conversation, or the carrier, doesn't take these arguments.
        ValueError: A network of *proxy_from* is none.
    """

    protocol: type[ConversationProtocol] = ConversationProtocol
    name = ""
    noisy = False

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        proxy_from: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        if framing is not None and not callable(framing):
            raise TypeError(f"framing must be a class such as Lines, not {framing!r}")
        self.limits = limits = limits or Limits()
        proxies = None if proxy_from is None else Trust(proxy_from)
        carrier = {"limits": limits, "framing": framing, "clock": clock, "proxies": proxies}
        self._args, self._kwargs = args, {**carrier, **kwargs}
        self.ledger = Ledger(limits)
        self.protocol(*self._args, **self._kwargs)  # wrong arguments show here, not at the first connection

    @property
    def statistics(self) -> Statistics:
        """What was counted of its connections."""
        return self.ledger.statistics

    def buildProtocol(self, addr: IAddress | None) -> ConversationProtocol:
        """Make the protocol for a connection."""
        protocol = self.protocol(*self._args, **self._kwargs)
        protocol.factory = self
        protocol._ledger = self.ledger
        return protocol

    def drain(self) -> "Deferred[None]":
        """Have every connection finish what it has received; fires when all are gone."""
        return self.ledger.drain()

    def abort(self) -> int:
        """Cut every connection that is left; give how many."""
        return self.ledger.abort()

    def stopFactory(self) -> None:
        """The last port has stopped listening."""
        self.ledger.journal.flush()
