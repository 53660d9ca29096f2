r"""Plain sockets that never wait without a deadline and note what happens.

A case reads as what it does; what is wrong is raised as ``Failed``, with the bytes::

    stream = Stream(target, 1, timeline, patience, deadline)
    stream.send(b"Michael\n")
    stream.expect(b"Hello, Michael!\n")
"""

import contextlib
import errno
import os
import select
import socket
import ssl
import struct
import sys
import tempfile
import time
from collections.abc import Iterable
from typing import Any, TypeVar

from sockproto.check.body import PART_BYTES, Body, Edges, difference
from sockproto.check.target import Target
from sockproto.check.timing import Deadline, Patience, Timeline
from sockproto.check.verdict import Failed, Skipped, edges, shown

READ, WRITE = select.POLLIN, select.POLLOUT
MAX_DATAGRAM = 65_535
TAKEN_BYTES = 1 << 20


class Silent(Failed):
    """Nothing came in time that had to come."""


class Ended(Failed):
    """The server ended the stream too early."""


class WasReset(Failed):
    """The server cut the connection."""


class NotConnected(Failed):
    """The server can't be reached, any more."""


W = TypeVar("W", bound="Wire")


class Wire:
    """A socket of a case.

    Args:
        target: Whom to call.
        number: Which of the case's sockets it is, from 1.
        timeline: Where to note what happens.
        patience: How long to wait.
        deadline: When the case must be done.
        holds: How many bytes our kernel may hold that were not read yet; 0: as many as it likes.
    """

    kind = socket.SOCK_STREAM

    def __init__(
        self,
        target: Target,
        number: int,
        timeline: Timeline,
        patience: Patience,
        deadline: Deadline,
        holds: int = 0,
    ) -> None:
        self._target, self._number, self._timeline = target, number, timeline
        self._patience, self._deadline = patience, deadline
        self._outgoing = Edges()
        self._sock: Any = socket.socket(target.family, self.kind)
        self._sock.setblocking(False)
        if holds:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
        try:
            self._connect()
        except BaseException:
            self._sock.close()
            raise

    def close(self) -> None:
        """Close it, if it is not closed."""
        if self._sock.fileno() >= 0:
            self._note("closed")
            self._sock.close()

    def __enter__(self: W) -> W:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        raise NotImplementedError

    @property
    def _sent(self) -> bytes | None:
        """What was sent, for a report; None if nothing was."""
        return bytes(self._outgoing) if self._outgoing.size else None

    def _note(self, kind: str, data: bytes = b"", text: str = "") -> None:
        self._timeline.note(self._number, kind, data, text)

    def _wait(self, events: int, seconds: float) -> int:
        """Wait for the socket; give what can be done, 0 if that is nothing in time."""
        if not self._deadline.left:
            # Not the server's fault: it was not silent for as long as it may be.
            self._note("waited", text="the case's time is over")
            raise Skipped(f"it is too slow to be judged within {self._deadline.seconds:.3g} s")
        if events & READ and isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return READ
        poll = select.poll()
        poll.register(self._sock, events)
        if ready := poll.poll(1000 * min(seconds, self._deadline.left)):
            return (ready[0][1] & events) or events  # an error shows when it is tried
        if seconds and not self._deadline.left:
            return self._wait(events, 0)
        return 0


class Stream(Wire):
    """A connection to the server."""

    def send(self, data: bytes) -> None:
        """Send all of it; reads nothing meanwhile."""
        view = memoryview(data)
        while view:
            if not self._wait(WRITE, self._patience.answer):
                rest = f"{len(view):,} of {len(data):,} bytes"
                raise Silent(f"the server does not read: {rest} can't be sent", edges(data))
            view = view[self._write(view) :]

    def send_pieces(self, pieces: Iterable[bytes]) -> float:
        """Send each on its own, so that the server reads them apart; give the longest time between two."""
        longest, before = 0.0, time.monotonic()
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(self._patience.pause)
            self.send(piece)
            now = time.monotonic()
            if number:
                longest = max(longest, now - before)
            before = now
        return longest

    def expect(self, expected: bytes) -> None:
        """Read as many bytes; they must be these."""
        self.exchange(b"", expected)

    def exchange(self, outgoing: bytes | Body, expected: bytes | Body, half_close: bool = False) -> None:
        """Send and read at the same time; what comes must be what is expected.

        Args:
            outgoing: What to send, of any length.
            expected: What must come.
            half_close: Whether to end our half once all is sent. Then nothing is read before the server stops
                reading, so that as much as it holds is still to come when our half ends.
        """
        outgoing = outgoing if isinstance(outgoing, Body) else Body(outgoing)
        expected = expected if isinstance(expected, Body) else Body(expected)
        sent = came = 0
        while sent < outgoing.size or came < expected.size:
            ready = self._ready(came < expected.size, sent < outgoing.size, half_close)
            if not ready:
                late = f"nothing more came within {self._patience.answer:g} s" if came else "no answer came"
                raise Silent(f"{late}{_progress(came, expected)}", *self._story(expected, came))
            if ready & READ:
                came += self._take(expected, came)
            if ready & WRITE:
                sent += self._write(outgoing.part(sent))
                if half_close and sent == outgoing.size:
                    self.half_close()

    def _ready(self, reading: bool, writing: bool, late: bool) -> int:
        """Give what can be done next; with *late*, reading is last: once the server has stopped reading."""
        if late and writing and self._wait(WRITE, self._patience.pause):
            return WRITE
        return self._wait((READ if reading else 0) | (WRITE if writing else 0), self._patience.answer)

    def _take(self, expected: Body, came: int) -> int:
        """Read what is there, a megabyte at most, and compare; give how much it was."""
        before = came
        while came - before < TAKEN_BYTES and came < expected.size:
            data = self._read(PART_BYTES, 0)
            if data is None:
                break
            self._compare(data, expected, came)
            came += len(data)
        return came - before

    def receive(self, count: int) -> bytes:
        """Give exactly so many bytes."""
        data = b""
        while len(data) < count:
            piece = self._read(count - len(data), self._patience.answer)
            if not piece:
                text = f"after {len(data):,} of {count:,} bytes"
                if piece is None:
                    raise Silent(f"nothing more came {text}", self._sent, None, edges(data))
                raise Ended(f"the stream ended {text}", self._sent, None, edges(data))
            data += piece
        return data

    def until_end(self, limit: int = 1 << 20) -> bytes:
        """Give all that comes until the server ends the stream, which it must."""
        data = b""
        while len(data) <= limit:
            piece = self._read(PART_BYTES, self._patience.answer)
            if piece is None:
                raise Silent(
                    f"the server does not end the stream{_after(data)}", self._sent, None, edges(data)
                )
            if not piece:
                return data
            data += piece
        raise Failed(f"more than {limit:,} bytes came, and no end", self._sent, None, edges(data))

    def what_comes(self, limit: int = 1 << 16, first: float | None = None) -> bytes:
        """Give what comes until it falls silent or ends.

        Args:
            limit: The most to read.
            first: Seconds to wait for the first byte, if not for as long as for more.
        """
        data = b""
        seconds = self._patience.silence if first is None else first
        while len(data) < limit and (piece := self._read(limit - len(data), seconds)):
            data += piece
            seconds = self._patience.silence
        return data

    def expect_end(self) -> None:
        """The server must end the stream, without another word."""
        data = self._read(1_024, self._patience.answer)
        if data is None:
            raise Silent("the server does not end the stream", self._sent, b"")
        if data:
            raise Failed(f"{shown(data)} came where the end was due", self._sent, b"", data)

    def expect_silence(self) -> None:
        """The server must say nothing, and not end the stream."""
        data = self._read(1_024, self._patience.silence)
        if data == b"":
            raise Ended("the server ended the stream", self._sent)
        if data:
            raise Failed(f"{shown(data)} came where nothing was due", self._sent, b"", data)

    def push(self, block: bytes, limit: int, silence: float) -> int:
        """Send a block again and again, and read nothing; give how much the server took.

        Args:
            block: What to send.
            limit: The most to send.
            silence: Seconds in which the server takes nothing, after which it is held to have stopped.
        """
        body, sent = Body(block, limit), 0
        while sent < limit and self._wait(WRITE, silence):
            sent += self._write(body.part(sent))
        return sent

    def half_close(self) -> None:
        """End our half of the stream: we send no more, and read on."""
        self._note("half-closed")
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Cut the connection, as a crash does."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._note("closed", text="with a reset")
        self._sock.close()

    # What the others are made of.

    def _connect(self) -> None:
        target, sock = self._target, self._sock
        if target.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while (number := sock.connect_ex(target.where)) == errno.EAGAIN and self._deadline.left:
                time.sleep(0.01)  # a UNIX socket's full backlog: nobody can wait for it
            if number and not self._wait(WRITE, self._patience.answer):
                raise NotConnected(f"the server accepts no connection within {self._patience.answer:g} s")
            if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(number, os.strerror(number))
            if target.tls is not None:
                sock.settimeout(min(self._patience.answer, self._deadline.left) or 0.001)
                self._sock = target.tls.wrap_socket(sock, server_hostname=target.host or None)
                self._sock.setblocking(False)
        except OSError as error:
            self._note("note", text=f"not connected: {error.strerror or error}")
            raise NotConnected(f"the server can't be reached: {error.strerror or error}") from error
        self._note("connected")

    def _read(self, limit: int, seconds: float) -> bytes | None:
        """Give what comes, ``b""`` at the end, None if nothing comes in time."""
        deadline = Deadline(seconds)
        while self._wait(READ, deadline.left):
            try:
                data: bytes = self._sock.recv(limit)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue  # of TLS, part of a record
            except OSError as error:
                self._note("reset", text=error.strerror or str(error))
                raise WasReset("the server cut the connection", self._sent) from error
            self._note("received" if data else "ended", data)
            return data
        if seconds:
            self._note("waited", text=f"{seconds:g} s: nothing came")
        return None

    def _write(self, data: "bytes | memoryview") -> int:
        """Write what can be written now; give how much that was."""
        try:
            count: int = self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError as error:
            self._note("reset", text=error.strerror or str(error))
            raise WasReset("the server cut the connection while it was sent to", self._sent) from error
        self._outgoing.add(bytes(data[:count]))
        self._note("sent", bytes(data[:count]))
        return count

    def _compare(self, data: bytes, expected: Body, came: int) -> None:
        """Complain if what has come is not what must come there."""
        if not data:
            raise Ended(f"the stream ended{_progress(came, expected)}", *self._story(expected, came))
        due = expected.part(came, len(data))
        if data == due:
            return
        place = difference(due, data)
        if expected.size <= 1_024:
            read = expected.part(0, came) + data
            raise Failed(
                f"another answer came, from byte {came + place:,} on",
                self._sent,
                expected.part(0),
                edges(read),
            )
        raise Failed(
            f"what came differs from byte {came + place:,} on",
            self._sent,
            expected.around(came + place),
            data[max(0, place - 32) : place + 32],
        )

    def _story(self, expected: Body, came: int) -> tuple[bytes | None, bytes, bytes]:
        """Give what was sent, what was expected, and what has come, all of which was right."""
        return self._sent, expected.edges(), expected.until(came).edges()


class Datagrams(Wire):
    """A socket for datagrams, which knows only the server."""

    kind = socket.SOCK_DGRAM

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
            raise NotConnected(f"can't be sent: {error.strerror or error}", self._sent) from error
        self._note("sent", data)

    def receive(self, seconds: float | None = None) -> bytes | None:
        """Give a datagram; None if none comes in time."""
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
            self._note("received", data, "" if data else "an empty datagram")
            return data
        self._note("waited", text=f"{seconds:g} s: no datagram came")
        return None

    def ask(self, data: bytes, tries: int = 2) -> bytes:
        """Send a datagram and give the answer, which must come; one that is lost is sent again."""
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

    def expect_silence(self) -> None:
        """No datagram must come."""
        data = self.receive(self._patience.silence)
        if data is not None:
            raise Failed(f"{shown(data)} came where nothing was due", self._sent, None, edges(data))

    def _connect(self) -> None:
        target = self._target
        try:
            if target.family == socket.AF_UNIX:
                self._sock.bind(self._own_name())
            self._sock.connect(target.where)
        except OSError as error:
            raise NotConnected(f"the server can't be reached: {error.strerror or error}") from error
        self._note("connected")

    def _own_name(self) -> str:
        """Give a name for a UNIX socket of ours, without which nobody could answer it."""
        if sys.platform == "linux":
            return f"\0check-{os.urandom(8).hex()}"  # abstract: nothing is left behind
        self._directory = tempfile.TemporaryDirectory(prefix="check-")
        return os.path.join(self._directory.name, "client")


def _progress(came: int, expected: Body) -> str:
    return f" after {came:,} of {expected.size:,} bytes" if came else ""


def _after(data: bytes) -> str:
    return f" after {shown(data)}" if data else ""
