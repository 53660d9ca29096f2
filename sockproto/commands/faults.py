r"""Commands with which a client has its server misbehave: "httpbin for sockets".

Knows of the connection to which it is done only what :class:`Misbehaving` says. Its framing must add nothing
to what is sent, as ``Lines(newline=b"")`` does: not all that is said here is lines::

    conversation = FaultsConversation(max_answer_seconds=10)
    list(conversation.received(b"/long 3"))         # [b"012", b"\n"]
"""

import json
import sys
from collections.abc import Callable
from socket import gethostname
from typing import Any, Literal

from sockproto.commands.answering import CommandConversation
from sockproto.commands.caller import Caller
from sockproto.commands.commandset import CommandSet
from sockproto.commands.declaration import command
from sockproto.commands.faultscripts import (
    LF,
    PAUSE_SECONDS,
    Misbehaving,
    apart,
    counted,
    delayed,
    delivered,
    digits,
    dripped,
    joined,
    late,
    unread,
)
from sockproto.core.actions import CLOSE, HALF_CLOSE, Actions, End, Script
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import WRITE_BYTES
from sockproto.errors import CommandError

MAX_ANSWER_BYTES = 67_108_864
"""64 MiB: enough to fill every buffer on the way many times over."""

MAX_ANSWER_LINES = 1_000_000

MAX_ANSWER_SECONDS = 300.0
"""As long as ``idle_seconds``: longer than the time-outs of most clients."""

MAX_PUSHES = 16

MAX_PUSH_BYTES = WRITE_BYTES
"""What all that is to be pushed on a connection may have: as much as the carrier keeps for its peer."""

GARBLED = bytes(byte if byte ^ 0x80 in b"\r\n" else byte ^ 0x80 for byte in range(256))
"""What each byte becomes: its highest bit is turned over, unless that would end the line."""


def described(peer: Peer, **known: Any) -> dict[str, Any]:
    """Return what ``/whoami`` tells, in its order.

    Args:
        peer: The other end, as the socket has it.
        known: What else is known; the others are None.
    """
    names = ("client", "tls", "sni", "alpn", "certificate", "listener", "worker")
    return {"peer": str(peer), **dict.fromkeys(names), "host": gethostname(), "serial": None, **known}


class FaultCommands(CommandSet):
    """The commands of one connection, or of a port for datagrams.

    Args:
        connection: The connection; None on datagrams.
        describe: Returns what ``/whoami`` tells, given the caller's peer.
        max_answer_bytes: As those of :class:`FaultsConversation`, and so are the others.
    """

    help_columns = 1_000  # one line: where a line ends is said by each command here

    def __init__(
        self,
        connection: Misbehaving | None,
        describe: Callable[[Peer], dict[str, Any]],
        max_answer_bytes: int,
        max_answer_lines: int,
        max_answer_seconds: float,
        max_pushes: int,
    ) -> None:
        self._connection, self._describe = connection, describe
        self._bytes, self._lines = max_answer_bytes or sys.maxsize, max_answer_lines or sys.maxsize
        self._seconds, self._pushes = max_answer_seconds or sys.maxsize, max_pushes or sys.maxsize

    @command
    def whoami(self, caller: Caller) -> str:
        """Tell what is seen of you and of this end, as JSON."""
        return json.dumps(self._describe(caller.peer))

    @command
    def delay(self, seconds: float, *, text: bytes) -> Script:
        """Say TEXT so much later; what comes meanwhile waits its turn."""
        return delayed(self._time(seconds), text + LF)

    @command("bytes")
    def plain(self, n: int) -> Script:
        """Send exactly N bytes, 0123456789 over and over, with no newline behind them."""
        return digits(0, self._size(n))

    @command
    def drip(self, n: int, seconds: float) -> Script:
        """Send exactly N bytes evenly, the last of them after SECONDS."""
        return dripped(self._size(n), self._time(seconds))

    @command
    def lines(self, n: int) -> Script:
        """Say N lines: line 1, line 2 and so on."""
        return counted(_within("N", n, self._lines))

    @command
    def segments(self, *text: bytes) -> Script:
        """Say the words of TEXT run together, as a line, in a segment each."""
        self._stream()
        if not text:
            raise CommandError("TEXT is missing; write /segments TEXT...")
        if len(text) * PAUSE_SECONDS > self._seconds:
            raise CommandError(f"so many segments take longer than {self._seconds:g} seconds")
        return apart([*text[:-1], text[-1] + LF])

    @command
    def long(self, n: int) -> Script:
        """Say a line of N characters."""
        return joined(digits(0, self._size(n)), LF)

    @command
    def garble(self, *, text: bytes) -> bytes:
        """Say TEXT with the highest bit of each byte turned over."""
        return text.translate(GARBLED)

    @command
    def push(self, seconds: float, *, text: bytes) -> None:
        """Say ok now, and TEXT so much later, between the answers to other commands."""
        connection, seconds, message = self._stream(), self._time(seconds), text + LF
        waiting = connection.pushes
        if len(waiting) >= self._pushes:
            raise CommandError(f"{len(waiting)} are to be pushed already")
        if sum(map(len, waiting)) + len(message) > MAX_PUSH_BYTES:
            raise CommandError(f"more than {MAX_PUSH_BYTES} bytes would be to be pushed")
        connection.push_later(seconds, message)

    @command
    def close(self, after: Literal["after"] | None = None, n: int | None = None) -> Actions:
        """Close in an orderly way, after N bytes more if that is said."""
        self._stream()
        if after is None:
            return CLOSE
        if n is None:
            raise CommandError("N is missing; write /close after N")
        return joined(digits(0, self._size(n)), CLOSE)

    @command
    def reset(self) -> Script:
        """Reset the connection, once all that was said before is delivered."""
        return delivered(self._stream())

    @command("half-close")
    def half_close(self) -> End:
        """End this half of the stream; what still comes is read and thrown away."""
        connection = self._stream()
        if not connection.has_halves:
            raise CommandError("TLS has no half-close; write /close")
        self._ignore(connection)
        return HALF_CLOSE

    @command
    def hold(self) -> Script:
        """Say nothing from now on; what comes is read and thrown away."""
        if self._connection is not None:
            self._ignore(self._connection)
        return joined(())

    @command("stop-reading")
    def stop_reading(self, seconds: float) -> Script:
        """Say ok, then read nothing for SECONDS; what came before waits its turn."""
        return unread(self._stream(), self._time(seconds))

    def _stream(self) -> Misbehaving:
        if self._connection is None:
            raise CommandError("not over datagrams")
        return self._connection

    def _ignore(self, connection: Misbehaving) -> None:
        connection.ignores = True
        connection.take_pushes()

    def _size(self, n: int) -> int:
        return _within("N", n, self._bytes)

    def _time(self, seconds: float) -> float:
        if not 0 <= seconds <= self._seconds:
            raise CommandError(f"SECONDS must be from 0 to {self._seconds:g}")
        return seconds


class FaultsConversation(CommandConversation):
    """Misbehaves as its peer asks. 0 means no limit.

    Args:
        max_answer_bytes: The longest answer.
        max_answer_lines: The most lines of one.
        max_answer_seconds: The longest time that an answer, or a push, may be asked to take.
        max_pushes: So many messages may wait to be pushed, and 64 KiB of them.
        connection: What it is done to; None on datagrams.
        describe: Returns what ``/whoami`` tells of a peer.
    """

    def __init__(
        self,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_answer_lines: int = MAX_ANSWER_LINES,
        max_answer_seconds: float = MAX_ANSWER_SECONDS,
        max_pushes: int = MAX_PUSHES,
        *,
        connection: Misbehaving | None = None,
        describe: Callable[[Peer], dict[str, Any]] = described,
    ) -> None:
        self._connection = connection
        limits = (max_answer_bytes, max_answer_lines, max_answer_seconds, max_pushes)
        super().__init__(FaultCommands(connection, describe, *limits))

    def received(self, line: bytes) -> Actions:
        """Answer a line; an answer that is not a script is a line too."""
        if self._connection is not None and self._connection.ignores:
            return None
        said = super().received(line)
        return said + LF if isinstance(said, bytes) else said

    def ended(self) -> Actions:
        """Say what is still to be pushed, each at its time."""
        pushes = self._connection.take_pushes() if self._connection is not None else []
        return late(pushes) if pushes else None

    def closed(self, reason: CloseReason) -> None:
        """Push no more."""
        super().closed(reason)
        if self._connection is not None:
            self._connection.take_pushes()


def _within(name: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise CommandError(f"{name} must be from 0 to {most}")
    return value
