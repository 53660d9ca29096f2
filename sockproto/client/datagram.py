"""A client's conversation in datagrams: what is not answered is sent again.

Each message is a datagram, and the peer one address; there is no stream, so nothing is framed or held back.
Of a host with several addresses the one that answers first is the peer: what is sent goes to the next one as
well after 0.25 s, as connections are tried (RFC 8305)::

    exchange = Exchange(conversation, call, clock, tries=3)
    exchange.begin([target])
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from errno import ECONNREFUSED
from socket import SO_ERROR, SOL_SOCKET
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.internet.protocol import ConnectedDatagramProtocol
from twisted.python.failure import Failure

from sockproto.carriers.waiting import Waiting, drive, next_turn
from sockproto.client.call import Call
from sockproto.client.hosts import all_failed
from sockproto.client.stream import MALFORMED, Trace, unreachable
from sockproto.core.actions import HALF_CLOSE, Actions, Script
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.limits import TURN_STEPS
from sockproto.core.script import script_of
from sockproto.core.text import join_host_port
from sockproto.errors import CallFailed, MessageMalformed, OptionError, SockprotoError, TimedOut, WrongReply
from sockproto.plain.connecting import ATTEMPT_SECONDS

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
        self._waiting_targets: deque[Target] = deque()
        self._target: Target | None = None  # the one that answers; until then the first
        self._sockets: list[_Socket] = []  # one for each address that may still answer
        self._failures: list[tuple[str, CallFailed]] = []  # of the others
        self._timer: IDelayedCall | None = None
        self._next_timer: IDelayedCall | None = None
        self._request = b""
        self._answered = False  # the request was
        self._said = 0  # messages sent
        # What is being handled.
        self._messages: deque[bytes] = deque()
        self._script: Script | None = None
        self._waiting: Waiting | None = None
        self._running = self._opened = self._said_all = self._over = False
        call.pending = lambda: self._waiting is not None

    def begin(self, targets: Iterable[Target]) -> None:
        """Begin with the first target; what is sent goes to the next ones, too, until one answers."""
        self._waiting_targets.extend(targets)
        self._call.enter("reply", self._end)
        if not self._over:
            self._next_target()
        if not self._over:
            self._opened, self._target = True, self._sockets[0].target
            self._run(lambda: self._conversation.opened(cast("Target", self._target)[0]))

    # What the socket calls.

    def answered(self, socket: "_Socket", datagram: bytes) -> None:
        """A datagram came: no other address is of interest any more."""
        discards = self._framing is not None and self._framing.discards
        if self._answered and not discards:  # the same answer again, or nobody's
            return
        self._answered, self._target = True, socket.target
        self._set_timer(None)
        self._set_next_timer(False)
        self._waiting_targets.clear()
        self._failures.clear()
        self._keep([socket])
        self._call.progress()
        self._run(lambda: self._take(datagram))

    def failed(self, socket: "_Socket", error: BaseException) -> None:
        """Nothing listens there, or there is no route to it; the next address may answer."""
        if self._over or socket not in self._sockets:
            return
        self._keep([each for each in self._sockets if each is not socket])
        self._note(socket.target, error)
        self._next_target()

    # The work.

    def _run(self, first: Callable[[], Actions]) -> None:
        """Do something, and what follows from it, until there is something to wait for."""
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
        """Run the script until it is over or there is something to wait for."""
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
        """Send a message as one datagram; return whether that is enough for now.

        After an answer it has a socket of its own too, as resolvers do it: what comes to the former one, to a
        second try or because the network doubled it, is no answer to this.
        """
        if self._over:
            return True
        self._request, self._tried = message, 0
        if self._answered and self._target is not None:
            self._keep([])
            self._waiting_targets.append(self._target)
            self._answered = False
            self._next_target()
            if self._over:
                return True
        self._write(message)
        self._said += 1
        return self._over or self._said % TURN_STEPS == 0

    # Between the conversation and the socket.

    def _write(self, data: bytes) -> None:
        """Send to every address that is open, and soon to the next one, if there is one."""
        self._tried += 1
        self._set_timer(RETRY_SECONDS * 2 ** (self._tried - 1))
        for socket in list(self._sockets):
            self._write_to(socket, data)
        if self._next_timer is None:
            self._set_next_timer()

    def _write_to(self, socket: "_Socket", data: bytes) -> None:
        try:
            if self._trace is not None:
                self._trace(">", data)
            socket.write(data)
        except SockprotoError as error:  # of the trace
            self._call.fail(error)
        except MessageLengthError:
            self._call.fail(
                OptionError(f"{len(data)} bytes are too long for a datagram; send less at a time")
            )
        except OSError as error:
            self.failed(socket, error)

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
        """Try the next address as well, if there is one; fail if every address has failed."""
        self._set_next_timer(False)
        if not self._waiting_targets:
            if not self._sockets:
                self._call.fail(self._failure())
            return
        socket = _Socket(self, self._waiting_targets.popleft())
        self._sockets.append(socket)
        try:
            socket.port = socket.target[1](socket)
        except CannotListenError as error:  # no such family here, or no file left
            self.failed(socket, error.socketError)
        except OSError as error:
            self.failed(socket, error)
        if self._tried:
            if socket in self._sockets:
                self._write_to(socket, self._request)
            self._set_next_timer()

    def _note(self, target: Target, error: BaseException) -> None:
        """Note why an address can't answer."""
        number = getattr(error, "errno", None)
        peer = target[0]
        self._failures.append((join_host_port(peer.host, peer.port), unreachable(number, str(error))))

    def _failure(self) -> CallFailed:
        return self._failures[0][1] if len(self._failures) == 1 else all_failed(self._failures)

    def _keep(self, sockets: "list[_Socket]") -> None:
        """Close the other sockets."""
        for socket in self._sockets:
            if socket not in sockets:
                socket.close()
        self._sockets = sockets

    def _end(self) -> None:
        """It is over (once)."""
        if self._over:
            return
        self._over = True
        self._set_timer(None)
        self._set_next_timer(False)
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
        closed = gatherResults([socket.close() for socket in self._sockets], consumeErrors=True)
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

    def _set_next_timer(self, on: bool = True) -> None:
        if self._next_timer is not None and self._next_timer.active():
            self._next_timer.cancel()
        wanted = on and self._waiting_targets and not self._over
        self._next_timer = self._clock.callLater(ATTEMPT_SECONDS, self._next_target) if wanted else None


class _Socket(ConnectedDatagramProtocol):
    """One of our sockets, connected to one address.

    Args:
        exchange: Who is told of what comes.
        target: The address.
    """

    def __init__(self, exchange: Exchange, target: Target) -> None:
        self._exchange: Exchange | None = exchange
        self.target = target
        self.port: IListeningPort | None = None

    def write(self, datagram: bytes) -> None:
        """Send."""
        cast("Any", self.transport).write(datagram)

    def close(self) -> "Deferred[Any]":
        """Close; what still comes is ignored."""
        self._exchange = None
        return succeed(None) if self.port is None else maybeDeferred(self.port.stopListening)

    def datagramReceived(self, datagram: bytes, addr: Any = None) -> None:
        """A datagram came."""
        if self._exchange is not None:
            self._exchange.answered(self, datagram)

    def connectionRefused(self) -> None:
        """Nothing listens there."""
        self._failed(ECONNREFUSED)

    def stopProtocol(self) -> None:
        """The socket is closed.

        The epoll reactor closes one, and doesn't say why, when an error is reported for it, such as that
        nothing listens there; the socket still knows the error.
        """
        if self._exchange is not None and self.port is not None:
            sock = cast("Any", self.port).socket
            self._failed(sock.getsockopt(SOL_SOCKET, SO_ERROR) or ECONNREFUSED)

    def connectionFailed(self, failure: Failure) -> None:
        """The socket can't be connected."""
        if self._exchange is not None and failure.value is not None:
            self._exchange.failed(self, failure.value)

    def _failed(self, number: int) -> None:
        if self._exchange is not None:
            self._exchange.failed(self, OSError(number, os.strerror(number)))
