"""The other end: clients of the same conversations, over every carrier.

Each call returns a Deferred that can be awaited, cancelled, and fires when the connection is closed. Whom to
call is ``HOST:PORT``, ``[IPV6]:PORT``, ``udp:HOST:PORT``, ``unix:PATH``, ``unix-dgram:PATH``, any other
Twisted client endpoint description, or an endpoint::

    greetings = await greet("127.0.0.1:9999", ["Michael", "Tracy"])
    greetings.replies       # (b"Hello, Michael!", b"Hello, Tracy!")

A failure is a ``CallFailed``, which says whom was called, what was under way and for how long.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import deferLater

from sockproto.client.call import Call
from sockproto.client.conversations.answers import RULES, rule
from sockproto.client.conversations.command import CommandClient, Replies
from sockproto.client.conversations.echo import EchoClient
from sockproto.client.conversations.greeting import GreetingClient, Greetings
from sockproto.client.conversations.welcome import WelcomeClient
from sockproto.client.datagram import TRIES, Exchange
from sockproto.client.pump import Pump
from sockproto.client.reach import datagram_targets, stream_endpoint
from sockproto.client.stream import ClientProtocol, Once, Trace, connect_failure, is_crowded
from sockproto.client.tls import TLS
from sockproto.core.actions import Wait
from sockproto.core.conversation import Conversation
from sockproto.core.framing.expecting import Sink
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.core.text import Address, parse_address
from sockproto.errors import NameNotFound, OptionError, Unreachable
from sockproto.plain.hostname import ascii_description, ascii_host
from sockproto.plain.zones import zone_fault

__all__ = ["TLS", "Greetings", "Replies", "command", "converse", "echo", "greet", "welcome"]

CONNECT_SECONDS = 10.0
"""How long connecting may take, TLS handshake included (ncat's ``-w``, 10)."""

REPLY_SECONDS = 30.0
"""How long a server may be silent when it is its turn (30, the time-out of Twisted's client endpoints)."""

CROWDED_SECONDS = 0.05
"""After how many seconds a UNIX socket with a full backlog is tried again; TCP retries by itself."""

SILENCE_SECONDS = 1.0
"""Seconds of silence after a line, after which a command server is taken not to describe its commands."""

DESCRIPTION_SECONDS = 10.0
"""Seconds after which a server that keeps sending other lines is taken not to describe its commands."""

Server = str | Address | IStreamClientEndpoint
"""Whom to call."""


def converse(
    server: Server,
    conversation: Conversation,
    *,
    framing: Callable[[int], Any] | None = None,
    tls: TLS | None = None,
    connect_seconds: float = CONNECT_SECONDS,
    reply_seconds: float = REPLY_SECONDS,
    tries: int = TRIES,
    max_message_bytes: int = Limits.max_message_bytes,
    trace: Trace | None = None,
    reactor: Any = None,
) -> "Deferred[Any]":
    """Hold a conversation with a server.

    Args:
        server: Whom to call.
        conversation: What to say; a ``ClientConversation`` says when it is done, and what the result is.
        framing: Makes what cuts the replies, given the longest; if None, the conversation's own or ``Lines``,
            and for datagrams each is a message.
        tls: How to speak TLS; None: not at all.
        connect_seconds: How long connecting may take; 0: as long as it likes.
        reply_seconds: How long the server may be silent when it is its turn; 0: as long as it likes.
        tries: How often a datagram is sent: after 1, 2, 4 … seconds without an answer, again.
        max_message_bytes: The longest reply; 0: no limit.
        trace: Called with ``>`` or ``<`` and the bytes that cross the wire.
        reactor: What to call with; the global reactor if None.

    Returns:
        A Deferred of the conversation's ``result``, None if it has none. It fails with a ``CallFailed``:
        ``NameNotFound``, ``Refused``, ``Unreachable``, ``TimedOut``, ``TLSFailed``, ``CertificateRejected``,
        ``EmptyReply``, ``CutShort``, ``Reset``, ``WrongReply`` or ``TooLarge``; or with what the conversation
        raised. Its ``partial``, and that of the ``CancelledError`` of one that is cancelled, is what had come
        until then.

    Raises:
        OptionError: *server* is no address, or TLS can't be spoken so.
        UnreadableAuthorities: The file of the authorities to trust can't be read.
    """
    if reactor is None:
        from twisted.internet import reactor
    address = parse_address(server) if isinstance(server, str) else server
    name = _name(address)
    try:
        address = _in_ascii(address)
    except UnicodeError as error:
        return fail(NameNotFound(str(error), name, "name"))
    if isinstance(address, Address) and address.kind in ("tcp", "udp"):
        fault = zone_fault(address.host)
        if fault is not None:
            return fail(Unreachable(f"can't be reached: {fault}", name, "connect"))
    if isinstance(address, Address) and address.datagrams:
        if tls is not None:
            raise OptionError("TLS is for streams, not for datagrams")
        call = Call(name, conversation, cast("Any", reactor), connect_seconds, reply_seconds)
        exchange = Exchange(conversation, call, cast("Any", reactor), tries, trace, framing)
        _ask(datagram_targets(reactor, address, call), call, exchange)
        return call.result
    make_framing = framing or getattr(conversation, "framing", None) or Lines
    endpoint = stream_endpoint(reactor, address, tls) if isinstance(address, Address) else address
    call = Call(name, conversation, cast("Any", reactor), connect_seconds, reply_seconds)
    clock = cast("Any", reactor)
    protocol = ClientProtocol(conversation, call, make_framing, max_message_bytes, clock, trace)
    _connect(endpoint, call, protocol, clock)
    return call.result


def greet(
    server: Server,
    names: Iterable[str | bytes | Wait],
    *,
    welcome: bytes | None = b"Welcome!",
    newline: bytes = b"",
    heard: Callable[[bytes], object] | None = None,
    **options: Any,
) -> "Deferred[Greetings]":
    r"""Send names to a greeting server; it answers each with ``Hello, NAME!``.

    The reply that is expected is found however it is split or joined; another one is what comes until the
    server falls silent for 0.2 seconds.

    Args:
        server: Whom to call.
        names: The names, without newlines; not empty, and not ``exit``.
        welcome: What the server says first; None if it says nothing. To datagrams it says nothing anyway.
        newline: ``b"\n"`` for a server that reads lines (``--framing lines``), on streams.
        heard: Called with the welcome and each reply as it comes; then they are not kept for the result.
        options: Those of :func:`converse`.

    Returns:
        A Deferred of :class:`Greetings`.

    Raises:
        OptionError: *server* is no address.
    """
    server = _read(server)
    checked = map(_checked_line, names)
    if _takes_datagrams(server):
        client = GreetingClient(checked, welcome=None, farewell=b"", heard=heard)
    else:
        client = GreetingClient(checked, welcome, newline, heard=heard)
    return converse(server, client, **options)


def echo(
    server: Server,
    data: bytes | Iterable[bytes | Wait],
    *,
    heard: Callable[[bytes], object] | None = None,
    **options: Any,
) -> "Deferred[bytes]":
    """Send bytes to an echo server and take back as many, which must be the same.

    Args:
        server: Whom to call.
        data: What to send: bytes, or pieces of them (each a datagram, where datagrams are sent), any of which
            may be an ``Input`` for a piece or None.
        heard: Called with what comes back, as it comes; then it is not kept for the result.
        options: Those of :func:`converse`.

    Returns:
        A Deferred of what came back.

    Raises:
        OptionError: *server* is no address.
    """
    server = _read(server)
    pieces = [data] if isinstance(data, bytes) else data
    if _takes_datagrams(server):
        return converse(server, EchoClient(pieces, heard), **options).addCallback(b"".join)
    pump = Pump(pieces, heard)
    return converse(server, pump, framing=lambda limit: Sink(pump.take), **options)


def welcome(
    server: Server,
    *,
    request: bytes = b"",
    heard: Callable[[bytes], object] | None = None,
    max_bytes: int = 1 << 20,
    **options: Any,
) -> "Deferred[bytes]":
    """Read what a server says until it ends the stream, as ``welcome``, ``qotd``, ``daytime``, ``time`` do.

    Args:
        server: Whom to call.
        request: The datagram that asks for the text; nothing is sent on a stream.
        heard: Called with what comes, as it comes; then it is not kept for the result.
        max_bytes: The most that is kept; more is a ``TooLarge``.
        options: Those of :func:`converse`.

    Returns:
        A Deferred of the text.

    Raises:
        OptionError: *server* is no address.
    """
    server = _read(server)
    asked = request if _takes_datagrams(server) else None
    return converse(server, WelcomeClient(asked, heard, max_bytes), **options)


def command(
    server: Server,
    lines: Iterable[str | bytes | Wait],
    *,
    prefix: str = "/",
    answers: str | int | None = None,
    greeting: int = 0,
    heard: Callable[[bytes], object] | None = None,
    **options: Any,
) -> "Deferred[Replies]":
    """Send lines to a command server, the next when the last is answered.

    Unless *answers* says which lines are answered, the server is asked ``/help json``, as the prompt of
    ``sockproto command`` asks it: once, before the first line that begins with the prefix, and where it
    describes its commands, as every ``CommandSet`` does, again behind each such line: nothing else tells
    where a greeting or a streamed answer ends. With *answers*, and over datagrams, nothing but the lines is
    sent. After the last line our half of the stream is ended, and what the server still says is taken until
    it ends its own.

    Args:
        server: Whom to call.
        lines: The lines, without newlines. An empty one behind a line whose answer is streamed ends that.
        prefix: What every command begins with; empty: nothing.
        answers: ``"all"``: one line answers each line; ``"query"``: one answers those with a question mark;
            ``"prefix"``: one answers those that begin with the prefix; a number: each line is answered by
            that many; None: as the server describes it, else ``"prefix"``. Over datagrams an answer is one
            datagram.
        greeting: How many lines the server says before the first is sent; one that describes itself needs no
            such number.
        heard: Called with each line that comes; then they are not kept for the result.
        options: Those of :func:`converse`.

    Returns:
        A Deferred of :class:`Replies`.

    Raises:
        OptionError: *server* is no address, or *answers* no rule.
    """
    told = None if heard is None else lambda line, reply: heard(reply)
    return converse_lines(server, lines, told, prefix, answers, greeting, **options)


def converse_lines(
    server: Server,
    lines: Iterable[str | bytes | Wait],
    heard: Callable[[bytes | None, bytes], object] | None,
    prefix: str,
    answers: str | int | None,
    greeting: int = 0,
    unanswered: Callable[[bytes], object] | None = None,
    **options: Any,
) -> "Deferred[Replies]":
    """Send lines, see :func:`command` and ``CommandClient``, whose *heard* and *unanswered* these are."""
    server = _read(server)
    reactor = options.get("reactor")
    if reactor is None:
        from twisted.internet import reactor
    known = prefix.encode("utf-8", "surrogateescape")
    if _takes_datagrams(server):
        answers = "prefix" if answers is None else answers
        rule(answers, known)
        if answers not in RULES:
            answers = min(int(answers), 1)
    client = CommandClient(
        map(_checked_line, lines),
        heard,
        prefix=known,
        answers=answers,
        greeting=greeting,
        unanswered=unanswered,
        silence=_silence(reactor),
    )
    return converse(server, client, **options)


def _silence(reactor: Any) -> Callable[[], "Deferred[None]"]:
    """Return what waits for a server's silence, all in all no longer than for its description."""
    end: float | None = None

    def wait() -> "Deferred[None]":
        nonlocal end
        now = reactor.seconds()
        end = now + DESCRIPTION_SECONDS if end is None else end
        return deferLater(reactor, max(0.0, min(SILENCE_SECONDS, end - now)))

    return wait


def _connect(endpoint: IStreamClientEndpoint, call: Call, protocol: ClientProtocol, clock: Any) -> None:
    def attempt() -> None:
        connecting = endpoint.connect(Once(protocol))
        if not connecting.called:
            call.enter("connect", connecting.cancel)
        connecting.addErrback(failed)

    def failed(failure: Any) -> None:
        if call.error is None and is_crowded(failure.value):
            again = clock.callLater(CROWDED_SECONDS, attempt)

            def stop() -> None:
                again.cancel()
                call.finish()

            call.enter("connect", stop)
            return
        call.fail(connect_failure(failure))
        call.finish()

    attempt()


def _ask(resolving: "Deferred[Any]", call: Call, exchange: Exchange) -> None:
    if not resolving.called:
        call.enter("name", resolving.cancel)

    def failed(failure: Any) -> None:
        call.fail(failure.value if isinstance(failure.value, NameNotFound) else connect_failure(failure))
        call.finish()

    resolving.addCallbacks(exchange.begin, failed)


def _read(server: Server) -> Server:
    return parse_address(server) if isinstance(server, str) else server


def _in_ascii(server: Address | IStreamClientEndpoint) -> Address | IStreamClientEndpoint:
    if not isinstance(server, Address) or server.kind.startswith("unix"):
        return server
    encode = ascii_description if server.kind == "endpoint" else ascii_host
    return server._replace(host=encode(server.host))


def _takes_datagrams(server: Server) -> bool:
    return isinstance(server, Address) and server.datagrams


def _name(server: Server) -> str:
    return str(server) if isinstance(server, Address) else type(server).__name__


def _checked_line(line: str | bytes | Wait) -> bytes | Wait:
    if isinstance(line, Wait):
        return line
    raw = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else bytes(line)
    if b"\n" in raw or b"\r" in raw:
        raise OptionError(f"{line!r} has a newline in it; give one line at a time")
    return raw
