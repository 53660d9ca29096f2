"""Every way in which a call fails, provoked for real: its exit status, and one line that says what it was."""

import json
import re
import select
import signal
import socket
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.clients import receive, tcp_client
from tests.live.peers import (
    LOOPBACK,
    SOCKPROTO,
    Authority,
    Ended,
    all_at_once,
    authority,
    cut,
    datagram_server,
    drain,
    echo_back,
    end,
    full_backlog,
    run,
    say,
    start,
    start_anew,
    stream_server,
    unused_port,
    wait_until,
)
from tests.live.server import TIMEOUT, Serve, require


def check_failure(ended: Ended, status: int, pattern: str) -> None:
    """See that a call failed so, with one line on standard error."""
    assert ended.status == status, ended
    assert re.fullmatch(rf"sockproto \w+: .*(?:{pattern}).*\n", ended.errors), ended.errors
    assert "<class" not in ended.errors, ended.errors


def fails(status: int, pattern: str, *commands: tuple[str, ...]) -> list[Any]:
    """See how each command fails, with a line on standard error and with an object; give the objects."""
    ended = all_at_once([(*command, "--json") for command in commands])
    for each in ended:
        check_failure(each, status, pattern)
    objects = [json.loads(each.output) for each in ended]
    for each, command in zip(objects, commands, strict=True):
        assert (each["command"], each["status"]) == (command[0], status)
        assert set(each) >= {"address", "error", "message", "seconds"}
    return objects


def probes(status: int, outcome: str, *arguments: str) -> Any:
    """See what probe says, as text and as JSON; give the object."""
    text, as_json = all_at_once([("probe", *arguments), ("probe", *arguments, "--json")])
    assert (text.status, as_json.status, text.errors, as_json.errors) == (status, status, "", "")
    found = json.loads(as_json.output)
    assert (found["command"], found["outcome"], found["status"]) == ("probe", outcome, status)
    lines = text.output.decode().splitlines()
    assert len(lines) == max(1, len(found["attempts"]))
    for line, attempt in zip(lines, found["attempts"], strict=False):
        assert line.startswith(f"{attempt['address']}: {attempt['outcome']}"), line
        assert attempt["errno"] in line
        assert re.search(r"\(name \d+\.\d ms, connect \d+\.\d ms", line), line
    assert outcome in lines[-1]
    return found


# Who can't be reached.


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
        assert 1 <= attempt["connect_seconds"] < 9


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


# What goes wrong later.


def after(said: bytes, then: Callable[[socket.socket], object]) -> Callable[[socket.socket], object]:
    """Give a handler that says so much, waits for the client's first bytes, and then does that."""

    def handle(client: socket.socket) -> None:
        client.sendall(said)
        client.recv(1024)
        then(client)

    return handle


def leave(client: socket.socket) -> None:
    """Close."""


def test_a_server_that_stays_silent() -> None:
    with stream_server(drain) as where:
        for found in fails(
            28,
            f"{where}: timed out: no reply within 0.3",
            *(
                (*command, "--reply-timeout", "0.3")
                for command in (
                    ("greet", where, "x"),
                    ("greet", "--no-welcome", where, "x"),
                    ("echo", where, "x"),
                    ("welcome", where),
                    ("command", where, "/help"),
                )
            ),
        ):
            assert (found["error"], found["phase"]) == ("TimedOut", "reply")
            assert 0.3 <= found["seconds"] < 9
        probes(0, "connected", where, "--reply-timeout", "0.2")


def test_a_server_that_falls_silent_after_its_welcome() -> None:
    with stream_server(after(b"Welcome!", drain)) as where:
        ended = run("greet", where, "x", "--reply-timeout", "0.3")
        check_failure(ended, 28, "timed out: no reply within 0.3")
        assert ended.output == b"Welcome!\n"


def test_a_server_that_closes_without_a_word() -> None:
    with stream_server(leave) as where:
        for found in fails(
            52, f"{where}: the server closed the connection without a word", ("greet", where, "x")
        ):
            assert found["error"] == "EmptyReply"
        probes(52, "closed", where)
    with stream_server(after(b"", leave)) as where:
        fails(52, "without a word", ("command", where, "/help"), ("echo", where, "x"))


def test_welcome_of_a_server_that_says_nothing() -> None:
    with stream_server(leave) as where:
        ended = run("welcome", where)
    assert (ended.status, ended.output) in [(0, b""), (52, b"")], ended


def test_a_server_that_closes_in_the_middle() -> None:
    with stream_server(after(b"Welcome!", leave)) as greeting, stream_server(after(b"He", leave)) as echo:
        fails(18, r"in the middle, after 8 bytes", ("greet", greeting, "x"))
        fails(18, r"in the middle, after 2 bytes", ("echo", echo, "Hello"))
    with stream_server(after(b"no newline", leave)) as where:
        fails(18, r"in the middle, after 10 bytes", ("command", where, "/a", "/b"))


def test_a_reset_in_the_middle() -> None:
    def say_and_cut(client: socket.socket) -> None:
        client.sendall(b"Hel")
        wait_until(
            lambda: not client.recv(1024, socket.MSG_PEEK | socket.MSG_DONTWAIT), "never"
        ) if 0 else None
        cut(client)

    with stream_server(after(b"Welcome!", say_and_cut)) as where:
        [found] = fails(56, f"{where}: connection reset", ("greet", where, "x"))
        assert (found["error"], found["phase"]) == ("Reset", "reply")


def test_a_reset_before_a_word_and_to_an_echo() -> None:
    with stream_server(cut) as where:
        fails(56, f"{where}: connection reset", ("greet", where, "x"), ("welcome", where))
        assert probes(56, "reset", where)["attempts"][0]["errno"] == "ECONNRESET"
    with stream_server(after(b"H", cut)) as where:
        fails(56, "connection reset", ("echo", where, "Hello"))


def test_a_reset_in_the_middle_of_a_long_upload() -> None:
    def take_some(client: socket.socket) -> None:
        client.recv(100_000)
        cut(client)

    with stream_server(take_some) as where:
        check_failure(run("echo", where, "-", stdin=bytes(20_000_000)), 56, "connection reset")


# Wrong answers.


def test_an_echo_that_changes_a_byte() -> None:
    def change(client: socket.socket) -> None:
        client.sendall(client.recv(1024).replace(b"l", b"L", 1))
        drain(client)

    with stream_server(change) as where, datagram_server(bytes.upper) as udp:
        [found] = fails(8, "byte 2 came back as 0x4c, not as 0x6c", ("echo", where, "Hello"))
        assert found["error"] == "WrongReply"
        fails(8, "5 bytes came back that differ", ("echo", udp, "Hello"))


def test_an_echo_that_sends_too_much() -> None:
    def more(client: socket.socket) -> None:
        client.sendall(client.recv(1024) + b"!")
        drain(client)

    with stream_server(more) as where:
        fails(8, "more came back than the 5 bytes sent", ("echo", where, "Hello"))


def test_a_reply_without_end() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(bytes(65_536))

    with stream_server(flood) as where:
        fails(63, "", ("command", where, "/help"), ("greet", where, "x"))


# Standard output.


@pytest.mark.parametrize("command", ["greet", "echo", "welcome", "probe", "greet --json", "completion bash"])
def test_standard_output_that_takes_nothing(command: str) -> None:
    def talk(client: socket.socket) -> None:
        client.sendall(b"" if command == "echo" else b"Welcome!")
        if command not in ("welcome", "probe"):
            echo_back(client)

    words = {"greet": ("x",), "echo": ("x",), "greet --json": ("x",)}.get(command, ())
    with stream_server(talk) as where, open("/dev/full", "wb") as full:
        arguments = (*command.split(), *(() if "completion" in command else (where,)), *words)
        ended = end(start(*arguments, stdout=full))
    assert (ended.status, ended.output) == (23, b""), ended
    assert re.fullmatch(r"sockproto.*: can't write.*: No space left on device\n", ended.errors), ended.errors


def test_standard_output_that_is_closed() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(b"x" * 65_536)

    with stream_server(flood) as where:
        script = f"{SOCKPROTO} welcome {where} | head -c 1; echo ${{PIPESTATUS[0]}}"
        ended = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    assert ended.stdout == "x23\n"
    assert re.fullmatch(r"sockproto welcome: .*can't write: Broken pipe\n", ended.stderr), ended.stderr


def test_standard_output_that_is_not_there() -> None:
    with stream_server(echo_back) as where:
        ended = subprocess.run(
            ["bash", "-c", f"exec {SOCKPROTO} echo {where} x >&-"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert ended.returncode == 23, ended
    assert re.fullmatch(r"sockproto echo: .*can't write: .*\n", ended.stderr), ended.stderr


# TLS.


@pytest.fixture
def made(tmp_path: Path) -> Authority:
    """Have a certificate for localhost only."""
    return authority(tmp_path, "localhost")


@contextmanager
def tls_echo(made: Authority) -> Iterator[int]:
    """Serve echo over TLS; give the port."""
    context = made.context

    def handle(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as wrapped:
            while data := wrapped.recv(65_536):
                wrapped.sendall(data)

    with stream_server(handle) as where:
        yield int(where.rpartition(":")[2])


def test_a_certificate_that_nobody_trusts(made: Authority) -> None:
    with tls_echo(made) as port:
        where = f"localhost:{port}"
        for options in ("--tls",), ("--cacert", made.other):
            [found] = fails(
                60, f"{where}: the certificate is signed by nobody", ("echo", where, "x", *options)
            )
            assert (found["error"], found["phase"]) == ("CertificateRejected", "handshake")
            probes(60, "certificate rejected", where, *options)


def test_a_certificate_for_another_host(made: Authority) -> None:
    with tls_echo(made) as port:
        where, options = f"{LOOPBACK}:{port}", ("--cacert", made.issuer)
        fails(60, f"{where}: the certificate is not for this host", ("echo", where, "x", *options))
        probes(60, "certificate rejected", where, *options)
        assert say("echo", f"localhost:{port}", "x", *options) == b"x"


def test_insecure_accepts_any_certificate(made: Authority) -> None:
    with tls_echo(made) as port:
        for host in "localhost", LOOPBACK:
            assert say("echo", f"{host}:{port}", "x", "--insecure") == b"x"
        probes(0, "replied", f"{LOOPBACK}:{port}", "-k", "--data", "x")


def test_a_plain_server_asked_for_tls() -> None:
    def plain(client: socket.socket) -> None:
        client.sendall(b"Welcome!")
        drain(client)

    with stream_server(plain) as where:
        fails(
            35, f"{where}: the TLS handshake failed", ("greet", where, "x", "--tls"), ("welcome", where, "-k")
        )
        probes(35, "TLS failed", where, "--tls")


def test_a_silent_server_asked_for_tls() -> None:
    options = ("--tls", "--connect-timeout", "0.5")
    with stream_server(drain) as where:
        [found] = fails(28, "timed out", ("greet", where, "x", *options))
        assert found["phase"] == "handshake"
        probes(28, "timed out", where, *options)


def test_a_server_that_ends_the_handshake() -> None:
    with stream_server(after(b"", leave)) as where:
        fails(35, "TLS", ("greet", where, "x", "--tls"))
        probes(35, "TLS failed", where, "--tls")


def test_tls_that_is_cut_in_the_middle(made: Authority) -> None:
    context = made.context

    def handle(client: socket.socket) -> None:
        wrapped = context.wrap_socket(client, server_side=True)
        wrapped.sendall(b"half of it")
        with socket.socket(fileno=wrapped.detach()) as plain:
            plain.settimeout(TIMEOUT)
            plain.shutdown(socket.SHUT_WR)  # and no close_notify
            drain(plain)

    with stream_server(handle) as where:
        port = where.rpartition(":")[2]
        ended = run("welcome", f"localhost:{port}", "--cacert", made.issuer)
    check_failure(ended, 18, "after 10 bytes, without TLS.s own end")
    assert ended.output == b"half of it"


def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("nothing")
    for file in str(no_pem), str(tmp_path / "nonesuch"):
        for command in ("greet", f"{LOOPBACK}:9", "x"), ("probe", f"{LOOPBACK}:9"):
            check_failure(run(*command, "--cacert", file), 77, "can't read the certificates of")


# Wrong use.


@pytest.mark.parametrize(
    "command",
    [
        "greet",
        "greet 9999 x",
        "greet 127.0.0.1 x",
        "greet 127.0.0.1:0 x",
        "greet 127.0.0.1:70000 x",
        "greet 127.0.0.1:9 x --nonesuch",
        "greet udp:127.0.0.1:9 x --tls",
        "greet unix:/nonesuch x --tls",
        "echo 127.0.0.1:9",
        "echo 127.0.0.1:9 x --reply-timeout soon",
        "echo 127.0.0.1:9 x --tries 0",
        "probe --count 0 127.0.0.1:9",
        "probe tcp:host=127.0.0.1:port=9",
        "command ::1 /help",
        "completion tcsh",
        "nonesuch",
    ],
)
def test_wrong_use(command: str) -> None:
    ended = run(*command.split())
    assert (ended.status, ended.output) == (2, b""), ended
    assert re.fullmatch(r"sockproto.*: .+\n", ended.errors), ended.errors


def test_a_name_that_gets_no_reply() -> None:
    with stream_server(after(b"Welcome!", drain)) as where:
        for name in "exit", "", "two\nlines":
            check_failure(run("greet", "--no-welcome", where, name), 2, "is no name|has a newline in it")


# probe.


def test_probe_a_server_that_speaks_first(serve: Serve) -> None:
    port = serve().port
    found = probes(0, "replied", f"localhost:{port}")
    assert found["attempts"][-1]["reply"] == "Welcome!"
    udp = probes(0, "replied", "--udp", f"{LOOPBACK}:{port}", "--data", "x")
    assert udp["attempts"][-1]["reply"] == "Hello, x!"


def test_probe_waits_until_the_server_is_up() -> None:
    with unused_port() as port:
        pass
    with start("probe", "--wait", "8", "--interval", "0.1", f"{LOOPBACK}:{port}") as process:
        try:
            wait_until(lambda: refusals(process.pid), "it never tried")
            with socket.create_server((LOOPBACK, port)) as listener:
                listener.settimeout(TIMEOUT)
                client, _ = listener.accept()
                with client:
                    client.sendall(b"up")
                    ended = end(process)
        finally:
            process.kill()
    assert (ended.status, ended.errors) == (0, "")
    assert re.fullmatch(rf"{LOOPBACK}:{port}: replied: b'up' \(.*\)\n", ended.output.decode())


def refusals(pid: int) -> bool:
    """Tell whether it has begun to wait between two tries: all is imported, and it sleeps."""
    text = Path(f"/proc/{pid}/wchan").read_text()
    return "nanosleep" in text


def test_probe_gives_up_waiting() -> None:
    with unused_port() as port:
        began = time.monotonic()
        ended = run("probe", "--wait", "0.5", "--interval", "0.1", f"{LOOPBACK}:{port}")
        assert 0.3 < time.monotonic() - began < 20
    assert ended.status == 7
    assert len(ended.output.splitlines()) == 1


def test_probe_counts() -> None:
    seen: list[socket.socket] = []

    def handle(client: socket.socket) -> None:
        seen.append(client)
        if len(seen) != 2:
            client.sendall(b"Hi")

    with stream_server(handle) as where:
        ended = run("probe", "--json", "--count", "3", "--interval", "0.05", where)
    outcomes = [json.loads(line)["outcome"] for line in ended.output.splitlines()]
    assert (outcomes, ended.status) == (["replied", "closed", "replied"], 52)


# Ctrl-C.


def interrupted(process: "subprocess.Popen[bytes]", statuses: tuple[int, ...] = (130,)) -> None:
    """Do what Ctrl-C does, and see that it ends at once and without a word."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    status = process.wait(TIMEOUT)
    assert process.stderr
    assert (process.stderr.read().strip(), status in statuses) == (b"", True), status
    assert time.monotonic() - began < 20


@contextmanager
def running(
    *arguments: str, starting: "Callable[..., subprocess.Popen[bytes]]" = start
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command that is to be interrupted."""
    with starting(*arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def connecting_to(where: str) -> bool:
    """Tell whether somebody besides the test waits for a connection there."""
    port = int(where.rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text()
    return len(re.findall(rf"^ *\d+: \w+:\w+ 0100007F:{port:04X} 02 ", table, re.MULTILINE)) > 1


@pytest.mark.parametrize("command", ["greet", "probe"])
def test_interrupted_while_it_connects(command: str) -> None:
    words = () if command == "probe" else ("x",)
    with full_backlog() as where, running(command, where, *words) as process:
        wait_until(lambda: connecting_to(where), "it doesn't connect")
        interrupted(process)


@pytest.mark.parametrize("command", ["greet", "echo", "welcome", "command", "probe"])
def test_interrupted_while_it_waits_for_a_reply(command: str) -> None:
    called = threading.Event()

    def silent(client: socket.socket) -> None:
        called.set()
        drain(client)

    words = {"greet": ("x",), "echo": ("x",), "command": ("/help",), "probe": ("--reply-timeout", "9")}
    with stream_server(silent) as where, running(command, where, *words.get(command, ())) as process:
        assert called.wait(TIMEOUT)
        interrupted(process)


def test_interrupted_while_it_waits_for_a_datagram() -> None:
    asked = threading.Event()
    with datagram_server(lambda _: asked.set()) as where, running("greet", where, "x") as process:
        assert asked.wait(TIMEOUT)
        interrupted(process)


def test_interrupted_in_a_handshake() -> None:
    called = threading.Event()

    def silent(client: socket.socket) -> None:
        client.recv(1)
        called.set()
        drain(client)

    with stream_server(silent) as where, running("greet", where, "x", "--tls") as process:
        assert called.wait(TIMEOUT)
        interrupted(process)


def test_interrupted_in_the_middle_of_an_echo() -> None:
    with stream_server(echo_back) as where, running("echo", where, "-") as process:
        assert process.stdin
        assert process.stdout
        for piece in b"Hello", bytes(30_000):
            process.stdin.write(piece)
            process.stdin.flush()
            assert process.stdout.read(len(piece)) == piece
        interrupted(process)


def test_interrupted_while_nobody_reads_what_it_writes() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(bytes(65_536))

    with stream_server(flood) as where, running("welcome", where) as process:
        wait_until(lambda: "pipe" in Path(f"/proc/{process.pid}/wchan").read_text(), "it never blocks")
        interrupted(process)


def test_interrupted_between_two_probes() -> None:
    with unused_port() as port, running("probe", "--wait", "9", f"{LOOPBACK}:{port}") as process:
        wait_until(lambda: refusals(process.pid), "it never waits")
        interrupted(process)


def test_interrupted_while_it_serves() -> None:
    with running("serve", "--port", "0") as process:
        assert process.stdout
        while not (found := re.search(rb" on TCP \S+:(\d+)$", process.stdout.readline())):
            assert process.poll() is None
        with tcp_client(int(found[1])) as client:
            assert receive(client, 8) == b"Welcome!"
        interrupted(process, (130, -signal.SIGINT))
        assert b"Traceback" not in process.stdout.read()


def loading(pid: int) -> bool:
    """Tell whether the command's own modules are being loaded; what Python does before can't be helped."""
    return "/termios." in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 40, 80, 120, 180, 240, 320])
def test_interrupted_as_it_starts(milliseconds: int) -> None:
    require(hasattr(termios, "__file__"), "a module in a file that shows how far Python is")
    with stream_server(drain) as where, running("greet", where, "x", starting=start_anew) as process:
        wait_until(lambda: loading(process.pid), "Python doesn't start")
        select.select([], [], [], milliseconds / 1000)  # a moment, whichever it is
        interrupted(process)
