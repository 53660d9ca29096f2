"""The listings of the documents, run: servers and clients in processes of their own.

A document's ports are its own; here each server takes a free one, and its clients are told.
"""

import os
import re
import select
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import pytest

from tests.hanging import TIMEOUT

SCRIPTS = Path(sys.executable).parent  # where pip put twistd, as .venv/bin in the documents

# What doesn't end by itself.
SERVES = r"twistd|sockproto serve|_server\.py|haproxy -|^prometheus |systemd-socket-activate"

# A listing of the README that is a program of its own writes no log; with one it tells its ports.
WITH_LOG = """
import runpy, sys
from twisted.python import log
log.startLogging(sys.stdout)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


class Listing(NamedTuple):
    """A fenced block of the README, and the block that says what it prints."""

    language: str
    text: str
    output: str | None

    @property
    def kind(self) -> str:
        if "pip install" in self.text:
            return "install"
        if self.language == "text":
            return "picture"
        if self.language == "sh":  # a server has its terminal for itself
            serves = re.search(SERVES, self.text) and not re.search(r"[;|]|--explain", self.text)
        else:
            serves = ".listen(" in self.text
        return "server" if serves else "client"

    @property
    def is_alone(self) -> bool:
        """Whether it needs no server."""
        return self.language == "python" and "127.0.0.1" not in self.text

    @property
    def port(self) -> str:
        ports = set(re.findall(r"(?:--port |tcp:|localhost:|127\.0\.0\.1(?: |::?|\", ))(\d+)", self.text))
        assert len(ports) == 1, self.text
        return str(ports.pop())

    def run(self, server: "Server") -> "subprocess.CompletedProcess[str]":
        """Run a client, of *server*."""
        text = self.text if self.is_alone else self.text.replace(self.port, self.port_at(server))
        if re.search(r"\bnc ", text):
            need_nc()
        command = [sys.executable, "-c", text] if self.language == "python" else ["sh", "-c", local(text)]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def port_at(self, server: "Server") -> str:
        """Return the port that *server* has for this client."""
        datagrams = re.search(r"nc -u|--udp", self.text)
        return str(server.udp_port() if datagrams else server.tcp_port())

    def expected(self, server: "Server") -> str:
        """Return what a client of *server* prints."""
        output = self.output or ""
        return figures(output if self.is_alone else output.replace(self.port, self.port_at(server)))


def listings(readme: str) -> list[Listing]:
    """Return the fenced blocks; a text block that follows another one at once is what that one prints."""
    found: list[Listing] = []
    end = 0
    for block in re.finditer(r"^```(\w+)\n(.*?)^```\n", readme, re.MULTILINE | re.DOTALL):
        language, text = block.groups()
        if language == "text" and found and not readme[end : block.start()].strip():
            found[-1] = found[-1]._replace(output=text)
        else:
            found.append(Listing(language, text, None))
        end = block.end()
    return found


def figures(text: str) -> str:
    """Return a text without its measured figures, which are another each time."""
    return re.sub(r"\d+\.\d+(?= ms|s$|\}$)", "0.0", text, flags=re.MULTILINE)


def lacking(reason: str) -> None:
    """Skip a test, or fail it where everything must run."""
    if os.environ.get("SOCKPROTO_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def need_nc() -> None:
    """Skip the test unless nc is the README's."""
    if shutil.which("nc") is None:
        lacking("there is no nc")
    if "OpenBSD" not in subprocess.run(["nc", "-h"], capture_output=True, text=True, timeout=TIMEOUT).stderr:
        lacking("nc is not netcat-openbsd")


class Server:
    """A server in a process of its own, told to stop when the ``with`` block ends.

    Args:
        command: A program with its arguments, or a line for the shell.
        directory: Where to run it.

    Attributes:
        log: What it has printed.
        process: The process.
    """

    def __init__(self, command: str | Sequence[str], directory: Path) -> None:
        if isinstance(command, str):  # its variables come first
            arguments: Sequence[str] = ["sh", "-c", re.sub(r"^((?:\w+=\S* )*)", r"\1exec ", command)]
        else:
            arguments = command
        self.log = ""
        self.process = subprocess.Popen(
            arguments, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT)
        finally:
            self.process.kill()
            self.log += self.process.communicate()[0].decode(errors="replace")
        if error is None:
            assert "Traceback" not in self.log, self.log

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read what it prints until that matches."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + TIMEOUT
        while True:
            match = re.search(pattern, self.log, re.MULTILINE)
            if match is not None:
                return match
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self.process.stdout], [], [], left)
            data = os.read(self.process.stdout.fileno(), 65_536) if readable else b""
            assert data, f"no {pattern!r} in:\n{self.log}"
            self.log += data.decode(errors="replace")

    def tcp_port(self) -> int:
        """Return the TCP port that it took first."""
        return int(self.wait_for(r"(?: on TCP \S+:|Factory starting on )(\d+)$")[1])

    def udp_port(self) -> int:
        """Return the UDP port that it took first."""
        return int(self.wait_for(r"(?: on UDP \S+:|DatagramProtocol starting on )(\d+)$")[1])


def local(command: str) -> str:
    """Return a command of the README as it is here: any free port, and the scripts of this Python."""
    return installed(re.sub(r"--port \d+", "--port 0", command))


def installed(command: str) -> str:
    """Return a command with the scripts of this Python."""
    return command.replace(".venv/bin/", shlex.quote(str(SCRIPTS)) + "/")


def start(listing: Listing, directory: Path) -> Server:
    """Run a listing that serves, on any free port."""
    if listing.language == "sh":
        return Server(local(listing.text), directory)
    program = directory / f"listing{listing.port}.py"
    program.write_text(re.sub(rf"\b{listing.port}\b", "0", listing.text))
    return Server([sys.executable, "-u", "-c", WITH_LOG, str(program)], directory)


def exchange(address: tuple[str, int], data: bytes) -> bytes:
    """Send bytes over TCP, end our half of the stream, give all that comes."""
    with socket.create_connection(address, TIMEOUT) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def ask(address: tuple[str, int], datagram: bytes) -> bytes:
    """Send a datagram over UDP and give the one that comes back."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT)
        client.connect(address)
        client.send(datagram)
        return client.recv(65_536)
