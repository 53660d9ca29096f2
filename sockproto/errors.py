"""The errors of sockproto. The type tells whose fault an error was.

::

    SockprotoError
    ├── LocalError            the fault is on our side: the program or its configuration
    │   ├── OptionError       a wrong option or description
    │   │   └── PatternTooSlow    a regular expression that takes too long
    │   ├── ListenError       a port that can't be opened
    │   ├── ActionError       a conversation returned something that is not an action
    │   ├── DeclarationError  a method that can't be a command
    │   ├── MessageUnsendable a message longer than its framing can send
    │   ├── BadURL                3   a URL that can't be fetched
    │   │   └── UnsupportedProtocol 1 its scheme is neither http nor https
    │   ├── BadProxy              5   the text of a proxy can't be understood
    │   │   └── UnsupportedProxy  7   it is not an HTTP proxy
    │   ├── WriteFailed          23   the data received can't be written
    │   ├── ReadFailed           26   the data to send can't be read
    │   ├── UnusableCertificate  58   the client's certificate, or its key, can't be used
    │   └── UnreadableAuthorities 77  the file of trusted certificates can't be read
    └── RemoteError           the fault is on the peer's side
        ├── MessageTooLong    a message longer than the limit
        ├── CommandError      a command is wrong or refused; the peer is told the text
        │   ├── UnknownCommand      there is no such command
        │   ├── MissingArgument     an argument is missing
        │   ├── ExtraArgument       there are too many arguments
        │   ├── WrongArgument       an argument is not valid
        │   ├── WrongQuoting        a quote is not closed, or is in the wrong place
        │   └── InstrumentError     an error of an instrument, with its SCPI number
        ├── MessageMalformed  the bytes received are not a message of the framing
        ├── ProxyHeaderInvalid  the first bytes are not a PROXY header
        ├── SendRefused       the peer doesn't read, or the connection is closed
        └── CallFailed        a client's call failed; has the address, the phase and the time
            ├── ProxyNotFound        5   the proxy's name has no address
            ├── NameNotFound         6   the host name has no address
            ├── Refused              7   nothing listens there
            ├── Unreachable          7   there is no route to it
            ├── WrongReply           8   the reply doesn't answer the request
            ├── CutShort            18   the peer ended the stream before the reply was complete
            ├── HTTPErrorStatus     22   the server answered with an error
            ├── ErrorAnswered       22   a line was answered with an error
            ├── TimedOut            28   it took too long
            ├── RangeRefused        33   the server sends all although a part was requested
            ├── TLSFailed           35   the TLS handshake failed
            ├── TooManyRedirects    47   the server redirects too many times
            ├── EmptyReply          52   the peer ended the stream without sending anything
            ├── Reset               56   the connection was cut
            ├── ProxyRefused        56   the proxy doesn't connect us to the server
            ├── CertificateRejected 60   the peer's certificate is not trusted, or is for another name
            ├── BadContentEncoding  61   a compressed body that can't be decompressed
            └── TooLarge            63   the reply is larger than allowed

"Need more bytes" is not an error, so it has no class. The numbers are the exit statuses of the
``sockproto`` command, which are curl's::

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
        status: The exit status of a command that fails with this error; curl's for the same cause.
    """

    status = 1


class LocalError(SockprotoError):
    """The fault is on our side: in a configuration, or in the program that embeds sockproto."""


class RemoteError(SockprotoError):
    """The fault is on the peer's side."""


class OptionError(LocalError, ValueError):
    """An option or a description of a listener is wrong; the text says which and what to do."""

    status = 2


class PatternTooSlow(OptionError):
    """A regular expression takes too long for what a peer has sent; the text names it."""


class ListenError(SystemExit, LocalError):
    """A port can't be opened.

    It is an exception of both kinds so that twistd does what its users expect: for an ``Exception`` it
    removes its pid file and tells the parent of a daemon; for a ``SystemExit`` Python prints the one
    line on standard error, without a traceback, and the exit status is 1.
    """


class ActionError(LocalError, TypeError):
    """A conversation returned something that is not an action, or an action that is not possible any more.

    Args:
        action: What it returned.
        reason: Why that is wrong, and what would be right.
    """

    def __init__(
        self,
        action: object,
        reason: str = "is no action: give bytes, CLOSE, ABORT, HALF_CLOSE, Sleep, Wait or Until",
    ) -> None:
        super().__init__(f"{action!r} {reason}")


class MessageUnsendable(LocalError, ValueError):
    """A message to send is longer than its framing can send; the text says what to do."""


class WriteFailed(LocalError):
    """The data received can't be written to its destination."""

    status = 23


class ReadFailed(LocalError):
    """The data to send can't be read."""

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
    """The text that names a proxy can't be understood."""

    status = 5


class UnsupportedProxy(BadProxy):
    """A proxy is not an HTTP proxy."""

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
        limit: The longest message in bytes, without its terminator.
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
    """An argument has the wrong type, or is not one of the choices."""


class WrongQuoting(CommandError):
    """A quote is not closed, or no separator follows it."""


class InstrumentError(CommandError):
    """An error of an instrument, for its error queue. Raise it in a method of an ``Instrument``.

    Args:
        number: SCPI's number, such as -222 for "Data out of range"; positive ones are the instrument's own.
        detail: Text added to SCPI's own text for the number; for a positive number, the whole text.

    Source:
        SCPI-99, volume 2, chapter 21.8.
    """

    def __init__(self, number: int, detail: object = "") -> None:
        super().__init__(detail or f"error {number}")
        self.number = number
        self.detail = self.args[0] if detail else ""


class MessageMalformed(RemoteError):
    """The bytes received are not a message of the framing; the text says why, without quoting them."""


class ProxyHeaderInvalid(RemoteError):
    """The connection does not begin with a header of the PROXY protocol."""


class SendRefused(RemoteError):
    """A pushed message was refused: too much is unread, the connection is closed, or it can't be framed."""


class CallFailed(RemoteError):
    """A client's call failed.

    Args:
        reason: What happened and, if it is known, what to do; one line.
        address: The address that was called, as people write it.
        phase: The phase in which it failed: ``name``, ``connect``, ``handshake`` or ``reply``.
        seconds: How many seconds that phase had lasted.

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
    """Nothing listens at the address."""

    status = 7


class Unreachable(CallFailed):
    """There is no route to the address."""

    status = 7


class WrongReply(CallFailed):
    """The reply doesn't answer the request."""

    status = 8


class CutShort(CallFailed):
    """The peer ended the stream before the reply was complete."""

    status = 18


class TimedOut(CallFailed):
    """The time-out is over."""

    status = 28


class TLSFailed(CallFailed):
    """The TLS handshake failed."""

    status = 35


class EmptyReply(CallFailed):
    """The peer ended the stream without sending anything."""

    status = 52


class Reset(CallFailed):
    """The connection was reset."""

    status = 56


class ProxyRefused(CallFailed):
    """The proxy doesn't connect us to the server."""

    status = 56


class RangeRefused(CallFailed):
    """The server sends all although only a part can be used."""

    status = 33


class CertificateRejected(CallFailed):
    """The peer's certificate is not trusted, or is for another name."""

    status = 60


class HTTPErrorStatus(CallFailed):
    """The server answered with a status of 400 or more, and the caller asked to treat that as an error."""

    status = 22


class ErrorAnswered(CallFailed):
    """A line was answered with an error, and that was to count as a failure."""

    status = 22


class TooManyRedirects(CallFailed):
    """The server redirects too many times."""

    status = 47


class BadContentEncoding(CallFailed):
    """A compressed body can't be decompressed."""

    status = 61


class TooLarge(CallFailed):
    """The reply is larger than allowed."""

    status = 63
