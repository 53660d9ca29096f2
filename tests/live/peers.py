"""The ``sockproto`` command, and servers for it that are not ours; no operation waits for ever."""

import asyncio
import os
import queue
import re
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tests.hanging import TIMEOUT
from tests.live.forked import Forked
from tests.live.server import Output, need, require

SOCKPROTO = str(Path(sys.executable).with_name("sockproto"))
STREAMS: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
ASKING = {"greet", "echo", "welcome", "command", "probe"}
LOOPBACK = "127.0.0.1"


class Ended(NamedTuple):
    """What a command left behind.

    Attributes:
        status: Its exit status, negative after a signal.
        output: What it wrote on standard output.
        errors: What it wrote on standard error.
    """

    status: int
    output: bytes
    errors: str


def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start the command; one that asks a server is forked, which is quicker."""
    if arguments and arguments[0] in ASKING:
        return Forked([SOCKPROTO, *arguments], **{**STREAMS, **options})
    return start_anew(*arguments, **options)


def start_anew(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start the command as people do."""
    return subprocess.Popen([SOCKPROTO, *arguments], **{**STREAMS, **options})


def end(process: "subprocess.Popen[bytes]", stdin: bytes = b"") -> Ended:
    """Wait for its end; never a traceback."""
    with process:
        try:
            output, errors = process.communicate(stdin, TIMEOUT)
        except BaseException:
            process.kill()
            raise
    ended = Ended(process.returncode, output or b"", (errors or b"").decode(errors="backslashreplace"))
    assert "Traceback" not in ended.errors, ended.errors
    return ended


def run(*arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> Ended:
    """Run the command to its end."""
    return end(start(*arguments, env={**os.environ, **(environment or {})}), stdin)


def say(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run the command, which must succeed without a word on standard error; return what it printed."""
    ended = run(*arguments, stdin=stdin)
    assert (ended.status, ended.errors) == (0, ""), ended
    return ended.output


def first_of_chargen(where: str, size: int) -> bytes:
    """Return the beginning of what comes, as ``head -c`` does: then standard output is closed."""
    with start("welcome", where) as process:
        assert process.stdout
        try:
            said = process.stdout.read(size)
            process.stdout.close()
            assert process.wait(TIMEOUT) == 23
        finally:
            process.kill()
    return said


def all_at_once(commands: Sequence[Sequence[str]]) -> list[Ended]:
    """Run several to their ends."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            processes.append(start(*command, stdin=subprocess.DEVNULL))
        return [end(process) for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                with process:
                    pass


def memory(pid: int, figure: str = "VmHWM") -> int:
    """Return the most memory that a process had in use so far, or another figure of it, in bytes."""
    found = re.search(rf"^{figure}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def wait_until(true: Callable[[], object], what: str) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + TIMEOUT
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing uses now, neither for TCP nor for UDP."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.create_server((LOOPBACK, 0)) as stream:
            port = stream.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, suppress(OSError):
                datagrams.bind((LOOPBACK, port))
                ports.append(port)
                ports = list(dict.fromkeys(ports))
    return ports


# Servers of the standard library's, in threads.

Handle = Callable[[Any], object]
"""Called with the socket of a connection, closed when it returns; or with a datagram, and gives the reply."""


class _Server(socketserver.ThreadingMixIn):
    """Keeps what its handlers raise; connections that the client cuts are no failures."""

    daemon_threads = False
    failures: list[BaseException]

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | ssl.SSLError):
            assert error is not None
            self.failures.append(error)


class _Streams(_Server, socketserver.TCPServer):
    request_queue_size = 64


class _Streams6(_Streams):
    address_family = socket.AF_INET6


class _UnixStreams(_Server, socketserver.UnixStreamServer):
    pass


class _Datagrams(_Server, socketserver.UDPServer):
    pass


class _UnixDatagrams(_Server, socketserver.UnixDatagramServer):
    pass


@contextmanager
def _serving(make: Any, where: Any, handler: type[socketserver.BaseRequestHandler]) -> Iterator[Any]:
    with make(where, handler) as server:
        server.failures = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(TIMEOUT)
    if server.failures:
        raise server.failures[0]


def _stream_handler(handle: Handle) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(TIMEOUT)
            handle(self.request)

    return Handler


@contextmanager
def stream_server(handle: Handle, host: str = LOOPBACK) -> Iterator[str]:
    """Serve TCP; return the address."""
    make = _Streams6 if ":" in host else _Streams
    with _serving(make, (host, 0), _stream_handler(handle)) as server:
        port = server.server_address[1]
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def unix_server(path: Path, handle: Handle) -> Iterator[str]:
    """Serve a UNIX stream socket; return the address."""
    with _serving(_UnixStreams, str(path), _stream_handler(handle)):
        yield f"unix:{path}"


@contextmanager
def datagram_server(handle: Callable[[bytes], bytes | None], path: Path | None = None) -> Iterator[str]:
    """Serve UDP, or a UNIX datagram socket; return the address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            reply = handle(data)
            if reply is not None:
                sock.sendto(reply, self.client_address)

    make, where = (_Datagrams, (LOOPBACK, 0)) if path is None else (_UnixDatagrams, str(path))
    with _serving(make, where, Handler) as server:
        yield f"udp:{LOOPBACK}:{server.server_address[1]}" if path is None else f"unix-dgram:{path}"


def drain(client: socket.socket) -> None:
    """Read until the client ends."""
    while client.recv(65_536):
        pass


def cut(client: socket.socket) -> None:
    """Reset the connection."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def echo_back(client: socket.socket) -> None:
    """Echo."""
    while data := client.recv(65_536):
        client.sendall(data)


@contextmanager
def asyncio_server(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> Iterator[str]:
    """Serve TCP with asyncio's streams; return the address."""
    began: queue.Queue[tuple[str, Callable[[], object]]] = queue.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError):
            await serve(reader, writer)

    async def main() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(talk, LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        began.put((f"{LOOPBACK}:{port}", lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    address, stop = began.get(timeout=TIMEOUT)
    try:
        yield address
    finally:
        stop()
        thread.join(TIMEOUT)


@contextmanager
def full_backlog() -> Iterator[str]:
    """Listen where no further connection can be made; return the address."""
    clients: list[socket.socket] = []
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        try:
            for _ in range(16):
                client = socket.socket()
                clients.append(client)
                client.settimeout(0.2)
                client.connect(listener.getsockname())
        except TimeoutError:
            pass
        else:
            raise AssertionError("the backlog takes too many")
        try:
            yield f"{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            for client in clients:
                client.close()


@contextmanager
def unused_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> Iterator[int]:
    """Yield a port at which nothing listens, and which nobody else can take meanwhile."""
    with socket.socket(socket.AF_INET, kind) as keeper:
        keeper.bind((LOOPBACK, 0))
        port = keeper.getsockname()[1]
        if kind is socket.SOCK_DGRAM:  # one that is bound would take what comes
            keeper.close()
        yield port


# Servers that others wrote, as processes.


@contextmanager
def program(command: Callable[[int], Sequence[str]], ready: str) -> Iterator[int]:
    """Run a server.

    Args:
        command: Its command line, given a free port.
        ready: What it says on standard error once it listens.

    Yields:
        The port.
    """
    process, output, port = _started(command, ready)
    try:
        yield port
        assert process.poll() is None, output.text
    finally:
        _kill(process)
        output.wait_for_end()


def _kill(process: "subprocess.Popen[str]") -> None:
    """End it and those that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(TIMEOUT)


def _started(
    command: Callable[[int], Sequence[str]], ready: str, again: bool = True
) -> "tuple[subprocess.Popen[str], Output, int]":
    [port] = free_ports(1)
    need(command(port)[0])
    process = subprocess.Popen(
        command(port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
    )
    assert process.stderr
    output = Output(process.stderr)
    try:
        output.wait_for(ready)
    except AssertionError:
        _kill(process)
        output.wait_for_end()
        if again:  # somebody else may have taken the port
            return _started(command, ready, again=False)
        raise
    return process, output, port


def ncat(*options: str) -> Any:
    """Run ncat, which keeps listening on a port of 127.0.0.1."""
    return program(
        lambda port: ("ncat", "-v", "--listen", "--keep-open", *options, LOOPBACK, str(port)), "Listening on"
    )


def ncat_echo(*options: str) -> Any:
    """Run ncat with cat behind it."""
    return ncat("--exec", "/bin/cat", *options)


def socat(address: str, then: str = "EXEC:cat") -> Any:
    """Run socat; ``{port}`` in the address is a free port."""
    return program(
        lambda port: ("socat", "-t", "10", "-d", "-d", address.format(port=port), then),
        "N (listening|receiving) on",
    )


# Certificates.


class Authority(NamedTuple):
    """A certificate for a name, and who signed it.

    Attributes:
        server: The file of the key and the chain.
        issuer: The file of the authority's certificate.
        other: The file of another authority's.
    """

    server: str
    issuer: str
    other: str

    @property
    def context(self) -> ssl.SSLContext:
        """A server's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def authority(directory: Path, *names: str) -> Authority:
    """Have a certificate made."""
    for module in "OpenSSL", "service_identity", "trustme":
        require(find_spec(module) is not None, f"the module {module}")
    import trustme

    issuer = trustme.CA()
    made = Authority(*(str(directory / name) for name in ("server.pem", "issuer.pem", "other.pem")))
    issuer.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(made.server)
    issuer.cert_pem.write_to_path(made.issuer)
    trustme.CA().cert_pem.write_to_path(made.other)
    return made
