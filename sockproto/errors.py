"""The errors of sockproto; whose fault it was is in the type.

::

    SockprotoError
    ├── LocalError            ours, or that of whoever configured us
    │   ├── OptionError       a wrong option or description
    │   ├── ListenError       a port that can't be had
    │   ├── ActionError       a conversation gave something that is no action
    │   ├── DeclarationError  a method that can't be a command
    │   ├── MessageUnsendable a message longer than its framing can say
    │   ├── BadURL                3   a URL that can't be fetched
    │   │   └── UnsupportedProtocol 1 its scheme is neither http nor https
    │   ├── BadProxy              5   a proxy can't be understood
    │   │   └── UnsupportedProxy  7   it is one of another kind than HTTP's
    │   ├── WriteFailed          23   what came can't be written
    │   ├── ReadFailed           26   what is to be sent can't be read
    │   ├── UnusableCertificate  58   the client's certificate, or its key, can't be used
    │   └── UnreadableAuthorities 77  the file of trusted certificates can't be read
    └── RemoteError           the peer's
        ├── MessageTooLong    a message past the limit
        ├── CommandError      a command that is wrong, or refused: what the caller is told
        │   ├── UnknownCommand      there is no such command
        │   ├── MissingArgument     an argument was not given
        │   ├── ExtraArgument       more were given than it takes
        │   ├── WrongArgument       one is not what it must be
        │   ├── WrongQuoting        a quote is not closed, or stands at a wrong place
        │   └── InstrumentError     an instrument's, with the number that SCPI has for it
        ├── MessageMalformed  what came is no message of that framing
        ├── ProxyHeaderInvalid  what came first is no PROXY header
        ├── SendRefused       the peer doesn't read, or is gone
        └── CallFailed        a client's call; says where, in which phase, and after how long
            ├── ProxyNotFound        5   the proxy's name has no address
            ├── NameNotFound         6   the host name has no address
            ├── Refused              7   nothing listens there
            ├── Unreachable          7   no way leads there
            ├── WrongReply           8   what came is no answer to what was sent
            ├── CutShort            18   the peer ended the stream before it had said all
            ├── HTTPErrorStatus     22   the server answered with an error
            ├── ErrorAnswered       22   a line was answered with an error
            ├── TimedOut            28   it took too long
            ├── RangeRefused        33   the server sends the whole where a part was asked for
            ├── TLSFailed           35   the TLS handshake failed
            ├── TooManyRedirects    47   from one address to the next, without end
            ├── EmptyReply          52   the peer ended the stream without a word
            ├── Reset               56   the connection was cut
            ├── ProxyRefused        56   the proxy doesn't connect us to the server
            ├── CertificateRejected 60   the peer's certificate doesn't prove who it is
            ├── BadContentEncoding  61   a compressed body that can't be decompressed
            └── TooLarge            63   what came is more than was allowed

"Need more bytes" is no error, and has none. The numbers are the exit statuses of the ``sockproto``
command, which are curl's::

    try:
        service.startService()
    except ListenError as error:
        print(error)            # greeting: can't listen on TCP 127.0.0.1:80: Permission denied …
"""

import re
from typing import Any


class SockprotoError(Exception):
    """Every error that sockproto raises on purpose.

    Attributes:
        status: The exit status of a command that fails so; curl's for the same cause.
    """

    status = 1


class LocalError(SockprotoError):
    """The fault is on this side: a configuration, a program that embeds us."""


class RemoteError(SockprotoError):
    """The fault is on the peer's side."""


class OptionError(LocalError, ValueError):
    """An option or a description of a listener is wrong; the text says which and what to do."""

    status = 2


class ListenError(SystemExit, LocalError):
    """A port can't be had.

    It is an exception of both kinds so that twistd does what its users expect: for an ``Exception`` it
    removes its pid file and tells the parent of a daemon; for a ``SystemExit`` Python prints the one
    line on standard error, without a traceback, and the exit status is 1.
    """


class ActionError(LocalError, TypeError):
    """A conversation gave something that is no action, or no action any more.

    Args:
        action: What it gave.
        reason: Why that is wrong, and what is right.
    """

    def __init__(
        self,
        action: object,
        reason: str = "is no action: give bytes, CLOSE, ABORT, HALF_CLOSE, Sleep, Wait or Until",
    ) -> None:
        super().__init__(f"{action!r} {reason}")


class MessageUnsendable(LocalError, ValueError):
    """A message to send is longer than its framing can say; the text says what to do."""


class WriteFailed(LocalError):
    """What came can't be written where it should go."""

    status = 23


class ReadFailed(LocalError):
    """What is to be sent can't be read."""

    status = 26


class DeclarationError(LocalError, TypeError):
    """A method can't be a command; the text says which and why."""


class BadURL(LocalError, ValueError):
    """A URL can't be fetched."""

    status = 3


class UnsupportedProtocol(BadURL):
    """A URL's scheme is neither http nor https."""

    status = 1


class BadProxy(LocalError, ValueError):
    """What is named as a proxy is none."""

    status = 5


class UnsupportedProxy(BadProxy):
    """A proxy is of another kind than HTTP's."""

    status = 7


class UnusableCertificate(LocalError):
    """The client's own certificate, or its key, can't be used."""

    status = 58


class UnreadableAuthorities(LocalError):
    """The file of trusted certificates can't be read."""

    status = 77


class MessageTooLong(RemoteError):
    """A message is longer than the limit.

    Attributes:
        limit: The most bytes a message may have; its terminator doesn't count.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"message longer than {limit} bytes")
        self.limit = limit


class CommandError(RemoteError):
    """A command is wrong, or refused. Raise it in a command of a ``CommandSet``.

    Args:
        reason: What the caller is told, after ``error:`` and a blank; control characters become blanks, so
            that it is one line whatever it quotes.
    """

    def __init__(self, reason: object = "refused") -> None:
        text = str(reason)
        if not text.isprintable():
            text = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)
        self.args = (text.strip() or "refused",)


class UnknownCommand(CommandError):
    """There is no such command."""


class MissingArgument(CommandError):
    """A command needs an argument that was not given."""


class ExtraArgument(CommandError):
    """A command was given more arguments than it takes."""


class WrongArgument(CommandError):
    """An argument is not of the type that the command takes, or none of its choices."""


class WrongQuoting(CommandError):
    """A quote is not closed, or something follows it that is no separator."""


class InstrumentError(CommandError):
    """An error of an instrument, for its error queue. Raise it in a method of an ``Instrument``.

    Args:
        number: SCPI's number, such as -222 for "Data out of range"; positive ones are the instrument's own.
        detail: What else is to be said; of an error with a number of its own all that is said.

    Source:
        SCPI-99, volume 2, chapter 21.8.
    """

    def __init__(self, number: int, detail: object = "") -> None:
        super().__init__(detail or f"error {number}")
        self.number = number
        self.detail = self.args[0] if detail else ""


class MessageMalformed(RemoteError):
    """What came is no message of that framing; the text says what is wrong, without the peer's bytes."""


class ProxyHeaderInvalid(RemoteError):
    """What the connection began with is no header of the PROXY protocol."""


class SendRefused(RemoteError):
    """A pushed message was not taken: too much is unread, the connection is over, or it can't be framed."""


class CallFailed(RemoteError):
    """A client's call failed.

    Args:
        reason: What happened and, where that is known, what to do; one line.
        address: Who was called, as people write it.
        phase: What was under way: ``name``, ``connect``, ``handshake`` or ``reply``.
        seconds: How long that phase had lasted.

    Attributes:
        partial: What had come until then, as the call would have returned it; None where nothing is kept.
    """

    partial: Any = None

    def __init__(self, reason: str, address: str = "", phase: str = "reply", seconds: float = 0.0) -> None:
        super().__init__(f"{address}: {reason}" if address else reason)
        self.reason, self.address, self.phase, self.seconds = reason, address, phase, seconds


class ProxyNotFound(CallFailed):
    """The proxy's host name has no address."""

    status = 5


class NameNotFound(CallFailed):
    """The host name has no address."""

    status = 6


class Refused(CallFailed):
    """Nothing listens there."""

    status = 7


class Unreachable(CallFailed):
    """No way leads there."""

    status = 7


class WrongReply(CallFailed):
    """What came is no answer to what was sent."""

    status = 8


class CutShort(CallFailed):
    """The peer ended the stream before it had said all."""

    status = 18


class TimedOut(CallFailed):
    """It took too long."""

    status = 28


class TLSFailed(CallFailed):
    """The TLS handshake failed."""

    status = 35


class EmptyReply(CallFailed):
    """The peer ended the stream without a word."""

    status = 52


class Reset(CallFailed):
    """The connection was cut."""

    status = 56


class ProxyRefused(CallFailed):
    """The proxy doesn't connect us to the server."""

    status = 56


class RangeRefused(CallFailed):
    """The server sends the whole where only a part can be used."""

    status = 33


class CertificateRejected(CallFailed):
    """The peer's certificate doesn't prove who it is."""

    status = 60


class HTTPErrorStatus(CallFailed):
    """The server answered with a status of 400 or more, and that was to count as a failure."""

    status = 22


class ErrorAnswered(CallFailed):
    """A line was answered with an error, and that was to count as a failure."""

    status = 22


class TooManyRedirects(CallFailed):
    """The server leads from one address to the next, without end."""

    status = 47


class BadContentEncoding(CallFailed):
    """A compressed body can't be decompressed."""

    status = 61


class TooLarge(CallFailed):
    """What came is more than was allowed."""

    status = 63
