"""Servers that can't be reached, for real: no port, no route, no name, no answer to a datagram."""

import re
import socket
import time
from pathlib import Path

from tests.live.failing import check_failure, fails, probes
from tests.live.peers import LOOPBACK, datagram_server, full_backlog, run, say, unused_port


def test_a_closed_port() -> None:
    with unused_port() as port:
        where = f"{LOOPBACK}:{port}"
        for found in fails(
            7, f"{where}: connection refused", ("greet", where, "x"), ("echo", where, "x"), ("welcome", where)
        ):
            assert (found["error"], found["phase"]) == ("Refused", "connect")
        ended = run("greet", where, "x")
        check_failure(ended, 7, f"{where}: connection refused: nothing listens there")
        assert ended.output == b""
        [attempt] = probes(7, "refused", where)["attempts"]
        assert (attempt["address"], attempt["errno"]) == (where, "ECONNREFUSED")


def test_every_address_of_localhost_is_tried() -> None:
    with unused_port() as port:
        where = f"localhost:{port}"
        fails(7, f"{where}: connection refused", ("command", where, "/help"))
        found = probes(7, "refused", where)
        hosts = [str(each[4][0]) for each in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)]
        assert found["address"] == where
        assert [each["address"] for each in found["attempts"]] == [
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts
        ]
        assert {each["errno"] for each in found["attempts"]} == {"ECONNREFUSED"}


def test_a_closed_port_over_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as keeper:
        keeper.bind(("::1", 0))
        where = f"[::1]:{keeper.getsockname()[1]}"
        fails(7, re.escape(f"{where}: connection refused"), ("greet", where, "x"))
        assert probes(7, "refused", where)["attempts"][0]["address"] == where


def test_a_full_backlog() -> None:
    with full_backlog() as where:
        options = ("--connect-timeout", "1")
        [found] = fails(28, f"{where}: timed out: no connection within 1", ("greet", where, "x", *options))
        assert (found["error"], found["phase"]) == ("TimedOut", "connect")
        assert 1 <= found["seconds"] < 9
        [attempt] = probes(28, "timed out", where, *options)["attempts"]
        assert 0.9 < attempt["connect_seconds"] < 9  # what came before was its time too


def test_a_full_backlog_of_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "full"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        options = ("--connect-timeout", "1")
        fails(28, "too many connections wait|timed out", ("greet", f"unix:{path}", "x", *options))
        probes(28, "timed out", f"unix:{path}", *options)


def test_a_name_that_does_not_exist() -> None:
    for option in (), ("--udp",):
        where = ("nonesuch.invalid:9999", *option)
        [found] = fails(6, "nonesuch.invalid:9999: host name not found", ("greet", *where, "x"))
        assert (found["error"], found["phase"]) == ("NameNotFound", "name")
        assert probes(6, "name not found", *where)["attempts"] == []


def test_a_unix_socket_that_does_not_exist(tmp_path: Path) -> None:
    path = str(tmp_path / "nonesuch")
    fails(7, f"unix:{path}: .*No such file", ("greet", f"unix:{path}", "x"), ("welcome", "-U", path))
    assert probes(7, "unreachable", f"unix:{path}")["attempts"][0]["errno"] == "ENOENT"


def test_a_unix_datagram_socket_that_does_not_exist(tmp_path: Path) -> None:
    where = f"unix-dgram:{tmp_path / 'nonesuch'}"
    fails(7, f"{where}: .*No such file", ("greet", where, "x"))
    assert probes(7, "unreachable", where.replace("-dgram", ""), "--udp")["attempts"][0]["errno"] == "ENOENT"


def test_a_unix_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    path = tmp_path / "left"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    fails(7, f"unix:{path}: connection refused", ("greet", f"unix:{path}", "x"))
    assert probes(7, "refused", f"unix:{path}")["attempts"][0]["errno"] == "ECONNREFUSED"


def test_an_address_without_a_route() -> None:
    where = "[fe80::1]:9999"  # link-local, and no link is named
    fails(7, re.escape(where) + ": can't be reached: .+", ("greet", where, "x", "--connect-timeout", "1"))
    probes(7, "unreachable", where, "--connect-timeout", "1")


def test_a_closed_port_over_udp() -> None:
    with unused_port(socket.SOCK_DGRAM) as port:
        where = f"udp:{LOOPBACK}:{port}"
        [found, *_] = fails(
            7, f"{where}: connection refused", ("greet", where, "x"), ("echo", where, "x"), ("welcome", where)
        )
        assert found["error"] == "Refused"
        assert probes(7, "refused", where)["attempts"][0]["errno"] == "ECONNREFUSED"


def test_silence_over_udp() -> None:
    tried: list[bytes] = []
    with datagram_server(tried.append) as where:
        began = time.monotonic()
        [found] = fails(28, f"{where}: timed out: no answer to 1 tr", ("greet", where, "x", "--tries", "1"))
        assert time.monotonic() - began < 20
        assert found["error"] == "TimedOut"
        assert tried == [b"x"]
        probes(28, "silent", where, "--reply-timeout", "0.2")


def test_a_datagram_that_is_lost_is_sent_again() -> None:
    tried: list[bytes] = []

    def answer(name: bytes) -> bytes | None:
        tried.append(name)
        return b"Hello, x!" if len(tried) == 2 else None

    with datagram_server(answer) as where:
        assert say("greet", where, "x") == b"Hello, x!\n"
    assert tried == [b"x", b"x"]
