r"""How a server tells messages apart, and how its answers end: what the tutorials leave to it. Pure.

A server is judged in its own habit; what is found of it is in ``acquainting``::

    habit = Habit("greeting", endings={b"\n": b"\n!"}, bare=True, together=False)
    habit.answer(b"Ann\n")              # b"Hello, Ann\n!"
    habit.name(7)                       # b"client 7": a newline ends no name of this server's
    str(habit)                          # "takes bare sends; keeps newlines inside the name"
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sockproto.check.spoken import LINES, SCRIPTS, TALKERS, answer, name, wrong

FRAMINGS = ("auto", "lines", "bare")
"""How a greeting server may tell names apart: both ways at once, by newlines, by pauses."""

NEWLINES = (b"\n", b"\r\n")

RIGHT = {b"": b"!", b"\n": b"!\n", b"\r\n": b"!\r\n"}
"""What follows the name in the answer of a greeting server that keeps newlines, by what ended the name."""

_SHAPES = {"greeting": rb"(\r?\n|\r)?!(\r?\n)?", "command": rb"\r?\n?"}
"""What may follow the text in an answer."""

_TOLD = {b"\n": "LF", b"\r\n": "CR LF"}


@dataclass(frozen=True)
class Habit:
    """The habit of a server; as it stands here, that of one which does all that it may.

    Attributes:
        protocol: What it speaks.
        endings: What follows the text in its answers, by the newline that ended the message, if that was
            found out; ``b""`` is that of a message without one.
        bare: Whether it answers a message that no newline follows.
        together: Whether it tells apart several lines that come together.
        lines: Whether it may be held to tell them apart if it takes no newline for part of a name.
        text: Whether it takes only what is UTF-8.
        odd: Whether it is one that says something unasked, and what it says is wrong.
        script: Which messages of a short dialogue it answers as is due; None: nobody has looked.
    """

    protocol: str
    endings: Mapping[bytes, bytes] = field(default_factory=dict)
    bare: bool = True
    together: bool = True
    lines: bool = True
    text: bool = False
    odd: bool = False
    script: tuple[bytes, ...] | None = None

    @property
    def framing(self) -> str:
        """Return which of ``FRAMINGS`` it has."""
        if not self.bare:
            return "lines"
        return "auto" if self.together else "bare"

    @property
    def inside(self) -> bool:
        """Return whether it takes a line's newline for a part of the name."""
        return self.endings.get(b"\n", b"!")[:1] == b"\n"

    @property
    def apart(self) -> bool:
        """Return whether a newline ends a message, as it understands it: then several may come at once."""
        return self.together or (self.lines and not self.inside)

    @property
    def newline(self) -> bytes:
        """Return what ends a message that it can take; empty if it may have none."""
        if self.protocol == "greeting":
            return b"\n" if self.apart else b""
        return b"\n" if self.protocol in LINES or not self.bare else b""

    @property
    def messages(self) -> tuple[bytes, ...]:
        """Return the short dialogue in a form that it may take, whether it is answered as is due or not."""
        script = SCRIPTS.get(self.protocol, ())
        if not self.apart:
            return tuple(message.rstrip(b"\r\n") for message in script if message.strip())
        return script

    @property
    def dialogue(self) -> tuple[bytes, ...]:
        """Return messages that it answers as is due; all, if it answers none so."""
        return self.script or self.messages

    def line(self, text: bytes) -> bytes:
        """Return a message of a text."""
        return text + self.newline

    def name(self, number: int) -> bytes:
        """Return a message that no other number has; each has an answer."""
        message = name(self.protocol, number)
        return message if self.apart else message.removesuffix(b"\n")

    def answer(self, message: bytes) -> bytes:
        """Return the answer to a message, with the end that this server puts there, right or wrong."""
        due = answer(self.protocol, message)
        newline = newline_of(message)
        ending = self.endings.get(newline)
        if ending is None or self.protocol not in LINES:
            return due
        if self.protocol == "command":
            return due and due.removesuffix(b"\n") + ending
        if not due and ending[:1] == b"!":
            return b""
        return b"Hello, " + message.removesuffix(newline) + ending

    def answers(self, messages: Iterable[bytes]) -> bytes:
        """Return what several messages are answered."""
        return b"".join(map(self.answer, messages))

    def wrong(self, said: bytes, now: float) -> str:
        """Say what is wrong about what a sayer said, if that is not always wrong; empty if nothing is."""
        if self.odd and said:
            return ""
        return wrong(self.protocol, said, now)

    def ending(self, message: bytes, said: bytes) -> bytes | None:
        """Return what follows the text in an answer; None if it is no such answer, whatever its end."""
        due = answer(self.protocol, message).rstrip(b"\r\n").removesuffix(b"!")
        if not said.startswith(due):
            return None
        ending = said.removeprefix(due)
        return ending if re.fullmatch(_SHAPES[self.protocol], ending) else None

    def __str__(self) -> str:
        """Return it in words, such as ``takes bare sends; keeps newlines``; empty if it has none."""
        if self.protocol not in TALKERS:
            return ""
        if self.protocol == "echo":
            found = ["gives back what comes" if self.bare else "reads lines"]
            return "; ".join(found + ["takes only UTF-8"] * self.text)
        how = {"auto": "takes bare sends and lines", "lines": "reads lines", "bare": "takes bare sends"}
        if self.protocol == "command":
            return f"reads lines; ends answers with {_told(self.endings.get(NEWLINES[0], NEWLINES[0]))}"
        return "; ".join(filter(None, (how[self.framing], *self._newlines())))

    def _newlines(self) -> Iterable[str]:
        """Say what a greeting server does with newlines."""
        due = {newline: self.endings.get(newline, right) for newline, right in RIGHT.items()}
        after = {newline: ending.partition(b"!")[2] for newline, ending in due.items()}
        if self.inside:
            yield "keeps newlines inside the name"
        elif due[b"\r\n"][:1] == b"\r":
            yield "takes a CR for part of the name"
        if after[b"\n"] and after[b"\n"] == after[b"\r\n"]:
            yield f"ends its answers with {_told(after[NEWLINES[0]])}"
        elif after[b"\n"]:
            yield "keeps newlines"
        elif not self.inside:
            yield "strips newlines"
        if self.bare and after[b""]:
            yield "adds a newline to the answer to a bare send"


def newline_of(message: bytes) -> bytes:
    """Return the newline that ends a message; empty if none does."""
    return next((newline for newline in (b"\r\n", b"\n") if message.endswith(newline)), b"")


def payload(greetings: bytes) -> bytes:
    """Return what was greeted, however it was cut: without newlines and blanks, which may be stripped."""
    return greetings.replace(b"Hello, ", b"").translate(None, b"! \r\n")


def _told(newline: bytes) -> str:
    return _TOLD.get(newline, "no newline")
