"""What the parts of the stream carrier know of each other: types only.

A connection is a ``ConversationProtocol``; its parts (``arrival``, ``closing``, ``timeouts``) and the
registry see no more of it than this::

    def begin(self, connection: Connection) -> None: ...
"""

from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IReactorTime

from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import Limits
from sockproto.core.session import Session


class StreamTransport(Protocol):
    """What Twisted's transports of streams have; its ``ITransport`` leaves out most of it."""

    def write(self, data: bytes) -> object:
        """Send."""

    def getPeer(self) -> IAddress:
        """Return the address of the other end."""

    def getHost(self) -> IAddress:
        """Return the address of this end."""

    def loseConnection(self) -> object:
        """Close when all is sent."""

    def loseWriteConnection(self) -> object:
        """End our half when all is sent."""

    def registerProducer(self, producer: Any, streaming: bool) -> object:
        """Tell *producer* to pause and to resume."""

    def unregisterProducer(self) -> object:
        """Tell it no more."""

    def pauseProducing(self) -> object:
        """Read no more."""

    def resumeProducing(self) -> object:
        """Read again."""


class RegistryLike(Protocol):
    """What a connection's parts know of the registry."""

    def count_header(self, size: int) -> None:
        """Count the bytes of a PROXY header."""

    def identify(self, connection: "Connection", counted: bool = True) -> CloseReason | None:
        """Count a connection as its peer's, if it is to be counted; return why it is refused."""

    def half_closed(self, connection: "Connection") -> None:
        """The conversation has ended our half of the stream, where there are halves."""

    def failed(self, connection: "Connection", what: str, error: BaseException) -> None:
        """A conversation has raised an error."""


class Connection(Protocol):
    """What is to be known of a connection.

    Attributes:
        session: Runs its conversation.
        clock: What time it is.
        transport: Carries its bytes.
        serial: Its number among those of its listener, from 1.
        peer: The other end.
        host: This end.
        bytes_in: Bytes read that are the conversation's, but for those that come once the end has begun.
        bytes_out: Bytes handed to the transport.
        paused: Whether the transport has enough to send.
        reading: Whether it reads.
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

    @property
    def registry(self) -> RegistryLike:
        """Where it is counted and its errors are told."""

    @property
    def name(self) -> str:
        """What the log calls its protocol."""

    @property
    def limits(self) -> Limits:
        """How much the peer may have of us."""

    @property
    def detail(self) -> str:
        """How it failed, in words, where the reason says only that it did; else empty."""

    @property
    def age(self) -> float:
        """Seconds since it was made."""

    @property
    def idle(self) -> float:
        """Seconds since a byte last came or went."""

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""

    @property
    def busy(self) -> bool:
        """Whether it is not the peer's turn: something is waited for, or there is enough to send."""

    def begin(self) -> None:
        """Open the conversation: nothing is left to wait for."""

    def end(self) -> None:
        """Close, or tell everybody that the connection is gone, as the session needs it."""

    def update_reading(self) -> None:
        """Read on, or no more for now, as the session needs it."""

    def restart_timeouts(self) -> None:
        """The peer's time begins anew."""

    def readConnectionLost(self) -> None:
        """The peer will send no more."""

    def drain(self) -> None:
        """Answer what has come whole, then close."""

    def close(self, reason: CloseReason) -> None:
        """Deliver what was sent, and close."""

    def abort(self, reason: CloseReason) -> None:
        """Close at once."""
