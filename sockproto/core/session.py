r"""One conversation on one stream: events in, bytes out, and why it stopped.

Pure: no transport, no clock, no Deferred, no Twisted. Each event is a call, which returns the bytes to write;
``need`` says what the session needs before it can go on (docs/topics/architecture.md shows all of it)::

    session = Session(Greeting(), Lines())
    session.open(peer)              # b"Welcome!\r\n"
    session.receive(b"Michael\n")   # b"Hello, Michael!\n"
    session.need                    # None: nothing but more bytes

A call that comes while another is at work (the conversation itself closes, sends, or loses the connection)
only sets state, which the work in progress sees: nothing recurses, and nothing overtakes.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from operator import length_hint
from typing import Any, Final, TypeAlias

from sockproto.core.actions import (
    ABORT,
    HALF_CLOSE,
    WAITS,
    Actions,
    Input,
    Interrupted,
    Script,
    Sleep,
    Until,
    Wait,
)
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.raw import Discard
from sockproto.core.framing.telnet import IAC, TerminalLines, begins_terminal
from sockproto.core.limits import WRITE_BYTES
from sockproto.core.lookahead import LookAhead
from sockproto.core.script import EXITS, advance, script_of
from sockproto.errors import ActionError, MessageMalformed, MessageTooLong, SendRefused

FRAME_BYTES = 4
"""Bytes added to the size of each message, about what framings add, so that empty messages count too."""

AT_THE_END = "error at the end of the conversation"

NO_MESSAGES: Iterator[bytes] = iter(())

NOT_YET: Any = ()
"""Used in place of an empty list, which would take 56 bytes per connection and may never be needed."""

NOTHING = Discard()


class Need(Enum):
    """Why a session doesn't go on, besides a ``Sleep`` or ``Wait`` of its script."""

    OPEN = "open"  #: ``open`` has not been called yet
    MORE = "more"  #: enough bytes were made; call ``go_on`` when the peer has room for more
    HALF_CLOSE = "half-close"  #: end our half of the stream, then call ``go_on``
    CLOSE = "close"  #: no action follows: deliver what was sent, then close the connection
    LOST = "lost"  #: the connection is gone


# By names of their own, since an Enum's members are looked up slowly.
OPENING: Final = Need.OPEN
MORE: Final = Need.MORE
HALF_CLOSING: Final = Need.HALF_CLOSE
CLOSING: Final = Need.CLOSE
LOST: Final = Need.LOST
PEER_CLOSED: Final = CloseReason.PEER_CLOSED

Needs: TypeAlias = Need | Sleep | Wait | None


class Session:
    """Runs one conversation on one stream. Each event is a call, which returns the bytes to write now.

    Args:
        conversation: What to say.
        framing: What a message is: an ``IFraming``.

    Attributes:
        need: Why the session doesn't go on; None: it waits for bytes.
        running: Whether a call is in progress.
        reason: Why the connection ends; None while it is open.
        errors: The exceptions of the conversation or the framing, and when each was raised; the carrier
            takes them at ``CLOSE`` and ``LOST``. The call that meets a ``KeyboardInterrupt`` or
            ``SystemExit`` also raises it again, and nothing more is sent.
        aborted: Whether bytes not delivered yet are dropped.
        opened: Whether the conversation was opened.
        eof: Whether the peer will send no more.
        draining: Whether only the messages that have come already are answered.
        half_closed: Whether our half of the stream has ended.
        ahead: The messages that wait, as far as an ``Until`` has seen them; None if the script has none.
        messages_in: Messages handled.
        messages_out: Messages sent.
    """

    # A dictionary of so many attributes would take a kilobyte a connection.
    __slots__ = (
        "_again",
        "_cuts",
        "_encoded",
        "_ended",
        "_first",
        "_messages",
        "_pushed",
        "_pushed_bytes",
        "_replies",
        "_script",
        "_size",
        "aborted",
        "ahead",
        "conversation",
        "draining",
        "eof",
        "errors",
        "framing",
        "half_closed",
        "messages_in",
        "messages_out",
        "need",
        "opened",
        "reason",
        "running",
    )

    def __init__(self, conversation: Conversation, framing: Any) -> None:
        self.conversation, self.framing = conversation, framing
        # The first bytes, until they have told whether the peer is a telnet client; None: they have.
        self._first = b"" if getattr(framing, "telnet", False) else None
        self._cuts = self._first is None and hasattr(framing, "cut")
        self._again = False  # something happened while a call was at work
        self.need: Needs = OPENING
        self.reason: CloseReason | None = None
        self.errors: tuple[tuple[str, BaseException], ...] = ()
        self.aborted = self.running = self.opened = self.eof = self.draining = self.half_closed = False
        self.ahead: LookAhead | None = None
        self.messages_in = self.messages_out = 0
        # What is being handled.
        self._messages = NO_MESSAGES
        self._script: Script | None = None
        self._ended = False  # the conversation was told of the end
        # What is to be sent: replies, and what of those before them is encoded already.
        self._replies: list[bytes] = NOT_YET
        self._encoded: list[bytes] = NOT_YET
        self._size = 0
        self._pushed: list[bytes] = NOT_YET
        self._pushed_bytes = 0

    # Events. Each returns the bytes to write now.

    def open(self, peer: Peer) -> bytes:
        """The connection is open.

        Args:
            peer: The other end.
        """
        if self.need is not OPENING:
            return b""
        self.opened = self.running = True
        self.need = result = None
        self._again = False
        try:
            result = self.conversation.opened(peer)
            if not (self._again or self.framing.ready):  # mostly, in one piece
                if result is None:
                    self.running = False
                    return b""
                if type(result) is bytes and len(result) < WRITE_BYTES:
                    out: bytes = self.framing.encode(result)
                    self.messages_out += 1
                    self.running = False
                    return out
        except BaseException as error:
            self._fail(error)
        return self._work_on(result)

    def receive(self, data: bytes) -> bytes:
        """Bytes came. Their messages are handled now, or when their turn comes.

        Usually they are complete messages, none waits before them, and the answer to each is bytes. This case
        is handled here directly, for half the cost of the general way, which takes over if an answer is more
        than bytes, or if anything else happens meanwhile.
        """
        if self.need is not None or self.running or not (self._cuts or self._begins_as_text(data)):
            return self._feed(data)
        try:
            messages = self.framing.cut(data)
            count = 0 if messages is None else len(messages)
        except BaseException as error:
            return self.fail(error)
        if count != 1:
            return self._feed(data) if messages is None else self._receive_all(messages)
        self.running, self._again = True, False
        self.messages_in += 1
        result: Actions = None
        try:
            result = self.conversation.received(messages[0])
            if not self._again:
                if type(result) is bytes and not self.half_closed:
                    out: bytes = self.framing.encode(result)
                    self.messages_out += 1
                    self.running = False
                    return out
                if result is None:
                    self.running = False
                    return b""
        except BaseException as error:
            self._fail(error)
        return self._work_on(result)

    def _receive_all(self, messages: list[bytes]) -> bytes:
        """Answer the messages of a read, also directly."""
        count = len(messages)
        # While each reply is shorter than its share of what is written at once, none needs to be counted.
        received, share = self.conversation.received, WRITE_BYTES // (count or 1) - FRAME_BYTES
        replies = self._replies
        if replies is NOT_YET:
            replies = self._replies = []
        self.running, self._again = True, False
        result: Actions = None
        rest = iter(messages)
        try:
            for message in rest:
                result = received(message)
                if self._again:
                    break
                if type(result) is bytes:
                    replies.append(result)
                    if len(result) < share:
                        continue
                    result = None
                elif result is None:
                    continue
                break
            else:
                result = None
                if replies and not self.half_closed:
                    try:  # not by suppress(), which costs two calls
                        out: bytes = self.framing.encode(*replies)
                    except Exception:
                        pass  # the plain way meets it again, and sends what can be sent
                    else:
                        self.messages_in += count
                        self.messages_out += len(replies)
                        replies.clear()
                        self.running = False
                        return out
        except BaseException as error:
            self._fail(error)
        self.messages_in += count - length_hint(rest)
        self._messages, self._size = rest, sum(map(len, replies)) + FRAME_BYTES * len(replies)
        return self._work_on(result)

    def end(self) -> bytes:
        """The peer will send no more; what is unfinished is a message where the framing says so."""
        self.eof = True
        if self.need is not None or self.running or self.draining:
            return self._guarded(self._end)
        # Nothing is held, being done, or to be sent: else it would need something.
        self.running, self._again = True, False
        result: Actions = None
        try:
            self.framing.end()
            if not self.framing.ready:
                self._ended = True
                result = self.conversation.ended()
                if result is None and not self._again:  # the commonest end, in one piece
                    self.need, self.reason = CLOSING, PEER_CLOSED
                    self.framing, self._cuts, self._first = NOTHING, False, None
                    self.running = False
                    return b""
        except BaseException as error:
            self._fail(error)
        return self._work_on(result)

    def quiet(self) -> bytes:
        """The quiet period is over: what is unfinished is a message."""
        self._first = None
        return self._guarded(self.framing.quiet)

    def push(self, message: bytes) -> bytes:
        """The application sends a message between two replies.

        While a reply is being made, or the peer doesn't read, messages wait, up to 64 KiB of them.

        Args:
            message: Its bytes, without a terminator.

        Raises:
            TypeError: The message is not bytes.
            SendRefused: 64 KiB wait already, the connection is not open or is closing, or the message is
                longer than the framing can send. The message is not sent.
        """
        if not isinstance(message, bytes):
            raise TypeError(f"send() takes bytes, not {type(message).__name__!r}")
        if not self.opened or self.final or self.half_closed or self.need is HALF_CLOSING:
            raise SendRefused("the connection is not open")
        longest = self.framing.longest
        if len(message) > longest:
            raise SendRefused(f"{len(message)} bytes are more than the {longest} that the framing can send")
        size = len(message) + 2  # with a terminator; empty ones take room too
        if (self._pushed or self.need is not None) and self._pushed_bytes + size > WRITE_BYTES:
            raise SendRefused(f"{self._pushed_bytes} bytes wait for the peer, and this would be {size} more")
        if self._pushed is NOT_YET:
            self._pushed = []
        self._pushed.append(message)
        self._pushed_bytes += size
        return self._run()

    def hold(self) -> None:
        """The peer doesn't read what was written: produce nothing more before ``go_on``."""
        self._again = True
        if self.need is None:
            self.need = MORE

    def go_on(self) -> bytes:
        """The carrier has done what ``MORE`` or ``HALF_CLOSE`` asked for."""
        if self.need is HALF_CLOSING:
            self.half_closed = True
        if self.need is MORE or self.need is HALF_CLOSING:
            self.need = None
        return self._run()

    def resume(self, value: Any = None) -> bytes:
        """The result that the script waited for has come.

        Args:
            value: The value of its ``yield``.
        """
        return self._guarded(self._drive_on, value, None)

    def throw(self, error: BaseException) -> bytes:
        """The awaitable that the script waited for has failed.

        Args:
            error: The exception that its ``yield`` raises.
        """
        return self._guarded(self._drive_on, None, error)

    def look_ahead(self) -> bytes:
        """Find out whether a message that has come ends the wait of the script: see ``interrupted``."""
        if self.ahead is None or self.ahead.ending is not None or self.running:
            return b""
        return self._guarded(self._show_messages, self.ahead)

    def respond(self) -> bytes:
        """Return the answers to telnet commands, which are sent at once; the peer has room."""
        if self.running or not isinstance(self.framing, TerminalLines):
            return b""
        responses = self.framing.responses()
        return b"" if self.half_closed else responses

    def drain(self) -> bytes:
        """Answer the messages that have come completely, then close; what comes later is not handled.

        An incomplete message is cut where a quiet period would cut it. A script of ``opened`` ends at once if
        no message waits for it.
        """
        if self.final:
            return b""
        self.draining = True
        return self._guarded(self._drain)

    def close(self, reason: CloseReason) -> bytes:
        """Run no further action; deliver what was sent. If several reasons are given, the first one counts.

        Args:
            reason: Why.
        """
        self._close(reason)
        return self._run()

    def abort(self, reason: CloseReason) -> None:
        """Run no further action; deliver nothing. This reason replaces an earlier one.

        Args:
            reason: Why.
        """
        if self.need is not LOST:
            self.need, self.reason, self.aborted = CLOSING, reason, True
            self._encoded = self._replies = self._pushed = NOT_YET
            self._run()

    def fail(self, error: BaseException) -> bytes:
        """The conversation or the carrier raised an error: a bug, which ends this connection only.

        Args:
            error: The error.
        """
        self._fail(error)
        return self._run()

    def lose(self, reason: CloseReason) -> None:
        """The connection is gone: no action follows, nothing can be sent.

        Args:
            reason: Why, if no other reason is known.
        """
        self.reason = self.reason or reason
        self.need = LOST
        if self.framing is not NOTHING:
            self._run()

    def closed(self) -> None:
        """Tell the conversation, once, that the connection is closed; its wait has been cancelled."""
        reason = self.reason
        if self.opened and self.need is LOST and reason is not None:
            self.opened = False
            try:
                self.conversation.closed(reason)
            except BaseException as error:
                self.errors += ((AT_THE_END, error),)
                if isinstance(error, EXITS):
                    raise

    @property
    def final(self) -> bool:
        """Whether no action follows."""
        return self.need is CLOSING or self.need is LOST

    @property
    def _hears_no_more(self) -> bool:
        """Whether the peer will send no more: its half of the stream has ended, or its terminal said so."""
        return self.eof or (isinstance(self.framing, TerminalLines) and self.framing.ended)

    @property
    def interrupted(self) -> bool:
        """Whether the current ``Until`` is over: by a message that has come, or by the drain."""
        until = self.need
        if not isinstance(until, Until) or self.ahead is None:
            return False
        return self.ahead.ending is not None or (self.draining and until.endless)

    # The work.

    def _feed(self, data: bytes) -> bytes:
        """Feed bytes to the framing; handle the messages that they complete, unless something is needed."""
        if self.draining:
            return b""
        try:
            if self._first is not None:
                self._identify(self._first, data)
            self.framing.feed(data)
            ready = self.framing.ready
        except BaseException as error:
            return self.fail(error)
        if self.need is None:
            return self._run() if ready else b""
        if isinstance(self.need, Input) and self._hears_no_more:
            return self._guarded(self._give_up_input)
        return self.look_ahead() if self.ahead is not None else b""

    def _begins_as_text(self, data: bytes) -> bool:
        """Return whether messages can be cut from this read: it is the first, and not from telnet."""
        if self._first != b"" or data[:1] in (b"", IAC):
            return False
        self._first = None
        self._cuts = hasattr(self.framing, "cut")
        return self._cuts

    def _identify(self, before: bytes, data: bytes) -> None:
        """Find out from its first bytes whether the peer is a telnet client; if so, change the framing."""
        first = before + data[:3]
        terminal = begins_terminal(first)
        self._first = first if terminal is None else None
        if terminal:
            self.framing = TerminalLines(self.framing, before)
        elif terminal is not None:
            self._cuts = hasattr(self.framing, "cut")

    def _work_on(self, result: Actions) -> bytes:
        """Begin with what a method of the conversation returned, then do all other work."""
        try:
            if result is not None:
                self._begin(result)
            self._work()
        except BaseException as error:
            self._fail(error)
        return self._finish()

    def _run(self) -> bytes:
        """Do all work that can be done now; return the bytes to write."""
        if self.running:
            self._again = True
            return b""
        self.running = True
        try:
            self._work()
        except BaseException as error:
            self._fail(error)
        return self._finish()

    def _guarded(self, first: Callable[..., object], *args: Any) -> bytes:
        """Do the same after a call into the conversation or the framing, which may raise any exception."""
        if self.running:
            self._again = True
            first(*args)
            return b""
        self.running = True
        try:
            first(*args)
            self._work()
        except BaseException as error:
            self._fail(error)
        return self._finish()

    def _work(self) -> None:
        """Handle what came, in order, until there is no more or something is needed."""
        while self.need is None:
            if self._size >= WRITE_BYTES:
                self.need = MORE
            elif self._script is not None:
                self._drive()
            elif self._pushed:
                self._put_pushed()
            elif self._messages is not NO_MESSAGES or (self.framing.ready and self._take()):
                self._handle()
            elif self.draining:
                self._close(CloseReason.DRAINED)
            elif not self.eof:
                return
            elif self._ended:
                self._close(PEER_CLOSED)
            elif self._replies or self._encoded:
                self.need = MORE  # written first: a peer that is gone has not just ended its half
            else:
                self._ended = True
                self._begin(self.conversation.ended())

    def _take(self) -> bool:
        """Take the next messages; return whether there are any, or an error or the end instead."""
        self._collect()  # replies end as the messages that they answer
        terminal = self.framing if isinstance(self.framing, TerminalLines) else None
        if terminal is not None:
            responses = terminal.responses()
            if not self.half_closed:
                self._keep(responses)
        try:
            messages = self.framing.take()
        except (MessageTooLong, MessageMalformed) as error:
            too_long = isinstance(error, MessageTooLong)
            self._close(CloseReason.TOO_LONG if too_long else CloseReason.MALFORMED, str(error))
            return True
        if messages:
            self._messages = iter(messages)
        elif terminal is not None and terminal.ended:
            self._end_with_terminal()
            return True
        return bool(messages)

    def _handle(self) -> None:
        """Answer messages while the answers are bytes; begin the first answer that is more than bytes.

        Not split into functions: most of the work is done here, and each call more would cost a tenth of it.
        """
        received, handled, size = self.conversation.received, 0, self._size
        replies = self._replies = self._replies or []
        result: Actions = None
        try:
            for message in self._messages:
                handled += 1
                result = received(message)
                if self.need is not None:
                    break
                if type(result) is bytes:
                    replies.append(result)
                    size += len(result) + FRAME_BYTES
                    result = None
                    if size < WRITE_BYTES and not self._pushed:
                        continue
                elif result is None and not self._pushed:
                    continue
                break
            else:
                self._messages = NO_MESSAGES
        finally:
            self.messages_in += handled
            self._size = size
        if result is not None:
            self._begin(result)

    def _begin(self, result: Actions) -> None:
        """Do what a method of the conversation returned; nothing if the method has ended the connection."""
        if type(result) is bytes:
            self._put(result)
        elif result is not None:
            self._script = script_of(result)

    def _drive(self, value: Any = None, error: BaseException | None = None) -> None:
        """Run the script until it is over or something is needed."""
        if self._script is None:
            return
        action = advance(self._script, self._put, value, error)
        if self.final or isinstance(action, bytes):
            return
        if action is None or (isinstance(action, Input) and self._hears_no_more):
            self._leave()
        elif isinstance(action, WAITS):
            self.need = action
            if isinstance(action, Until):
                self.ahead = self.ahead or LookAhead(action)
                self.ahead.until = action
        elif action is HALF_CLOSE:
            self._put_pushed()
            if not self.half_closed:
                self.need = HALF_CLOSING
        elif action is ABORT:
            self.abort(CloseReason.ABORTED)
        else:
            self._collect()  # before it is too late for an error
            self._close(CloseReason.CLOSED)

    def _drive_on(self, value: Any, error: BaseException | None) -> None:
        """Run the script, if it waits, with the result that it waited for."""
        if isinstance(self.need, WAITS):
            self.need = None
            ahead = self.ahead
            if ahead is not None and ahead.ending is not None and isinstance(error, Interrupted):
                self._wait_with(ahead.take_out(self._messages))
                self.messages_in += 1
            self._drive(value, error)

    def _leave(self) -> None:
        """End the script."""
        script, self._script, self.ahead = self._script, None, None
        if script is not None:
            script.close()

    def _show_messages(self, ahead: LookAhead) -> None:
        """Show an ``Until`` the messages that came; all of them wait their turn."""
        if self._messages is not NO_MESSAGES or self.framing.ready:
            self._wait_with(ahead.show(self._messages, self.framing.take))

    def _wait_with(self, messages: list[bytes]) -> None:
        """Replace the messages that wait by these."""
        self._messages = iter(messages) if messages else NO_MESSAGES

    # What is sent.

    def _put(self, message: bytes) -> bool:
        """Send a message, with the others of this event; return whether that is enough for now."""
        if self.final:  # the script ended the connection itself
            return True
        if len(message) > self.framing.longest:
            self.framing.encode(message)  # which says what is wrong
        if self._replies is NOT_YET:
            self._replies = []
        self._replies.append(message)
        self._size += len(message) + FRAME_BYTES
        return self._size >= WRITE_BYTES or self.need is not None

    def _put_pushed(self) -> None:
        """Send what the application sent meanwhile."""
        pushed, self._pushed, self._pushed_bytes = self._pushed, NOT_YET, 0
        for message in pushed:
            self._put(message)

    def _collect(self) -> None:
        """Encode the replies, in the order in which they are sent."""
        replies = self._replies
        if not replies:
            return
        if self.half_closed:
            first = replies[0][:20]
            replies.clear()
            raise ActionError(first, "can't be sent: HALF_CLOSE has ended our half of the stream")
        try:
            self._keep(self.framing.encode(*replies))
            self.messages_out += len(replies)
        except Exception:
            for reply in replies:  # those before the wrong one are sent
                self._keep(self.framing.encode(reply))
                self.messages_out += 1
        finally:
            replies.clear()

    def _finish(self) -> bytes:
        """Return the bytes to write, when the work is done."""
        out = b""
        if self._replies or self._encoded:
            try:
                self._collect()
                out = self._joined()
            except BaseException as error:
                self._fail(error)
                out = self._joined()
        try:
            if self.need is not None and self.final:
                if self.framing is not NOTHING:
                    self._stop()
                if self.half_closed or self.need is LOST:
                    out = b""
        finally:
            self.running = False
        return out

    def _joined(self) -> bytes:
        encoded, self._encoded, self._size = self._encoded, NOT_YET, 0
        return b"".join(encoded)

    def _keep(self, encoded: bytes) -> None:
        """Keep bytes, to be written when the work is done."""
        if self._encoded is NOT_YET:
            self._encoded = []
        self._encoded.append(encoded)

    # The end.

    def _end_with_terminal(self) -> None:
        """A terminal has said that it will send no more."""
        if self._ended:
            self._close(PEER_CLOSED)
        else:
            self._ended = True
            self._begin(self.conversation.ended())

    def _end(self) -> None:
        """Handle the end of the peer's half of the stream."""
        self.framing.end()
        self._give_up_input()

    def _give_up_input(self) -> None:
        if isinstance(self.need, Input):
            self.need = None
            self._leave()

    def _drain(self) -> None:
        """Cut an unfinished message; close if the script is that of ``opened`` and no message waits."""
        self.framing.quiet()
        opening = self._script is not None and not self.messages_in
        waits = self._messages is not NO_MESSAGES or self.framing.held > self.framing.unfinished
        if self.need is OPENING or (opening and not waits):
            self._close(CloseReason.DRAINED)

    def _close(self, reason: CloseReason, error: str = "") -> None:
        """Run no further action. The first reason counts; the peer is told an error in a text protocol."""
        if self.final:
            return
        self.need, self.reason = CLOSING, reason
        if self._pushed:
            self._replies = [*self._replies, *self._pushed]
            self._pushed = NOT_YET
        if self._replies:
            self._try(self._collect)
        if error and self.conversation.speaks_text:
            self._try(lambda: self._keep(self.framing.encode_error(error.encode())))

    def _fail(self, error: BaseException) -> None:
        """Record an error of the conversation and end it; raise one that ends the process again."""
        exits = isinstance(error, EXITS)
        if not exits or all(error is not noted for _, noted in self.errors):  # it passes several guards
            self.errors += (("error in the conversation", error),)
        if not exits:
            self._close(CloseReason.CONVERSATION_ERROR, "internal error")
            return
        self.running = False
        if self.need is LOST:
            self._run()
        else:
            self.abort(CloseReason.CONVERSATION_ERROR)
        raise error

    def _stop(self) -> None:
        """Drop what is held, and end the script."""
        self._messages = NO_MESSAGES
        try:
            if self._script is not None:
                self._try(self._leave)
        finally:
            self.framing, self._cuts, self._first = NOTHING, False, None

    def _try(self, call: Any, *args: Any) -> None:
        """Call into the conversation while the connection ends anyway; record what it raises."""
        try:
            call(*args)
        except BaseException as error:
            self.errors += ((AT_THE_END, error),)
            if isinstance(error, EXITS):
                raise
