"""One connection: what happens to it, and what is checked of it."""

from collections import deque
from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionLost

from sockproto.core.conversation import CloseReason
from sockproto.core.limits import READ_AHEAD_BYTES, WRITE_BYTES
from sockproto.core.proxy import MAX_V2_BYTES
from sockproto.errors import SendRefused
from sockproto.protocols.chargen import PATTERN
from sockproto.testing import Transport, connect
from tests.endpoints import TLSTransport
from tests.fuzz.checks import check
from tests.fuzz.expected import expected_of_lines, is_auto_greeting
from tests.fuzz.plans import Event, Plan

MAX_UNREAD = 4 * 65_536  # what may wait in a transport besides the last chunk; the promise is 1 MiB


def check_said(planned: Plan, link: "Link") -> None:
    """Check what the peer has read against what was sent to the server."""
    if link.pushed or link.own_end:
        return
    name, said, sent = planned.protocol, link.remote.received, bytes(link.sent)
    protocol = link.protocol
    whole = (
        link.remote.ended == "orderly"
        and not link.cut
        and protocol.reason is CloseReason.PEER_CLOSED
        and protocol._ended
    )
    if name == "echo":
        expected = sent
    elif name == "chargen":
        expected = PATTERN * (len(said) // len(PATTERN) + 1)
        whole = False
    elif name in ("command", "greeting") and planned.framing == "lines":
        expected = expected_of_lines(name, sent, protocol._eof, planned.limits.max_message_bytes)
    elif name == "greeting":
        check(is_auto_greeting(said), f"the peer read {said[:200]!r}")
        return
    else:
        expected = {"discard": b"", "time": b"\x83\xaa~\x80", "daytime": said[:26]}.get(name, b"Welcome!\r\n")
        whole = False
    right = said == expected if whole else expected.startswith(said)
    check(right, f"the peer read {said[-200:]!r}, not {expected[:200]!r} (sent: {sent[:200]!r})")


class Link:
    """One connection, and what is on its way to the server."""

    def __init__(self, protocol: Any, tls: bool) -> None:
        self.protocol = protocol
        self.closed: list[CloseReason] = []
        protocol._conversation.closed = self.closed.append
        self.inbox: deque[bytes | None] = deque()
        self.sent = bytearray()
        self.last = 0
        self.tls = tls
        self.pushed = self.own_end = self.ended = self.cut = False
        self.remote = connect(protocol, kernel_bytes=0, transport=TLSTransport if tls else Transport)
        self.transport = self.remote.transport

    @property
    def lost(self) -> bool:
        return bool(self.transport.disconnected)

    def pump(self) -> None:
        """Have the server read what has come, as far as it wants to."""
        transport, protocol = self.transport, self.protocol
        ending = transport.half_closing or transport.disconnecting
        if transport.aborted or (ending and not transport.held):
            self.remote.run()
        while self.inbox and not transport.disconnected and not transport.disconnecting:
            # TLS delivers what it has decrypted already.
            if not transport.reading and not (self.tls and protocol._framing.held <= READ_AHEAD_BYTES):
                return
            data = self.inbox.popleft()
            if data is None:
                self.lose() if self.tls else self.remote.half_close()
            else:
                self.last = max(self.last, len(data))
                header = protocol._header
                if header is None and not protocol._shut:
                    self.sent += data
                protocol.dataReceived(data)
                if header is not None and protocol._header is None:
                    self.sent += header.rest
            self.check()

    def lose(self, error: Exception | None = None) -> None:
        """End the connection."""
        self.cut = error is not None or bool(self.transport.held)
        self.remote.lose(error)

    def check(self) -> None:
        """Check that memory is bounded."""
        protocol = self.protocol
        held, unread = protocol._framing.held, self.transport.held
        # A message may be as long as the limit, and its CR; without a limit, as long as it likes.
        bounded = protocol._limits.max_message_bytes or not protocol._framing.unfinished
        check(not bounded or held <= READ_AHEAD_BYTES + 1 + self.last, f"{held} bytes held")
        check(unread <= MAX_UNREAD + 2 * self.last, f"{unread} bytes wait in the transport")
        check(not protocol._running, "the loop was left running")
        check(not protocol._out, "output was left behind")
        pushed = protocol._pushed
        check(len(pushed) < 2 or sum(map(len, pushed)) <= WRITE_BYTES, "pushed messages without end")
        header = protocol._header
        check(header is None or len(header._buffer) <= MAX_V2_BYTES, "PROXY header without end")

    def happens(self, event: Event) -> bool:
        """Have one thing happen; give whether it could."""
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
            self.remote.read(event.value)
        elif kind == "reset":
            self.lose(ConnectionLost())
        elif kind == "handshake":
            if not self.tls:
                return False
            protocol.handshakeCompleted()
        elif kind == "push":
            self.pushed = True
            with suppress(SendRefused):
                protocol.send(event.value)
        else:
            self.own_end = True
            protocol.close() if kind == "close" else protocol.abort()
        return True
