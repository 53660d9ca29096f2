"""A client of command: sends lines, and finds the replies to each.

::

    converse("127.0.0.1:9999", CommandClient([b"/version", b"/help"]))
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from sockproto.client.conversations.answers import is_refusal, rule, streams_of
from sockproto.core.actions import HALF_CLOSE, Interrupted, Script, Until, Wait, next_of
from sockproto.core.conversation import ClientConversation, CloseReason, Peer
from sockproto.core.text import escape
from sockproto.errors import TooLarge
from sockproto.protocols.command import LF_LINES


class Replies(NamedTuple):
    """What a command client said, and what the server said to it.

    Attributes:
        greeting: The lines that came before any line was answered.
        lines: The lines that were sent.
        replies: For each of those the lines that answer it, a stream's all together; None for one that gets
            no answer.
        more: The lines that came besides, at the end.
    """

    greeting: tuple[bytes, ...]
    lines: tuple[bytes, ...]
    replies: tuple[tuple[bytes, ...] | None, ...]
    more: tuple[bytes, ...]


class CommandClient(ClientConversation):
    """Sends lines, the next one when the last is answered, then ends its half of the stream.

    Which lines are answered, and where an answer ends, is known by the rule ``answers``. Without one the
    client asks ``/help json`` before the first line that begins with the prefix. A server that answers with
    its description is asked that again behind each such line: what comes before that answer belongs to the
    line, however many lines it is. For another server the rule is ``prefix``.

    Args:
        lines: The lines: bytes, or an ``Input`` for bytes or None.
        heard: Called with each line that comes, and the line that it answers, None if it answers none; then
            nothing is kept for the result.
        max_bytes: The most that is kept of what comes.
        prefix: What stands before every command; empty: nothing, and nothing is asked.
        answers: The rule, see ``rule``; None: as the server describes it.
        greeting: How many lines come before the first is sent.
        unanswered: Called with each line that is sent and not answered.
        silence: Returns what is done when the server has been silent so long that no description will come;
            None: it is not asked for.
    """

    framing = LF_LINES

    def __init__(
        self,
        lines: Iterable[bytes | Wait],
        heard: Callable[[bytes | None, bytes], object] | None = None,
        max_bytes: int = 1 << 24,
        prefix: bytes = b"/",
        answers: str | int | None = "prefix",
        greeting: int = 0,
        unanswered: Callable[[bytes], object] | None = None,
        silence: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._lines = _Lines(lines)
        self._due_of = rule("prefix" if answers is None else answers, prefix)
        self._prefix, self._question = prefix, prefix + b"help json"
        self._heard, self._unanswered, self._silence = heard, unanswered, silence
        self._max_bytes = self._room = max_bytes
        self._is_asking = answers is None and bool(prefix) and silence is not None
        self._held: list[bytes] = []  # what came since the question was asked
        self._late = False  # the description may come though it is not waited for any more
        self._description = b""  # as it came first
        self._streams: frozenset[bytes] | None = None  # of a server that has described itself
        self._due = greeting  # lines that are still due
        self._bounded = False  # the answer ends where the description comes
        self._asked = False  # all lines are sent
        self._line: bytes | None = None  # the one that is being answered
        self._number = self._count = 0  # its number; lines sent
        self._came = 0  # lines that answer it
        self._greeting: list[bytes] = []
        self._sent: list[bytes] = []
        self._replies: list[list[bytes] | None] = []
        self._more: list[bytes] = []
        self._into = self._greeting

    @property
    def awaiting(self) -> bool:
        """Whether a reply is due, or the end."""
        return bool(self._due) or self._bounded or self._asked

    @property
    def done(self) -> bool:  # type: ignore[override]  # read alone
        """Whether each line was answered."""
        return self._asked and not (self._due or self._bounded)

    @property
    def due(self) -> str:  # type: ignore[override]  # read alone
        """What the client waits for."""
        if not (self._due or self._bounded):
            return ""
        if self._line is None:
            return "its greeting was due"
        shown = escape(self._line[:60].decode("utf-8", "backslashreplace"))
        what = "the end of the answer" if self._came else "the answer"
        return f"{what} to line {self._number}, {shown}, was due"

    @property
    def result(self) -> Replies:
        """What was said, so far."""
        replies = tuple(None if each is None else tuple(each) for each in self._replies)
        return Replies(tuple(self._greeting), tuple(self._sent), replies, tuple(self._more))

    def opened(self, peer: Peer) -> Script | None:
        """Send the first line, or wait for the greeting."""
        return None if self._due else self._next()

    def received(self, reply: bytes) -> Script | None:
        """Take a line, or the lines of a datagram; go on if all that was due has come."""
        reply = reply.removesuffix(b"\n").removesuffix(b"\r")  # as a datagram has it
        if self._bounded and self._description and reply.endswith(self._description):
            if answer := reply.removesuffix(self._description):
                self._keep(answer)  # one that has no newline, such as that of /bytes of ``faults``
            reply = self._description
        if self._is_description_due() and (streams := streams_of(reply)) is not None:
            self._streams, self._late, self._description = streams, False, reply
            if not self._bounded:  # it came too late to be waited for
                return None
            self._bounded = False
            return self._next()
        for line in reply.split(b"\n"):
            self._keep(line)
        if self._bounded:
            return self._end_stream()
        if not self._due:
            return None
        self._due -= 1
        return None if self._due else self._next()

    def ended(self) -> None:
        """The server has said all: an answer that is not a stream has ended, if no other line is left."""
        if self._bounded and self._came and not self._is_stream() and not isinstance(self._peek(), bytes):
            self._bounded, self._asked = False, True

    def closed(self, reason: CloseReason) -> None:
        """What was held until a description came is told."""
        self._settle()

    def _next(self) -> Script:
        while (line := (yield from next_of(self._lines))) is not None:
            due = self._due_of(line)
            if due and self._is_asking and self._silence is not None:
                yield from self._ask(self._silence)
            self._begin(line, due)
            yield line
            if due and self._streams is not None:
                self._due, self._bounded = 0, True
                yield self._question
            if due:
                return
        self._asked = True
        self._line, self._into = None, self._more
        yield HALF_CLOSE

    def _begin(self, line: bytes, due: int) -> None:
        """Note a line that is sent."""
        self._count += 1
        replies: list[bytes] | None = [] if due else None
        if self._heard is None:
            self._sent.append(line)
            self._replies.append(replies)
        if replies is not None:
            self._line, self._number, self._due, self._came, self._into = line, self._count, due, 0, replies
        elif self._unanswered is not None:
            self._unanswered(line)

    def _keep(self, reply: bytes) -> None:
        self._came += 1
        if self._heard is not None:
            self._heard(self._line, reply)
            return
        self._room -= len(reply) + 1
        if self._room < 0:
            raise TooLarge(f"more than {self._max_bytes} bytes came")
        self._into.append(reply)

    # Of a server that describes itself.

    def _ask(self, silence: Callable[[], Awaitable[object]]) -> Script:
        """Ask for the description, alone: some servers take a read for a line. A greeting comes before."""
        yield self._question
        came: list[bytes] = []
        room = self._max_bytes

        def take(message: bytes) -> bool:
            came.append(message)
            return True

        while True:
            try:
                yield Until(silence(), take)
                break
            except Interrupted:
                reply = came.pop()
            self._streams = streams_of(reply)
            if self._streams is not None:
                self._description = reply
                break
            self._held.append(reply)
            room -= len(reply) + 1
            if room < 0:
                raise TooLarge(f"more than {self._max_bytes} bytes came before any line was answered")
            if is_refusal(reply, self._prefix):
                break
        answers = 1 if self._streams is None and self._held else 0  # the last line is one to the question
        self._greet(self._held[: len(self._held) - answers])
        del self._held[: len(self._held) - answers]
        self._is_asking, self._late = False, self._streams is None

    def _is_description_due(self) -> bool:
        """Tell whether a description that comes now is the answer to our question, not to the line."""
        if self._bounded and not self._came and self._line is not None:
            return self._line.upper().split() != self._question.upper().split()
        return self._bounded or self._late

    def _settle(self) -> None:
        """There was no answer to a line: what seemed to be one to the question was said to no line."""
        held, self._held = self._held, []
        if self._is_asking or not self._came:
            self._greet(held)

    def _greet(self, lines: list[bytes]) -> None:
        """Note lines that came before the one that is being answered."""
        line, into, came = self._line, self._into, self._came
        self._line, self._into = None, self._greeting
        for each in lines:
            self._keep(each)
        self._line, self._into, self._came = line, into, came

    def _is_stream(self) -> bool:
        words = (self._line or b"").split(None, 1)
        return bool(words and self._streams) and words[0].upper() in (self._streams or ())

    def _end_stream(self) -> Script | None:
        """Send the next line at once if it is empty and is there: it ends a streamed answer."""
        following = self._peek() if self._is_stream() else None
        if following != b"":
            return None
        return self._interrupt()

    def _interrupt(self) -> Script:
        yield from next_of(islice(self._lines, 1))
        line, number, into = self._line, self._number, self._into
        self._begin(b"", 0)
        self._line, self._number, self._into = line, number, into
        yield b""

    def _peek(self) -> bytes | Wait | None:
        """Return the next line, or the ``Wait`` for it; None if there is none."""
        item = self._lines.peek()
        awaitable = item.awaitable if isinstance(item, Wait) else None
        if awaitable is not None and getattr(awaitable, "called", False):
            return getattr(awaitable, "result", None)
        return item


class _Lines(Iterator[bytes | Wait]):
    """The lines to send; the next one can be looked at before it is taken."""

    def __init__(self, lines: Iterable[bytes | Wait]) -> None:
        self._lines = iter(lines)
        self._ahead: list[bytes | Wait] = []

    def __next__(self) -> bytes | Wait:
        return self._ahead.pop() if self._ahead else next(self._lines)

    def peek(self) -> bytes | Wait | None:
        """Return the next line; None: there is none."""
        if not self._ahead:
            self._ahead.extend(islice(self._lines, 1))
        return self._ahead[0] if self._ahead else None
