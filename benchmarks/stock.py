"""Stock Twisted against sockproto: the same trouble for two servers, and what came of it.

Each row is measured with real processes on loopback, in about a minute altogether::

    python -m benchmarks.stock
    python -m benchmarks.stock --write docs/reference/measured/stock.md
"""

import argparse
import os
import random
import re
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pages import provenance, rows, write_section
from tests.hanging import TIMEOUT
from tests.live.clients import receive, receive_all, send_until_stalled, tcp_client, udp_client
from tests.live.server import TWISTD, Output

MIB = 1024 * 1024
PAYLOAD = random.Random(862).randbytes(32 * MIB)
FLOOD_BYTES = 200_000_000
HEADER = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n"
LONGEST_LINE = 16_384
LOOP_SECONDS = 2.0
UNREAD_SECONDS = 0.5
FORGED = 8
SERVER_SCRIPT = Path(__file__).with_name("stock_server.py")

EVERY_LIMIT = (
    *("--max-connections", "4096", "--max-connections-per-peer", "1024", "--idle-seconds", "300"),
    *("--first-message-seconds", "60", "--message-seconds", "60", "--write-stall-seconds", "30"),
    *("--lifetime-seconds", "600", "--max-message-bytes", "65536", "--close-seconds", "2"),
    *("--drain-seconds", "10", "--udp-rate", "2000", "--log-rate", "100"),
)
ECHO = ("--protocol", "echo")
OUR_OPTIONS = {
    "echo": (*ECHO, "--tcp-only"),
    "proxied": (*ECHO, "--tcp-only", "--proxy-protocol"),
    "limited": (*ECHO, "--tcp-only", *EVERY_LIMIT),
    "proxied-limited": (*ECHO, "--tcp-only", "--proxy-protocol", *EVERY_LIMIT),
    "per-peer": (*ECHO, "--tcp-only", "--max-connections-per-peer", "2"),
    "lines": ("--protocol", "command", "--tcp-only", "--max-message-bytes", str(LONGEST_LINE)),
    "udp": (*ECHO, "--udp-only"),
}
"""What ``twistd sockproto`` is given for each kind of server."""


class Process:
    """A server under ``twistd -n``, with what it says.

    Args:
        arguments: What follows twistd's own.
        environment: Variables besides ours.
        listening: What its log says where it listens; the port is the first group.
    """

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], listening: str) -> None:
        self._popen = subprocess.Popen(
            [TWISTD, "-n", "--pidfile=", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
        )
        assert self._popen.stdout
        assert self._popen.stderr
        self.log = Output(self._popen.stdout)
        self.errors = Output(self._popen.stderr)
        self._listening = listening

    @property
    def port(self) -> int:
        """Where it listens; waits until it does."""
        return int(self.log.wait_for(self._listening)[1])

    @property
    def ports(self) -> list[int]:
        """All the ports on which it has ever listened."""
        return [int(port) for port in re.findall(self._listening, self.log.text, re.MULTILINE)]

    @property
    def told_of_error(self) -> str:
        """Whether a traceback came."""
        return "a traceback" if "Traceback" in self.log.text + self.errors.text else "no traceback"

    def resident_bytes(self) -> int:
        """Return how much memory it has in use now."""
        status = Path(f"/proc/{self._popen.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, status
        return int(found[1]) * 1024

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(number)

    def wait(self, seconds: float = TIMEOUT) -> int | None:
        """Return its exit status, None if it has not ended by then."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """See that it is gone, and all it said is read."""
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        self.log.wait_for_end()
        self.errors.wait_for_end()


@dataclass(frozen=True)
class Side:
    """A server description: who is measured.

    Attributes:
        name: As the table has it.
        ours: Whether it is sockproto.
    """

    name: str
    ours: bool

    @contextmanager
    def serve(self, kind: str, port: int = 0) -> Iterator[Process]:
        """Have a server of a kind for a while."""
        if self.ours and kind in OUR_OPTIONS:
            arguments: list[str] = ["sockproto", "--port", str(port), *OUR_OPTIONS[kind]]
        else:
            arguments = ["-y", str(SERVER_SCRIPT)]
        listening = r" on (?:TCP|UDP) \S+:(\d+)$" if self.ours else r" starting on (\d+)$"
        kind = "restart-ours" if self.ours else kind
        process = Process(arguments, {"STOCK_KIND": kind, "STOCK_PORT": str(port)}, listening)
        try:
            yield process
        finally:
            process.end()


STOCK = Side("stock Twisted", ours=False)
OURS = Side("sockproto", ours=True)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: What is done to the server.
        run: Does it; gives in a few words what came of it.
    """

    name: str
    run: Callable[[Side], str]


# Streams.


def echoed_after_half_close(port: int, header: bytes, payload: bytes) -> str:
    """Send everything, half-close, then read, and give how much of it came back.

    Reading begins early only if the server holds the sender back.
    """
    sent = threading.Event()
    with tcp_client(port) as client:

        def send() -> None:
            try:
                client.sendall(header)
                client.sendall(payload)
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server has closed: what came back tells
            sent.set()

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        sent.wait(UNREAD_SECONDS)
        echoed, end = read_to_the_end(client)
        thread.join(TIMEOUT)
    if echoed == payload:
        return "whole" if end == "EOF" else f"whole, then {end}"
    wrong = "" if payload.startswith(echoed) else " wrong"
    return f"{len(echoed):,}{wrong} bytes, then {end}"


def read_to_the_end(client: socket.socket) -> tuple[bytes, str]:
    """Read until the stream ends; return what came, and how it ended."""
    data = bytearray()
    try:
        while more := client.recv(65_536):
            data += more
    except TimeoutError:
        return bytes(data), "silence"
    except OSError:
        return bytes(data), "a reset"
    return bytes(data), "EOF"


def half_close(kind: str, mebibytes: int) -> Callable[[Side], str]:
    """Make the function of a row about half-close."""

    def run(side: Side) -> str:
        header = HEADER if kind.startswith("proxied") else b""
        with side.serve(kind) as server:
            return echoed_after_half_close(server.port, header, PAYLOAD[: mebibytes * MIB])

    return run


def never_reads(side: Side) -> str:
    """Return how much memory a peer costs that sends 200 MB and reads nothing."""
    with side.serve("echo") as server, tcp_client(server.port) as client:
        client.sendall(b"x")
        receive(client, 1)
        before = server.resident_bytes()
        taken = send_until_stalled(client, b"x" * MIB, FLOOD_BYTES)
        grown = max(server.resident_bytes() - before, 0)
    return f"{grown / 1e6:.1f} MB more, {taken / 1e6:.0f} MB taken"


def stop(side: Side) -> str:
    """Return how a server ends that has connections, one of which is owed 4 MiB."""
    with side.serve("echo") as server, ExitStack() as stack:
        idle = [stack.enter_context(tcp_client(server.port)) for _ in range(3)]
        for client in idle:
            client.sendall(b"x")
            receive(client, 1)
        slow = stack.enter_context(socket.socket())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.settimeout(TIMEOUT)
        slow.connect(("127.0.0.1", server.port))
        sent = send_until_stalled(slow, PAYLOAD[: 4 * MIB], 4 * MIB, patience=0.3)
        server.send_signal(signal.SIGTERM)
        ends = sorted({read_to_the_end(client)[1] for client in idle})
        echoed, slow_end = read_to_the_end(slow)
        slow.close()
        status = server.wait()
        lost = f"{sent - len(echoed):,} of {sent:,} bytes lost"
        if side.ours and all_answered(server.log.wait_for_end(), len(echoed)):
            lost = "all that was handled is answered"
    ended = "does not end" if status is None else "ends"
    trouble = server.told_of_error
    return f"{ended}, {trouble}; idle clients: {', '.join(ends)}; a slow reader: {lost}, then {slow_end}"


def all_answered(log: str, echoed: int) -> bool:
    """Tell whether the log has a connection that was drained with everything answered, in so many bytes.

    The bytes in are no help: they count what was discarded after the signal, too.
    """
    found = re.search(rf"closed: drained; \d+ bytes and (\d+) messages in, {echoed} bytes and (\d+) ", log)
    return found is not None and found[1] == found[2]


def restart(side: Side) -> str:
    """Return what a restart of the service in one process does."""
    with side.serve("restart") as server, tcp_client(server.port) as before:
        before.sendall(b"x")
        receive(before, 1)
        server.send_signal(signal.SIGUSR1)
        server.log.wait_for("the service is started again")
        left = "closed" if select.select([before], [], [], 1)[0] else "left open"
        try:
            with tcp_client(server.ports[-1]) as after:
                after.sendall(b"y")
                listens = "listens again" if receive(after, 1) == b"y" else "accepts, answers nothing"
        except OSError:
            listens = "does not listen again"
    return f"{listens}; a connection from before: {left}"


def port_in_use(side: Side) -> str:
    """Return what a server says and does whose port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with side.serve("echo", port) as server:
            status = server.wait(TIMEOUT if side.ours else 3)
            if status is None:
                return f"keeps running, {server.told_of_error}"
            lines = len(server.errors.wait_for_end().splitlines())
            return f"exit status {status}, lines on standard error: {lines}, {server.told_of_error}"


def per_peer(side: Side) -> str:
    """Return whether a third connection of a peer that may have two is refused, and a place comes back."""

    def served(client: socket.socket) -> bool:
        try:
            client.sendall(b"x")
            return receive(client, 1) == b"x"
        except OSError:
            return False

    with side.serve("per-peer") as server, ExitStack() as stack:
        clients = [stack.enter_context(tcp_client(server.port)) for _ in range(3)]
        outcome = "".join("+" if served(client) else "-" for client in clients)
        if outcome == "++-":
            clients[0].shutdown(socket.SHUT_WR)
            receive_all(clients[0])
            with tcp_client(server.port) as after:
                free = "free again" if served(after) else "lost"
            outcome = f"the third is refused; the place of one that left is {free}"
        else:
            outcome = f"of three served: {outcome.count('+')}"
        return f"{outcome}; {server.told_of_error}"


def too_long(piece: int) -> Callable[[Side], str]:
    """Make the function of a row about a message too long, sent in pieces of so many bytes."""

    def run(side: Side) -> str:
        first = b"/version\n"
        message = first + b"/" * (LONGEST_LINE + 4_000) + b"\n"
        with side.serve("lines") as server, tcp_client(server.port) as client:
            try:
                for start in range(0, len(message), piece):
                    client.sendall(message[start : start + piece])
            except OSError:
                pass  # closed meanwhile
            data, end = read_to_the_end(client)
        lines = [line.decode("ascii", "backslashreplace").strip() for line in data.splitlines()]
        return ", ".join([*(f"`{line}`" for line in lines), end])

    return run


# Datagrams.


def datagram(size: int) -> Callable[[Side], str]:
    """Make the function of a row about a datagram of a size."""

    def run(side: Side) -> str:
        payload = PAYLOAD[:size]
        with side.serve("udp") as server, udp_client(server.port) as client:
            client.send(payload)
            reply = client.recv(65_536)
        return "whole" if reply == payload else f"{len(reply):,} bytes"

    return run


def loop(side: Side) -> str:
    """Aim two servers' datagrams at each other, and give how many go round."""
    with (
        side.serve("udp") as one,
        side.serve("udp") as two,
        udp_client(one.port) as to_one,
        udp_client(two.port) as to_two,
    ):
        for _ in range(FORGED):
            to_one.send(b"forged")
        relayed = 0
        deadline = time.monotonic() + LOOP_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select([to_one, to_two], [], [], min(left, 0.5))[0]
            if not ready:
                return f"ends, after {relayed:,} datagrams"
            for source in ready:
                (to_two if source is to_one else to_one).send(source.recv(65_536))
                relayed += 1
    return f"does not end: {relayed:,} datagrams in {LOOP_SECONDS:.0f} s"


WAYS = {
    "echo": "directly",
    "proxied": "behind a PROXY header",
    "limited": "with every limit",
    "proxied-limited": "behind a PROXY header with every limit",
}

CASES = [
    *(
        Case(f"half-close after {mebibytes} MiB, {way}: what comes back", half_close(kind, mebibytes))
        for kind, way in WAYS.items()
        for mebibytes in (1, 8, 32)
    ),
    Case("memory with a peer that sends up to 200 MB and never reads", never_reads),
    Case("SIGTERM with connections open", stop),
    Case("restart of the service in one process", restart),
    Case("port in use", port_in_use),
    Case("at most two connections of a peer, and a third", per_peer),
    Case("a line too long, in one piece: what the peer gets", too_long(1_000_000)),
    Case("a line too long, byte by byte: what the peer gets", too_long(1)),
    Case("a UDP datagram of 8,193 bytes: what comes back", datagram(8_193)),
    Case("a UDP datagram of 65,507 bytes: what comes back", datagram(65_507)),
    Case(f"two UDP echo servers aimed at each other, {FORGED} forged datagrams", loop),
]


def outcome(case: Case, side: Side) -> str:
    """Run a case; what goes wrong is an outcome too."""
    try:
        return case.run(side)
    except (AssertionError, OSError) as error:
        return f"fails: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def measure() -> dict[str, list[str]]:
    """Run everything; return what came of each case, on stock Twisted and on sockproto."""
    return {case.name: [outcome(case, STOCK), outcome(case, OURS)] for case in CASES}


def finding(outcomes: dict[str, list[str]]) -> str:
    """Return in a sentence where something is lost."""
    closed = [outcome for name, outcome in outcomes.items() if name.startswith("half-close")]
    lost = [sum(each[side] != "whole" for each in closed) for side in (0, 1)]
    return (
        f"Of {len(closed)} streams whose client ends its half and then reads, stock Twisted cuts {lost[0]} "
        f"short, and sockproto {lost[1] or 'none'}; what else happens to both is in the table."
    )


def section(outcomes: dict[str, list[str]], made_by: str) -> str:
    """Return what stands on the page."""
    cells = [[name, *outcome] for name, outcome in outcomes.items()]
    return "\n\n".join([finding(outcomes), rows(["", STOCK.name, OURS.name], cells, "---"), made_by])


def main() -> None:
    """Print the table; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stock", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this document too")
    arguments = parser.parse_args()
    text = section(measure(), provenance("python -m benchmarks.stock"))
    print(text)
    if arguments.write:
        write_section(arguments.write, "stock", text)


if __name__ == "__main__":
    main()
