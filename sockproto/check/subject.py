"""The server, as a case sees it.

The connections and sockets that it opens raise ``Failed`` for whatever is not as it should be::

    stream = subject.open()
    stream.send(b"Hello")
    stream.expect(b"Hello")
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from sockproto.check.body import Body
from sockproto.check.context import CheckContext
from sockproto.check.script import speaking
from sockproto.check.script.dialogue import ProtocolScript
from sockproto.check.spoken import SAYERS
from sockproto.check.started import UP_SECONDS, Started
from sockproto.check.target import free_port
from sockproto.check.timing import Timeline
from sockproto.check.verdict import Failed, Skipped, TooSlow
from sockproto.check.wire import DatagramClient, Silent, StreamClient, Wire
from sockproto.errors import Refused
from sockproto.plain.deadline import Deadline

W = TypeVar("W", bound=Wire)


class Subject:
    """The server, as a case sees it. What the case opens is closed when it is over.

    Args:
        context: What all cases share.
        deadline: When the case must be done.
    """

    def __init__(self, context: CheckContext, deadline: Deadline | None = None) -> None:
        self.context = context
        self.protocol, self.patience, self.quick = context.protocol, context.patience, context.quick
        self.habit = context.habit
        self.timeline = Timeline()
        self.deadline = deadline or Deadline(context.patience.case)
        self._wires: list[Wire] = []
        self._number = 0

    def connect(self) -> StreamClient:
        """Connect; whatever the server says first has yet to be read."""
        return self._kept(StreamClient)

    def open(self, holds: int = 0) -> StreamClient:
        """Connect, and read the welcome where there is one; say what a script says once.

        Args:
            holds: How many bytes our kernel may hold that the case has not read; 0: as many as it likes.
        """
        stream = self._kept(StreamClient, holds)
        if self.context.script is not None:
            speaking.begin(self.context.script, stream)
        elif self.context.welcome:
            stream.expect(self.context.welcome)
        return stream

    def datagrams(self, host: str = "", port: int = 0) -> DatagramClient:
        """Return a socket for datagrams, with a new port.

        Args:
            host: The address of ours to send from, if it matters.
            port: The port of ours to send from, if it matters.

        Raises:
            Skipped: Nothing can be sent from there.
        """
        return self._kept(DatagramClient, source=(host, port)) if port else self._kept(DatagramClient)

    def answer(self, message: bytes) -> bytes:
        """Return what a message is answered in this server's habit."""
        return self.habit.answer(message)

    @property
    def script(self) -> ProtocolScript:
        """What is said and what is due, in a case of scripts."""
        assert self.context.script is not None
        return self.context.script

    def half(self, number: int = 1) -> bytes:
        """Return the first half of a message."""
        if self.context.script is not None:
            return self.context.script.first().half
        return self.habit.name(number)[:5]

    def answers(self, messages: Iterable[bytes]) -> bytes:
        """Return what several messages are answered."""
        return self.habit.answers(messages)

    @property
    def started(self) -> Started:
        """The server's process.

        Raises:
            Skipped: It was not started by us.
        """
        if self.context.started is None:
            raise Skipped("only a server that is started by --start can be watched")
        return self.context.started

    @contextlib.contextmanager
    def another(self, port: int = 0) -> "Iterator[Subject]":
        """Start another server like it, which the case may end; it is ended by force if the case does not.

        Args:
            port: Its port; one that is free if 0.

        Raises:
            Skipped: It was not started by us, or can't be started twice.
            Failed: It does not come up.
        """
        target = self.context.target
        if not target.port or "{port}" not in self.started.command:
            raise Skipped("another server can be started only where --start has a {port}")
        port = port or free_port(target.where[0])
        with self.started.another(port) as started:
            try:
                self._wait_until_up(started, port)
                where = (target.where[0], port, *target.where[2:])
                there = replace(target, port=port, where=where)
                other = Subject(replace(self.context, target=there, started=started), self.deadline)
                other.timeline = self.timeline
                try:
                    yield other
                finally:
                    other.close()
            finally:
                started.kill()

    def _wait_until_up(self, started: Started, port: int) -> None:
        """Wait until another server listens; that the case ends before is not the server's fault."""
        target, left = self.context.target, self.deadline.left
        try:
            started.wait_until_up(target.kind, target.host, port, left)
        except Refused as error:
            if not started.ended and left < UP_SECONDS:
                seconds = f"{self.deadline.seconds:.3g} s"
                raise TooSlow(f"{seconds} are too short to start the server for it") from error
            raise Failed(f"the server can't be started: {error}") from error

    def becomes(self, true: Callable[[], bool], share: float = 1.0) -> bool:
        """Wait until something is true; say whether that comes in time.

        Args:
            true: Asked again and again.
            share: Which part of the time that an answer may take is given.

        Raises:
            TooSlow: The case's time is over before.
        """
        due = Deadline(share * self.patience.answer)
        while not true():
            if not self.deadline.left:
                raise TooSlow(f"it is too slow to be judged within {self.deadline.seconds:.3g} s")
            if not due.left:
                return False
            time.sleep(0.01)
        return True

    def settled(self, measure: Callable[[], int]) -> int:
        """Return what is measured when the server has had the time of a silence to be done with its work."""
        time.sleep(min(self.patience.silence, self.deadline.left))
        return measure()

    def sign_of_life(self) -> bytes:
        """Return what a new client is answered, right or wrong; empty if nothing."""
        if self.context.script is not None:
            with self.connect() as stream:
                return speaking.sign_of_life(self.context.script, stream)
        with self.open() as stream:
            if self.protocol == "discard":
                stream.send(b"Hello")
                stream.expect_silence()
                if self.context.target.tls is not None:
                    return b"silence"
                stream.half_close()  # else nobody could tell whether it was accepted
                with contextlib.suppress(Silent):
                    return b"the end" if not stream.receive_some() else b"words"
                return b"silence"
            if self.protocol in SAYERS:
                return b"a text" if stream.until_end() else b""
            if self.protocol == "chargen":
                return b"characters" if stream.receive(1) else b""
            message = self.habit.name(0)
            stream.send(message)
            return stream.what_comes(len(self.answer(message)), self.patience.answer)

    def still_serves(self, after: str) -> None:
        """A new client must be served as clients were at the beginning.

        Args:
            after: What happened before.
        """
        if not self.context.life:
            raise Skipped("clients are not answered even if nothing has happened before")
        try:
            if (now := self.sign_of_life()) == self.context.life:
                return
            failure = Failed(
                "it is answered otherwise" if now else "nothing came", None, self.context.life, now
            )
        except Failed as failed:
            failure = failed
        reason = f"after {after} a new client is not served: {failure.reason}"
        raise Failed(reason, failure.sent, failure.expected, failure.received) from failure

    def close(self) -> None:
        """Close all that is open."""
        for wire in self._wires:
            with contextlib.suppress(OSError):
                wire.close()
        self._wires.clear()

    def _kept(self, kind: type[W], holds: int = 0, **given: Any) -> W:
        self._number += 1
        shared = self.context.target, self._number, self.timeline, self.patience, self.deadline, holds
        made = kind(*shared, **given)
        self._wires.append(made)
        return made


def long_dialogue(subject: Subject, count: int) -> tuple[Body, Body]:
    """Return this many messages, and a talker's answers to all of them."""
    messages = [subject.habit.name(number) for number in range(count)]
    return Body(b"".join(messages)), Body(subject.answers(messages))
