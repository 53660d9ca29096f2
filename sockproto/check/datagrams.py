"""Datagrams to the server and back, on a plain socket that never waits without a deadline.

::

    sock = DatagramClient(target, 1, timeline, patience, deadline)
    sock.expect(b"Michael", b"Hello, Michael!")
"""

import errno
import socket
from contextlib import ExitStack
from typing import Any

from sockproto.check.body import Edges, difference
from sockproto.check.sockets import READ, WRITE, NotConnected, Silent, Wire
from sockproto.check.verdict import Failed, Skipped, edges, shown
from sockproto.plain.deadline import Deadline
from sockproto.plain.unix import temporary_name

MAX_DATAGRAM = 65_535


class DatagramClient(Wire):
    """A socket for datagrams, which knows only the server.

    Args:
        given: See ``Wire``.
        source: From which address and port it is to send; from whatever is free, if None.
    """

    kind = socket.SOCK_DGRAM

    def __init__(self, *given: Any, source: tuple[str, int] | None = None) -> None:
        self._source, self._names = source, ExitStack()
        super().__init__(*given)

    def close(self) -> None:
        """Close it, if it is not closed."""
        super().close()
        self._names.close()

    @property
    def port(self) -> int:
        """Our port; 0 on a UNIX socket."""
        return 0 if self._target.family == socket.AF_UNIX else int(self._sock.getsockname()[1])

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        self._outgoing = Edges()
        self._outgoing.add(data)
        try:
            if not self._wait(WRITE, self._patience.answer):
                raise Silent("the server does not read: its queue is full", self._sent)
            self._sock.send(data)
        except OSError as error:
            self._note("note", text=error.strerror or str(error))
            if error.errno == errno.EMSGSIZE:
                raise Skipped(f"this machine can't send a datagram of {len(data):,} bytes") from error
            raise NotConnected(f"can't be sent: {error.strerror or error}", self._sent) from error
        self._note("sent", data)

    def receive(self, seconds: float | None = None) -> bytes | None:
        """Return a datagram; None if none comes in time."""
        seconds = self._patience.answer if seconds is None else seconds
        deadline = Deadline(seconds)
        while self._wait(READ, deadline.left):
            try:
                data: bytes = self._sock.recv(MAX_DATAGRAM)
            except BlockingIOError:  # its checksum was wrong
                continue
            except OSError as error:
                self._note("note", text=error.strerror or str(error))
                raise NotConnected(f"nothing listens there: {error.strerror or error}", self._sent) from error
            self._note("received", data, "a datagram" if data else "an empty datagram")
            return data
        if seconds:
            self._note("waited", text=f"{seconds:g} s: no datagram came")
        return None

    def ask(self, data: bytes, tries: int = 2) -> bytes:
        """Send a datagram and return the answer, which must come; a lost datagram is sent again."""
        for _ in range(tries):
            self.send(data)
            answer = self.receive(self._patience.answer / tries)
            if answer is not None:
                return answer
        raise Silent("no answer came", self._sent)

    def expect(self, data: bytes, expected: bytes) -> None:
        """Send a datagram; the answer must be this one."""
        answer = self.ask(data)
        if answer != expected:
            place = difference(expected, answer)
            raise Failed(
                f"another datagram came back: {len(answer):,} bytes, another one from byte {place:,} on",
                self._sent,
                edges(expected),
                edges(answer),
            )

    def expect_silence(self, seconds: float | None = None) -> None:
        """No datagram must come."""
        data = self.receive(self._patience.silence if seconds is None else seconds)
        if data is not None:
            raise Failed(f"{shown(data)} came where nothing was due", self._sent, None, edges(data))

    def _connect(self) -> None:
        target = self._target
        try:
            if target.family == socket.AF_UNIX:
                self._sock.bind(self._names.enter_context(temporary_name()))
            elif self._source is not None:
                self._bind(*self._source)
            self._sock.connect(target.where)
        except OSError as error:
            raise NotConnected(f"the server can't be reached: {error.strerror or error}") from error
        self._note("connected")

    def _bind(self, host: str, port: int) -> None:
        try:
            self._sock.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            raise Skipped(f"no datagram can be sent from port {port} here: {reason}") from error
