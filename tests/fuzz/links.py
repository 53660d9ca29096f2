"""One connection: what happens to it, and what is checked of it."""

from collections import deque
from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionLost

from sockproto.core.conversation import CloseReason
from sockproto.core.limits import READ_AHEAD_BYTES, WRITE_BYTES
from sockproto.core.proxy import MAX_V2_BYTES, HeaderReader
from sockproto.errors import ProxyHeaderInvalid, SendRefused
from sockproto.protocols.chargen import PATTERN
from sockproto.testing import Transport, connect
from tests.endpoints import TLSTransport
from tests.fuzz.checks import check
from tests.fuzz.expected import expected_of_lines, is_auto_greeting
from tests.fuzz.noting import Notes
from tests.fuzz.plans import Event, Plan
from tests.telnet import OVERLONG, Understood, heard, understood

MAX_UNREAD = 4 * 65_536  # what may wait in a transport besides the last chunk; the promise is 1 MiB
MAX_LOOKED_AT = 2_000  # bytes sent, up to which it is worked out after each input what is to be said


def expected_of(planned: Plan, link: "Link") -> bytes | None:
    """Return all that may be said to what was sent to the server; None where that is not known."""
    name = planned.protocol
    if name == "echo":
        return bytes(link.sent)
    if name in ("command", "greeting") and planned.framing == "lines":
        longest = planned.limits.max_message_bytes
        sent = link.understood
        expected = expected_of_lines(name, sent.text, link.eof and not sent.overlong, longest)
        return expected + OVERLONG * (sent.overlong and b"error: message" not in expected)
    return None


def check_said(planned: Plan, link: "Link") -> None:
    """Check what the peer has read against what was sent to the server."""
    if link.pushed or link.own_end:
        return
    name, said = planned.protocol, link.remote.received
    if link.understood.by_terminal:
        said = heard(said)
    expected, whole = expected_of(planned, link), False
    if expected is not None:
        orderly = link.remote.ended == "orderly" and not link.cut
        whole = orderly and link.notes.ended and link.protocol.reason is CloseReason.PEER_CLOSED
    elif name == "greeting":
        check(is_auto_greeting(said), f"the peer read {said[:200]!r}")
        return
    elif name == "chargen":
        expected = PATTERN * (len(said) // len(PATTERN) + 1)
    else:
        expected = {"discard": b"", "time": b"\x83\xaa~\x80", "daytime": said[:26]}.get(name, b"Welcome!\r\n")
    right = said == expected if whole else expected.startswith(said)
    sent = bytes(link.sent[:200])
    check(right, f"the peer read {said[-200:]!r}, not {expected[:200]!r} (sent: {sent!r})")


class Link:
    """One connection, and what is on its way to the server.

    Args:
        planned: What is to happen.
        protocol: The server's end.
        framing: The protocol's.
        notes: Of the protocol's conversation.
    """

    def __init__(self, planned: Plan, protocol: Any, framing: Any, notes: Notes) -> None:
        self.plan, self.protocol, self.framing, self.notes = planned, protocol, framing, notes
        self.inbox: deque[bytes | None] = deque()
        self.sent = bytearray()  # to the conversation: what is behind the header
        self.last = 0  # the longest chunk
        self.late = 0  # so many bytes came since it stopped reading
        self.read = 0  # so many bytes has the peer read
        self.header = HeaderReader() if planned.carrier == "proxied" else None
        self.header_bytes = 0
        self.no_header = False
        self.pushes: list[int] = []  # the lengths of what was pushed
        self.tls = planned.carrier == "tls"
        self.pushed = self.own_end = self.ended = self.eof = self.cut = False
        self.remote = connect(protocol, kernel_bytes=0, transport=TLSTransport if self.tls else Transport)
        self.transport = self.remote.transport

    @property
    def understood(self) -> Understood:
        """What was sent, if it is lines."""
        longest = self.plan.limits.max_message_bytes
        if self.plan.protocol in ("command", "greeting"):
            return understood(bytes(self.sent), longest)
        return Understood(False, bytes(self.sent), b"")

    @property
    def lost(self) -> bool:
        return bool(self.transport.disconnected)

    def pump(self) -> None:
        """Have the server read what has come, as far as it wants to."""
        transport = self.transport
        ending = transport.half_closing or transport.disconnecting
        if transport.aborted or (ending and not transport.held):
            self.remote.run()
        while self.inbox and not transport.disconnected and not transport.disconnecting:
            if transport.reading:
                self.late = 0
            elif not self.tls or self.late >= READ_AHEAD_BYTES:  # TLS delivers what it has decrypted already
                return
            data = self.inbox.popleft()
            if data is not None:
                self.deliver(data)
            elif self.tls:
                self.lose()
            else:
                self.eof = True
                self.remote.half_close()
            self.check()

    def deliver(self, data: bytes) -> None:
        """Have the server read a chunk."""
        self.last = max(self.last, len(data))
        self.late += 0 if self.transport.reading else len(data)
        self.protocol.dataReceived(data)
        self.sent += data if self.header is None else self.behind_header(self.header, data)

    def behind_header(self, header: HeaderReader, data: bytes) -> bytes:
        """Return what is behind the PROXY header, if it ends in this chunk."""
        if self.no_header:
            return b""
        self.header_bytes += len(data)
        try:
            whole = header.feed(data)
        except ProxyHeaderInvalid:
            self.no_header = True
            return b""
        self.header = None if whole else header
        return header.rest if whole else b""

    def lose(self, error: Exception | None = None) -> None:
        """End the connection."""
        self.cut = error is not None or bool(self.transport.held)
        self.remote.lose(error)

    def push(self, message: bytes) -> None:
        """Have the application send a message."""
        self.pushed = True
        with suppress(SendRefused):
            self.protocol.send(message)
            self.pushes.append(len(message))

    def check(self) -> None:
        """Check that memory is bounded, and that things are in order."""
        framing, unread = self.framing, self.transport.held
        # A message may be as long as the limit, and its CR; without a limit, as long as it likes.
        bounded = self.plan.limits.max_message_bytes or not framing.unfinished
        most = READ_AHEAD_BYTES + 1 + self.last + self.late
        check(not bounded or framing.held <= most, f"{framing.held} bytes held")
        check(unread <= MAX_UNREAD + 2 * self.last, f"{unread} bytes wait in the transport")
        check(not self.notes.overtaken, "a message overtakes the one before")
        if self.protocol.reason is None:
            self.check_open()

    def check_open(self) -> None:
        """Check what must be while the connection doesn't end."""
        check(not self.no_header, "a PROXY header that is none is taken")
        check(self.header is None or self.header_bytes <= MAX_V2_BYTES, "PROXY header without end")
        pushed = self.protocol.messages_out - self.notes.said
        check(0 <= pushed <= len(self.pushes), f"{pushed} messages of {len(self.pushes)} are pushed")
        waiting = self.pushes[pushed:]
        check(len(waiting) < 2 or sum(waiting) <= WRITE_BYTES, "pushed messages without end")

    def check_answered(self) -> None:
        """Check, where nothing is to be waited for, that all that can be said is with the transport."""
        transport = self.transport
        waits = self.pushed or self.own_end or self.protocol.reason or not self.notes.opened
        if waits or self.protocol.paused or not transport.reading or len(self.sent) > MAX_LOOKED_AT:
            return
        expected = expected_of(self.plan, self)
        if expected is not None:
            said = self.read + transport.held
            sent = self.understood
            doubled = expected.count(b"\xff") if sent.by_terminal else 0
            right = len(expected) + len(sent.responses) + doubled
            check(said == right, f"{said} of {right} bytes are said")

    def happens(self, event: Event) -> bool:
        """Have one thing happen; return whether it could."""
        transport, protocol, kind = self.transport, self.protocol, event.kind
        if transport.disconnected:
            return False
        if kind in ("data", "eof"):
            if self.ended:
                return False
            self.ended = kind == "eof"
            self.inbox.append(event.value)
        elif kind == "take":
            if not transport.held and not transport.disconnecting and not transport.half_closing:
                return False
            transport.writes.clear()
            self.read += len(self.remote.read(event.value))
        elif kind == "reset":
            self.lose(ConnectionLost())
        elif kind == "handshake":
            if not self.tls:
                return False
            protocol.handshakeCompleted()
        elif kind == "push":
            self.push(event.value)
        else:
            self.own_end = True
            protocol.close() if kind == "close" else protocol.abort()
        return True
