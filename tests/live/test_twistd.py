"""What the real command serves, and where."""

import re
import socket
import stat
import sys
from pathlib import Path

import pytest

from tests.live.clients import (
    ask,
    receive,
    receive_all,
    tcp_client,
    udp_client,
    unix_client,
    unix_datagram_client,
)
from tests.live.server import Serve, Server, require, run_twistd

PROTOCOLS = ("chargen", "command", "daytime", "discard", "echo", "greeting", "qotd", "time", "welcome")


def assert_greets_on_tcp(port: int, host: str = "127.0.0.1") -> None:
    with tcp_client(port, host) as client:
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")


def assert_greets_on_udp(port: int, host: str = "127.0.0.1") -> None:
    with udp_client(port, host) as client:
        ask(client, b"Michael", b"Hello, Michael!")


def require_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        require(False, "the IPv6 address ::1")


def test_the_default_is_greeting_on_one_port_for_tcp_and_udp(serve: Serve) -> None:
    server = serve()
    assert server.port_of("TCP") == server.port_of("UDP")
    server.wait_for(r"\] greeting on TCP 127\.0\.0\.1:\d+$")
    server.wait_for(r"\] greeting on UDP 127\.0\.0\.1:\d+$")
    assert_greets_on_tcp(server.port)
    assert_greets_on_udp(server.port)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_says_where_it_is_served(serve: Serve, protocol: str) -> None:
    server = serve("--protocol", protocol)
    for carrier in ("TCP", "UDP"):
        server.wait_for(rf"\] {protocol} on {carrier} 127\.0\.0\.1:{server.port}$")
    tcp_client(server.port).close()


@pytest.mark.parametrize(
    ("protocol", "request_", "reply"),
    [
        ("echo", b"Hello", b"Hello"),
        ("greeting", b"Michael\n", b"Welcome!Hello, Michael!\n"),
        ("command", b"/version\n", b"Demo version\n"),
    ],
)
def test_a_protocol_has_a_plugin_of_its_own(
    serve: Serve, protocol: str, request_: bytes, reply: bytes
) -> None:
    server = serve(plugin=f"sockproto-{protocol}")
    with tcp_client(server.port) as client:
        ask(client, request_, reply)
    with udp_client(server.port) as client:
        ask(client, request_, reply.removeprefix(b"Welcome!"))


def test_tcp_only_serves_tcp_only(serve: Serve) -> None:
    server = serve("--tcp-only")
    assert_greets_on_tcp(server.port)
    with udp_client(server.port) as client:
        client.send(b"Michael")
        with pytest.raises(ConnectionRefusedError):
            client.recv(1024)
    assert "UDP" not in server.log


def test_udp_only_serves_udp_only(serve: Serve) -> None:
    server = serve("--udp-only")
    assert_greets_on_udp(server.port)
    with pytest.raises(ConnectionRefusedError):
        tcp_client(server.port)
    assert "TCP" not in server.log


def test_an_ipv6_interface(serve: Serve) -> None:
    require_ipv6()
    server = serve("--interface", "::1")
    port = server.port_of("TCP", "[::1]")
    assert port == server.port_of("UDP", "[::1]")
    assert_greets_on_tcp(port, "::1")
    assert_greets_on_udp(port, "::1")
    with pytest.raises(ConnectionRefusedError):
        tcp_client(port)


def test_every_address_of_a_host_name_and_every_interface_is_served(serve: Serve) -> None:
    require_ipv6()
    found = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    hosts = dict.fromkeys([*(str(address[0]) for *_, address in found), "127.0.0.2", "::1"])
    server = serve("--interface", "localhost", "--interface", "127.0.0.2", "--interface", "::1")
    for host in hosts:
        written = f"[{host}]" if ":" in host else host
        assert server.port_of("TCP", written) == server.port_of("UDP", written) == server.port
        assert_greets_on_tcp(server.port, host)
        assert_greets_on_udp(server.port, host)


def test_every_kind_of_listener_at_once(serve: Serve, tmp_path: Path) -> None:
    require_ipv6()
    stream, datagrams = tmp_path / "stream", tmp_path / "datagrams"
    descriptions = [
        "tcp:0:interface=127.0.0.1",
        r"tcp6:0:interface=\:\:1",
        "udp:0:interface=127.0.0.1",
        r"udp:0:interface=\:\:1",
        f"unix:{stream}",
        f"unix-dgram:{datagrams}",
    ]
    server = serve(*[word for description in descriptions for word in ("--listen", description)])
    assert_greets_on_tcp(server.port_of("TCP"))
    assert_greets_on_tcp(server.port_of("TCP", "[::1]"), "::1")
    assert_greets_on_udp(server.port_of("UDP"))
    assert_greets_on_udp(server.port_of("UDP", "[::1]"), "::1")
    server.wait_for(f"greeting on unix:{re.escape(str(stream))}$")
    with unix_client(stream) as client:
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
    server.wait_for(f"greeting on unix-dgram:{re.escape(str(datagrams))}$")
    with unix_datagram_client(datagrams, tmp_path / "client") as client:
        ask(client, b"Michael", b"Hello, Michael!")
    server.stop()
    assert not stream.exists()
    assert not datagrams.exists()


def test_a_unix_datagram_client_without_a_name_does_no_harm(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "datagrams"
    serve("--listen", f"unix-dgram:{path}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nameless:
        nameless.sendto(b"Michael", str(path))
    with unix_datagram_client(path, tmp_path / "client") as client:
        ask(client, b"Tracy", b"Hello, Tracy!")


def leave_stale_socket(path: Path, kind: socket.SocketKind) -> None:
    """Leave a socket file that nobody listens on any more, as a killed server does."""
    with socket.socket(socket.AF_UNIX, kind) as dead:
        dead.bind(str(path))


def test_a_stale_unix_datagram_socket_is_replaced(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "datagrams"
    leave_stale_socket(path, socket.SOCK_DGRAM)
    serve("--listen", f"unix-dgram:{path}")
    with unix_datagram_client(path, tmp_path / "client") as client:
        ask(client, b"Michael", b"Hello, Michael!")


def test_a_server_takes_over_from_one_that_was_killed(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "stream"
    killed = Server("--listen", f"unix:{path}", directory=tmp_path)
    killed.wait_for("greeting on unix:")
    killed.kill()
    assert path.exists()
    serve("--listen", f"unix:{path}")
    with unix_client(path) as client:
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")


def test_the_permissions_of_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    serve("--listen", "unix:stream:mode=600")
    assert stat.S_IMODE((tmp_path / "stream").stat().st_mode) == 0o600


def test_the_message_is_sent_to_the_byte(serve: Serve) -> None:
    server = serve("--protocol", "qotd", "--message", "no newline, 100% {as} \\n given")
    with tcp_client(server.port) as client:
        assert receive_all(client) == b"no newline, 100% {as} \\n given"


def test_discard_answers_nothing_and_ends_when_the_client_does(serve: Serve) -> None:
    with tcp_client(serve("--protocol", "discard").port) as client:
        client.sendall(b"x" * 1_000_000)
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 1) == b""


def test_help_lists_the_commands_and_imports_nothing_of_sockproto(tmp_path: Path) -> None:
    listed = run_twistd("--help", directory=tmp_path, prefix=(sys.executable, "-X", "importtime"))
    assert listed.returncode == 0
    for command in ("sockproto", "sockproto-echo", "sockproto-greeting", "sockproto-command"):
        assert re.search(rf"^ +{command} +\S", listed.stdout, re.MULTILINE)
    assert re.search(r"\| +twisted\.plugin$", listed.stderr, re.MULTILINE)
    assert not re.search(r"\| +sockproto(\.|$)", listed.stderr, re.MULTILINE)


def test_help_of_the_command_names_every_protocol(tmp_path: Path) -> None:
    shown = run_twistd("sockproto", "--help", directory=tmp_path)
    assert shown.returncode == 0
    for protocol in PROTOCOLS:
        assert protocol in shown.stdout


def test_each_port_is_announced_once(serve: Serve) -> None:
    server = serve("--listen", "tcp:0:interface=127.0.0.1", "--listen", "udp:0")
    port = server.port_of("UDP")
    assert server.log.count(f"{port}") == 1, server.log
    assert "starting on" not in server.log
