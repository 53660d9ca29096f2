"""Servers that misbehave as they were asked to, over real sockets: seen by clients that are not ours."""

import json
import re
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import send_until_stalled, tcp_client, udp_client, unix_client
from tests.live.peers import SOCKPROTO, authority
from tests.live.server import Output


class Failing:
    """``sockproto serve`` with faults."""

    def __init__(self, *options: str) -> None:
        self.popen = subprocess.Popen(
            [SOCKPROTO, "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.popen.stdout
        self.log = Output(self.popen.stdout)

    def port(self, kind: str = "TCP") -> int:
        return int(self.log.wait_for(rf" on {kind} \S+?:(\d+)(, with faults|$)")[1])


@contextmanager
def failing(*options: str) -> Iterator[Failing]:
    process = Failing(*options)
    try:
        yield process
    finally:
        process.popen.terminate()
        process.popen.wait(TIMEOUT)
        assert "Traceback" not in process.log.wait_for_end(), process.log.text


def pieces(client: socket.socket, data: bytes) -> tuple[list[bytes], str]:
    """Send bytes and our end; return what comes, read by read, and how it ends."""
    found = []
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while part := client.recv(65_536):
            found.append(part)
    except ConnectionError:
        return found, "reset"
    return found, "end"


def tls_client(port: int, issuer: str) -> ssl.SSLSocket:
    """Connect with TLS; an end without its close_notify is an error."""
    context = ssl.create_default_context(cafile=issuer)
    return context.wrap_socket(tcp_client(port), server_hostname="localhost", suppress_ragged_eofs=False)


def read_to_end(client: socket.socket, said: bytearray) -> bytes:
    """Read up to the end; add to what was said already."""
    while data := client.recv(100):
        said += data
    return bytes(said)


def test_the_same_seed_gives_the_same_bytes_and_ends_again() -> None:
    options = ("--port", "0", "--tcp-only", "--protocol", "echo")
    faults = (
        "garble=0.05,truncate=90,share=0.7,seed=9",
        "reset-after=150,share=0.3,seed=9",
        "drip=5000/s,share=0.5",
    )
    runs = []
    for _ in range(2):
        with failing(*options, *(word for fault in faults for word in ("--fault", fault))) as process:
            port, run = process.port(), []
            for _ in range(40):
                with tcp_client(port) as client:
                    said, end = pieces(client, b"x" * 200)
                    run.append((b"".join(said), end))
            runs.append(run)
    assert runs[0] == runs[1]
    assert {end for _, end in runs[0]} == {"end", "reset"}
    assert len({said for said, _ in runs[0]}) > 10


def test_datagrams_the_same_again() -> None:
    fault = "drop=0.2,duplicate=0.2,garble=0.01,seed=3"
    runs = []
    for _ in range(2):
        with failing("--port", "0", "--udp-only", "--protocol", "echo", "--fault", fault) as process:
            with udp_client(process.port("UDP")) as client:
                for number in range(200):
                    client.send(b"%04d" % number)
                found: list[bytes] = []
                while len(found) < 100:
                    found.append(client.recv(100))
            runs.append(found)
    assert runs[0] == runs[1]
    assert 0 < len(set(runs[0])) < 100


def test_segments_are_read_apart() -> None:
    with (
        failing("--port", "0", "--protocol", "echo", "--fault", "split=3") as process,
        tcp_client(process.port()) as client,
    ):
        said, end = pieces(client, b"abcdefgh")
    assert b"".join(said) == b"abcdefgh"
    assert len(said) > 1
    assert end == "end"


def test_times() -> None:
    with (
        failing("--port", "0", "--tcp-only", "--fault", "first-byte=0.3", "--fault", "delay=0.2") as process,
        tcp_client(process.port()) as client,
    ):
        began = time.monotonic()
        said, _ = pieces(client, b"Ann\nBob\n")
        assert b"".join(said) == b"Welcome!Hello, Ann!\nHello, Bob!\n"
        assert time.monotonic() - began >= 0.9


def test_nothing_is_read() -> None:
    with (
        failing("--port", "0", "--protocol", "discard", "--fault", "no-read") as process,
        tcp_client(process.port()) as client,
    ):
        assert 0 < send_until_stalled(client, b"x" * 65_536, 1 << 25) < 1 << 25


def test_the_listener_that_is_named_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    options = ("--listen", "tcp:0", "--listen", f"unix:{path}", "--fault", "close-at-open,on=unix")
    with failing(*options) as process:
        port = int(process.log.wait_for(r" on TCP \S+:(\d+)$")[1])
        process.log.wait_for(r" on unix:\S+, with faults: close-at-open$")
        with tcp_client(port) as client:
            assert b"".join(pieces(client, b"Ann\n")[0]) == b"Welcome!Hello, Ann!\n"
        with unix_client(path) as client:
            assert client.recv(10) == b""


def test_over_tls(tmp_path: Path) -> None:
    made = authority(tmp_path, "localhost")
    where = f"ssl:0:interface=127.0.0.1:privateKey={made.server}:certKey={made.server}"
    with failing("--listen", where, "--fault", "close-after=10") as process:
        port = int(process.log.wait_for(r"greeting on TCP \S+?:(\d+), with")[1])
        with tls_client(port, made.issuer) as client:
            client.sendall(b"Ann\n")
            assert read_to_end(client, bytearray()) == b"Welcome!He"


def test_a_reset_over_tls_has_no_close_notify(tmp_path: Path) -> None:
    made = authority(tmp_path, "localhost")
    where = f"ssl:0:interface=127.0.0.1:privateKey={made.server}:certKey={made.server}"
    with failing("--listen", where, "--fault", "reset-after=10") as process:
        port = int(process.log.wait_for(r"greeting on TCP \S+?:(\d+), with")[1])
        with tls_client(port, made.issuer) as client:
            client.sendall(b"Ann\n")
            said = bytearray()
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                read_to_end(client, said)
            assert said == b"Welcome!He"


def test_over_tls_a_half_close_says_no_more(tmp_path: Path) -> None:
    made = authority(tmp_path, "localhost")
    where = f"ssl:0:interface=127.0.0.1:privateKey={made.server}:certKey={made.server}"
    faults = ("--fault", "half-close-after=1message", "--fault", "close-after=3messages")
    with failing("--listen", where, *faults) as process:
        port = int(process.log.wait_for(r"greeting on TCP \S+?:(\d+), with")[1])
        with tls_client(port, made.issuer) as client:
            client.sendall(b"Ann\nBob\nCid\nDan\n")
            assert read_to_end(client, bytearray()) == b"Welcome!Hello, Ann!\n"
        process.log.wait_for(r"closed: fault \(faults: half-close-after, close-after\).* 3 messages in")


def test_a_reset_of_a_unix_socket_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with failing("--listen", f"unix:{path}", "--fault", "reset-after=10") as process:
        process.log.wait_for(r" on unix:")
        with unix_client(path) as client:
            client.sendall(b"Ann\n")
            assert read_to_end(client, bytearray()) == b"Welcome!He"


def test_behind_a_proxy() -> None:
    options = ("--port", "0", "--tcp-only", "--proxy-protocol")
    with (
        failing(*options, "--fault", "accept-delay=0.1,close-after=10") as process,
        tcp_client(process.port()) as client,
    ):
        said, end = pieces(client, b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\nAnn\n")
        assert (b"".join(said), end) == (b"Welcome!He", "end")
        process.log.wait_for(r"from 192.0.2.1:1000 closed: fault \(faults: accept-delay, close-after\)")


def test_datagrams_of_a_unix_socket(tmp_path: Path) -> None:
    path, own = tmp_path / "socket", tmp_path / "own"
    options = ("--protocol", "echo", "--listen", f"unix-dgram:{path}", "--fault", "duplicate=1,truncate=2")
    with failing(*options) as process, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        process.log.wait_for(r" on unix-dgram:\S+, with faults")
        client.settimeout(TIMEOUT)
        client.bind(str(own))
        client.sendto(b"abc", str(path))
        assert [client.recv(100), client.recv(100)] == [b"ab", b"ab"]


def test_the_log_the_metrics_and_the_reason_tell_which() -> None:
    options = ("--port", "0", "--tcp-only", "--admin", "0", "--log-format", "json")
    with failing(*options, "--fault", "delay=0.01,close-after=2messages") as process:
        listening = json.loads(process.log.wait_for(r'^.*"event": ?"listening".*$')[0])
        assert listening["faults"] == "delay=0.01,close-after=2messages"
        port = int(re.search(r":(\d+)$", listening["where"])[1])  # type: ignore[index]  # it is there
        with tcp_client(port) as client:
            assert b"".join(pieces(client, b"Ann\nBob\nCid\n")[0]) == b"Welcome!Hello, Ann!\nHello, Bob!\n"
        closed = json.loads(process.log.wait_for(r'^.*"event": ?"connection_closed".*$')[0])
        assert (closed["reason"], closed["detail"]) == ("fault", "faults: delay, close-after")
        admin = int(process.log.wait_for(r"admin on TCP \S+?:(\d+)")[1])
        with urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=TIMEOUT) as answer:
            text = answer.read().decode()
        assert re.search(r'^sockproto_faults_total\{fault="close-after",.*\} 1\.0$', text, re.MULTILINE), text
        assert re.search(r'^sockproto_faults_total\{fault="delay",.*\} 3\.0$', text, re.MULTILINE)
        assert re.search(r'^sockproto_connections_closed_total\{.*reason="fault"\} 1\.0$', text, re.MULTILINE)


def test_workers_have_faults_too() -> None:
    with failing("--port", "0", "--tcp-only", "--workers", "2", "--fault", "close-after=8") as process:
        for _ in range(8):
            with tcp_client(process.port()) as client:
                assert client.recv(100) == b"Welcome!"
                assert client.recv(100) == b""


@pytest.mark.parametrize("protocol", ["greeting", "chargen", "command", "discard", "qotd", "time", "welcome"])
def test_a_stop_ends_what_a_fault_holds_up(protocol: str) -> None:
    options = ("--port", "0", "--tcp-only", "--protocol", protocol, "--drain-seconds", "0.5")
    with (
        failing(*options, "--fault", "delay=600", "--fault", "drip=1/s") as process,
        tcp_client(process.port()) as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"Ann\n")
        process.log.wait_for(" on TCP")
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(TIMEOUT) in (-signal.SIGTERM, 128 + signal.SIGTERM)
