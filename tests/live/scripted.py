"""A server of a protocol of its own, and wrong ones, each with one fault, to be judged by a script.

::

    python -m tests.live.scripted Right 12345
"""

import contextlib
import os
import queue
import select
import signal
import socket
import sys
import threading
import time

SCRIPT = r"""
terminator = "\n"

[greeting]
expect = "ready\n"

[[step]]
once = true
send = "login guest\n"
expect = "+\n"

[[step]]
send = "put {number}\n"
prefix = "stored {number}"

[[step]]
send = "count\n"
match = '[0-9]+'

[[step]]
send = "note nothing\n"
expect = ""

[longest]
send = "put {fill}\n"
bytes = 1000
prefix = "stored xxx"

[close]
send = "bye\n"
expect = "so long\n"
"""


def linger(client: socket.socket) -> None:
    """End the stream; what the client still says is read, else it would be a reset."""
    client.shutdown(socket.SHUT_WR)
    client.settimeout(2)
    while client.recv(65_536):
        pass


class Right:
    """Stores lines of up to 8,000 bytes."""

    greeting = b"ready\n"
    longest = 8_000

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=300)
        self.count = 0
        self.ending = False
        signal.signal(signal.SIGTERM, self.end)

    def end(self, *_: object) -> None:
        """Serve no more; those who have asked are answered."""
        self.ending = True
        sys.exit()

    def run(self) -> None:
        """Serve for ever."""
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=[client]).start()

    def serve(self, client: socket.socket) -> None:
        """Serve a client."""
        with contextlib.suppress(OSError), contextlib.closing(client):
            client.sendall(self.greeting)
            self.talk(client)
            linger(client)

    def talk(self, client: socket.socket) -> None:
        """Answer lines until one says bye, or there are no more."""
        held = b""
        while data := self.read(client):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                if line == b"bye":
                    return self.part(client)
                client.sendall(self.answer(line))
            if len(held) > self.longest:
                return client.sendall(b"too long\n")
        return None

    def read(self, client: socket.socket) -> bytes:
        """Return what a client says; nothing if it says no more, or when the server is to end."""
        reading = select.poll()
        reading.register(client, select.POLLIN)
        while not self.ending:
            if reading.poll(50):
                return client.recv(65_536)
        return b""

    def part(self, client: socket.socket) -> None:
        """Say good-bye."""
        client.sendall(b"so long\n")

    def answer(self, line: bytes) -> bytes:
        """Return what a line is answered."""
        word, _, text = line.partition(b" ")
        if word == b"login":
            return b"+\n"
        if word == b"put":
            self.count += 1
            return b"stored " + text + b", thank you\n"
        return b"%d\n" % self.count if word == b"count" else b""


class OneRead(Right):
    """Takes what one read gives for one message."""

    def talk(self, client: socket.socket) -> None:
        while data := client.recv(65_536):
            if data == b"bye\n":
                return self.part(client)
            client.sendall(self.answer(data.rstrip(b"\n")))
        return None


class EndsAtHalfClose(Right):
    """Drops what it owes when it sees the end of what the client sends."""

    def read(self, client: socket.socket) -> bytes:
        data = super().read(client)
        if data.startswith(b"login"):
            return data
        time.sleep(0.01)
        with contextlib.suppress(BlockingIOError):
            if not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return b""
        return data


class MixesHalves(Right):
    """Has one buffer for all clients."""

    held = b""

    def talk(self, client: socket.socket) -> None:
        while data := client.recv(65_536):
            *lines, self.held = (self.held + data).split(b"\n")
            for line in lines:
                client.sendall(self.answer(line))


class MixesAnswers(Right):
    """Keeps what a client says where another's is kept, too."""

    def answer(self, line: bytes) -> bytes:
        if line.startswith(b"put"):
            self.last = line
            time.sleep(0.005)
            return super().answer(self.last)
        return super().answer(line)


class AnswersAfterBye(Right):
    """Serves on after it has said good-bye."""

    def part(self, client: socket.socket) -> None:
        client.sendall(b"so long\n" + self.answer(b"put more"))


class StaysAfterBye(Right):
    """Ends nothing."""

    def part(self, client: socket.socket) -> None:
        client.sendall(b"so long\n")
        self.talk(client)


class Reorders(Right):
    """Of many messages answers the last first."""

    def talk(self, client: socket.socket) -> None:
        held = b""
        while data := client.recv(65_536):
            *lines, held = (held + data).split(b"\n")
            for line in reversed(lines):
                client.sendall(self.answer(line))


class SpeaksUnasked(Right):
    """Says more than its greeting."""

    greeting = b"ready\nsteady\n"


class AnswersOnce(Right):
    """Stores one line a connection."""

    def talk(self, client: socket.socket) -> None:
        self.once = iter([b""])
        super().talk(client)

    def answer(self, line: bytes) -> bytes:
        return super().answer(line) if line[:3] != b"put" or next(self.once, None) == b"" else b"no more\n"


class CannotCount(Right):
    """Answers one message wrongly."""

    def answer(self, line: bytes) -> bytes:
        return b"many\n" if line == b"count" else super().answer(line)


class Impatient(Right):
    """Takes a pause for the end."""

    def talk(self, client: socket.socket) -> None:
        client.settimeout(0.04)
        super().talk(client)

    def read(self, client: socket.socket) -> bytes:
        return client.recv(65_536)


class Short(Right):
    """Takes only short lines."""

    longest = 500

    def answer(self, line: bytes) -> bytes:
        if len(line) > self.longest:
            raise OSError
        return super().answer(line)


class Endless(Right):
    """Takes lines of any length, and waits for their end."""

    longest = 1 << 40


class Hoards(Right):
    """Reads without end, and keeps the answers that nobody reads."""

    def talk(self, client: socket.socket) -> None:
        owed: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self.pay, args=[client, owed], daemon=True).start()
        held = b""
        while data := client.recv(65_536):
            *lines, held = (held + data).split(b"\n")
            owed.put(b"".join(map(self.answer, lines)))

    def pay(self, client: socket.socket, owed: "queue.SimpleQueue[bytes]") -> None:
        """Send what is owed."""
        with contextlib.suppress(OSError):
            while True:
                client.sendall(owed.get())


class OneByOne(Right):
    """Serves one client after the other."""

    def run(self) -> None:
        while True:
            self.serve(self.listener.accept()[0])


class Leaks(Right):
    """Closes no connection."""

    kept: list[socket.socket] = []  # noqa: RUF012  # shared, as the fault wants it

    def serve(self, client: socket.socket) -> None:
        self.kept.append(client)
        with contextlib.suppress(OSError):
            client.sendall(self.greeting)
            self.talk(client)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)


class CutsAnswers(Right):
    """Ends in the midst of an answer."""

    def end(self, *_: object) -> None:
        os._exit(0)

    def answer(self, line: bytes) -> bytes:
        return super().answer(line).replace(b"thank you", b"thank you" * 200)


class StaysAfterSignal(Right):
    """Does not end when it is asked to."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2])).run()
