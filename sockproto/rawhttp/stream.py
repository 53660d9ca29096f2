r"""Bytes both ways over a connected socket; each wait within its time.

Everything that a socket may raise becomes one of sockproto's errors::

    with SocketStream(sock, 60.0, Deadline(10)) as stream:
        stream.send(b"HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        stream.receive()
"""

import socket
from contextlib import suppress
from typing import Final

from sockproto.errors import CallFailed, Reset, TimedOut
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import reason_of

RECEIVE_BYTES: Final = 131_072
"""So much is read at a time: enough that the system calls don't count."""


class SocketStream:
    """Bytes both ways.

    Args:
        sock: A connected socket, or TLS over one.
        read_seconds: How long the peer may be silent.
        deadline: When all must be over.

    Attributes:
        clean: False once TLS has ended without saying so: somebody may have cut it.
    """

    def __init__(self, sock: socket.socket, read_seconds: float | None, deadline: Deadline) -> None:
        self.clean = True
        self._socket, self._read_seconds, self._deadline = sock, read_seconds, deadline

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._socket.settimeout(self._deadline.timeout(self._read_seconds))
            self._socket.sendall(data)
        except OSError as error:
            raise self._told(error) from error

    def receive(self, count: int = RECEIVE_BYTES) -> bytes:
        """Return what has come, at least a byte and at most *count*; none: the peer has ended."""
        try:
            self._socket.settimeout(self._deadline.timeout(self._read_seconds))
            return self._socket.recv(count)
        except OSError as error:
            if type(error).__name__ in ("SSLEOFError", "SSLZeroReturnError"):
                self.clean = type(error).__name__ == "SSLZeroReturnError"
                return b""
            raise self._told(error) from error

    def check(self) -> None:
        """See that there is time left, in work that neither sends nor receives.

        Raises:
            TimedOut: There is none.
        """
        self._deadline.timeout()

    def _told(self, error: OSError) -> CallFailed:
        if isinstance(error, TimeoutError):
            return TimedOut(
                f"timed out: gave up waiting for the server after {self._deadline.passed:.1f} seconds"
            )
        reason = reason_of(error)
        if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
            return Reset(
                f"the server accepts no client without a certificate of its choice ({reason}): see -E"
            )
        return Reset(f"the connection was cut: {reason}")

    def __enter__(self) -> "SocketStream":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.close()
