"""The protocol ``faults`` seen by plain sockets: segments, resets, half-closes, and what it tells of them."""

import json
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sockproto.commands.faults import FaultCommands, described
from sockproto.core.conversation import Peer
from sockproto.core.proxy import SIGNATURE
from tests.hanging import TIMEOUT
from tests.listings import listings, need_nc, start
from tests.live.clients import (
    ask,
    readable,
    receive,
    receive_all,
    send_until_stalled,
    tcp_client,
    udp_client,
    unix_client,
    unix_datagram_client,
)
from tests.live.peers import LOOPBACK, authority
from tests.live.server import Serve, Server
from tests.live.test_client_certificates import Clients, listener
from tests.live.test_workers import supervised

FAULTS = ("--protocol", "faults")
DATA_SEGMENTS_IN = 152
"""Where Linux's ``struct tcp_info`` counts the segments with data that came (since 4.6)."""


@pytest.fixture
def server(serve: Serve) -> Server:
    """Have a server of faults on TCP and UDP."""
    return serve(*FAULTS)


def whoami(client: Any) -> dict[str, Any]:
    """Ask who we are."""
    client.sendall(b"/whoami\n")
    line = b""
    while not line.endswith(b"\n"):
        more = client.recv(65_536)
        assert more, line
        line += more
    told: dict[str, Any] = json.loads(line)
    assert told["host"] == socket.gethostname()
    return told


def name_of(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def test_each_word_is_a_segment(server: Server) -> None:
    with tcp_client(server.port) as client:
        ask(client, b'/segments Hel lo, "big world"\n', b"Hello,big world\n")
        told = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        assert struct.unpack_from("I", told, DATA_SEGMENTS_IN) == (3,)


def test_a_drip_takes_its_time(server: Server) -> None:
    with tcp_client(server.port) as client:
        began = time.monotonic()
        ask(client, b"/drip 12 0.3\n", b"012345678901")
        assert time.monotonic() - began > 0.29


def test_a_push_comes_unasked(server: Server) -> None:
    with tcp_client(server.port) as client:
        ask(client, b"/push 0.2 later\n/long 3\n", b"ok\n012\n")
        assert receive(client, 6) == b"later\n"


def test_closes(server: Server) -> None:
    with tcp_client(server.port) as client:
        client.sendall(b"/long 3\n/close after 20\n/long 3\n")
        assert receive_all(client) == b"012\n" + b"01234567890123456789"
    server.wait_for(r"faults connection 1 from \S+ closed: closed; ")


SIZE = 400_000


"""More than fits into small buffers."""


def until_reset(client: Any) -> tuple[int, Any]:
    """Have the connection reset behind a long answer; return how much of it came, and what ended it."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.sendall(b"/bytes %d\n/reset\n/long 3\n" % SIZE)
    silent, other = socket.socketpair()
    with silent, other:
        assert not readable(silent, 0.2)  # in which a reset that waits for nobody would be over
    came = 0
    try:
        while data := client.recv(65_536):
            came += len(data)
    except OSError as error:
        return came, type(error)
    return came, None


def test_a_reset_comes_when_all_is_delivered(server: Server) -> None:
    with tcp_client(server.port) as client:
        assert until_reset(client) == (SIZE, ConnectionResetError)
    server.wait_for(r"faults connection 1 from \S+ closed: aborted; ")


def test_a_reset_over_tls_comes_without_close_notify(serve: Serve, tmp_path: Path) -> None:
    made = authority(tmp_path, "localhost")
    server = serve(*FAULTS, "--listen", f"ssl:0:privateKey={made.server}:interface={LOOPBACK}")
    context = ssl.create_default_context(cafile=made.issuer)
    plain = tcp_client(server.port)
    # Otherwise Python calls it an orderly end.
    with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as client:
        came, error = until_reset(client)
        assert came == SIZE
        assert error in (ConnectionResetError, ssl.SSLEOFError)
    server.wait_for(r"faults connection 1 from \S+ closed: aborted; ")


def test_a_unix_socket_has_no_reset_but_an_end(serve: Serve, tmp_path: Path) -> None:
    serve(*FAULTS, "--listen", f"unix:{tmp_path}/socket")
    with unix_client(tmp_path / "socket") as client:
        assert until_reset(client) == (SIZE, None)


@pytest.mark.parametrize("end", [socket.socket.close, lambda client: client.shutdown(socket.SHUT_WR)])
def test_half_close(server: Server, end: Callable[[socket.socket], object]) -> None:
    with tcp_client(server.port) as client:
        client.sendall(b"/long 3\n/half-close\n/long 3\n")
        assert receive_all(client) == b"012\n"
        client.sendall(b"x" * 10_000_000)  # is all read
        end(client)
        server.wait_for(
            r"faults connection 1 from \S+ closed: peer closed; 100000\d+ bytes and \d+ messages in"
        )


def test_hold(server: Server) -> None:
    with tcp_client(server.port) as client:
        client.sendall(b"/hold\n/long 3\n" + b"x" * 10_000_000 + b"\n/long 3\n")
        assert not readable(client, 0.2)
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b""


def test_stop_reading(server: Server) -> None:
    most = 256 * 1024 * 1024
    with tcp_client(server.port) as client:
        ask(client, b"/stop-reading 1.5\n", b"ok\n")
        assert send_until_stalled(client, b"x" * 65_535 + b"\n", most, patience=0.5) < most
        client.sendall(b"\n/long 3\n")
        assert receive(client, 4) == b"012\n"


def test_whoami(server: Server) -> None:
    with tcp_client(server.port) as client:
        told = whoami(client)
        assert told["peer"] == name_of(client.getsockname())
        assert told["listener"] == name_of(client.getpeername())
        assert told["serial"] == 1
        unknown = ("client", "tls", "sni", "alpn", "certificate", "worker")
        assert [told[name] for name in unknown] == [None] * 6
    with udp_client(server.port_of("UDP")) as datagrams:
        datagrams.send(b"/whoami".ljust(100))
        assert json.loads(datagrams.recv(65_536))["peer"] == name_of(datagrams.getsockname())
        ask(datagrams, b"/whoami", b"error: reply too long\n")


def test_whoami_behind_a_proxy(serve: Serve) -> None:
    server = serve(*FAULTS, "--proxy-protocol", "--tcp-only")
    client_and_server = bytes([192, 0, 2, 77, 192, 0, 2, 1]) + struct.pack("!HH", 5_000, 80)
    with tcp_client(server.port) as client:
        client.sendall(SIGNATURE + b"\x21\x11\x00\x0c" + client_and_server)
        told = whoami(client)
        assert (told["client"], told["peer"]) == ("192.0.2.77:5000", name_of(client.getsockname()))
        assert told["listener"] == name_of(client.getpeername())


def test_whoami_over_tls(serve: Serve, tmp_path: Path) -> None:
    clients = Clients(tmp_path, authority(tmp_path, "example.org", LOOPBACK))
    options = ("--client-ca", clients.authorities, "--alpn", "h2,http/1.1")
    server = serve(*FAULTS, "--listen", listener(clients), *options)
    context = ssl.create_default_context(cafile=clients.server.issuer)
    context.load_cert_chain(clients.certificate())
    context.set_alpn_protocols(["http/1.1", "http/1.0"])
    for version, name in (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3"):
        context.minimum_version = context.maximum_version = version
        with closing(context.wrap_socket(tcp_client(server.port), server_hostname="example.org")) as client:
            told = whoami(client)
            assert (told["tls"], told["sni"], told["alpn"]) == (name, "example.org", "http/1.1")
            assert "O=Example" in told["certificate"]
            assert client.selected_alpn_protocol() == "http/1.1"


def test_whoami_on_unix_sockets(serve: Serve, tmp_path: Path) -> None:
    serve(*FAULTS, *("--listen", f"unix:{tmp_path}/unix", "--listen", f"unix-dgram:{tmp_path}/unix-dgram"))
    with unix_client(tmp_path / "unix") as client:
        told = whoami(client)
        assert (told["peer"], told["listener"]) == ("unix:", f"unix:{tmp_path}/unix")
    with unix_datagram_client(tmp_path / "unix-dgram", tmp_path / "own") as client:
        client.send(b"/whoami".ljust(200))
        told = json.loads(client.recv(65_536))
        assert (told["peer"], told["listener"]) == (f"unix:{tmp_path}/own", f"unix:{tmp_path}/unix-dgram")


def test_whoami_tells_the_worker() -> None:
    with supervised(*FAULTS, "--port", "0", workers=2) as process:
        seen: set[int] = set()
        deadline = time.monotonic() + TIMEOUT
        while seen != {1, 2} and time.monotonic() < deadline:
            clients = [tcp_client(process.port()) for _ in range(20)]
            seen |= {int(whoami(client)["worker"]) for client in clients}
            for client in clients:
                client.close()
        assert seen == {1, 2}
        with udp_client(process.port(r" on UDP \S+:(\d+)$")) as datagrams:
            datagrams.send(b"/whoami".ljust(100))
            assert json.loads(datagrams.recv(65_536))["worker"] in (1, 2)
        process.end()


def test_what_its_section_shows_is_what_comes(tmp_path: Path) -> None:
    need_nc()
    page = (Path(__file__).parents[2] / "docs" / "howto" / "faults.md").read_text("utf-8")
    serving, *clients = listings(page.partition("The protocol `faults`")[2])
    with start(serving, tmp_path) as server:
        server.tcp_port()
        for client in clients:
            ran = client.run(server)
            assert (ran.stderr, ran.returncode) == ("", 0), ran
            assert ran.stdout.rstrip("\n") == client.expected(server).rstrip("\n")
    assert len(clients) == 6


def test_its_section_has_a_row_for_each_command_and_each_name_that_whoami_tells() -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "faults.md").read_text("utf-8")
    section = page.partition("The protocol `faults`")[2]
    commands, names = section.split("| --- | --- |\n")[1:3]
    told = " ".join(re.findall(r"^\| (`.*?) \|", commands, re.MULTILINE))
    assert {word.encode() for word in re.findall(r"`(/[\w-]+)", told)} == set(FaultCommands.commands.by_word)
    told = " ".join(re.findall(r"^\| (`.*?) \|", names, re.MULTILINE))
    assert re.findall(r"\w+", told) == [*described(Peer("192.0.2.1", 5_000))]
