r"""A connection to the server, on a plain socket that never waits without a deadline.

::

    stream = StreamClient(target, 1, timeline, patience, deadline)
    stream.send(b"Michael\n")
    stream.expect(b"Hello, Michael!\n")
"""

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable

from sockproto.check.body import PART_BYTES, Body, difference
from sockproto.check.sockets import READ, WRITE, Ended, NotConnected, Silent, WasReset, Wire
from sockproto.check.verdict import Failed, edges, shown
from sockproto.plain.connecting import connect
from sockproto.plain.deadline import Deadline
from sockproto.plain.hostname import server_name

TAKEN_BYTES = 1 << 20


class StreamClient(Wire):
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
        """Send each on its own, so that the server reads them apart; return the longest time between two."""
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

    def converse(self, outgoing: Body, take: Callable[[bytes], bool], half_close: bool = False) -> None:
        """Send and read at the same time, until all is sent and enough has come.

        Args:
            outgoing: What to send, of any length.
            take: Given what comes, at first nothing; says whether that was enough.
            half_close: See ``exchange``.
        """
        sent, enough = 0, take(b"")
        while sent < outgoing.size or not enough:
            ready = self._ready(not enough, sent < outgoing.size, half_close)
            if not ready:
                raise Silent(f"nothing came within {self._patience.answer:g} s", self._sent)
            if ready & READ and (data := self._read(PART_BYTES, 0)) is not None:
                if not data:
                    raise Ended("the stream ended", self._sent)
                enough = take(data)
            if ready & WRITE:
                sent += self._write(outgoing.part(sent))
                if half_close and sent == outgoing.size:
                    self.half_close()

    def _ready(self, reading: bool, writing: bool, late: bool) -> int:
        """Return what can be done next; with *late*, reading is last: once the server has stopped reading."""
        if late and writing and self._wait(WRITE, self._patience.pause):
            return WRITE
        return self._wait((READ if reading else 0) | (WRITE if writing else 0), self._patience.answer)

    def _take(self, expected: Body, came: int) -> int:
        """Read what is there, a megabyte at most, and compare; return how much it was."""
        before = came
        while came - before < TAKEN_BYTES and came < expected.size:
            data = self._read(PART_BYTES, 0)
            if data is None:
                break
            self._compare(data, expected, came)
            came += len(data)
        return came - before

    def receive(self, count: int) -> bytes:
        """Return exactly this many bytes."""
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
        """Return all that comes until the server ends the stream, which it must in time, whatever it says."""
        data, due = b"", Deadline(self._patience.answer)
        while len(data) <= limit:
            piece = self._read(PART_BYTES, due.left) if due.left else None
            if piece is None:
                nothing = "" if data else "it says nothing: "
                reason = f"{nothing}the server does not end the stream{_after(data)}"
                raise Silent(reason, self._sent, None, edges(data))
            if not piece:
                return data
            data += piece
        raise Failed(f"more than {limit:,} bytes came, and no end", self._sent, None, edges(data))

    def receive_some(self) -> bytes:
        """Return what comes next, ``b""`` at the end."""
        data = self._read(PART_BYTES, self._patience.answer)
        if data is None:
            raise Silent("nothing more came", self._sent)
        return data

    def until(self, ending: bytes, limit: int) -> bytes:
        """Return all that comes until this does, or the end of the stream."""
        data = b""
        while not data.endswith(ending) and len(data) <= limit:
            piece = self._read(PART_BYTES, self._patience.answer)
            if piece is None:
                raise Silent(f"nothing more came{_after(data)}", self._sent, ending, edges(data))
            if not piece:
                return data
            data += piece
        if len(data) > limit:
            raise Failed(f"more than {limit:,} bytes came", self._sent, ending, edges(data))
        return data

    def what_comes(self, limit: int = 1 << 16, first: float | None = None) -> bytes:
        """Return what comes until it falls silent or ends.

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

    def expect_silence(self, seconds: float | None = None) -> None:
        """The server must say nothing, and not end the stream."""
        data = self._read(1_024, self._patience.silence if seconds is None else seconds)
        if data == b"":
            raise Ended("the server ended the stream", self._sent)
        if data:
            raise Failed(f"{shown(data)} came where nothing was due", self._sent, b"", data)

    def push(self, block: bytes, limit: int, silence: float, start: int = 0) -> int:
        """Send a block again and again, and read nothing; return how much the server took.

        Args:
            block: What to send.
            limit: The most to send.
            silence: Seconds in which the server takes nothing, after which it is held to have stopped.
            start: How much of it all was sent before.
        """
        body, sent = Body(block, start + limit), start
        while sent < start + limit and self._wait(WRITE, silence):
            sent += self._write(body.part(sent))
        return sent - start

    def half_close(self) -> None:
        """End our half of the stream: we send no more, and read on."""
        self._note("half-closed")
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Cut the connection, as a crash does."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._note("reset", text="by us")
        self._sock.close()

    # What the others are made of.

    def _connect(self) -> None:
        target, sock = self._target, self._sock
        if target.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._connect_in_time()
            if target.tls is not None:
                sock.settimeout(self._left)
                self._sock = target.tls.wrap_socket(sock, server_hostname=server_name(target.host))
                self._sock.setblocking(False)
        except OSError as error:
            self._note("note", text=f"not connected: {error.strerror or error}")
            raise NotConnected(f"the server can't be reached: {error.strerror or error}") from error
        self._note("connected")

    def _connect_in_time(self) -> None:
        try:
            connect(self._sock, self._target.where, self._left)
        except TimeoutError as error:
            self._check_time()
            late = f"the server accepts no connection within {self._patience.answer:g} s"
            raise NotConnected(late) from error
        self._sock.setblocking(False)

    def _read(self, limit: int, seconds: float) -> bytes | None:
        """Return what comes, ``b""`` at the end, None if nothing comes in time."""
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
            self._note("waited", text=f"{seconds:.3g} s: nothing came")
        return None

    def _write(self, data: "bytes | memoryview") -> int:
        """Write what can be written now; return how much that was."""
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
        """Return what was sent, what was expected, and what has come, all of which was right."""
        return self._sent, expected.edges(), expected.until(came).edges()


def _progress(came: int, expected: Body) -> str:
    return f" after {came:,} of {expected.size:,} bytes" if came else ""


def _after(data: bytes) -> str:
    return f" after {shown(data)}" if data else ""
