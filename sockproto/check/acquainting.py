"""Getting acquainted before the cases: what a server says first, and in which habit it answers.

::

    context = acquainted(CheckContext("greeting", target, FULL))
    str(context.habit)                      # "takes bare sends and lines; keeps newlines"
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from sockproto.check.context import CheckContext
from sockproto.check.habit import NEWLINES, Habit
from sockproto.check.script.speaking import answered
from sockproto.check.spoken import LINES, SAYERS, TALKERS, name, wrong
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Skipped
from sockproto.plain.deadline import Deadline

WAITED = 3
"""How many silences an answer to a probe may take at least, where others are answered."""

T = TypeVar("T")


def acquainted(context: CheckContext, deadline: Deadline | None = None) -> CheckContext:
    """Learn what the server says first, in which habit it answers, and what its clients are answered.

    Args:
        context: All that is known of it yet.
        deadline: When the check must be done, of which time this takes a third at most; if None, each may
            take as long as a case.
    """
    if context.target.datagrams:
        return context
    probes = _Probes(context, Deadline(deadline.left / 3) if deadline else None)
    if (script := context.script) is not None:
        probes.learn(script=probes.heard(lambda it: answered(it.script, it.connect), script))
    if context.protocol == "greeting":
        welcome = probes.heard(lambda it: it.connect().what_comes(1_024, it.patience.answer), b"")
        probes.learn(welcome=welcome)
    if context.protocol in TALKERS and probes.answered():
        probes.learn(found=Habit(context.protocol, lines=context.framing != "bare"))
        if context.protocol in LINES:
            probes.learn_endings()
        if context.protocol != "command":
            probes.learn_bare()
    elif context.protocol in SAYERS:
        probes.learn_oddness()
    probes.learn(life=probes.heard(Subject.sign_of_life, b""))
    if probes.context.found and context.protocol in TALKERS:
        probes.learn_script()  # last, for it may be the end of the server
    return probes.context


class _Probes:
    """What is asked of a server before it is judged.

    Args:
        context: All that is known of it yet.
        deadline: When to be done.
    """

    def __init__(self, context: CheckContext, deadline: Deadline | None) -> None:
        self.context, self._deadline = context, deadline

    @property
    def _habit(self) -> Habit:
        return self.context.habit

    def learn(self, **found: object) -> None:
        """Keep what was found of the context."""
        self.context = replace(self.context, **found)  # type: ignore[arg-type]  # fields of it

    def _learn_habit(self, **found: object) -> None:
        self.learn(found=replace(self._habit, **found))  # type: ignore[arg-type]  # fields of it

    def heard(self, listen: Callable[[Subject], T], nothing: T) -> T:
        """Return what is heard; *nothing* if the server fails."""
        case = self.context.patience.case
        subject = Subject(self.context, Deadline(min(case, self._deadline.left)) if self._deadline else None)
        try:
            return listen(subject)
        except (Failed, Skipped):
            return nothing
        finally:
            subject.close()

    def answered(self) -> bool:
        """Return whether a message has any answer; if not, there is nothing to find out."""
        return bool(self._said(name(self.context.protocol, 0), self.context.patience.answer))

    def _said(self, message: bytes, seconds: float) -> bytes:
        """Return the answer to a message on a new connection, up to a silence."""
        due = self._habit.answer(message)

        def ask(subject: Subject) -> bytes:
            stream = subject.open()
            stream.send(message)
            said = stream.what_comes(len(due), seconds)
            return said + stream.what_comes() if len(said) == len(due) else said

        return self.heard(ask, b"")

    def learn_endings(self) -> None:
        """Learn how it ends its answers to lines."""
        endings = {}
        for newline in NEWLINES:
            message = name(self.context.protocol, 0).rstrip() + newline
            said = self._said(message, self.context.patience.answer)
            if (ending := self._habit.ending(message, said)) is not None:
                endings[newline] = ending
        self._learn_habit(endings=endings)
        if self.context.protocol == "greeting":
            both = [name("greeting", 1), name("greeting", 2)]
            due = self._habit.answers(both)
            said = self.heard(lambda it: _exchange(it, b"".join(both), len(due)), b"")
            self._learn_habit(together=said == due)

    def learn_bare(self) -> None:
        """Learn whether it answers what no newline follows."""
        message = name(self.context.protocol, 0).rstrip()
        said = self._said(message, self.context.patience.answer / 2)
        self._learn_habit(bare=bool(said))
        if said and self.context.protocol == "greeting":
            ending = self._habit.ending(message, said)
            self._learn_habit(endings={**self._habit.endings, **({} if ending is None else {b"": ending})})

    def learn_oddness(self) -> None:
        """Learn whether what it says unasked is always wrong."""
        said = self.heard(lambda it: it.connect().until_end(), b"")
        odd = bool(said and wrong(self.context.protocol, said, time.time()))
        self.learn(found=Habit(self.context.protocol, odd=odd))

    def learn_script(self) -> None:
        """Learn which messages of a short dialogue it answers as is due, on one connection."""
        messages = self._habit.messages
        if self.context.protocol == "echo" and not self._habit.bare:
            messages = tuple(message.removesuffix(b"\n") + b"\n" for message in messages)
        taken = self._taken(messages)
        binary = {message for message in messages if not _is_text(message)}
        text = bool(binary) and bool(taken) and binary.isdisjoint(taken)
        del taken[self._count(taken) :]  # each for itself, perhaps, and not one after the other
        self._learn_habit(script=tuple(taken), text=text)

    def _taken(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return which are answered as is due; what is not ends its connection."""
        left, taken = list(messages), []
        while left:
            count = self._count(left)
            taken += left[:count]
            del left[: count or 1]  # the next one is asked again, on a new connection
        return taken

    def _count(self, messages: Sequence[bytes]) -> int:
        """Return how many of them are answered as is due before one is not."""
        return self.heard(lambda it: _dialogue(it, messages), 0)


def _exchange(subject: Subject, outgoing: bytes, size: int) -> bytes:
    """Return what comes, up to that many bytes."""
    stream = subject.open()
    stream.send(outgoing)
    return stream.what_comes(size, subject.patience.answer)


def _dialogue(subject: Subject, messages: Iterable[bytes]) -> int:
    """Return how many messages are answered as is due, one after the other's answer, before one is not."""
    stream, count, patience = subject.open(), 0, subject.patience
    seconds = max(WAITED * patience.silence, patience.answer / 4)
    try:
        for message in messages:
            stream.send(message)
            if not (due := subject.answer(message)):
                stream.expect_silence()
            elif stream.what_comes(len(due), seconds) != due:
                break
            count += 1
    except Failed:  # it has ended, or says something where nothing is due
        pass
    return count


def _is_text(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
