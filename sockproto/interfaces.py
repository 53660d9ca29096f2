"""What the parts of sockproto promise each other, as zope interfaces.

A conversation decides, a framing delimits, a carrier moves bytes. Write an object that provides
:class:`IConversation` (mostly by subclassing ``sockproto.Conversation``) and every carrier runs it;
one that provides :class:`IFraming`, and the stream carrier cuts messages with it::

    verifyObject(IFraming, Lines(max_message_bytes=80))
"""

from typing import Any

from zope.interface import Attribute, Interface


class IConversation(Interface):
    """What to say to one peer. Pure: it knows no socket, no reactor and no clock of theirs.

    A method that gives actions returns None, one action, or a generator of actions; the actions are
    bytes (send them), ``CLOSE``, ``ABORT``, ``HALF_CLOSE``, ``Sleep(seconds)``, ``Wait(awaitable)`` and
    ``Until(awaitable, ends)``.
    """

    speaks_text = Attribute("bool: the peer is told of an error in text, as the framing makes it.")

    def opened(peer: Any) -> Any:
        """The connection is there. Gives actions; *peer* is a ``Peer``."""

    def received(message: bytes) -> Any:
        """A whole message (bytes) came. Gives actions."""

    def ended() -> Any:
        """The peer will send no more, and every message is handled; we still may send. Gives actions."""

    def closed(reason: Any) -> None:
        """The connection is gone; *reason* is a ``CloseReason``. Called once, if ``opened`` was."""

    def datagram(message: bytes, peer: Any) -> Any:
        """A lone datagram (bytes) came from *peer*, a ``Peer``. Gives actions, which become one datagram."""

    def is_reply(datagram: bytes) -> bool:
        """Tell whether *datagram* has the shape of an answer of ours. Gives a bool."""


class IFraming(Interface):
    """Where messages begin and end in a stream. Pure and incremental.

    However the bytes are split (between two quiet periods), the messages are the same, and so is the
    error. Time is linear in the bytes; messages are made as they are taken, not as bytes arrive.

    A framing may have one method more, ``cut(data)``, for the commonest read: it returns the whole messages
    of *data* if nothing is held before them and nothing is left over, some hundred at most, all ended alike;
    else None, and then ``feed`` is called. Sessions do without it where it is missing.

    One of lines may have ``telnet = True``, and methods ``erase_character()`` and ``erase_line()`` for what
    is unfinished: then clients that negotiate as telnet's do are understood (see ``core.framing.telnet``).
    """

    held = Attribute("int: bytes fed and not yet taken.")
    ready = Attribute("bool: False says that ``take`` gives nothing before ``feed``, ``quiet`` or ``end``.")
    unfinished = Attribute("int: so many of the last bytes fed belong to a message that has no end yet.")
    quiet_seconds = Attribute("float or None: the silence after which ``quiet`` is to be called.")
    discards = Attribute("bool: it never gives a message; reading need not stop on its account.")
    longest = Attribute("int: the longest message that ``encode`` takes; ``sys.maxsize``: any.")

    def feed(data: bytes) -> None:
        """Add bytes that arrived."""

    def take() -> list[bytes]:
        """Return the next messages, a list of at most some hundred; an empty one: there are none yet.

        Raises:
            MessageTooLong: a message is past the limit, and all before it have been taken.
            MessageMalformed: what comes is no message, and all before it have been taken.
        """

    def quiet() -> None:
        """The quiet period is over, where there is one: what is unfinished is a message."""

    def end() -> None:
        """No more bytes will come: what is unfinished is a message, unless it lacks what its length says."""

    def encode(*messages: bytes) -> bytes:
        """Return the bytes on the wire for replies to the messages taken last, joined.

        Raises:
            MessageUnsendable: one is past ``longest``.
        """

    def encode_error(text: bytes) -> bytes:
        """Return the bytes on the wire for an error told to the peer, whatever its length."""


class IAnsweringProtocol(Interface):
    """A protocol that returns what to send, for transports that ask; ordinary ones call ``dataReceived``.

    The connections of ``flush_after_reads`` ask. They send an answer without buffering it first, which an
    ordinary ``write`` has to do. A subclass, or an object, with a ``dataReceived`` of its own is told by
    that, and not asked. It provides Twisted's ``IHalfCloseableProtocol`` too.
    """

    def answer(data: bytes) -> bytes:
        """Bytes came: do what ``dataReceived`` does, but return what is to be sent (bytes, maybe empty).

        What is written to the transport meanwhile goes before it.
        """


class IAnsweringDatagramProtocol(Interface):
    """The same for datagrams: asked by the ports of ``ServerService``, where others are told.

    A subclass, or an object, with a ``datagramReceived`` of its own is told by that, and not asked.
    """

    def answer(datagram: bytes, addr: Any) -> bytes | None:
        """A datagram came from *addr*: do what ``datagramReceived`` does, but return what is to be sent.

        None: nothing, or not now.
        """

    def unsent(reply: bytes) -> None:
        """What ``answer`` returned could not be sent."""


class IProtocolDefinition(Interface):
    """One protocol of the catalog: what twistd, the clients and the documents know of it."""

    name = Attribute("str: what people type, such as ``greeting``.")
    description = Attribute("str: one line, for help texts.")
    factory = Attribute("type: the ``ConversationFactory`` for streams.")
    datagram_protocol = Attribute("type: the ``ConversationDatagramProtocol``.")
    framings = Attribute("mapping: the framing for each word of ``--framing``, the default first.")
    options = Attribute("tuple of ``ProtocolOption``: the options that fit the protocol.")
    prepare = Attribute("callable: makes the arguments of both of the values of the options, once a server.")
