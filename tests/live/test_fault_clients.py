"""Which faults clients tell apart: the table of docs/howto/faults.md, met by each of them.

::

    python -m tests.live.test_fault_clients     # prints the rows as they are
"""

import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.haproxy import BIND, haproxy
from tests.live.peers import SOCKPROTO, wait_until
from tests.live.server import Output, need

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "faults.md"
FAULTS = [
    "none",
    "delay=0.2",
    "delay=60",
    "drip=3/s",
    "split=1",
    "truncate=5",
    "garble=1",
    "no-answer",
    "no-read",
    "close-at-open",
    "close-after=5",
    "close-after=40",
    "reset-after=5",
    "reset-after=40",
    "half-close-after=5",
]
RESPONSE = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nHello"
SECONDS = 3
HAPROXY = f"""
global
    stats socket {{stats}} level admin
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
listen checked
    {BIND}
    option httpchk GET /
    timeout check {SECONDS}s
    server it 127.0.0.1:{{port}} check inter 100ms fall 1 rise 1
"""


@contextmanager
def serving(protocol: str, fault: str, *options: str) -> Iterator[int]:
    """Serve with a fault; yield the port."""
    faults = () if fault == "none" else ("--fault", fault)
    command = [SOCKPROTO, "serve", "--port", "0", "--tcp-only", "--protocol", protocol, *faults, *options]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    log = Output(process.stdout)
    try:
        yield int(log.wait_for(r" on TCP \S+?:(\d+)\b")[1])
    finally:
        process.kill()
        process.wait(TIMEOUT)
        assert "Traceback" not in log.wait_for_end(), log.text


def plain(port: int) -> str:
    """Be a client that knows nothing but sockets."""
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
            client.sendall(b"Ann\n")
            while not said.endswith(b"\n"):
                data = client.recv(100)
                if not data:
                    return f"end after {len(said)} B"
                said += data
    except TimeoutError:
        return "timeout"
    except ConnectionError:
        return f"reset after {len(said)} B"
    return "ok" if said.endswith(b"Hello, Ann!\n") else "wrong answer"


def status(command: list[str]) -> str:
    """Run a client; return its exit status."""
    return str(
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        ).returncode
    )


def fetched(port: int) -> str:
    """Be curl."""
    need("curl")
    return status(["curl", "-sS", "--max-time", str(SECONDS), f"http://127.0.0.1:{port}/"])


def greeted(port: int) -> str:
    """Be our own client."""
    times = ["--reply-timeout", str(SECONDS), "--connect-timeout", str(SECONDS)]
    return status([SOCKPROTO, "greet", "--lines", *times, f"127.0.0.1:{port}", "Ann"])


def checked(port: int) -> str:
    """Be haproxy's health check."""
    with tempfile.TemporaryDirectory() as directory:
        stats = Path(directory, "stats")
        configuration = HAPROXY.format(stats=stats, port=port)
        with haproxy(Path(directory), configuration):
            found: list[str] = []
            wait_until(lambda: bool(checks(stats, found)), "haproxy has checked nothing")
            return found[-1]


def checks(stats: Path, found: list[str]) -> list[str]:
    """Add how the last check of haproxy has ended, if one has."""
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(TIMEOUT)
            asked.connect(str(stats))
            asked.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: asked.recv(65_536), b"")).decode()
    except OSError:
        return found
    head, *rows = (row.split(",") for row in answer.removeprefix("# ").splitlines() if row)
    [row] = [dict(zip(head, row, strict=False)) for row in rows if row[1] == "it"]
    if row["check_status"] not in ("", "INI") and not row["check_status"].startswith("*"):
        found.append(row["check_status"])
    return found


class GoClient:
    """The program in Go, which is built once."""

    path = ""

    def __call__(self, port: int) -> str:
        ran = subprocess.run(
            [self.path, f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
        return ran.stdout.strip()

    def build(self, directory: Path) -> None:
        """Build it."""
        need("go")
        program = directory / "go_client"
        source = Path(__file__).with_name("go_client.go")
        command = ["go", "build", "-o", str(program), str(source)]
        environment = {**os.environ, "GOCACHE": str(directory / "cache"), "GO111MODULE": "off"}
        subprocess.run(command, env=environment, check=True, timeout=TIMEOUT)
        self.path = str(program)


go = GoClient()
GREETED: list[Callable[[int], str]] = [plain, greeted]
FETCHED: list[Callable[[int], str]] = [fetched, checked]


def row(fault: str) -> list[str]:
    """Have all clients meet a fault; return a row of the table."""
    with (
        serving("greeting", fault) as greeting,
        serving("welcome", fault, "--message", RESPONSE) as http,
        ThreadPoolExecutor() as clients,
    ):
        found = [clients.submit(client, greeting) for client in GREETED]
        found += [clients.submit(client, http) for client in FETCHED]
        found.append(clients.submit(go, greeting))
        return [fault if fault == "none" else f"`{fault}`", *(each.result() for each in found)]


@pytest.fixture(scope="module", autouse=True)
def _built(tmp_path_factory: pytest.TempPathFactory) -> None:
    go.build(tmp_path_factory.mktemp("go"))


def rows() -> dict[str, list[str]]:
    """Return the rows of the table in the page."""
    table = re.findall(r"^\| (none|`[a-z-]+(?:=\S+)?`) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {fault.strip("`"): [fault, *told.split(" | ")] for fault, told in table if told.count("|") == 4}


def test_the_table_has_these_faults() -> None:
    assert list(rows()) == FAULTS


@pytest.mark.parametrize("fault", FAULTS)
def test_what_each_client_makes_of_it(fault: str) -> None:
    assert row(fault) == rows()[fault]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as built:
        go.build(Path(built))
        for each in FAULTS:
            print(f"| {' | '.join(row(each))} |", flush=True)
