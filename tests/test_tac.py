"""Each file of tac/ loads, serves what it says, and ends without a traceback."""

import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from twisted.application.service import IService, IServiceCollection, loadApplication
from twisted.trial.unittest import SynchronousTestCase

from sockproto.protocols.chargen import PATTERN
from sockproto.protocols.time import SECONDS_1900_TO_1970
from sockproto.server.options import LOOPBACK
from tests.docs.test_readme import ROOT, rows
from tests.hanging import TIMEOUT
from tests.listings import SCRIPTS, Server, ask, exchange
from tests.plugins import ours

FILES = sorted((ROOT / "tac").glob("*.tac"))
PROTOCOLS = (ROOT / "docs" / "reference" / "protocols.md").read_text("utf-8")
FOUR = ["echo", "greeting", "welcome", "command"]
STARTED = r"^.* (\w+?)(?: on (?:TCP|(UDP)) \S+:|(Datagram)?(?:Factory|Protocol) starting on )(\d+)$"
"""Our service's line, or that of Twisted's own services."""


class TacTests(SynchronousTestCase):
    def test_there_is_one_for_each_protocol_and_one_for_four(self) -> None:
        self.assertEqual({path.stem for path in FILES}, {*ours(), "four"})

    def test_each_is_an_application_with_services_that_opens_nothing_when_loaded(self) -> None:
        for path in FILES:
            application: Any = loadApplication(str(path), "python")
            self.assertEqual(IService(application).name, path.stem)
            self.assertTrue(list(IServiceCollection(application)))

    def test_each_says_where_it_serves_and_how_to_run_it(self) -> None:
        for path in FILES:
            text = path.read_text("utf-8")
            self.assertIn(f"\ntwistd -ny tac/{path.name}\n", text.split('"""')[1])
            if path.stem != "four":
                self.assertEqual(ports(text), set(re.findall(r"port (\d+)", text.split('"""')[1])))

    def test_ports_are_those_of_the_standards_and_10000(self) -> None:
        standard = {row[0].strip("`"): re.search(r"port (\d+)", row[3]) for row in rows(PROTOCOLS, "name")}
        for path in FILES:
            port = standard.get(path.stem)
            if port is not None:
                self.assertEqual(ports(path.read_text("utf-8")), {str(10_000 + int(port[1]))})


def ports(text: str) -> set[str]:
    """Return the ports that a tac file names in its code."""
    return set(re.findall(r"\b\d{4,5}\b", text.split('"""')[2]))


def run(text: str, directory: Path) -> Server:
    """Run a tac file with twistd in a directory of its own."""
    (directory / "server.tac").write_text(text, "utf-8")
    return Server([str(SCRIPTS / "twistd"), "-ny", "server.tac"], directory)


def started(server: Server, listeners: int) -> dict[tuple[str, str], int]:
    """Return the ports on which a server listens, by protocol and transport."""
    server.wait_for(rf"(?s)((?: on (?:TCP|UDP) \S+:| starting on )\d+$.*?){{{listeners}}}")
    found = re.findall(STARTED, server.log, re.MULTILINE)
    return {
        (name.lower(), "udp" if udp or datagram else "tcp"): int(port) for name, udp, datagram, port in found
    }


def speaks_echo(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"Hello\n\0" * 50_000) == b"Hello\n\0" * 50_000
    assert udp(b"x" * 65_507) == b"x" * 65_507


def speaks_greeting(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"Michael\nexit\nTracy\n") == b"Welcome!Hello, Michael!\n"
    assert udp(b"Tracy") == b"Hello, Tracy!"


def speaks_welcome(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"Hello?").decode().startswith("Welcome!")


def speaks_command(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"message\n/version\n/echo Repeat this\n") == b"Demo version\n Repeat this\n"
    assert udp(b"/help") == b"/echo /help /version\n"


def speaks_faults(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"/bytes 100000\n/close\n") == b"0123456789" * 10_000
    assert udp(b"/long 9") == b"012345678\n"


def speaks_discard(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"x" * 100_000) == b""


def speaks_chargen(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert udp(b"x" * 100) == PATTERN[:100]


def speaks_daytime(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    for text in tcp(b""), udp(b""):
        assert len(text) == 26
        told = time.mktime(time.strptime(text.decode(), "%a %b %d %H:%M:%S %Y\r\n"))
        assert abs(told - time.time()) < TIMEOUT


def speaks_time(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    for answer in tcp(b""), udp(b""):
        [seconds] = struct.unpack("!I", answer)
        assert abs(seconds - (time.time() + SECONDS_1900_TO_1970) % 2**32) < TIMEOUT


def speaks_qotd(tcp: Callable[[bytes], bytes], udp: Callable[[bytes], bytes]) -> None:
    assert tcp(b"") == udp(b"x" * 20)
    assert tcp(b"").endswith(b".\r\n")


SPEAKS = {name: globals()[f"speaks_{name}"] for name in ours()}


def check(protocol: str, listening: dict[tuple[str, str], int]) -> None:
    """Check that what listens speaks the protocol, over each transport that the protocol's check uses."""

    def tcp(data: bytes) -> bytes:
        return exchange((LOOPBACK, listening[protocol, "tcp"]), data)

    def udp(datagram: bytes) -> bytes:
        return ask((LOOPBACK, listening[protocol, "udp"]), datagram)

    SPEAKS[protocol](tcp, udp)


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != "four"], ids=lambda path: path.stem)
def test_a_tac_file_serves_its_protocol(path: Path, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    [port] = ports(text)
    transports = 1 if path.stem == "welcome" else 2
    with run(text.replace(port, "0"), tmp_path) as server:
        listening = started(server, transports)
        assert len(listening) == transports
        if path.stem == "chargen":
            with socket.create_connection((LOOPBACK, listening["chargen", "tcp"]), TIMEOUT) as client:
                assert client.makefile("rb").read(3 * len(PATTERN)) == 3 * PATTERN
        check(path.stem, listening)


def free_ports(count: int) -> tuple[ExitStack, list[int]]:
    """Hold so many ports that are free for TCP and UDP, until the stack is closed."""
    stack = ExitStack()
    found: list[int] = []
    while len(found) < count:
        stream = stack.enter_context(socket.socket())
        stream.bind((LOOPBACK, 0))
        datagrams = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        try:
            datagrams.bind(stream.getsockname())
        except OSError:
            continue
        found.append(stream.getsockname()[1])
    return stack, found


def four_on_free_ports() -> tuple[str, list[int]]:
    """Return four.tac with other ports, in the order of FOUR, and these."""
    text = (ROOT / "tac" / "four.tac").read_text("utf-8")
    held, found = free_ports(4)
    held.close()
    for name, port in zip(FOUR, found, strict=True):
        text, count = re.subn(rf'(\("{name}", .*, )\d+\)', rf"\g<1>{port})", text)
        assert count == 2
    return text, found


def test_four_protocols_are_served_at_once(tmp_path: Path) -> None:
    text, found = four_on_free_ports()
    with run(text, tmp_path) as server:
        listening = started(server, 8)
        assert listening == {
            (name, transport): port
            for name, port in zip(FOUR, found, strict=True)
            for transport in ("tcp", "udp")
        }
        for name in FOUR:
            check(name, listening)


def test_of_four_ports_all_or_none_are_had(tmp_path: Path) -> None:
    text, found = four_on_free_ports()
    with socket.create_server((LOOPBACK, found[3])), run(text, tmp_path) as server:
        assert server.process.wait(TIMEOUT) == 1
        server.wait_for(rf"sockproto: command can't listen on TCP {LOOPBACK}:{found[3]}: .* \(.*\)$")
        for port in found[:3]:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port), TIMEOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["server.tac"]
