"""The datagram carrier: runs a conversation on UDP or UNIX datagrams.

Each datagram is answered on its own, with nothing kept from one to the next, so one object serves a
port. It knows Twisted; it doesn't know what any protocol means::

    class EchoDatagramProtocol(ConversationDatagramProtocol):
        conversation = Echo

    reactor.listenUDP(7, EchoDatagramProtocol(), "127.0.0.1", maxPacketSize=MAX_PACKET_BYTES)
"""

from collections import Counter
from collections.abc import Callable
from types import GeneratorType
from typing import Any, ClassVar, Final, cast

from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import DatagramProtocol
from twisted.python.failure import Failure

from sockproto.conversation import ABORT, Action, Conversation, End, Script, Sleep, Wait, one
from sockproto.errors import ActionError
from sockproto.journal import Journal
from sockproto.limits import Limits
from sockproto.pending import Pending, resume

MAX_PACKET_BYTES: Final = 65_535
"""What to give ``listenUDP`` as ``maxPacketSize``: Twisted's own 8,192 cuts longer datagrams."""

MAX_REPLY_BYTES: Final = 65_507
"""The most that fits into a UDP datagram over IPv4 (RFC 768, RFC 791)."""

MAX_WAITING: Final = 1_024
"""So many datagrams a port may wait in ``Sleep`` or ``Wait``."""

MAX_WAITING_BYTES: Final = 8 * 1024 * 1024
"""So many bytes those may hold."""


class ConversationDatagramProtocol(DatagramProtocol):
    """Answers the datagrams of one port.

    Args:
        args: The conversation's.
        limits: How much a peer may have of us.
        clock: For timers; the global reactor, when listening begins, if None.
        kwargs: The conversation's.

    Attributes:
        conversation: Makes the conversation: mostly its class.
        received: How many datagrams came.
        sent: How many replies were sent.
        dropped: How many datagrams were not answered though they should have been, for each reason:
            ``busy`` (too many wait), ``oversize`` (the reply is too long for a datagram), ``unsendable``
            (the system refused the reply, or the sender has no address to send it to), ``error`` (a bug
            in the conversation; its traceback is in the log).
    """

    conversation: ClassVar[Callable[..., Conversation]] = Conversation
    noisy = False

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        clock: IReactorTime | None = None,
        **kwargs: Any,
    ) -> None:
        self._conversation = type(self).conversation(*args, **kwargs)
        self._limits = limits or Limits()
        self._clock = clock
        self._waiting: set[_Answer] = set()
        self._waiting_bytes = 0
        self.journal = Journal()
        self.received = self.sent = 0
        self.dropped: Counter[str] = Counter()

    def startProtocol(self) -> None:
        """Listening begins."""
        if self._clock is None:
            from twisted.internet import reactor

            self._clock = cast("IReactorTime", reactor)

    def stopProtocol(self) -> None:
        """Listening has ended; datagrams that still wait are not answered."""
        for answer in list(self._waiting):
            answer.cancel()
        self.journal.flush()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Answer one datagram."""
        self.received += 1
        try:
            result = self._conversation.datagram(datagram)
        except BaseException:
            self._fail(addr)
            return
        if type(result) is bytes:
            self._send(result, addr)
        elif result is not None:
            generator = result if isinstance(result, GeneratorType) else one(cast("Action", result))
            _Answer(self, generator, addr, len(datagram)).go_on()

    def _send(self, reply: bytes, addr: Any) -> None:
        if len(reply) > MAX_REPLY_BYTES:
            self.dropped["oversize"] += 1
            return
        try:
            # The system refuses a port 0; a UNIX peer without a name can't be answered at all.
            if not addr:
                raise OSError("the sender has no address")
            cast("Any", self.transport).write(reply, addr)
        except (OSError, MessageLengthError):
            self.dropped["unsendable"] += 1
        else:
            self.sent += 1

    def _fail(self, addr: Any) -> None:
        """The conversation raised an error: a bug, which ends this answer only."""
        self.dropped["error"] += 1
        self.journal.failure(
            cast("IReactorTime", self._clock),
            "{protocol} datagram from {peer!r}: error in the conversation",
            Failure(),
            protocol=type(self).__name__.removesuffix("DatagramProtocol").lower(),
            peer=addr,
        )
        if self._conversation.speaks_text:
            self._send(b"error: internal error\n", addr)


class _Answer:
    """The answer to one datagram while it is being made.

    Args:
        port: Whose datagram it is.
        generator: Its actions.
        addr: Where it goes.
        size: How long the datagram was, in bytes.
    """

    def __init__(
        self,
        port: ConversationDatagramProtocol,
        generator: Script,
        addr: Any,
        size: int,
    ) -> None:
        self._port, self._generator, self._addr, self._size = port, generator, addr, size
        self._parts: list[bytes] = []
        self._outcome: Any = None
        self._pending: Pending | None = None

    def go_on(self) -> None:
        """Do the actions until they are done or something has to be waited for."""
        try:
            if not self._drive():
                return
        except StopIteration:
            pass
        except BaseException:
            self._port._fail(self._addr)
            return
        if self._parts:
            self._port._send(b"".join(self._parts), self._addr)

    def cancel(self) -> None:
        """Make no answer."""
        self._leave()
        pending, self._pending = self._pending, None
        try:
            self._generator.close()
            if pending is not None:
                pending.cancel()
        except BaseException:
            self._port._fail(None)

    def _drive(self) -> bool:
        """Give whether the answer is whole; False: it waits, or there will be none."""
        while True:
            outcome, self._outcome = self._outcome, None
            action = resume(self._generator, outcome)
            if type(action) is bytes:
                self._parts.append(action)
                self._size += len(action)
                if self._size > 2 * MAX_REPLY_BYTES:  # longer than any datagram and its reply
                    return self._drop("oversize")
            elif isinstance(action, Sleep | Wait):
                pending = Pending(action, cast("IReactorTime", self._port._clock))
                if not pending.done:
                    return self._wait(pending)
                self._outcome = pending.outcome
            elif isinstance(action, End):
                self._generator.close()
                if action is ABORT:
                    self._parts.clear()
                return True
            else:
                raise ActionError(action)

    def _wait(self, pending: Pending) -> bool:
        port = self._port
        if len(port._waiting) >= MAX_WAITING or port._waiting_bytes + self._size > MAX_WAITING_BYTES:
            pending.cancel()
            return self._drop("busy")
        port._waiting.add(self)
        port._waiting_bytes += self._size
        self._pending = pending
        pending.then(self._waited)
        return False

    def _waited(self) -> None:
        self._outcome = cast("Pending", self._pending).outcome
        self._pending = None
        self._leave()
        self.go_on()

    def _leave(self) -> None:
        if self in self._port._waiting:
            self._port._waiting.remove(self)
            self._port._waiting_bytes -= self._size

    def _drop(self, why: str) -> bool:
        self._port.dropped[why] += 1
        self._generator.close()
        return False
