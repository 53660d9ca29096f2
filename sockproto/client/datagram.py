"""The datagram carrier at a client: asks again where no answer comes.

The conversation is the same as on a stream; here each message is a datagram, and the peer one address::

    asking = Asking(conversation, call, clock, tries=3)
    asking.begin([target])
"""

import os
from collections.abc import Callable, Iterable
from errno import ECONNREFUSED
from socket import SO_ERROR, SOL_SOCKET
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.internet.protocol import ConnectedDatagramProtocol
from twisted.python.failure import Failure

from sockproto.carriers.dialogue import Dialogue
from sockproto.carriers.stops import ENDING, HALF_CLOSED, LOST, PENDING, UNOPENED
from sockproto.client.call import Call
from sockproto.client.stream import MALFORMED, Trace, unreachable
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.expecting import Datagrams
from sockproto.core.limits import READ_AHEAD_BYTES
from sockproto.errors import OptionError, SockprotoError, TimedOut, WrongReply

RETRY_SECONDS = 1.0
"""How long the first try waits for an answer; each further one twice as long (RFC 8085, section 3.1.1)."""

TRIES = 3
"""How often a datagram is sent before there is no answer."""

Target = tuple[Peer, Callable[[ConnectedDatagramProtocol], IListeningPort]]
"""Whom to ask, and what opens a socket that is connected to it, given the socket's protocol."""


class Asking(Dialogue):
    """Holds one conversation with a server, in datagrams.

    Args:
        conversation: What to say.
        call: What is told of it.
        clock: For timers.
        tries: How often a datagram is sent before there is no answer.
        trace: Told of the datagrams that cross the wire.
        framing: Makes what takes the datagrams; if None, each is a message.
    """

    def __init__(
        self,
        conversation: Conversation,
        call: Call,
        clock: IReactorTime,
        tries: int = TRIES,
        trace: Trace | None = None,
        framing: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__(conversation, framing(0) if framing else Datagrams(), clock)
        self._call, self._trace = call, trace
        self._tries, self._tried = tries, 0
        self._targets: list[Target] = []
        self._socket: _Socket | None = None
        self._timer: IDelayedCall | None = None
        self._request = b""
        self._refused = self._answered = False
        call.pending = lambda: bool(self._stops & PENDING)

    def begin(self, targets: Iterable[Target]) -> None:
        """Begin: with the first target, and with the next where nothing listens."""
        self._targets = list(targets)
        self._call.enter("reply", self._cut)
        self._next_target()
        if not self._stops & LOST:
            self._stops &= ~UNOPENED
            self._run()

    # What the socket calls.

    def answered(self, datagram: bytes) -> None:
        """A datagram came."""
        if self._framing.held > READ_AHEAD_BYTES:  # nobody asked for so much
            return
        if self._answered and not self._framing.discards:  # the same answer again, or nobody's
            return
        self._answered = True
        self._set_timer(None)
        self._targets.clear()  # the others are not asked any more
        self._call.progress()
        try:
            if self._trace is not None:
                self._trace("<", datagram)
            self._framing.feed(datagram)
        except BaseException as error:  # of those who take the bytes
            self._call.fail(error)
        self._run()

    def refused(self) -> None:
        """Nothing listens there; perhaps at the next address."""
        self._refused = True
        self._run()

    def failed(self, error: BaseException | None) -> None:
        """The socket can't be connected."""
        self._call.fail(unreachable(getattr(error, "errno", None), str(error)))

    # Between the dialogue and the socket.

    def _answer(self) -> None:
        self._collect()

    def _collect(self) -> None:
        """Send the messages, each of which is a datagram of its own.

        After an answer it has a socket of its own too, as resolvers do it: what comes to the former one, to a
        second try or because the network doubled it, is no answer to this.
        """
        messages, self._replies, self._out_bytes = self._replies, [], 0
        for message in messages:
            self.messages_out += 1
            self._request, self._tried = message, 0
            why = self._open(self._target) if self._answered else None
            if why is None:
                self._write(message)
            else:
                self.failed(why)

    def _write(self, data: bytes) -> None:
        self._tried += 1
        self._set_timer(RETRY_SECONDS * 2 ** (self._tried - 1))
        try:
            if self._trace is not None:
                self._trace(">", data)
            cast("_Socket", self._socket).write(data)
        except SockprotoError as error:  # of those who watch the wire
            self._call.fail(error)
        except MessageLengthError:
            self._call.fail(
                OptionError(f"{len(data)} bytes are too long for a datagram; send less at a time")
            )
        except OSError as error:
            self.failed(error)

    def _retry(self) -> None:
        self._timer = None
        awaiting = getattr(self._conversation, "awaiting", None)
        if not (not self._stops & PENDING if awaiting is None else awaiting):
            return
        if self._tried < self._tries:
            self._write(self._request)
            self._run()
        else:
            seconds = RETRY_SECONDS * (2**self._tries - 1)
            self._call.fail(
                TimedOut(
                    f"timed out: no answer to {self._tries} tries in {seconds:g} seconds; "
                    "the server may not run, not answer such a datagram, or a firewall drop it"
                )
            )

    def _settle(self) -> None:
        if self._stops & HALF_CLOSED and not self._stops & (ENDING | LOST):
            self._eof = True  # there are no halves: all is said
            self._framing.end()
            self._stops &= ~HALF_CLOSED
            self._run()
        elif self._stops & ENDING:
            self._cut()
        elif self._refused:
            self._refused = False
            self._next_target()

    def _next_target(self) -> None:
        """Turn to the next address, if there is one."""
        why: BaseException | None = ConnectionRefusedError(ECONNREFUSED, "Connection refused")
        while self._targets:
            why = self._open(self._targets.pop(0))
            if why is None:
                if self._tried:
                    self._write(self._request)
                return
        self.failed(why)

    def _open(self, target: Target) -> BaseException | None:
        """Open a socket to ask at an address; give why that can't be done."""
        self._target, self._answered = target, False
        self.peer, open_port = target
        if self._socket is not None:
            self._socket.close()
        self._socket = _Socket(self)
        try:
            self._socket.port = open_port(self._socket)
        except CannotListenError as error:  # no such family here, or no file left
            socket_error: BaseException = error.socketError
            return socket_error
        except OSError as error:
            return error
        return None

    def _cut(self) -> None:
        """It is over (once)."""
        if self._stops & LOST:
            return
        opened, self._stops = self._opened, self._stops | LOST
        self._set_timer(None)
        self._stop_work()
        if self._reason is CloseReason.MALFORMED:
            self._call.fail(WrongReply(MALFORMED))
        if opened:
            self._guard(self._conversation.closed, self._reason or CloseReason.ABORTED)
        closed = succeed(None) if self._socket is None else self._socket.close()
        closed.addBoth(lambda _: self._call.finish())

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        clock = cast("IReactorTime", self._clock)
        self._timer = None if seconds is None else clock.callLater(seconds, self._retry)

    def _log_failure(self, what: str) -> None:
        error = Failure().value
        assert error is not None
        self._call.fail(error)


class _Socket(ConnectedDatagramProtocol):
    """One of our sockets, connected to one address.

    Args:
        asking: Who is told of what comes.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking: Asking | None = asking
        self.port: IListeningPort | None = None

    def write(self, datagram: bytes) -> None:
        """Send."""
        cast("Any", self.transport).write(datagram)

    def close(self) -> "Deferred[Any]":
        """Close; what still comes is nobody's."""
        self._asking = None
        return succeed(None) if self.port is None else maybeDeferred(self.port.stopListening)

    def datagramReceived(self, datagram: bytes, addr: Any = None) -> None:
        """A datagram came."""
        if self._asking is not None:
            self._asking.answered(datagram)

    def connectionRefused(self) -> None:
        """Nothing listens there."""
        if self._asking is not None:
            self._asking.refused()

    def stopProtocol(self) -> None:
        """The socket is closed.

        The epoll reactor closes one without a word when an error is reported for it, such as that nothing
        listens there; what it was, the socket still knows.
        """
        if self._asking is not None and self.port is not None:
            number = cast("Any", self.port).socket.getsockopt(SOL_SOCKET, SO_ERROR) or ECONNREFUSED
            if number == ECONNREFUSED:
                self._asking.refused()
            else:
                self._asking.failed(OSError(number, os.strerror(number)))

    def connectionFailed(self, failure: Failure) -> None:
        """The socket can't be connected."""
        if self._asking is not None:
            self._asking.failed(failure.value)
