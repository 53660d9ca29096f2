"""What to say: conversations.

Pure: no socket, no clock, no reactor, no Twisted. A conversation is the whole of a protocol's meaning;
the carriers run it, and any test can call it::

    class Greeting(Conversation):
        def received(self, name):
            yield Sleep(0.5)
            yield b"Hello, %b!" % name
"""

from enum import Enum
from typing import Any, NamedTuple

from zope.interface import implementer

from sockproto.core.actions import CLOSE, Actions, Script
from sockproto.core.text import escape, join_host_port
from sockproto.interfaces import IConversation


class CloseReason(Enum):
    """Why a connection ended; each one ends with exactly one of these."""

    PEER_CLOSED = "peer closed"  #: the peer ended the stream
    PEER_RESET = "peer reset"  #: the peer, or the network, cut the connection
    TLS_FAILED = "TLS failed"  #: the handshake failed, or what came after it was no TLS; the log says how
    CLOSED = "closed"  #: the conversation said CLOSE
    ABORTED = "aborted"  #: the conversation said ABORT
    CONVERSATION_ERROR = "conversation error"  #: a bug in the conversation; its traceback is in the log
    DRAINED = "drained"  #: the service stopped; whatever had come whole was answered
    DRAIN_ABORTED = "drain aborted"  #: the service stopped and could not wait any longer
    IDLE = "idle"  #: no byte passed for ``idle_seconds``
    NO_MESSAGE = "no message"  #: the first message didn't come within ``first_message_seconds``
    SLOW_MESSAGE = "slow message"  #: a message didn't end within ``message_seconds``
    TOO_LONG = "message too long"  #: a message was longer than ``max_message_bytes``
    MALFORMED = "malformed message"  #: what came was no message of the framing, such as no netstring
    WRITE_STALL = "write stall"  #: the peer read nothing for ``write_stall_seconds``
    LIFETIME = "lifetime over"  #: the connection was ``lifetime_seconds`` old
    NO_HANDSHAKE = "no handshake"  #: TLS handshake or PROXY header not done in ``first_message_seconds``
    DENIED = "denied"  #: refused: connections are not taken from that address
    TOO_MANY = "too many connections"  #: refused: ``max_connections`` were open
    TOO_MANY_OF_PEER = "too many connections of peer"  #: refused: ``max_connections_per_peer`` were open
    BAD_PROXY_HEADER = "bad proxy header"  #: refused: what came first was no PROXY header
    FAULT = "fault"  #: a fault that was asked for ended it; the log says which
    UNKNOWN_PROXY = "unknown proxy"  #: refused: PROXY headers are not taken from that address

    def __str__(self) -> str:
        return self.value

    __hash__ = object.__hash__  # an Enum's own is a call of Python's, and connections are counted by these


class Peer(NamedTuple):
    """The other end of a connection.

    Attributes:
        host: Its numeric address; for a UNIX socket its path, mostly empty.
        port: Its port, None for a UNIX socket, 0 where an address of some other kind has none.
        certificate: Over TLS the certificate that it has shown, in DER (RFC 5280), None if it has shown none.
    """

    host: str
    port: int | None
    certificate: bytes | None = None

    def __str__(self) -> str:
        if self.port is None:
            return f"unix:{escape(self.host)}"
        return join_host_port(self.host, self.port)


@implementer(IConversation)
class Conversation:
    """Says nothing, whatever comes. Subclass it and override what your protocol answers.

    ``opened``, ``received``, ``ended`` and ``datagram`` give actions: they return None, one action
    (bytes, ``CLOSE``, ``ABORT``, ``HALF_CLOSE``, ``Sleep``, ``Wait``, ``Until``), or a generator of actions.
    Bytes are the fastest. Nothing of this class needs to be called from an override.

    Attributes:
        speaks_text: Whether the peer is told of an error in a line (with a framing by lengths: a message)
            that begins ``error:``; True suits protocols whose replies are text, False (the default) those
            that it would corrupt.
    """

    speaks_text = False

    def opened(self, peer: Peer) -> Actions:
        """The connection is there.

        Args:
            peer: The other end.

        Returns:
            Actions.
        """
        return None

    def received(self, message: bytes) -> Actions:
        """A whole message came.

        Args:
            message: Its bytes, without what the framing ended it with.

        Returns:
            Actions.
        """
        return None

    def ended(self) -> Actions:
        """The peer will send no more, and all it sent is handled; we still may send.

        Returns:
            Actions; after them the connection is closed.
        """
        return None

    def closed(self, reason: CloseReason) -> None:
        """The connection is gone, nothing can be sent. Called once, if ``opened`` was.

        Args:
            reason: Why.
        """

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """A lone datagram came; by default it means what the same message means on a stream.

        One conversation serves all the datagrams of a port: keep nothing from one to the next.

        Args:
            message: The whole datagram, maybe empty.
            peer: Whose address it bears, which anybody can forge.

        Returns:
            Actions. All the bytes together are one datagram; ``b""`` alone sends an empty one, no bytes
            at all send none. ``CLOSE`` ends it, ``ABORT`` ends it and sends nothing.
        """
        return self.received(message)

    def is_reply(self, datagram: bytes) -> bool:
        """Tell whether a datagram has the shape of an answer of this protocol.

        Two servers whose datagrams reach each other would otherwise answer each other for ever
        (CVE-2024-2169).

        Args:
            datagram: What came.

        Returns:
            Whether it may be such an answer; False where a protocol's answers have no shape.
        """
        return False


class OneShot(Conversation):
    """Says one thing to whoever comes, and closes; on datagrams, to each. Subclasses override ``say``."""

    def say(self) -> bytes:
        """Return what is said."""
        raise NotImplementedError

    def opened(self, peer: Peer) -> Script:
        """Say it and close."""
        yield self.say()
        yield CLOSE

    def datagram(self, message: bytes, peer: Peer) -> bytes:
        """Say it."""
        return self.say()


class ClientConversation(Conversation):
    """The client's side of a conversation: it wants something, and ends with a result.

    Attributes:
        framing: Makes the framing that cuts the replies, given the longest one.
        done: Whether all that was wanted has come; a connection that ends earlier was cut short.
        result: What the call gives; where it fails, as far as it goes.
        due: What is waited for, for the text of a failure.
    """

    framing: Any = None
    done = False
    result: Any = None
    due: str = ""

    @property
    def awaiting(self) -> bool | None:
        """Whether the peer's time to reply runs; None: whenever nothing of ours is waited for."""
        return None
