"""The datagram carrier: runs a conversation on UDP or UNIX datagrams.

Each datagram is answered independently, and no state is kept between datagrams, so one object serves a
port. It knows Twisted; it doesn't know what any protocol means::

    class EchoDatagramProtocol(ConversationDatagramProtocol):
        conversation = Echo

    reactor.listenUDP(7, EchoDatagramProtocol(), "127.0.0.1", maxPacketSize=MAX_PACKET_BYTES)
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import DatagramProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.carriers.log import EventLog
from sockproto.carriers.registry import Statistics
from sockproto.carriers.transport import datagram_peer, peer_of
from sockproto.carriers.waiting import Waiting, drive
from sockproto.core.access import Access
from sockproto.core.actions import ABORT, TWICE, Script
from sockproto.core.admission import SourceRate
from sockproto.core.conversation import Conversation
from sockproto.core.faults.plan import FaultPlan, Faults, GivenFaults
from sockproto.core.limits import MAX_WAITING, MAX_WAITING_BYTES, WRITE_BYTES, Limits
from sockproto.core.script import EXITS, script_of
from sockproto.core.session import FRAME_BYTES
from sockproto.interfaces import IAnsweringDatagramProtocol
from sockproto.reactor.exits import end_process

MAX_PACKET_BYTES: Final = 65_535
"""The ``maxPacketSize`` for ``listenUDP``, in bytes: Twisted's default of 8,192 cuts longer datagrams."""

MAX_REPLY_BYTES: Final = 65_507
"""The largest payload of a UDP datagram over IPv4, in bytes (RFC 768, RFC 791)."""

MAX_PARTS: Final = WRITE_BYTES // FRAME_BYTES
"""The largest number of pieces of a reply: it ends a conversation that yields empty ones for ever."""

AMPLIFICATION: Final = 4
"""A reply may be at most this many times as long as the request, plus ``FREE_BYTES``; near QUIC's 3
(RFC 9000, section 8.1)."""

FREE_BYTES: Final = 32
"""Enough for the fixed answers of daytime and time to an empty request."""

TOO_LONG: Final = b"error: reply too long\n"
"""Sent by text protocols in place of a reply that is too long; short enough for any request."""

LOWEST_PORT: Final = 1_024
"""Ports below this one get no reply: only forged requests come from them (CVE-1999-0103)."""


@implementer(IAnsweringDatagramProtocol)
class ConversationDatagramProtocol(DatagramProtocol):
    """Answers the datagrams of one port.

    Args:
        args: Positional arguments of the conversation.
        limits: The limits of what a peer may use.
        clock: The clock of its timers; None: the global reactor, when listening begins.
        access: The addresses whose datagrams are answered; None: all.
        faults: The faults of the datagrams, such as ``"drop=0.1"``; None: no faults.
        kwargs: Keyword arguments of the conversation.

    Attributes:
        conversation: Called to make the conversation; usually its class.
        name: The protocol's name in the log; if empty, a short form of the name of its class.
        worker: The number of the worker that serves it, if ``sockproto serve`` has several; else None.
        clock: The source of time and timers; set when listening begins.
        faults: Its faults; None: no faults.
        statistics: What was counted. Its ``dropped`` counts, for each reason, the datagrams that should have
            had an answer but got none:

            - ``denied``: the sender's address is not allowed;
            - ``low port``, ``own port``: replies to such senders can only go to a forged address, or loop;
            - ``looks like a reply``: it looks like a reply of this protocol; an answer could start a loop;
            - ``rate``: the sender's address has had all its replies of this second;
            - ``amplification``: the reply is too long for so short a request;
            - ``oversize``: the reply is too long for a datagram, or has more than 16,384 pieces;
            - ``busy``: too many wait;
            - ``draining``: the service stops;
            - ``no address``: the sender's UNIX socket has no name;
            - ``unsendable``: the system refused the reply;
            - ``error``: a bug in the conversation; its traceback is in the log.
    """

    conversation: ClassVar[Callable[..., Conversation]] = Conversation
    name = ""
    worker: int | None = None
    noisy = False
    clock: IReactorTime

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        clock: IReactorTime | None = None,
        access: Access | None = None,
        faults: GivenFaults = None,
        **kwargs: Any,
    ) -> None:
        self.statistics = Statistics()
        conversation: Any = type(self).conversation(*args, **kwargs)
        self.faults = Faults.given(faults)
        if self.faults is not None:
            plan = FaultPlan(self.faults, self.statistics.faults, datagrams=True)
            conversation = plan.wrapped(conversation)
        self._conversation = conversation
        # What most conversations leave as it is need not be called.
        self._recognizes = not _inherits(conversation, "is_reply")
        self._access = Access.given(access)
        self._looks = self._recognizes or access is not None  # at each datagram, before it is handled
        self._asks_peer = not _inherits(conversation, "datagram")
        self.limits = Limits.given(limits)
        if clock is not None:
            self.clock = clock
        self._waiting: set[_Answer] = set()
        self._waiting_bytes = 0
        self._rate = SourceRate(self.limits.udp_rate)
        self._own_port: int | None = None
        self._draining: list[Deferred[None]] | None = None  # who waits for the end; None: nothing ends
        self.log = EventLog(self.limits.log_rate)

    def startProtocol(self) -> None:
        """Listening begins."""
        if not hasattr(self, "clock"):
            from twisted.internet import reactor

            self.clock = cast("IReactorTime", reactor)

        get_host = getattr(self.transport, "getHost", None)
        self._own_port = peer_of(get_host()).port if get_host else None
        self._draining = None

    def stopProtocol(self) -> None:
        """Listening has ended; datagrams that wait are not answered any more."""
        self.abort()
        self.log.flush()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Answer one datagram."""
        reply = self.answer(datagram, addr)
        if reply is not None:
            self._send(reply, addr)

    def answer(self, datagram: bytes, addr: Any) -> bytes | None:
        """A datagram came; return the reply to send now, None if there is none.

        See ``IAnsweringDatagramProtocol``. The usual case, an answer of bytes, is not split into functions:
        each call would add a twentieth to its cost.
        """
        counted, size = self.statistics, len(datagram)
        counted.messages_in += 1
        counted.bytes_in += size
        usual = (
            isinstance(addr, tuple) and LOWEST_PORT <= addr[1] != self._own_port and self._draining is None
        )
        try:
            if not usual or self._looks:
                refused = self._refusal(datagram, addr)
                if refused is not None:
                    self.drop(refused)
                    return None
            if self._asks_peer:
                result = self._conversation.datagram(datagram, datagram_peer(addr))
            else:
                result = self._conversation.received(datagram)
        except BaseException as error:
            self.fail(error, size, addr)
            return None
        if type(result) is not bytes:
            if result is not None:
                _Answer(self, script_of(result), addr, size).go_on()
            return None
        length = len(result)
        if not usual or length > AMPLIFICATION * size + FREE_BYTES or length > MAX_REPLY_BYTES:
            self.reply(result, size, addr)
            return None
        if not self._rate.allows(addr[0], self.clock.seconds()):
            self.drop("rate")
            return None
        counted.messages_out += 1
        counted.bytes_out += length
        return result

    def unsent(self, reply: bytes) -> None:
        """The reply that ``answer`` returned could not be sent."""
        self.statistics.messages_out -= 1
        self.statistics.bytes_out -= len(reply)
        self.drop("unsendable")

    def drain(self) -> "Deferred[None]":
        """Answer the datagrams that wait, and no others; return a Deferred that fires when that is done."""
        drained: Deferred[None] = Deferred()
        self._draining = [*(self._draining or ()), drained]
        self.finished()
        return drained

    def abort(self) -> int:
        """Answer none of the datagrams that wait; return how many there were."""
        waiting = list(self._waiting)
        for answer in waiting:
            if answer in self._waiting:
                with suppress(*EXITS):  # told of already: the process ends
                    answer.cancel()
        self.finished()
        return len(waiting)

    def _refusal(self, datagram: bytes, addr: Any) -> str | None:
        """Return why a datagram must not be answered, whatever its content; None if it may be."""
        if self._draining is not None:
            return "draining"
        if not addr:
            return "no address"
        if isinstance(addr, tuple):
            if self._access is not None and not self._access.admits(addr[0]):
                return "denied"
            if addr[1] < LOWEST_PORT:
                return "low port"
            if addr[1] == self._own_port:
                return "own port"
        if self._recognizes and self._conversation.is_reply(datagram):
            return "looks like a reply"
        return None

    # What an answer calls.

    def reply(self, reply: bytes, size: int, addr: Any) -> None:
        """Send the reply to a request of *size* bytes from *addr*, unless that is unsafe."""
        length = len(reply)
        if length > AMPLIFICATION * size + FREE_BYTES or length > MAX_REPLY_BYTES:
            self.refuse("oversize" if length > MAX_REPLY_BYTES else "amplification", size, addr)
            return
        source = addr[0] if isinstance(addr, tuple) else addr
        if not self._rate.allows(source, self.clock.seconds()):
            self.drop("rate")
            return
        self.statistics.messages_out += 1
        self.statistics.bytes_out += length
        self._send(reply, addr)

    def _send(self, reply: bytes, addr: Any) -> None:
        """Send a reply that is counted already."""
        try:
            if self.transport is None:
                raise OSError("the port is closed")
            cast("Any", self.transport).write(reply, addr)
        except (OSError, ValueError, MessageLengthError):
            self.unsent(reply)

    def refuse(self, why: str, size: int, addr: Any) -> None:
        """Tell *addr*, if in text, that the reply to its *size* bytes is too long; count *why*."""
        self.drop(why)
        if self._conversation.speaks_text:
            self.reply(TOO_LONG, size, addr)

    @property
    def waiting(self) -> int:
        """How many datagrams wait for their answer."""
        return len(self._waiting)

    def drop(self, why: str) -> None:
        """Count a datagram that is not answered, and *why*."""
        self.statistics.dropped[why] += 1

    def wait(self, answer: "_Answer", size: int) -> bool:
        """Take an answer to *size* bytes among those that wait; return whether there is room."""
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes + size > MAX_WAITING_BYTES:
            return False
        self._waiting.add(answer)
        self._waiting_bytes += size
        return True

    def leave(self, answer: "_Answer", size: int) -> None:
        """Let go of an answer to *size* bytes that waited."""
        self._waiting.discard(answer)
        self._waiting_bytes -= size

    def finished(self) -> None:
        """Fire the Deferreds of the drains, if the last answer is done."""
        if self._draining and not self._waiting:
            draining, self._draining = self._draining, []
            for drained in draining:
                drained.callback(None)

    def fail(self, error: BaseException, size: int, addr: Any) -> None:
        """The conversation raised an error: a bug, which ends the answer to *size* bytes of *addr* only."""
        self.log_failure(error, addr)
        if self._conversation.speaks_text:
            self.reply(b"error: internal error\n", size, addr)

    def log_failure(self, error: BaseException, addr: Any) -> None:
        """Count and log an error over a datagram of *addr*; one that ends the process is raised again."""
        self.drop("error")
        self.log.failure(
            self.clock,
            "{protocol} datagram from {peer}: error in the conversation",
            Failure(error, type(error), error.__traceback__),
            self,
            event="conversation_error",
            protocol=self.name or type(self).__name__.removesuffix("DatagramProtocol").lower(),
            peer=str(datagram_peer(addr)) if addr else "",
        )
        if isinstance(error, EXITS):
            end_process(self.clock, error)
            raise error


def _inherits(conversation: Any, name: str) -> bool:
    """Return whether a conversation inherits a method of ``Conversation`` unchanged."""
    method = getattr(conversation, name)
    own = getattr(method, "__self__", None) is conversation
    return own and method.__func__ is getattr(Conversation, name)


class _Answer:
    """The answer to one datagram while it is being made.

    Args:
        port: The protocol that received the datagram.
        script: Its actions.
        addr: The address to which it is sent.
        size: The length of the datagram, in bytes.
    """

    def __init__(self, port: ConversationDatagramProtocol, script: Script, addr: Any, size: int) -> None:
        self._port, self._script, self._addr, self._size = port, script, addr, size
        self._parts: list[bytes] = []
        self._length = 0
        self._waiting: Waiting | None = None

    def go_on(self, value: Any = None, error: BaseException | None = None) -> None:
        """Do the actions until they are done or one has to wait."""
        port = self._port
        try:
            wanted = drive(self._script, self._put, port.clock, value, error)
        except BaseException as raised:
            port.fail(raised, self._size, self._addr)
            return
        if isinstance(wanted, Waiting):
            self._wait(wanted)
            return
        if wanted is not None:
            self._close()
            if wanted is TWICE and 2 * self._length <= AMPLIFICATION * self._size + FREE_BYTES:
                port.reply(b"".join(self._parts), self._size, self._addr)
        if isinstance(wanted, bytes):  # more won't make it shorter
            port.refuse("oversize", self._size, self._addr)
        elif self._parts and wanted is not ABORT:
            port.reply(b"".join(self._parts), self._size, self._addr)

    def cancel(self) -> None:
        """Make no answer."""
        self._port.leave(self, self._held)
        waiting, self._waiting = self._waiting, None
        try:
            self._close()
        finally:
            if waiting is not None:
                waiting.cancel(self._log)

    @property
    def _held(self) -> int:
        """How many bytes it takes."""
        return self._size + self._length + FRAME_BYTES * len(self._parts)

    def _put(self, data: bytes) -> bool:
        self._parts.append(data)
        self._length += len(data)
        return self._length > MAX_REPLY_BYTES or len(self._parts) > MAX_PARTS

    def _wait(self, waiting: Waiting) -> None:
        if self._port.wait(self, self._held):
            self._waiting = waiting
            waiting.then(self._waited)
        else:
            waiting.cancel(self._log)
            self._port.drop("busy")
            self._close()

    def _waited(self) -> None:
        waiting, self._waiting = self._waiting, None
        self._port.leave(self, self._held)
        try:
            if waiting is not None:
                self.go_on(waiting.value, waiting.error)
        finally:
            self._port.finished()

    def _close(self) -> None:
        """Be done with the script, whose answer is settled."""
        try:
            self._script.close()
        except BaseException as error:
            self._log(error)

    def _log(self, error: BaseException) -> None:
        self._port.log_failure(error, self._addr)
