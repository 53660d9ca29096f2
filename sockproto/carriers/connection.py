"""What the parts of the stream carrier know about each other: types only.

A connection is a ``ConversationProtocol``; its parts (``arrival``, ``closing``, ``timeouts``) and the
registry use only these methods and attributes::

    def begin(self, connection: Connection) -> None: ...
"""

from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IReactorTime

from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import Limits
from sockproto.core.session import Session


class StreamTransport(Protocol):
    """The methods of Twisted's stream transports; its ``ITransport`` has only a few of them."""

    def write(self, data: bytes) -> object:
        """Send."""

    def getPeer(self) -> IAddress:
        """Return the address of the other end."""

    def getHost(self) -> IAddress:
        """Return the address of this end."""

    def loseConnection(self) -> object:
        """Close when all bytes are sent."""

    def loseWriteConnection(self) -> object:
        """End our half of the stream when all bytes are sent."""

    def registerProducer(self, producer: Any, streaming: bool) -> object:
        """Tell *producer* to pause and to resume."""

    def unregisterProducer(self) -> object:
        """Stop telling the producer."""

    def pauseProducing(self) -> object:
        """Stop reading."""

    def resumeProducing(self) -> object:
        """Read again."""


class RegistryLike(Protocol):
    """The part of the registry that a connection's parts use."""

    def count_header(self, size: int) -> None:
        """Count the bytes of a PROXY header."""

    def identify(self, connection: "Connection", counted: bool = True) -> CloseReason | None:
        """Count a connection of its peer, if *counted*; return why it is refused, or None."""

    def half_closed(self, connection: "Connection") -> None:
        """The conversation has ended our half of the stream, if the transport has half-close."""

    def failed(self, connection: "Connection", what: str, error: BaseException) -> None:
        """A conversation has raised an error."""


class ProgressLike(Protocol):
    """Whether a peer reads what is sent to it.

    Attributes:
        since: When it last was seen to have read something.
    """

    since: float

    def sample(self, connection: "Connection", now: float) -> int | None:
        """Take a sample; return how many bytes are unsent, None if the transport can't tell."""


class Connection(Protocol):
    """A connection as its parts see it.

    Attributes:
        session: Runs its conversation.
        clock: The source of time and timers.
        transport: Carries its bytes.
        serial: Its number among those of its listener, from 1.
        peer: The other end.
        host: This end.
        bytes_in: Bytes read for the conversation, without those that come after the close has begun.
        bytes_out: Bytes handed to the transport.
        paused: Whether the transport's send buffer is full.
        reading: Whether the transport is reading.
        made: When it was made; this and the other times are in the clock's seconds.
        began: Since when the peer could have spoken.
        active: When a byte was last read or written.
        message_since: When the first byte of the unfinished message came.
        progress: Whether the peer reads, while it doesn't keep up.
    """

    session: Session
    clock: IReactorTime
    transport: StreamTransport
    serial: int
    peer: Peer
    host: Peer
    bytes_in: int
    bytes_out: int
    paused: bool
    reading: bool
    made: float
    began: float
    active: float
    message_since: float
    progress: ProgressLike | None

    @property
    def registry(self) -> RegistryLike:
        """The registry that counts it and logs its errors."""

    @property
    def name(self) -> str:
        """The name of its protocol in the log."""

    @property
    def limits(self) -> Limits:
        """The limits of what the peer may use."""

    @property
    def detail(self) -> str:
        """How it failed, in words, if the reason alone doesn't say how; else empty."""

    @property
    def age(self) -> float:
        """Seconds since it was made."""

    @property
    def idle(self) -> float:
        """Seconds since a byte was last read or written."""

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""

    @property
    def busy(self) -> bool:
        """Whether the peer need not act now: we wait for something, or the send buffer is full."""

    def begin(self) -> None:
        """Open the conversation: the header and the handshake are complete."""

    def end(self) -> None:
        """Close, or report that the connection is lost, as the session needs it."""

    def update_reading(self) -> None:
        """Resume or pause reading, as the session needs it."""

    def restart_timeouts(self) -> None:
        """Restart the time-outs of the peer."""

    def readConnectionLost(self) -> None:
        """The peer will send no more."""

    def drain(self) -> None:
        """Answer the messages that have come completely, then close."""

    def close(self, reason: CloseReason) -> None:
        """Deliver what was sent, and close."""

    def abort(self, reason: CloseReason) -> None:
        """Close at once."""
