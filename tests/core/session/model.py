"""What a session is to do, slowly and obviously: one message at a time, one generator for the whole life.

The same events as ``Session``. Where that keeps state between calls, this stands still in the middle of
``_life``; where that cuts and encodes many messages at once, this does it one by one.
"""

from collections.abc import Generator
from typing import Any, TypeAlias

from sockproto.core.actions import ABORT, HALF_CLOSE, End, Input, Interrupted, Sleep, Until, Wait
from sockproto.core.conversation import CloseReason
from sockproto.core.session import AT_THE_END, FRAME_BYTES, Need
from sockproto.errors import ActionError, MessageMalformed, MessageTooLong, SendRefused
from tests.core.session.splitting import LIMIT, LinesSplitter, Splitter

ENOUGH = 65_536

Life: TypeAlias = Generator[Any, Any, None]


class Over(Exception):
    """No action follows."""


class GivenUp(Exception):
    """An ``Input`` was waited for, and the peer has ended its half."""


class Model:
    """A session, as it is meant.

    Args:
        conversation: What to say.
        splitter: What a message is.
    """

    def __init__(self, conversation: Any, splitter: Splitter) -> None:
        self.conversation, self.splitter = conversation, splitter
        self.need: Any = Need.OPEN
        self.reason: CloseReason | None = None
        self.errors: list[tuple[str, BaseException]] = []
        self.opened = self.eof = self.draining = self.running = self.half_closed = self.aborted = False
        self.messages_in = 0
        self.messages_out = 0
        self.until: Until | None = None
        self.ending: int | None = None  # which of the messages that wait ends the wait
        self.scripted = False  # a script is under way
        self.newline = splitter.newline
        self.pushed: list[bytes] = []
        self.out: list[bytes] = []
        self.size = 0  # of what is in out
        self.life = self._life()

    @property
    def final(self) -> bool:
        return self.need in (Need.CLOSE, Need.LOST)

    # Events.

    def open(self, peer: Any) -> bytes:
        if self.need is Need.OPEN:
            self.opened, self.need = True, None
            return self._go()
        return b""

    def receive(self, data: bytes) -> bytes:
        if not self.draining:
            self.splitter.feed(data)
        return self._go()

    def end(self) -> bytes:
        self.eof = True
        self.splitter.end()
        if isinstance(self.need, Input) and not self.running:
            self.need = None
            return self._go(error=GivenUp())
        return self._go()

    def quiet(self) -> bytes:
        self.splitter.quiet()
        return self._go()

    def push(self, message: bytes) -> bytes:
        size = sum(len(each) + 2 for each in [*self.pushed, message])
        waits = bool(self.pushed) or self.need is not None
        half_closed = self.half_closed or self.need is Need.HALF_CLOSE
        if not self.opened or self.final or half_closed or (waits and size > ENOUGH):
            raise SendRefused
        self.pushed.append(message)
        return self._go()

    def hold(self) -> None:
        if self.need is None:
            self.need = Need.MORE

    def go_on(self) -> bytes:
        if self.need in (Need.MORE, Need.HALF_CLOSE):
            self.half_closed = self.half_closed or self.need is Need.HALF_CLOSE
            self.need = None
        return self._go()

    def resume(self, value: Any) -> bytes:
        self.need = None
        return self._go(value=value)

    def throw(self, error: BaseException) -> bytes:
        self.need = None
        if isinstance(error, Interrupted) and self.ending is not None:
            del self.splitter.found[self.ending]
            self.splitter.shown, self.ending = self.ending, None
            self.splitter.fixed -= 1
            self.messages_in += 1
        return self._go(error=error)

    def look_ahead(self) -> bytes:
        if self.until is None or self.ending is not None or self.running or self.final:
            return b""
        found = self.splitter.found
        while self.splitter.shown < len(found) and not isinstance(found[self.splitter.shown], Exception):
            self.splitter.fixed = max(self.splitter.fixed, self.splitter.shown + 1)
            try:
                ends = self.until.ends(found[self.splitter.shown][0])
            except Exception as error:
                return self.fail(error)
            if ends:
                self.ending = self.splitter.shown
                return b""
            self.splitter.shown += 1
        return b""

    @property
    def interrupted(self) -> bool:
        waits = isinstance(self.need, Until)
        return waits and (self.ending is not None or (self.draining and self.need.endless))

    def drain(self) -> bytes:
        if self.final:
            return b""
        self.draining = True
        self.splitter.quiet()
        of_its_own_accord = self.scripted and not self.messages_in
        if self.need is Need.OPEN or (of_its_own_accord and not self.splitter.whole):
            return self.close(CloseReason.DRAINED)
        return self._go()

    def close(self, reason: CloseReason, told: str = "") -> bytes:
        if not self.final:
            self._send_pushed()
            if told and self.conversation.speaks_text:
                self.out.append(self.splitter.encode_error(told.encode()))
            self.need, self.reason = Need.CLOSE, reason
        return self._go()

    def abort(self, reason: CloseReason) -> None:
        if self.need is not Need.LOST:
            self.need, self.reason, self.aborted = Need.CLOSE, reason, True
            self._go()

    def fail(self, error: BaseException) -> bytes:
        self.errors.append(("error in the conversation", error))
        return self.close(CloseReason.CONVERSATION_ERROR, "internal error")

    def lose(self, reason: CloseReason) -> None:
        self.need, self.reason = Need.LOST, self.reason or reason
        self._go()

    def closed(self) -> None:
        if self.opened and self.need is Need.LOST:
            self.opened = False
            self._try(self.conversation.closed, self.reason)

    def _try(self, call: Any, *args: Any) -> None:
        try:
            call(*args)
        except BaseException as error:
            self.errors.append((AT_THE_END, error))

    # The life.

    def _go(self, value: Any = None, error: BaseException | None = None) -> bytes:
        """Live on, if nothing is needed or what is needed is here; return what is to be written."""
        if self.running:
            return b""
        self.running = True
        try:
            if self.need is None:
                need = self.life.throw(error) if error is not None else self.life.send(value)
                self.need = self.need if self.final else need
        except Over:
            pass
        except BaseException as failure:
            self.fail(failure)
        if self.final:
            self.life.close()
        out = b"" if self.aborted or self.need is Need.LOST or self.half_closed else b"".join(self.out)
        self.out, self.size = [], 0
        self.running = False
        return out

    def _life(self) -> Life:
        yield from self._do(self.conversation.opened, None)
        found, ended = self.splitter.found, False
        while True:
            yield from self._pause()
            if self.pushed:
                self._send_pushed()
            elif found and isinstance(found[0], MessageTooLong | MessageMalformed):
                too_long = isinstance(found[0], MessageTooLong)
                self.close(CloseReason.TOO_LONG if too_long else CloseReason.MALFORMED, str(found[0]))
                raise Over
            elif found:
                message, newline = found.popleft()
                self.splitter.fixed = max(0, self.splitter.fixed - 1)
                self.newline = self.newline if newline is None else newline
                self.messages_in += 1
                yield from self._do(self.conversation.received, message)
            elif self._too_long_already():
                self.close(CloseReason.TOO_LONG, str(MessageTooLong(LIMIT)))
                raise Over
            elif self.draining:
                self.close(CloseReason.DRAINED)
                raise Over
            elif not self.eof:
                yield None
            elif ended:
                self.close(CloseReason.PEER_CLOSED)
                raise Over
            elif self.out:
                yield Need.MORE
            else:
                ended = True
                yield from self._do(self.conversation.ended)

    def _too_long_already(self) -> bool:
        splitter = self.splitter
        return isinstance(splitter, LinesSplitter) and len(splitter.rest.removesuffix(b"\r")) > LIMIT

    def _pause(self) -> Life:
        """Stand still while the peer takes no more, or when so much is to be written."""
        while self.need is not None or self.size >= ENOUGH:
            if self.final:
                raise Over
            yield Need.MORE

    def _do(self, method: Any, *args: Any) -> Life:
        result = method(*args)
        if self.final or result is None:
            return
        if isinstance(result, bytes):
            self._send(result)
            return
        yield from self._pause()
        script = result if isinstance(result, Generator) else (action for action in [result])
        self.scripted, self.splitter.shown = True, 0
        try:
            yield from self._drive(script)
        except GivenUp:
            script.close()
        except (Over, GeneratorExit):
            self._try(script.close)
            raise
        except BaseException as error:
            self.fail(error)
            self._try(script.close)
            raise Over from error
        finally:
            self.scripted, self.until, self.ending, self.splitter.shown = False, None, None, 0

    def _drive(self, script: Any) -> Life:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                action = script.throw(error) if error is not None else script.send(value)
            except StopIteration:
                return
            value = error = None
            if not isinstance(action, bytes | End | Sleep | Wait):
                raise ActionError(action)
            if self.final:
                raise Over
            if isinstance(action, bytes):
                self._send(action)
                yield from self._pause()
            elif isinstance(action, Input) and self.eof:
                raise GivenUp
            elif isinstance(action, Sleep | Wait):
                self.until = action if isinstance(action, Until) else self.until
                try:
                    value = yield action
                except (GivenUp, GeneratorExit):
                    raise
                except BaseException as failure:
                    error = failure
            elif action is HALF_CLOSE:
                self._send_pushed()
                if not self.half_closed:
                    yield Need.HALF_CLOSE
            elif action is ABORT:
                self.abort(CloseReason.ABORTED)
                raise Over
            else:
                self.close(CloseReason.CLOSED)
                raise Over

    def _send_pushed(self) -> None:
        pushed, self.pushed = self.pushed, []
        for message in pushed:
            self._send(message)

    def _send(self, message: bytes) -> None:
        self.out.append(self.splitter.encode(message, self.newline))
        self.messages_out += 1
        self.size += len(message) + FRAME_BYTES
