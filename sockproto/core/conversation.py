"""What to say: conversations.

Pure: no socket, no clock, no reactor, no Twisted. A conversation is all that a protocol means; the
carriers run it, and any test can call it::

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
    """Why a connection ended. Each connection ends with exactly one of these reasons."""

    PEER_CLOSED = "peer closed"  #: the peer ended the stream
    PEER_RESET = "peer reset"  #: the peer, or the network, cut the connection
    TLS_FAILED = "TLS failed"  #: the handshake failed, or later data was not TLS; the log says how
    CLOSED = "closed"  #: the conversation said CLOSE
    ABORTED = "aborted"  #: the conversation said ABORT
    CONVERSATION_ERROR = "conversation error"  #: a bug in the conversation; its traceback is in the log
    DRAINED = "drained"  #: the service stopped; every complete message was answered
    DRAIN_ABORTED = "drain aborted"  #: the service stopped and could not wait any longer
    IDLE = "idle"  #: no byte passed for ``idle_seconds``
    NO_MESSAGE = "no message"  #: the first message didn't come within ``first_message_seconds``
    SLOW_MESSAGE = "slow message"  #: a message didn't end within ``message_seconds``
    TOO_LONG = "message too long"  #: a message was longer than ``max_message_bytes``
    MALFORMED = "malformed message"  #: not a message of the framing, for example not a netstring
    WRITE_STALL = "write stall"  #: the peer read nothing for ``write_stall_seconds``
    LIFETIME = "lifetime over"  #: the connection was ``lifetime_seconds`` old
    NO_HANDSHAKE = "no handshake"  #: TLS handshake or PROXY header not done in ``first_message_seconds``
    DENIED = "denied"  #: refused: connections are not taken from that address
    TOO_MANY = "too many connections"  #: refused: ``max_connections`` were open
    TOO_MANY_OF_PEER = "too many connections of peer"  #: refused: ``max_connections_per_peer`` were open
    BAD_PROXY_HEADER = "bad proxy header"  #: refused: the first bytes were not a PROXY header
    FAULT = "fault"  #: a fault that ``--fault`` asked for ended it; the log says which
    UNKNOWN_PROXY = "unknown proxy"  #: refused: PROXY headers are not taken from that address

    def __str__(self) -> str:
        return self.value

    __hash__ = object.__hash__  # an Enum's own is a call of Python's, and connections are counted by these


class Peer(NamedTuple):
    """The other end of a connection.

    Attributes:
        host: Its numeric address; for a UNIX socket its path, which is usually empty.
        port: Its port; None for a UNIX socket; 0 for any other kind of address without a port.
        certificate: Over TLS, the certificate it presented, in DER (RFC 5280); None if it presented none.
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
    """Answers nothing. Subclass it and override the methods for which your protocol has an answer.

    ``opened``, ``received``, ``ended`` and ``datagram`` return actions: None, one action (bytes, ``CLOSE``,
    ``ABORT``, ``HALF_CLOSE``, ``Sleep``, ``Wait``, ``Until``), or a generator of actions. Bytes are the
    fastest. An override need not call the method of this class.

    Attributes:
        speaks_text: Whether the peer is told of an error by a line that begins ``error:`` (by a message, if
            the framing uses lengths). True suits protocols whose replies are text; False (the default)
            suits those whose data such a line would corrupt.
    """

    speaks_text = False

    def opened(self, peer: Peer) -> Actions:
        """The connection is open.

        Args:
            peer: The other end.

        Returns:
            Actions.
        """
        return None

    def received(self, message: bytes) -> Actions:
        """A complete message came.

        Args:
            message: Its bytes, without the terminator of the framing.

        Returns:
            Actions.
        """
        return None

    def ended(self) -> Actions:
        """The peer will send no more, and everything it sent is handled. We may still send.

        Returns:
            Actions; after them the connection is closed.
        """
        return None

    def closed(self, reason: CloseReason) -> None:
        """The connection is closed and nothing can be sent. Called exactly once if ``opened`` was called.

        Args:
            reason: Why.
        """

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """A datagram came. By default it is handled as the same message is on a stream.

        One conversation serves all the datagrams of a port, so keep no state from one to the next.

        Args:
            message: The whole datagram; it may be empty.
            peer: Its source address, which anybody can forge.

        Returns:
            Actions. All their bytes together are sent as one datagram; ``b""`` alone sends an empty one;
            without any bytes none is sent. ``CLOSE`` ends the answer, ``ABORT`` ends it and sends nothing.
        """
        return self.received(message)

    def is_reply(self, datagram: bytes) -> bool:
        """Return whether a datagram looks like an answer of this protocol.

        Such datagrams get no answer. Otherwise two servers could answer each other for ever
        (CVE-2024-2169).

        Args:
            datagram: The datagram that came.

        Returns:
            Whether it may be such an answer; always False if the protocol's answers can't be recognised.
        """
        return False


class OneShot(Conversation):
    """Sends one message to each peer and closes; on datagrams, answers each. Subclasses override ``say``."""

    def say(self) -> bytes:
        """Return the message to send."""
        raise NotImplementedError

    def opened(self, peer: Peer) -> Script:
        """Send it and close."""
        yield self.say()
        yield CLOSE

    def datagram(self, message: bytes, peer: Peer) -> bytes:
        """Send it."""
        return self.say()


class ClientConversation(Conversation):
    """The client's side of a conversation: it asks for something and ends with a result.

    Attributes:
        framing: Called with the length of the longest reply in bytes; returns the framing of the replies.
        done: Whether everything asked for has come. A connection that ends earlier was cut short.
        result: What the client's call returns; where it fails, what had come until then.
        due: What is waited for, for the text of a failure.
    """

    framing: Any = None
    done = False
    result: Any = None
    due: str = ""

    @property
    def awaiting(self) -> bool | None:
        """Whether the time-out of the reply runs now; None: it runs whenever we wait for nothing else."""
        return None
