"""The loop of the stream carrier: it moves bytes between a session and its transport.

It writes the bytes of the session and does what the session needs: wait for room at the peer, a ``Sleep`` or
``Wait``, a turn for other connections, our half-close, the close. All events of a connection come here. An
event during the loop only sets state, which the loop sees, so nothing recurses::

    flow = Flow()
    flow.attend(connection, connection.session.receive(data))
"""

from functools import partial

from twisted.internet.interfaces import IDelayedCall

from sockproto.carriers.connection import Connection
from sockproto.carriers.transport import can_half_close
from sockproto.carriers.waiting import Waiting
from sockproto.core.actions import WAITS, Interrupted, Sleep, Wait
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import TURN_BYTES, TURN_STEPS, WRITE_BYTES
from sockproto.core.script import EXITS
from sockproto.core.session import AT_THE_END, CLOSING, HALF_CLOSING, LOST, OPENING


class Flow:
    """Does what the session of one connection needs."""

    __slots__ = ("_attending", "_turn", "_waiting")

    def __init__(self) -> None:
        self._attending = False
        self._waiting: Waiting | None = None  # what the script waits for
        self._turn: IDelayedCall | None = None  # until when other connections have theirs

    @property
    def waits(self) -> bool:
        """Whether it waits for something that doesn't come from the peer."""
        return self._waiting is not None or self._turn is not None

    def attend(self, connection: Connection, out: bytes = b"") -> None:
        """Write, and do what the session needs until that takes time.

        Args:
            connection: The connection.
            out: The bytes that its session has returned.
        """
        session = connection.session
        if self._attending or session.running:
            self._write(connection, out)
            return
        self._attending = True
        try:
            if self._waiting is not None:
                out += session.look_ahead()
            if not connection.paused and (responses := session.respond()):
                out += responses
            produced, steps = len(out), 0
            while True:
                need = session.need
                waiting = None
                if isinstance(need, WAITS):
                    waiting = self._wait(connection, need)
                    if not waiting.done:
                        out += session.look_ahead()
                        if session.need is not need:  # what was asked of a message has ended it all
                            continue
                        waiting = self._wait(connection, need)
                held_up = connection.paused or self._turn is not None
                if waiting is not None and waiting.done and not held_up and len(out) < WRITE_BYTES:
                    steps += 1
                    if steps == TURN_STEPS or produced > TURN_BYTES - WRITE_BYTES:
                        self._yield_turn(connection)
                    else:
                        more = self._deliver(connection, waiting)
                        out += more
                        produced += len(more)
                elif out:
                    self._write(connection, out)
                    out = b""
                elif need is CLOSING or need is LOST:
                    connection.end()
                    if session.need is need:
                        break
                elif held_up or waiting is not None or need is None or need is OPENING:
                    break
                elif produced > TURN_BYTES - WRITE_BYTES:
                    self._yield_turn(connection)
                else:
                    if need is HALF_CLOSING:
                        self._half_close(connection)
                    out = session.go_on()
                    produced += max(len(out), WRITE_BYTES)
        except BaseException as error:
            self._attending = False
            self._fail(connection, error)
            return
        self._attending = False
        if need is not CLOSING and need is not LOST and need is not OPENING:
            try:
                connection.update_reading()
            except BaseException as error:  # the framing's: what it holds is asked
                self.attend(connection, session.fail(error))

    def stop(self, connection: Connection) -> None:
        """Cancel all waits."""
        if self._waiting is not None:
            self._cancel_waiting(connection)
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _fail(self, connection: Connection, error: BaseException) -> None:
        """End a connection whose transport has raised an error: nobody knows what it has sent.

        An exception that ends the process is raised again.
        """
        session = connection.session
        if session.need is LOST:
            raise error
        if not isinstance(error, EXITS):
            session.fail(error)
        connection.abort(session.reason or CloseReason.CONVERSATION_ERROR)
        if isinstance(error, EXITS):
            raise error

    def _write(self, connection: Connection, data: bytes) -> None:
        """Write bytes to the transport, which may pause us at once."""
        if data and connection.session.need is not LOST:
            connection.bytes_out += len(data)
            try:
                connection.transport.write(data)
            except BaseException as error:
                self.attend(connection, connection.session.fail(error))

    def _wait(self, connection: Connection, action: Sleep | Wait) -> Waiting:
        """Begin the script's wait if it hasn't begun; end it if a message ends it."""
        session, waiting = connection.session, self._waiting
        begun = waiting is not None and waiting.action is action
        if waiting is None or not begun:
            self._cancel_waiting(connection)
            waiting = self._waiting = Waiting(action, connection.clock)
            if not waiting.done:
                waiting.then(partial(self._waited, connection))
        # What is there already is delivered all the same.
        if session.interrupted and waiting.error is None and not (begun and waiting.done):
            waiting.cancel(partial(connection.registry.failed, connection, AT_THE_END))
            waiting.fail(Interrupted())
        return waiting

    def _waited(self, connection: Connection) -> None:
        connection.restart_timeouts()
        self.attend(connection)

    def _deliver(self, connection: Connection, waiting: Waiting) -> bytes:
        """Run the script on with the result of its wait."""
        self._waiting = None
        if waiting.error is None:
            return connection.session.resume(waiting.value)
        return connection.session.throw(waiting.error)

    def _cancel_waiting(self, connection: Connection) -> None:
        """Cancel a wait that the script doesn't need any more."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel(partial(connection.registry.failed, connection, AT_THE_END))

    def _yield_turn(self, connection: Connection) -> None:
        """Let other connections have their turn before this one goes on."""
        self._turn = connection.clock.callLater(0, self._next_turn, connection)

    def _next_turn(self, connection: Connection) -> None:
        self._turn = None
        self.attend(connection, connection.session.look_ahead())

    def _half_close(self, connection: Connection) -> None:
        """End our half of the stream, if the transport has half-close, and go on reading."""
        if can_half_close(connection.transport):
            connection.transport.unregisterProducer()
            connection.transport.loseWriteConnection()
            connection.paused = False  # nothing is left to be held back
        connection.registry.half_closed(connection)
