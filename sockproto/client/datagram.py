"""A client's conversation in datagrams: what is not answered is sent again.

Each message is a datagram, and the peer one address; there is no stream, so nothing is framed or held back::

    exchange = Exchange(conversation, call, clock, tries=3)
    exchange.begin([target])
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from errno import ECONNREFUSED
from socket import SO_ERROR, SOL_SOCKET
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.internet.protocol import ConnectedDatagramProtocol
from twisted.python.failure import Failure

from sockproto.carriers.waiting import Waiting, drive, next_turn
from sockproto.client.call import Call
from sockproto.client.stream import MALFORMED, Trace, unreachable
from sockproto.core.actions import HALF_CLOSE, Actions, Script
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.limits import TURN_STEPS
from sockproto.core.script import script_of
from sockproto.errors import MessageMalformed, OptionError, SockprotoError, TimedOut, WrongReply

RETRY_SECONDS = 1.0
"""How long the first try waits for an answer; each further one twice as long (RFC 8085, section 3.1.1)."""

TRIES = 3
"""How often a datagram is sent before there is no answer."""

Target = tuple[Peer, Callable[[ConnectedDatagramProtocol], IListeningPort]]
"""An address, and what opens a socket that is connected to it, given the socket's protocol."""


class Exchange:
    """Holds one conversation with a server, in datagrams.

    Args:
        conversation: What to say.
        call: What is told of it.
        clock: For timers.
        tries: How often a datagram is sent before there is no answer.
        trace: Told of the datagrams that cross the wire.
        framing: Makes what cuts the datagrams into messages; if None, each is one.
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
        self._conversation, self._call, self._clock = conversation, call, clock
        self._framing = framing(0) if framing else None
        self._trace = trace
        self._tries, self._tried = tries, 0
        self._targets: list[Target] = []
        self._target: Target | None = None
        self._socket: _Socket | None = None
        self._timer: IDelayedCall | None = None
        self._request = b""
        self._answered = False  # the request was
        self._said = 0  # so many messages
        # What is being handled.
        self._messages: deque[bytes] = deque()
        self._script: Script | None = None
        self._waiting: Waiting | None = None
        self._running = self._opened = self._said_all = self._over = False
        call.pending = lambda: self._waiting is not None

    def begin(self, targets: Iterable[Target]) -> None:
        """Begin: with the first target, and with the next where nothing listens."""
        self._targets = list(targets)
        self._call.enter("reply", self._end)
        self._next_target()
        if not self._over and self._target is not None:
            self._opened = True
            self._run(lambda: self._conversation.opened(cast("Target", self._target)[0]))

    # What the socket calls.

    def answered(self, datagram: bytes) -> None:
        """A datagram came."""
        discards = self._framing is not None and self._framing.discards
        if self._answered and not discards:  # the same answer again, or nobody's
            return
        self._answered = True
        self._set_timer(None)
        self._targets.clear()  # no other address is tried any more
        self._call.progress()
        self._run(lambda: self._take(datagram))

    def refused(self) -> None:
        """Nothing listens there; perhaps at the next address."""
        if not self._over:
            self._next_target()

    def failed(self, error: BaseException | None) -> None:
        """The socket can't be connected."""
        self._call.fail(unreachable(getattr(error, "errno", None), str(error)))

    # The work.

    def _run(self, first: Callable[[], Actions]) -> None:
        """Do something, and what follows from it, until something has to be waited for."""
        if self._running:  # by who is told of an error
            return
        self._running = True
        try:
            self._begin(first())
            while (
                not self._over
                and self._waiting is None
                and (self._script or self._messages or self._said_all)
            ):
                if self._script is not None:
                    self._drive()
                elif self._messages:
                    self._begin(self._conversation.received(self._messages.popleft()))
                else:
                    self._begin(self._conversation.ended())
                    self._drive()
                    self._end()
        except MessageMalformed:
            self._call.fail(WrongReply(MALFORMED))
        except BaseException as error:
            self._call.fail(error)
        self._running = False
        if self._over:
            self._close_script()

    def _take(self, datagram: bytes) -> None:
        """Add the messages of a datagram to those that wait."""
        if self._trace is not None:
            self._trace("<", datagram)
        if self._framing is None:
            self._messages.append(datagram)
            return
        self._framing.feed(datagram)
        while messages := self._framing.take():
            self._messages += messages

    def _begin(self, result: Actions) -> None:
        """Do what a method of the conversation gave."""
        if result is not None:
            self._script = script_of(result)

    def _drive(self, value: Any = None, error: BaseException | None = None) -> None:
        """Run the script until it is over or something has to be waited for."""
        while self._script is not None and not self._over:
            wanted = drive(self._script, self._send, self._clock, value, error)
            value = error = None
            if wanted is None:
                self._script = None
            elif isinstance(wanted, Waiting):
                self._wait(wanted)
            elif isinstance(wanted, bytes) or (wanted is HALF_CLOSE and self._said_all):
                if not self._over:  # it says more and more: others have their turn
                    self._wait(next_turn(self._clock))
            elif wanted is HALF_CLOSE:
                self._said_all = True
            else:
                self._end()
            if self._waiting is not None:
                return

    def _wait(self, waiting: Waiting) -> None:
        if self._over:  # while the script ran
            waiting.cancel(self._call.fail)
        else:
            self._waiting = waiting
            waiting.then(self._waited)

    def _waited(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._run(lambda: self._drive(waiting.value, waiting.error))

    def _send(self, message: bytes) -> bool:
        """Send a message, as a datagram of its own; tell whether that is enough for now.

        After an answer it has a socket of its own too, as resolvers do it: what comes to the former one, to a
        second try or because the network doubled it, is no answer to this.
        """
        if self._over:
            return True
        self._request, self._tried = message, 0
        if self._answered and self._target is not None:
            why = self._open(self._target)
            if why is not None:
                self.failed(why)
                return True
        self._write(message)
        self._said += 1
        return self._over or self._said % TURN_STEPS == 0

    # Between the conversation and the socket.

    def _write(self, data: bytes) -> None:
        self._tried += 1
        self._set_timer(RETRY_SECONDS * 2 ** (self._tried - 1))
        try:
            if self._trace is not None:
                self._trace(">", data)
            if self._socket is not None:
                self._socket.write(data)
        except SockprotoError as error:  # of the trace
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
        if not (self._waiting is None if awaiting is None else awaiting):
            return
        if self._tried < self._tries:
            self._write(self._request)
        else:
            seconds = RETRY_SECONDS * (2**self._tries - 1)
            self._call.fail(
                TimedOut(
                    f"timed out: no answer to {self._tries} tries in {seconds:g} seconds; "
                    "the server may not run, not answer such a datagram, or a firewall drop it"
                )
            )

    def _next_target(self) -> None:
        """Try the next address, if there is one."""
        why: BaseException | None = ConnectionRefusedError(ECONNREFUSED, "Connection refused")
        while self._targets:
            why = self._open(self._targets.pop(0))
            if why is None:
                if self._tried:
                    self._write(self._request)
                return
        self.failed(why)

    def _open(self, target: Target) -> BaseException | None:
        """Open a socket that is connected to an address; return why that can't be done."""
        self._target, self._answered = target, False
        if self._socket is not None:
            self._socket.close()
        self._socket = _Socket(self)
        try:
            self._socket.port = target[1](self._socket)
        except CannotListenError as error:  # no such family here, or no file left
            socket_error: BaseException = error.socketError
            return socket_error
        except OSError as error:
            return error
        return None

    def _end(self) -> None:
        """It is over (once)."""
        if self._over:
            return
        self._over = True
        self._set_timer(None)
        waiting, self._waiting = self._waiting, None
        if not self._running:
            self._close_script()
        if waiting is not None:
            waiting.cancel(self._call.fail)
        if self._opened:
            self._guarded(
                self._conversation.closed,
                CloseReason.CLOSED if self._call.error is None else CloseReason.ABORTED,
            )
        closed = succeed(None) if self._socket is None else self._socket.close()
        closed.addBoth(lambda _: self._call.finish())

    def _close_script(self) -> None:
        script, self._script = self._script, None
        if script is not None:
            self._guarded(script.close)

    def _guarded(self, call: Callable[..., object], *args: Any) -> None:
        """Call into the conversation once it is over; the call fails with what that raises."""
        try:
            call(*args)
        except BaseException as error:
            self._call.fail(error)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None if seconds is None else self._clock.callLater(seconds, self._retry)


class _Socket(ConnectedDatagramProtocol):
    """One of our sockets, connected to one address.

    Args:
        exchange: Who is told of what comes.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange: Exchange | None = exchange
        self.port: IListeningPort | None = None

    def write(self, datagram: bytes) -> None:
        """Send."""
        cast("Any", self.transport).write(datagram)

    def close(self) -> "Deferred[Any]":
        """Close; what still comes is nobody's."""
        self._exchange = None
        return succeed(None) if self.port is None else maybeDeferred(self.port.stopListening)

    def datagramReceived(self, datagram: bytes, addr: Any = None) -> None:
        """A datagram came."""
        if self._exchange is not None:
            self._exchange.answered(datagram)

    def connectionRefused(self) -> None:
        """Nothing listens there."""
        if self._exchange is not None:
            self._exchange.refused()

    def stopProtocol(self) -> None:
        """The socket is closed.

        The epoll reactor closes one, and doesn't say why, when an error is reported for it, such as that
        nothing listens there; the socket still knows the error.
        """
        if self._exchange is not None and self.port is not None:
            number = cast("Any", self.port).socket.getsockopt(SOL_SOCKET, SO_ERROR) or ECONNREFUSED
            if number == ECONNREFUSED:
                self._exchange.refused()
            else:
                self._exchange.failed(OSError(number, os.strerror(number)))

    def connectionFailed(self, failure: Failure) -> None:
        """The socket can't be connected."""
        if self._exchange is not None:
            self._exchange.failed(failure.value)
