"""A conversation under way on a stream: bytes in, bytes out, in order, without recursion.

Joins a conversation and a framing and runs them in one loop. Knows nothing of transports: the carrier
feeds the framing, says in ``_stops`` what stands in the way, and overrides ``_write`` and ``_settle``::

    self._framing.feed(data)
    self._run()                 # handles what there is to handle, then calls self._settle()
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import GeneratorType
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from sockproto.carriers.outgoing import FRAME_BYTES, Outgoing
from sockproto.carriers.stops import BLOCKED, DRAINING, ENDING, HALF_CLOSED, LOST, PENDING, PUSHED
from sockproto.carriers.waiting import Pending, Turn, resume
from sockproto.core.actions import (
    ABORT,
    HALF_CLOSE,
    Action,
    Actions,
    End,
    Interrupted,
    Script,
    Sleep,
    Until,
    Wait,
    one,
)
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.limits import TURN_STEPS, WRITE_BYTES
from sockproto.errors import ActionError, MessageMalformed, MessageTooLong

NO_MESSAGES: Iterator[bytes] = iter(())

AT_THE_END = "error at the end of the conversation"

# How far the wait of an Until looks ahead.
AHEAD_MESSAGES = 256
AHEAD_BYTES = 4_096


class Dialogue(Outgoing):
    """Runs one conversation.

    Everything that happens (data, a timer, the transport's pause or its end) only sets state and calls
    ``_run``, whose loop does the work: nothing recurses, nothing overtakes.

    Args:
        conversation: What to say.
        framing: What a message is.
        clock: For ``Sleep``; must be there when the first one comes.

    Attributes:
        peer: The other end.
        messages_in: Messages handled.
    """

    # A dictionary of so many attributes would take 1.4 KB a connection.
    __slots__ = (
        "_again",
        "_clock",
        "_conversation",
        "_ended",
        "_eof",
        "_generator",
        "_interruptible",
        "_looked",
        "_messages",
        "_opened",
        "_outcome",
        "_over",
        "_pending",
        "_reason",
        "_steps",
        "_until",
        "messages_in",
        "peer",
    )

    peer: Peer

    def __init__(self, conversation: Conversation, framing: Any, clock: IReactorTime | None) -> None:
        super().__init__(framing)
        self._conversation = conversation
        self._clock = clock
        self.messages_in = 0
        self._opened = self._eof = self._ended = False
        self._again = False
        self._reason: CloseReason | None = None
        # What is being handled.
        self._messages: Iterator[bytes] = NO_MESSAGES
        self._generator: Script | None = None
        self._pending: Pending | None = None
        self._outcome: Any = None
        self._until: Until | None = None  # what it has waited for last, if a message may end it
        self._interruptible = False  # whether that is pending
        self._over = False  # such a message has come meanwhile
        self._looked = 0  # at so many of the messages that wait
        self._steps = 0  # in this turn

    # What the carrier provides, besides ``_write``.

    def _settle(self) -> None:
        """Do what the state asks of the transport, now that the work is done."""
        raise NotImplementedError

    def _log_failure(self, what: str) -> None:
        """Write the error in flight to the log."""
        raise NotImplementedError

    # The work.

    def _run(self) -> None:
        """Do what there is to do. A call that comes meanwhile is seen by the loop."""
        if self._running:
            self._again = True
            return
        self._produced = self._steps = 0
        self._go_round()

    def _run_messages(self) -> None:
        """Do the same where messages came and nothing stands in the way: mostly they are all there is."""
        self._running = True
        self._again = False
        self._produced = self._steps = 0
        try:
            done = self._handle()
        except BaseException:
            done = False
            self._fail()
        self._running = False
        if not done or self._again:
            self._go_round()

    def _go_round(self) -> None:
        self._running = True
        while True:
            self._again = False
            try:
                self._work()
                self._flush()
            except BaseException:
                self._fail()
                self._guard(self._flush)
            if not self._again:
                break
        self._running = False
        self._settle()

    def _work(self) -> None:
        """Handle what came, in order, until there is no more or something has to be waited for."""
        if self._generator is not None:
            self._go_on()
        elif not self._opened and not self._stops & BLOCKED:
            self._opened = True
            self._begin(self._conversation.opened(self.peer))
        while not self._stops & BLOCKED:
            if self._stops & PUSHED:
                self._deliver_pushed()
            if (self._framing.ready or self._messages is not NO_MESSAGES) and not self._handle():
                continue
            if not self._eof and not self._stops & DRAINING:
                return
            self._finish()

    def _handle(self) -> bool:
        """Handle messages, and send the replies; give whether that was all there is to do.

        In one piece: here is most of the work, and each call more would cost a tenth of it.
        """
        framing, received, replies = self._framing, self._conversation.received, self._replies
        if self._messages is NO_MESSAGES:
            if replies:
                self._collect()  # they end as the messages that they answer
            try:
                messages = framing.take()
            except (MessageTooLong, MessageMalformed) as error:
                self._refuse(error)
                return False
            if not messages:
                return True
            self._messages = iter(messages)
        handled, size = 0, self._out_bytes
        result: Actions = None
        try:
            for message in self._messages:
                handled += 1
                result = received(message)
                if type(result) is bytes and not self._stops:
                    replies.append(result)
                    size += len(result) + FRAME_BYTES
                    if size < WRITE_BYTES:
                        continue
                elif result is None and not self._stops:
                    continue
                break
            else:
                self._messages = NO_MESSAGES
        finally:
            self.messages_in += handled
            self._out_bytes = size
        if self._messages is NO_MESSAGES:
            if self._stops or framing.ready or self._out:
                return False
            if replies:
                self._answer()
            return not self._stops
        if size >= WRITE_BYTES:
            self._flush()
        elif result is not None and not self._stops & (ENDING | LOST):  # it ended the connection itself
            self._begin(result)
        return False

    def _refuse(self, error: MessageTooLong | MessageMalformed) -> None:
        """End the connection, because what comes is no message."""
        self._tell(str(error))
        too_long = isinstance(error, MessageTooLong)
        self._end(CloseReason.TOO_LONG if too_long else CloseReason.MALFORMED)

    def _finish(self) -> None:
        """All messages are handled, and no more come."""
        if self._stops & DRAINING:
            self._end(CloseReason.DRAINED)
        elif self._ended:
            self._end(CloseReason.PEER_CLOSED)
        else:
            self._ended = True
            self._begin(self._conversation.ended())

    def _go_on(self) -> None:
        """Go on with what was begun."""
        self._collect()  # what answers other messages than those that come now
        if self._until is not None and not self._over and self._look_ahead(self._until):
            self._over = True
            if self._interruptible:
                self._interrupt()
        self._drive()

    def _begin(self, result: Actions) -> None:
        """Do what a method of the conversation gave."""
        if result is not None:
            self._generator = result if isinstance(result, GeneratorType) else one(cast("Action", result))
            self._drive()

    def _drive(self) -> None:
        """Do the generator's actions until it is done or something has to be waited for."""
        generator = cast("Script", self._generator)
        try:
            while not self._stops & BLOCKED:
                outcome, self._outcome = self._outcome, None
                action = resume(generator, outcome)
                if self._stops & (ENDING | LOST):  # the generator ended the connection itself
                    return
                if type(action) is bytes:
                    self._put(action)
                elif isinstance(action, Sleep | Wait):
                    self._wait(action)
                elif action is HALF_CLOSE:
                    self._deliver_pushed()
                    self._flush()
                    self._stops |= HALF_CLOSED
                elif isinstance(action, End):
                    self._collect()  # before it is too late for an error
                    self._end(CloseReason.ABORTED if action is ABORT else CloseReason.CLOSED)
                elif isinstance(action, bytes):  # a subclass
                    self._put(bytes(action))
                else:
                    raise ActionError(action)
        except StopIteration:
            self._generator = self._until = None
            self._over, self._looked = False, 0

    def _wait(self, action: Sleep | Wait | Turn) -> None:
        pending = Pending(action, cast("IReactorTime", self._clock))
        if isinstance(action, Until):
            self._until = action
            if (self._over or (self._stops & DRAINING and action.endless)) and not isinstance(
                pending.outcome, Failure
            ):
                self._outcome = Failure(Interrupted())
                self._cancel(pending)
                return
        if pending.done:
            self._outcome = pending.outcome
            self._steps += 1
            if self._steps >= TURN_STEPS:
                self._yield_turn()
        else:
            self._pending = pending
            self._stops |= PENDING
            pending.then(self._waited)
            if isinstance(action, Until):
                self._interruptible = self._again = True

    def _yield_turn(self) -> None:
        self._wait(Turn(self._outcome))

    def _waited(self) -> None:
        self._outcome = cast("Pending", self._pending).outcome
        self._pending, self._interruptible = None, False
        self._stops &= ~PENDING
        self._run()

    def _look_ahead(self, until: Until) -> bool:
        """Tell whether one of the messages that came ends the wait; those that don't wait their turn."""
        ahead = list(self._messages)
        while True:
            for index in range(self._looked, len(ahead)):
                if until.ends(ahead[index]):
                    self.messages_in += 1
                    del ahead[index]
                    self._messages = iter(ahead)
                    return True
            self._looked = len(ahead)
            more = []
            if len(ahead) < AHEAD_MESSAGES and sum(map(len, ahead)) < AHEAD_BYTES:
                with suppress(MessageTooLong, MessageMalformed):  # which is told when its turn comes
                    more = self._framing.take()
            if not more:
                self._messages = iter(ahead)
                return False
            ahead += more

    def _interrupt(self) -> None:
        """End the wait of an Until."""
        pending = cast("Pending", self._pending)
        self._outcome = Failure(Interrupted())
        self._pending, self._interruptible = None, False
        self._stops &= ~PENDING
        self._cancel(pending)

    # The end.

    def _end(self, reason: CloseReason) -> None:
        """No further action runs; ``_settle`` sees to the rest. The first reason counts."""
        if not self._stops & (ENDING | LOST):
            self._stops |= ENDING
            self._reason = reason
            if reason is not CloseReason.ABORTED:
                self._guard(self._encode_pushed)

    def _tell(self, error: str) -> None:
        """Tell the peer of an error, where the protocol is text."""
        if self._conversation.speaks_text:
            self._guard(self._collect)
            self._guard(lambda: self._out.append(self._framing.encode_error(error.encode())))

    def _fail(self) -> None:
        """The conversation raised an error: a bug, which ends this connection only."""
        self._log_failure("error in the conversation")
        self._tell("internal error")
        self._end(CloseReason.CONVERSATION_ERROR)

    def _stop_work(self) -> None:
        """Leave whatever is under way."""
        self._messages = NO_MESSAGES
        self._pushed.clear()
        self._until = None
        generator, self._generator = self._generator, None
        if generator is not None:
            self._guard(generator.close)
        pending, self._pending = self._pending, None
        if pending is not None:
            self._cancel(pending)

    def _cancel(self, pending: Pending) -> None:
        """Wait for something no longer; log what fails at that."""
        self._guard(pending.cancel, partial(self._log_failure, AT_THE_END))

    def _guard(self, call: Callable[..., object], *args: Any) -> None:
        """Call into the conversation where nothing can be sent any more; log what it raises."""
        try:
            call(*args)
        except BaseException:
            self._log_failure(AT_THE_END)
