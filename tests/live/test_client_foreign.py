"""The clients against servers of others: xinetd, ncat, socat, the standard library's, the tutorials'."""

import asyncio
import re
import struct
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.live.greeting import GREETED, WELCOMED, naive, of_lines
from tests.live.peers import (
    LOOPBACK,
    all_at_once,
    asyncio_server,
    authority,
    datagram_server,
    first_of_chargen,
    free_ports,
    ncat_echo,
    program,
    say,
    socat,
    stream_server,
    unix_server,
)
from tests.live.server import need

EVERY_BYTE = bytes(range(256))


# xinetd's internal services.

XINETD = """
service {name}
{{
    type = INTERNAL UNLISTED
    id = {name}-{kind}
    socket_type = {kind}
    protocol = {protocol}
    wait = {wait}
    port = {port}
    bind = 127.0.0.1
}}
"""
SERVICES = "echo", "daytime", "time", "chargen"


@pytest.fixture(scope="module")
def xinetd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Run xinetd in the foreground; return the ports of its services, each for TCP and UDP."""
    need("xinetd")
    configuration = tmp_path_factory.mktemp("xinetd") / "xinetd.conf"
    ports: dict[str, int] = {}

    def command(port: int) -> tuple[str, ...]:
        ports.update(zip(SERVICES, [port, *free_ports(len(SERVICES))], strict=False))
        kinds = ("stream", "tcp", "no"), ("dgram", "udp", "yes")
        services = [
            XINETD.format(name=name, kind=kind, protocol=protocol, wait=wait, port=port)
            for name, port in ports.items()
            for kind, protocol, wait in kinds
        ]
        configuration.write_text("defaults\n{\n    cps = 1000 1\n}\n" + "".join(services))
        return ("xinetd", "-dontfork", "-f", str(configuration), "-filelog", "/dev/stderr")

    with program(command, f"Started working: {2 * len(SERVICES)} available services"):
        yield ports


def test_echo_of_xinetd(xinetd: dict[str, int]) -> None:
    where = f"{LOOPBACK}:{xinetd['echo']}"
    data = EVERY_BYTE * 1024
    assert say("echo", where, "-", stdin=data) == data
    assert say("echo", "--udp", where, "-", stdin=data[:4096]) == data[:4096]


@pytest.mark.parametrize("option", [(), ("--udp",)], ids=["tcp", "udp"])
def test_daytime_and_time_of_xinetd(xinetd: dict[str, int], option: tuple[str, ...]) -> None:
    daytime, seconds = all_at_once(
        [("welcome", *option, f"{LOOPBACK}:{xinetd[name]}") for name in ("daytime", "time")]
    )
    assert (daytime.status, daytime.errors, seconds.status, seconds.errors) == (0, "", 0, "")
    assert re.match(rb"\d\d [A-Z]{3} \d{4} \d\d:\d\d:\d\d", daytime.output)
    assert abs(struct.unpack("!I", seconds.output)[0] - 2_208_988_800 - time.time()) < 30


def test_chargen_of_xinetd(xinetd: dict[str, int]) -> None:
    where = f"{LOOPBACK}:{xinetd['chargen']}"
    assert re.match(rb"[ -~]{72}\r\n", first_of_chargen(where, 1_000))
    assert re.match(rb"[ -~]{72}\r\n", say("welcome", "--udp", where, "--request", "x"))


# ncat and socat.


# ncat itself locks up where more is on its way than its two pipes to cat hold.
SMALL = EVERY_BYTE * 256


def test_echo_of_ncat() -> None:
    data = SMALL
    with ncat_echo() as port:
        assert say("echo", f"{LOOPBACK}:{port}", "-", stdin=data) == data


def test_echo_of_ncat_over_a_unix_socket(tmp_path: Path) -> None:
    data, path = SMALL, tmp_path / "ncat"
    command = ("ncat", "-v", "-l", "-k", "--exec", "/bin/cat", "-U", str(path))
    with program(lambda port: command, "Listening on"):
        assert say("echo", "--unix", str(path), "-", stdin=data) == data


def test_echo_of_ncat_over_udp() -> None:
    with ncat_echo("--udp") as port:
        assert say("echo", "--udp", f"{LOOPBACK}:{port}", "Hello") == b"Hello"


def test_echo_of_ncat_over_tls(tmp_path: Path) -> None:
    made = authority(tmp_path, LOOPBACK)
    data = SMALL
    with ncat_echo("--ssl", "--ssl-cert", made.server, "--ssl-key", made.server) as port:
        assert say("echo", "--cacert", made.issuer, f"{LOOPBACK}:{port}", "-", stdin=data) == data


def test_welcome_of_ncat() -> None:
    with program(
        lambda port: ("ncat", "-v", "-l", "-k", "--sh-exec", "printf Hello", LOOPBACK, str(port)), "Listening"
    ) as port:
        assert say("welcome", f"{LOOPBACK}:{port}") == b"Hello"


def test_echo_of_socat_over_tcp_and_tls(tmp_path: Path) -> None:
    made, data = authority(tmp_path, LOOPBACK), EVERY_BYTE * 4096
    with (
        socat("TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr") as plain,
        socat("OPENSSL-LISTEN:{port},bind=127.0.0.1,fork,verify=0,cert=" + made.server) as tls,
    ):
        assert say("echo", f"{LOOPBACK}:{plain}", "-", stdin=data) == data
        assert say("echo", "--cacert", made.issuer, f"{LOOPBACK}:{tls}", "-", stdin=data) == data


def test_echo_of_socat_over_unix_sockets_and_udp(tmp_path: Path) -> None:
    stream, datagrams = tmp_path / "stream", tmp_path / "datagrams"
    with (
        socat(f"UNIX-LISTEN:{stream},fork"),
        socat(f"UNIX-RECVFROM:{datagrams},fork", "PIPE"),
        socat("UDP4-RECVFROM:{port},bind=127.0.0.1,fork", "PIPE") as port,
    ):
        for ended in all_at_once(
            [
                ("echo", f"unix:{stream}", "Hello"),
                ("echo", "--udp", "--unix", str(datagrams), "Hello"),
                ("echo", f"udp:{LOOPBACK}:{port}", "Hello"),
            ]
        ):
            assert ended == (0, b"Hello", "")


# The standard library's servers, and the tutorials' own.


def test_greet_the_naive_server_of_the_tutorials() -> None:
    with stream_server(naive) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED
        assert say("greet", address, "-", stdin=b"Michael\nTracy\n") == WELCOMED


def test_greet_over_ipv6_and_a_unix_socket(tmp_path: Path) -> None:
    quick = partial(naive, think_seconds=0)
    with stream_server(quick, "::1") as address, unix_server(tmp_path / "naive", quick) as path:
        for ended in all_at_once(
            [("greet", address, "Michael", "Tracy"), ("greet", path, "Michael", "Tracy")]
        ):
            assert ended == (0, WELCOMED, "")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b""], ids=["lf", "crlf", "none"])
def test_greet_a_socketserver_of_lines(newline: bytes) -> None:
    with stream_server(partial(of_lines, welcome=b"Welcome!" + newline, newline=newline)) as address:
        assert say("greet", "--lines", address, "Michael", "Tracy") == WELCOMED


def test_greet_and_echo_with_a_socketserver_of_datagrams(tmp_path: Path) -> None:
    with (
        datagram_server(lambda name: b"Hello, " + name + b"!") as udp,
        datagram_server(lambda name: name, tmp_path / "datagrams") as unix,
    ):
        assert say("greet", udp, "Michael", "Tracy") == GREETED
        assert say("echo", unix, "Hello") == b"Hello"


async def greet_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Welcome!")
    while (name := await reader.read(1024)) not in (b"", b"exit"):
        writer.write(b"Hello, " + name + b"!")
        await writer.drain()


async def greet_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Welcome!\n")
    while (name := (await reader.readline()).rstrip(b"\n")) not in (b"", b"exit"):
        writer.write(b"Hello, " + name + b"!\n")
        await writer.drain()


def test_greet_asyncio_servers() -> None:
    with asyncio_server(greet_reads) as reads, asyncio_server(greet_lines) as lines:
        assert say("greet", reads, "Michael", "Tracy") == WELCOMED
        assert say("greet", "--lines", lines, "Michael", "Tracy") == WELCOMED
