"""Every command of docs/tutorial is run in its order, as it stands but for the ports."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hanging import TIMEOUT
from tests.listings import Listing, Server, figures, installed, lacking, listings, need_nc
from tests.tutorial import LISTINGS, MADE, PAGES, files, told

PORT = re.compile(r"\b70\d\d\b")  # the tutorial's ports
UNPRIVILEGED = range(20_000, 30_000)  # below those that a system gives to whoever asks for any
STEPS = [path for path in PAGES if path.name != "index.md"]


def free_ports(count: int) -> list[int]:
    """Find ports that nobody has, for TCP and UDP; a configuration file takes no 0."""
    found: list[int] = []
    with ExitStack() as stack:
        for port in UNPRIVILEGED[os.getpid() % 1_000 :]:
            if len(found) == count:
                break
            stream = stack.enter_context(socket.socket())
            datagrams = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            try:
                stream.bind(("127.0.0.1", port))
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    assert len(found) == count
    return found


class Running(NamedTuple):
    """A server that a page has had started."""

    server: Server
    listing: Listing


class Reader:
    """Does what a page says, in a copy of its files.

    Args:
        page: The page.
        directory: Where the copy is to be.
        stack: What stops the servers.
    """

    def __init__(self, page: str, directory: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._directory = directory / "listings"
        self._servers: list[Running] = []
        ports = sorted({*PORT.findall("\n".join([page, *files().values()]))})
        self._ports = dict(zip(ports, free_ports(len(ports)), strict=True))
        shutil.copytree(LISTINGS, self._directory, ignore=shutil.ignore_patterns(*MADE))
        for name, text in files().items():
            (self._directory / name).write_text(self._here(text))

    def _here(self, text: str) -> str:
        """Return a text with the ports that are free here."""
        return PORT.sub(lambda port: str(self._ports[port[0]]), text)

    def reads(self, listing: Listing) -> None:
        """Go on to the next listing."""
        if listing.kind == "picture":
            self._finds_in_log(listing.text)
            return
        for program in "nc", "haproxy", "systemd-socket-activate", "openssl":
            if re.search(rf"(?<![\w-]){program} ", listing.text) and shutil.which(program) is None:
                lacking(f"there is no {program}")
        if listing.kind == "server":
            self._starts(listing)
        else:
            self._runs(listing)

    def _starts(self, listing: Listing) -> None:
        command = installed(self._here(listing.text))
        server = self._stack.enter_context(Server(command, self._directory))
        self._servers.append(Running(server, listing))
        if listing.output is None:  # it says nothing
            await_port(server, int(re.findall(r"bind \S+:(\d+)", self._file("haproxy.cfg"))[0]))
        for line in (listing.output or "").splitlines():
            server.wait_for(re.escape(self._here(line)))

    def _runs(self, listing: Listing) -> None:
        if re.search(r"\bnc ", listing.text):
            need_nc()
        ran = subprocess.run(
            ["sh", "-c", installed(self._here(listing.text))],
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        expected = figures(self._here(listing.output or "")).rstrip("\n")  # what ends without one has one
        assert (figures(ran.stdout).rstrip("\n"), ran.stderr, ran.returncode) == (expected, "", 0)

    def _finds_in_log(self, text: str) -> None:
        """See that the server started last says this; a traceback that the page shows is no surprise."""
        server = self._servers[-1].server
        for line in self._here(text).splitlines():
            if line.strip() == "…":
                continue
            pattern = re.escape(line)
            pattern = re.sub(r"(\d\\\.\d):\d{5}\b", r"\1:\\d+", pattern)  # a client's port
            pattern = re.sub(r"\d\\\.\d+\\ seconds", r"\\d\\.\\d+ seconds", pattern)
            found = server.wait_for(pattern)
            server.log = server.log.replace(found[0], "")

    def _file(self, name: str) -> str:
        return (self._directory / name).read_text()


def await_port(server: Server, port: int) -> None:
    """Connect to a port until something listens there."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), TIMEOUT).close()
        except ConnectionRefusedError:
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(0.01)
                break
        else:
            return
    raise AssertionError(f"it doesn't listen: {server.process.poll()}")


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_its_commands_print_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    page = path.read_text("utf-8")
    told_to_do = listings(told(page))
    assert told_to_do
    with ExitStack() as stack:
        reader = Reader(page, tmp_path, stack)
        for listing in told_to_do:
            reader.reads(listing)


def options(command: str) -> list[str]:
    """Return what follows ``twistd`` in a command."""
    return shlex.split(command.partition("twistd ")[2].replace("\\\n", ""))


def test_the_units_start_what_the_page_tries(tmp_path: Path) -> None:
    page = next(path for path in STEPS if "systemd-socket-activate" in path.read_text("utf-8"))
    [tried] = [
        listing.text
        for listing in listings(told(page.read_text("utf-8")))
        if "systemd-socket-activate" in listing.text and listing.language == "sh"
    ]
    texts = files()
    start = texts["phonebook.service"].partition("ExecStart=")[2].partition("\nTimeout")[0]
    assert options(start) == options(tried)
    for key, option in {"ListenStream=": "-l ", "FileDescriptorName=": "--fdname="}.items():
        [value] = re.findall(rf"^{key}(.+)$", texts["phonebook.socket"], re.MULTILINE)
        assert f"{option}{value} " in tried
    if shutil.which("systemd-analyze") is None:
        lacking("there is no systemd-analyze")
    (tmp_path / "twistd").symlink_to("/bin/true")
    units = []
    for name in "phonebook.service", "phonebook.socket":
        text = texts[name].replace("/srv/phonebook/.venv/bin", str(tmp_path))
        (tmp_path / name).write_text(text.replace("/srv/phonebook", str(tmp_path)))
        units.append(str(tmp_path / name))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=TIMEOUT
    )
    said = [line for line in ran.stderr.splitlines() if str(tmp_path) in line or "phonebook" in line]
    assert (said, ran.returncode) == ([], 0)
