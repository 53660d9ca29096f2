"""Standard input, in pieces or lines, without ever blocking the reactor.

Data that is not all there yet is read from an ``Input``::

    echo("127.0.0.1:7", Source(reactor).pieces(65_536))
"""

import os
from collections import deque
from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.cli.console import size_of
from sockproto.core.actions import Input
from sockproto.core.framing.lines import Lines
from sockproto.errors import MessageTooLong, ReadFailed

PIECE_BYTES = 262_144
"""What is read of a file at once."""


@implementer(IReadDescriptor)
class Source:
    """A descriptor that is read from.

    Args:
        reactor: Says when there is something to read.
        descriptor: Its number; it stays as it is, blocking too, for those who share it.
    """

    def __init__(self, reactor: Any, descriptor: int = 0) -> None:
        self._reactor, self._descriptor = reactor, descriptor
        self._is_file = size_of(descriptor) is not None
        self._waiting: Deferred[bytes | None] | None = None
        self._size = PIECE_BYTES
        self._framing = Lines()
        self._lines: deque[bytes] = deque()
        self._ended = False

    def pieces(self, size: int = PIECE_BYTES) -> Iterator[bytes | Input]:
        """Yield all there is in pieces of at most *size* bytes."""
        self._size = size
        if self._is_file:
            while data := self._read_now():
                yield data
            return
        while not self._ended:
            yield Input(self._read())

    def lines(self) -> Iterator[bytes | Input]:
        """Yield all there is in lines, without their ends."""
        while self._lines or not self._ended:
            yield Input(self._line())

    def _read(self) -> "Deferred[bytes | None]":
        """Return what is there next; None at the end."""
        self._waiting = Deferred(lambda _: self._reactor.removeReader(self))
        self._reactor.addReader(self)
        return self._waiting

    @inlineCallbacks
    def _line(self) -> Any:
        while not self._lines and not self._ended:
            data = yield self._read()
            if data is None:
                self._framing.end()
            else:
                self._framing.feed(data)
            try:
                while taken := self._framing.take():
                    self._lines.extend(taken)
            except MessageTooLong as error:
                raise ReadFailed(f"standard input has a line of more than {error.limit} bytes") from error
        return self._lines.popleft() if self._lines else None

    def _read_now(self) -> bytes:
        try:
            return os.read(self._descriptor, self._size)
        except OSError as error:
            raise ReadFailed(f"can't read standard input: {os.strerror(error.errno or 0)}") from error

    # What the reactor calls.

    def doRead(self) -> None:
        """There is something to read, or the end."""
        self._reactor.removeReader(self)  # until somebody wants more
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.called:
            return
        try:
            data = self._read_now()
            self._ended = not data
            waiting.callback(data or None)
        except ReadFailed:
            waiting.errback(Failure())

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def connectionLost(self, reason: Failure) -> None:
        """A pipe's other end is closed, which some reactors say so, or the reactor stops."""
        if self._waiting is not None:
            self.doRead()

    def logPrefix(self) -> str:
        """Return a name for the log."""
        return "standard input"
