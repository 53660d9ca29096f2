"""The zope interfaces between the parts of sockproto.

A conversation decides, a framing delimits, a carrier moves bytes. Every carrier runs an object that provides
:class:`IConversation` (usually a subclass of ``sockproto.Conversation``). The stream carrier cuts messages
with an object that provides :class:`IFraming`::

    verifyObject(IFraming, Lines(max_message_bytes=80))
"""

from typing import Any

from zope.interface import Attribute, Interface


class IConversation(Interface):
    """What to send to one peer. Pure: it knows no socket, no reactor and no clock of the reactor.

    A method that returns actions returns None, one action, or a generator of actions. The actions are bytes
    (send them), ``CLOSE``, ``ABORT``, ``HALF_CLOSE``, ``Sleep(seconds)``, ``Wait(awaitable)`` and
    ``Until(awaitable, ends)``.
    """

    speaks_text = Attribute("bool: whether the peer is told of an error by a text that the framing encodes.")

    def opened(peer: Any) -> Any:
        """The connection is open; *peer* is a ``Peer``. Return actions."""

    def received(message: bytes) -> Any:
        """A complete message (bytes) came. Return actions."""

    def ended() -> Any:
        """The peer will send no more, and every message is handled. We may still send. Return actions."""

    def closed(reason: Any) -> None:
        """The connection is closed; *reason* is a ``CloseReason``. Called exactly once if ``opened`` was."""

    def datagram(message: bytes, peer: Any) -> Any:
        """A datagram (bytes) came from *peer*, a ``Peer``. Return actions; their bytes are one datagram."""

    def is_reply(datagram: bytes) -> bool:
        """Return whether *datagram* looks like an answer of this protocol."""


class IFraming(Interface):
    """Where messages begin and end in a stream. Pure and incremental.

    However the bytes are split (between two quiet periods), the messages are the same, and so is the
    error. Time is linear in the bytes; messages are made as they are taken, not as bytes arrive.

    A framing may have one more method, ``cut(data)``, for the most common read. If no bytes are held before
    *data* and none are left over, it returns the complete messages of *data*: a few hundred at most, all with
    the same terminator. Otherwise it returns None, and ``feed`` is called. Sessions work without it too.

    A framing of lines may have ``telnet = True``, and the methods ``erase_character()`` and ``erase_line()``
    for the unfinished line. Then clients that negotiate telnet options are understood (see
    ``core.framing.telnet``).
    """

    held = Attribute("int: bytes fed and not yet taken.")
    ready = Attribute("bool: if False, ``take`` returns nothing before ``feed``, ``quiet`` or ``end``.")
    unfinished = Attribute("int: how many of the last bytes fed belong to an unfinished message.")
    quiet_seconds = Attribute("float or None: the quiet period in seconds, after which to call ``quiet``.")
    discards = Attribute("bool: whether it never makes a message, so that reading never needs to stop.")
    longest = Attribute("int: the longest message that ``encode`` accepts, in bytes; ``sys.maxsize``: any.")

    def feed(data: bytes) -> None:
        """Add bytes that arrived."""

    def take() -> list[bytes]:
        """Return the next messages, a few hundred at most; an empty list if there are none yet.

        Raises:
            MessageTooLong: A message is longer than the limit, and all before it have been taken.
            MessageMalformed: The next bytes are not a message, and all messages before them have been taken.
        """

    def quiet() -> None:
        """The quiet period, if there is one, is over: unfinished bytes are a message."""

    def end() -> None:
        """No more bytes will come: unfinished bytes are a message, unless the framing gives it a length."""

    def encode(*messages: bytes) -> bytes:
        """Return the encoded replies to the messages taken last, joined.

        Raises:
            MessageUnsendable: A message is longer than ``longest``.
        """

    def encode_error(text: bytes) -> bytes:
        """Return the encoded error for the peer, whatever its length."""


class IAnsweringProtocol(Interface):
    """A protocol that can return the bytes to send, for transports that call ``answer``.

    Other transports call ``dataReceived``. The connections of ``flush_after_reads`` call ``answer`` and send
    its result without buffering it first, as an ordinary ``write`` must. If a subclass or an object overrides
    ``dataReceived``, that is called instead. It provides Twisted's ``IHalfCloseableProtocol`` too.
    """

    def answer(data: bytes) -> bytes:
        """Bytes came: do what ``dataReceived`` does, but return the bytes to send, which may be empty.

        Bytes written to the transport meanwhile are sent before them.
        """


class IAnsweringDatagramProtocol(Interface):
    """The same for datagrams: the ports of ``ServerService`` call ``answer``, others ``datagramReceived``.

    If a subclass or an object overrides ``datagramReceived``, that is called instead.
    """

    def answer(datagram: bytes, addr: Any) -> bytes | None:
        """A datagram came from *addr*: do what ``datagramReceived`` does, but return the reply.

        None means that there is no reply, or not yet.
        """

    def unsent(reply: bytes) -> None:
        """The reply that ``answer`` returned could not be sent."""


class IProtocolDefinition(Interface):
    """One protocol of the catalog: what twistd, the clients and the documents know about it."""

    name = Attribute("str: the name that people type, such as ``greeting``.")
    description = Attribute("str: one line, for help texts.")
    factory = Attribute("type: the ``ConversationFactory`` for streams.")
    datagram_protocol = Attribute("type: the ``ConversationDatagramProtocol``.")
    framings = Attribute("mapping: the framing for each word of ``--framing``, the default first.")
    options = Attribute("tuple of ``ProtocolOption``: the protocol's own options.")
    prepare = Attribute("callable: takes the options' values, once a server; returns the arguments of both.")
