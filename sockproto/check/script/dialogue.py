r"""All that a script says of a protocol. Pure.

::

    script.rounds(2)[0].send           # b"set key000000 0 0 5\r\nhello\r\n"
"""

from dataclasses import dataclass, replace

from sockproto.check.script.reply import Reply, numbered


@dataclass(frozen=True)
class ScriptStep:
    """A message, and what is due for it.

    Attributes:
        place: Where it stands in the script, for people: ``step 2``.
        send: The message.
        reply: What is due.
    """

    place: str
    send: bytes
    reply: Reply

    def numbered(self, number: int) -> "ScriptStep":
        """Return it with a number in its texts."""
        return replace(self, send=numbered(self.send, number), reply=self.reply.numbered(number))

    @property
    def half(self) -> bytes:
        """The first half of the message."""
        return self.send[: len(self.send) // 2]


@dataclass(frozen=True)
class ProtocolScript:
    """What is said in a protocol.

    Attributes:
        name: Its name, for people.
        greeting: What the server says first; None if it says nothing unasked.
        once: What each connection says first, and but once.
        steps: What may be said after it, in turn, and as often as one likes.
        close: The message that ends the conversation; None if there is no such message.
        server_closes: Whether the server then ends the stream; else the client does.
        longest: A message as long as the server must take; None if the script says nothing of it.
        pipelining: Whether a client may send on before it is answered.
        half_close: Whether what was sent before a half-close is answered.
        left_out: Steps that the server does not answer as is due, and that only one case says.
    """

    name: str
    greeting: Reply | None = None
    once: tuple[ScriptStep, ...] = ()
    steps: tuple[ScriptStep, ...] = ()
    close: ScriptStep | None = None
    server_closes: bool = True
    longest: ScriptStep | None = None
    pipelining: bool = True
    half_close: bool = True
    left_out: tuple[ScriptStep, ...] = ()

    # What of it a case may need.

    @property
    def talks(self) -> bool:
        """Whether messages may be repeated, and are answered."""
        return any(step.reply.text for step in self.steps)

    @property
    def splits(self) -> bool:
        """Whether a message has two bytes, which may come apart."""
        return self.talks and any(len(step.send) > 1 for step in (*self.once, *self.steps))

    @property
    def pipelines(self) -> bool:
        """Whether they may also be sent all at once."""
        return self.talks and self.pipelining

    @property
    def closes(self) -> bool:
        """Whether a message ends the conversation."""
        return self.close is not None

    @property
    def closes_while_pipelined(self) -> bool:
        """Whether a client may say something after that message, to a server that has ended the stream."""
        return self.closes and self.server_closes and self.pipelines

    @property
    def half_closes(self) -> bool:
        """Whether a half-close may follow a message that has an answer."""
        return self.half_close and self.talks

    @property
    def half_closes_while_pipelined(self) -> bool:
        """Whether a half-close may follow many messages that have answers."""
        return self.half_closes and self.pipelining

    @property
    def is_limited(self) -> bool:
        """Whether it is known how long a message may be."""
        return self.longest is not None

    # What is said.

    def dialogue(self, number: int = 0) -> tuple[ScriptStep, ...]:
        """Return all that is said on a connection before its close, once."""
        return tuple(step.numbered(number) for step in (*self.once, *self.steps))

    def without(self, number: int) -> "ProtocolScript":
        """Return it with one of the steps left out, counted from 0."""
        steps, wrong = self.steps, self.steps[number]
        return replace(self, steps=steps[:number] + steps[number + 1 :], left_out=(*self.left_out, wrong))

    def rounds(self, count: int, first: int = 0) -> list[ScriptStep]:
        """Return what may be repeated, that many times, with numbers from *first* on."""
        return [step.numbered(first + number) for number in range(count) for step in self.steps]

    def first(self) -> ScriptStep:
        """Return the first message of a connection."""
        return next(step for step in (*self.once, *self.steps, self.close) if step is not None).numbered(0)
