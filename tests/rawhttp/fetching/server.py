"""A web server that plays scripts: right ones, wrong ones and malicious ones.

It listens on addresses of its own, on 127.0.0.1 at ports that the system chose:

    plain      HTTP
    other      HTTP, another origin than ``plain``
    tls        HTTPS, with a certificate for 127.0.0.1 from the authority in ``authority``
    stranger   HTTPS, with a certificate from an authority that nobody knows
    misnamed   HTTPS, with a certificate for another name
    expired    HTTPS, with a certificate that was valid once
    six        HTTP, on ::1, where the system has it

Every wait ends after ``PATIENCE`` seconds at the latest.
"""

import contextlib
import enum
import os
import re
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import trustme

PATIENCE = 60.0  # seconds after which something hangs; a busy machine needs some
MAX_HEAD = 65_536
MAX_ENDLESS = 64_000_000  # bytes that an endless reply has at most, should the client swallow them all
ORIGINS = ("plain", "other", "tls", "stranger", "misnamed", "expired", "six")
PLACES = re.compile(r"\{(authority|" + "|".join(ORIGINS) + r")\}")
QUEUES = re.compile(r"\n *\d+: \w+:(\w{4}) \w+:(\w{4}) \w\w (\w+):(\w+)")


class Action(enum.Enum):
    """What a script does besides sending bytes; without one at its end it closes in order."""

    READ = "wait until the client has read all that was sent, so that what follows comes by itself"
    KEEP_OPEN = "wait for the next request on this connection; who lets it wait is remembered"
    STALL = "say no more until the client goes"
    RESET = "reset the connection"
    CUT = "close without the end that TLS has for it"
    ENDLESS = "send the bytes before it again and again until the client goes"
    DRIP = "like ENDLESS, each time only once the client has read what was sent before"


READ, KEEP_OPEN, STALL, RESET, CUT, ENDLESS, DRIP = Action

Step = bytes | Action
Script = Sequence[Step]
Find = Callable[[str, str], Script | None]


class Request(NamedTuple):
    """A request that came.

    Attributes:
        origin: Which of the server's addresses it came to.
        name: The first part of its path.
        target: Its whole target.
        head: All of it, to its empty line.
    """

    origin: str
    name: str
    target: str
    head: bytes


class Gone(Exception):
    """The client went."""


class Server:
    """Play scripts until it is closed.

    Args:
        find: Gives the script for the first part of a path and the rest of the target, or None.
        directory: Where the authority's certificate is written.
        patience: For how many seconds it keeps a connection open for a further request.

    Attributes:
        ports: The port of each origin.
        authority: The file with the certificate that verifies ``tls``, ``misnamed`` and ``expired``.
        requests: Everything that was asked.
        waiting: The names of the scripts that kept a connection open and waited in vain for its end.
    """

    def __init__(self, find: Find, directory: Path, patience: float = PATIENCE) -> None:
        self.find, self.patience = find, patience
        self.requests: list[Request] = []
        self.waiting: list[str] = []
        self.authority = directory / "authority.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        past = datetime(2020, 1, 1, tzinfo=timezone.utc)
        certificates = {
            "tls": authority.issue_cert("127.0.0.1", "localhost"),
            "stranger": trustme.CA().issue_cert("127.0.0.1", "localhost"),
            "misnamed": authority.issue_cert("elsewhere.example"),
            "expired": authority.issue_cert("127.0.0.1", not_before=past, not_after=past.replace(year=2021)),
        }
        self._contexts: dict[str, ssl.SSLContext] = {}
        for origin, certificate in certificates.items():
            self._contexts[origin] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(self._contexts[origin])
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._listeners: dict[str, socket.socket] = {}
        for origin in ORIGINS:
            six = origin == "six"
            with contextlib.suppress(OSError) if six else contextlib.nullcontext():
                self._listeners[origin] = socket.create_server(
                    ("::1" if six else "127.0.0.1", 0), family=socket.AF_INET6 if six else socket.AF_INET
                )
        self.ports: Mapping[str, int] = {
            origin: listener.getsockname()[1] for origin, listener in self._listeners.items()
        }
        for origin in self._listeners:
            self._start(self._accept, origin)

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; wait for the connections that are left."""
        self._closing = True
        for listener in self._listeners.values():  # wakes accept(), which a close from here would not
            with contextlib.suppress(OSError):
                socket.create_connection(listener.getsockname()[:2], timeout=PATIENCE).close()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def fill(self, text: str) -> str:
        """Return a text with the server's ports and its authority in place of their names in braces."""
        places = {**self.ports, "authority": self.authority}
        return PLACES.sub(lambda found: str(places[found[1]]), text)

    def asked(self, name: str) -> list[Request]:
        """Return the requests for one script."""
        return [request for request in self.requests if request.name == name]

    def forget(self) -> None:
        """Forget what was asked."""
        self.requests.clear()
        self.waiting.clear()

    def _start(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def _accept(self, origin: str) -> None:
        with self._listeners[origin] as listener:
            while True:
                connection, _ = listener.accept()
                if self._closing:
                    connection.close()
                    return
                self._start(self._serve, origin, connection)

    def _serve(self, origin: str, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, Gone), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            context = self._contexts.get(origin)
            if context:
                connection = stack.enter_context(context.wrap_socket(connection, server_side=True))
            while self._answer(origin, connection):
                pass

    def _answer(self, origin: str, connection: socket.socket) -> bool:
        """Answer a request; say whether another may follow."""
        head = read_head(connection)
        if not re.match(rb"[A-Z]+ \S+ HTTP/1\.1\r\n", head):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        target = head.split(b" ")[1].decode("ascii", "backslashreplace")
        _, name, rest = re.split(r"^/([\w-]*)", target) if target.startswith("/") else ("", target, "")
        self.requests.append(Request(origin, name, target, head))
        script = self.find(name, rest)
        if script is None:
            script = [b"HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\nConnection: close\r\n\r\nNot here"]
        try:
            return self._play(script, connection)
        except TimeoutError:
            self.waiting.append(name)
            raise

    def _play(self, script: Script, connection: socket.socket) -> bool:
        before = b""
        for step in script:
            if isinstance(step, bytes):
                before = self.fill(step.decode("latin-1")).encode("latin-1") if b"{" in step else step
                connection.sendall(before)
            elif step is READ:
                wait_until_read(connection)
            elif step is KEEP_OPEN:
                if not select.select([connection], [], [], self.patience)[0]:
                    raise TimeoutError
                return True
            elif step is STALL:
                wait_until_gone(connection)
            elif step is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Gone
            elif step is CUT:
                raise Gone
            else:
                repeat(before, connection, slowly=step is DRIP)
        close(connection)
        return False


def close(connection: socket.socket) -> None:
    """Close in order: what was sent arrives, whatever the client still says."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError):  # who goes without an answer to our end is no matter here
            connection = connection.unwrap()
    connection.shutdown(socket.SHUT_WR)
    wait_until_gone(connection)


def read_head(connection: socket.socket) -> bytes:
    """Read a request without a body, or what else begins so."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(MAX_HEAD)
        head += more
        if not more or len(head) > MAX_HEAD:
            raise Gone
        if not head[:1].isalpha():
            break
    return head


def repeat(data: bytes, connection: socket.socket, slowly: bool) -> None:
    """Send the same until the client goes."""
    for _ in within(PATIENCE, MAX_ENDLESS // len(data)):
        connection.sendall(data)
        if slowly:
            wait_until_read(connection)
    raise Gone


def within(seconds: float, times: int) -> Iterator[None]:
    """Go round so often at most, and no longer than that."""
    end = time.monotonic() + seconds
    for _ in range(times):
        if time.monotonic() > end:
            return
        yield


def wait_until_gone(connection: socket.socket) -> None:
    """Wait for the client to close."""
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):
        while connection.recv(MAX_HEAD) and time.monotonic() < end:
            pass


def wait_until_read(connection: socket.socket) -> None:
    """Wait until the client has read what it got, where the system tells that."""
    ours, theirs = (f"{address[1]:04X}" for address in (connection.getsockname(), connection.getpeername()))
    for _ in within(PATIENCE, 1_000_000):
        try:
            table = Path("/proc/net/tcp").read_text("ascii")
        except OSError:
            return
        for local, remote, unsent, unread in QUEUES.findall(table):
            if (local, remote) == (ours, theirs) and int(unsent, 16):
                break
            if (local, remote) == (theirs, ours) and int(unread, 16):
                break
        else:
            return
        os.sched_yield()
