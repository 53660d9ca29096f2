"""The clients against our servers and against those that others wrote, over every carrier."""

import asyncio
import json
import random
import re
import select
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.live.peers import (
    LOOPBACK,
    SOCKPROTO,
    all_at_once,
    asyncio_server,
    authority,
    datagram_server,
    echo_back,
    end,
    free_ports,
    memory,
    ncat_echo,
    program,
    run,
    say,
    socat,
    start,
    stream_server,
    unix_server,
)
from tests.live.server import TIMEOUT, Serve, Server, need

MB = 1_000_000
LARGE = random.Random(862).randbytes(20 * MB)
MAX_GROWTH = 12 * MB
EVERY_BYTE = bytes(range(256))
GREETED = b"Hello, Michael!\nHello, Tracy!\n"
WELCOMED = b"Welcome!\n" + GREETED

CALLS = """
import sys, json
from twisted.internet.task import react
from sockproto.client import TLS, command, echo, greet, welcome

async def main(reactor):
    {body}

react(main)
"""


# Ours.


class Carriers:
    """One of our servers, on everything there is."""

    def __init__(self, serve: Serve, directory: Path, *options: str) -> None:
        made = authority(directory, LOOPBACK)
        tls = f"ssl:0:privateKey={made.server}:certKey={made.server}:interface={LOOPBACK}"
        listen = (
            "tcp:0:interface=127.0.0.1",
            tls,
            "tcp6:0:interface=\\:\\:1",
            "udp:0",
            "udp:0:interface=\\:\\:1",
        )
        unix = (f"unix:{directory / 'stream'}", f"unix-dgram:{directory / 'datagrams'}")
        self.server = serve(*options, *(word for each in (*listen, *unix) for word in ("--listen", each)))
        self.server.wait_for(r" on TCP \[::1\]:\d+$")
        ports = [int(port) for port in re.findall(r" on TCP \S+:(\d+)$", self.server.log, re.MULTILINE)]
        assert len(ports) == 3, self.server.log
        self.streams = {
            "tcp": [f"{LOOPBACK}:{ports[0]}"],
            "tls": [f"{LOOPBACK}:{ports[1]}", "--cacert", made.issuer],
            "tcp6": [f"[::1]:{ports[2]}"],
            "unix": [f"unix:{directory / 'stream'}"],
        }
        self.datagrams = {
            "udp": ["--udp", f"{LOOPBACK}:{self.server.port_of('UDP')}"],
            "udp6": [f"udp:[::1]:{self.server.port_of('UDP', '[::1]')}"],
            "unix": [f"unix-dgram:{directory / 'datagrams'}"],
        }

    def ask(self, stream: bytes, datagram: bytes, command: str, *words: str) -> None:
        """See what a command prints over each carrier."""
        carriers = [*self.streams.values(), *self.datagrams.values()]
        ended = all_at_once([(command, *carrier, *words) for carrier in carriers])
        assert [(each.status, each.output, each.errors) for each in ended] == [
            *[(0, stream, "")] * len(self.streams),
            *[(0, datagram, "")] * len(self.datagrams),
        ]


def test_greet_over_every_carrier(serve: Serve, tmp_path: Path) -> None:
    Carriers(serve, tmp_path).ask(WELCOMED, GREETED, "greet", "Michael", "Tracy")


def test_echo_over_every_carrier(serve: Serve, tmp_path: Path) -> None:
    text = "Hello, 世界\n"
    Carriers(serve, tmp_path, "--protocol", "echo").ask(text.encode(), text.encode(), "echo", text)


def test_command_over_every_carrier(serve: Serve, tmp_path: Path) -> None:
    said = b"Demo version\n a  b\nerror: unknown command, see /help\n/echo /help /version\n"
    Carriers(serve, tmp_path, "--protocol", "command").ask(
        said, said, "command", "/version", "nothing", "/echo a  b", "/unknown", "/help"
    )


def test_welcome_over_every_carrier(serve: Serve, tmp_path: Path) -> None:
    text = "欢迎!"
    Carriers(serve, tmp_path, "--protocol", "welcome", "--message", text).ask(
        text.encode(), text.encode(), "welcome"
    )


@pytest.mark.parametrize(
    ("protocol", "pattern"),
    [("daytime", rb"\w{3} .{20}\r\n"), ("time", rb"(?s)[\xe0-\xff]..."), ("qotd", rb"Welcome!\r\n")],
)
def test_welcome_reads_what_one_shot_servers_say(serve: Serve, protocol: str, pattern: bytes) -> None:
    server = serve("--protocol", protocol)
    where = f"{LOOPBACK}:{server.port}"
    for ended in all_at_once([("welcome", where), ("welcome", "--udp", where)]):
        assert (ended.status, ended.errors) == (0, "")
        assert re.fullmatch(pattern, ended.output), ended.output


def test_chargen_until_the_reader_has_enough(serve: Serve) -> None:
    server = serve("--protocol", "chargen")
    where = f"{LOOPBACK}:{server.port}"
    said = say("welcome", "--udp", where, "--request", "x" * 100)
    assert len(said) == 100
    assert first_of_chargen(where, 1_000)[:74] == said[:74]
    server.wait_for(r"chargen connection 1 from \S+ closed: ")


def first_of_chargen(where: str, size: int) -> bytes:
    """Give the beginning of what comes, as ``head -c`` does: then standard output is closed."""
    with start("welcome", where) as process:
        assert process.stdout
        try:
            said = process.stdout.read(size)
            process.stdout.close()
            assert process.wait(TIMEOUT) == 23
        finally:
            process.kill()
    return said


def test_greet_a_server_of_lines(serve: Serve) -> None:
    port = serve("--framing", "lines").port
    assert say("greet", "--lines", f"{LOOPBACK}:{port}", "Michael", "Tracy") == WELCOMED


def test_greet_a_server_that_thinks(serve: Serve) -> None:
    port = serve("--think-seconds", "0.5").port
    assert say("greet", f"localhost:{port}", "Michael", "Tracy") == WELCOMED


def test_the_calls_in_python(serve: Serve, tmp_path: Path) -> None:
    made = authority(tmp_path, "localhost")
    with ExitStack() as stack:
        echo = stack.enter_context(ncat_echo("--ssl", "--ssl-cert", made.server, "--ssl-key", made.server))
        plain = stack.enter_context(stream_server(echo_back))
        said = stack.enter_context(stream_server(lambda client: client.sendall(b"Hi\n")))
        greeting = serve("--listen", "tcp:0:interface=127.0.0.1", "--listen", f"unix:{tmp_path / 'stream'}")
        command = serve("--protocol", "command")
        body = f"""
        where = "{LOOPBACK}:{greeting.port}"
        found = await greet(where, ["Michael", b"\\xff", "世界"])
        assert found == (b"Welcome!", (b"Hello, Michael!", b"Hello, \\xff!", "Hello, 世界!".encode())), found
        found = await greet("unix:{tmp_path / "stream"}", iter(["Tracy"]))
        assert found.replies == (b"Hello, Tracy!",), found
        data = bytes(range(256)) * 256
        assert await echo("localhost:{echo}", data, tls=TLS(cacert={made.issuer!r})) == data
        assert await echo("{plain}", data) == data
        assert await welcome("{said}") == b"Hi\\n"
        found = await command("udp:{LOOPBACK}:{command.port}", ["/version", "x", "/help"])
        assert found == ((b"Demo version", None, b"/echo /help /version"), ()), found
        print("all well")
        """
        assert calls(body) == "all well\n"


def calls(body: str) -> str:
    """Run a program that calls the clients; give what it prints."""
    code = CALLS.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip())
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=2 * TIMEOUT,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


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
    """Run xinetd in the foreground; give the ports of its services, each for TCP and UDP."""
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


def naive(client: socket.socket, think_seconds: float = 0.3) -> None:
    """Greet as the tutorials do: what a recv gives is a name."""
    client.sendall(b"Welcome!")
    while (name := client.recv(1024)) and name.decode() != "exit":
        time.sleep(think_seconds)
        client.sendall(f"Hello, {name.decode()}!".encode())


def of_lines(client: socket.socket, welcome: bytes = b"Welcome!\n", newline: bytes = b"\n") -> None:
    """Greet names that are lines, for those with a line feed only."""
    client.sendall(welcome)
    with client.makefile("rb") as file:
        for line in file:
            name = line.removesuffix(b"\n")
            if name == b"exit":
                break
            client.sendall(b"Hello, " + name + b"!" + newline)


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


# Replies in other shapes.


def dribble(client: socket.socket, data: bytes, pause: float = 0.01) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        client.sendall(bytes([byte]))
        time.sleep(pause)


def test_replies_that_come_byte_by_byte() -> None:
    def serve(client: socket.socket) -> None:
        dribble(client, b"Welcome!")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            dribble(client, b"Hello, " + name + b"!")

    with stream_server(serve) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED


def test_a_reply_that_pauses_in_the_middle() -> None:
    def serve(client: socket.socket) -> None:
        client.sendall(b"Welcome!")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hello, ")
            time.sleep(0.5)
            client.sendall(name + b"!")

    with stream_server(serve) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED


def test_a_welcome_that_comes_with_the_first_reply() -> None:
    def serve(client: socket.socket) -> None:
        client.sendall(b"Wel")
        time.sleep(0.5)
        client.sendall(b"come!Hello, ")  # it was told of the name before
        client.recv(1024)
        client.sendall(b"Michael!")
        client.recv(1024)
        client.sendall(b"Hello, Tracy!")

    with stream_server(serve) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED


def test_a_server_without_a_welcome() -> None:
    def serve(client: socket.socket) -> None:
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hello, " + name + b"!")

    with stream_server(serve) as address:
        assert say("greet", "--no-welcome", address, "Michael", "Tracy") == GREETED


def test_a_server_with_a_welcome_where_none_was_expected() -> None:
    with stream_server(partial(naive, think_seconds=0)) as address:
        assert b"Hello, Michael!" in say("greet", "--no-welcome", address, "Michael")


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"], ids=["bare", "lf", "crlf"])
def test_a_server_with_other_words(ending: bytes) -> None:
    def serve(client: socket.socket) -> None:
        client.sendall(b"Good morning" + ending)
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hi " + name + ending)

    with stream_server(serve) as address:
        said = say("greet", address, "Michael", "Tracy")
        assert said == b"Good morning\nHi Michael\nHi Tracy\n"


def test_a_server_with_other_words_byte_by_byte() -> None:
    def serve(client: socket.socket) -> None:
        dribble(client, b"Hi there")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            dribble(client, b"Hi " + name)

    with stream_server(serve) as address:
        assert say("greet", address, "Michael") == b"Hi there\nHi Michael\n"


def test_a_name_that_is_part_of_the_reply_and_bytes_that_are_no_text() -> None:
    with stream_server(partial(of_lines, newline=b"")) as address:
        names = ["!", "Hello, !", "Welcome!", "世界", "\udcff\udc80"]
        raw = [name.encode("utf-8", "surrogateescape") for name in names]
        wanted = b"".join(b"Hello, %b!\n" % name for name in raw)
        assert say("greet", "--lines", address, *names) == b"Welcome!\n" + wanted


# A large file.


@contextmanager
def large_file(directory: Path) -> Iterator[Path]:
    path = directory / "file"
    path.write_bytes(LARGE)
    yield path


def echo_server(serve: Serve) -> Server:
    return serve("--protocol", "echo")


def test_a_large_file_comes_back_and_costs_little(serve: Serve, tmp_path: Path) -> None:
    server = echo_server(serve)
    where = f"{LOOPBACK}:{server.port}"
    assert say("echo", where, "x") == b"x"
    before = memory(server.pid)
    small = peak(where, b"x", tmp_path)
    large = peak(where, LARGE, tmp_path)
    assert large - small < MAX_GROWTH
    assert memory(server.pid) - before < MAX_GROWTH
    server.wait_for(rf"closed: .*; {len(LARGE)} bytes and \d+ messages in")


def peak(where: str, data: bytes, directory: Path) -> int:
    """Have a file echoed into another one; give the most memory that the client had in use."""
    source, copy = directory / "file", directory / "copy"
    source.write_bytes(data)
    with source.open("rb") as read, copy.open("wb") as write:
        process = start("echo", where, "-", stdin=read, stdout=write)
        most = 0
        try:
            while process.poll() is None:
                most = max(most, memory_until_end(process.pid))
                select.select([], [], [], 0.01)
        finally:
            process.kill()
            ended = end(process)
    assert (ended.status, ended.errors) == (0, "")
    assert copy.read_bytes() == data
    return most


def memory_until_end(pid: int) -> int:
    """Give the most memory in use, 0 if the process is ending and has none any more."""
    try:
        return memory(pid)
    except AssertionError:
        return 0


@pytest.mark.parametrize("peer", ["ours", "socat"])
def test_a_large_input_to_a_reader_that_stalls(serve: Serve, peer: str) -> None:
    """All is sent that anybody takes before any of it is read; then all is read."""
    with ExitStack() as stack:
        if peer == "ours":
            server = echo_server(serve)
            port, pid = server.port, server.pid
        else:
            port, pid = stack.enter_context(socat("TCP-LISTEN:{port},bind=127.0.0.1,fork")), 0
        before = memory(pid) if pid else 0
        process = stack.enter_context(start("echo", f"{LOOPBACK}:{port}", "-"))
        stack.callback(process.kill)
        assert process.stdin
        assert process.stdout
        process.stdin.write(LARGE[:1])
        process.stdin.flush()
        assert process.stdout.read(1) == LARGE[:1]
        small = memory(process.pid)
        sent = 1 + write_until_stalled(process.stdin.fileno(), memoryview(LARGE)[1:])
        assert 0 < sent < len(LARGE)
        rest = threading.Thread(target=write_rest, args=(process, sent))
        rest.start()
        assert process.stdout.read(len(LARGE) - 1) == LARGE[1:]
        assert memory(process.pid) - small < MAX_GROWTH
        assert not pid or memory(pid) - before < MAX_GROWTH
        rest.join(TIMEOUT)
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(TIMEOUT) == 0
        assert process.stderr
        assert process.stderr.read() == b""


def write_until_stalled(descriptor: int, data: memoryview) -> int:
    """Write until nothing is taken for half a second; give how much was."""
    import os

    os.set_blocking(descriptor, False)
    sent = 0
    while sent < len(data) and select.select([], [descriptor], [], 0.5)[1]:
        sent += os.write(descriptor, data[sent : sent + 65_536])
    os.set_blocking(descriptor, True)
    return sent


def write_rest(process: "subprocess.Popen[bytes]", sent: int) -> None:
    assert process.stdin
    process.stdin.write(memoryview(LARGE)[sent:])
    process.stdin.flush()


def test_a_large_file_through_a_shell_pipe(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    port = serve("--protocol", "echo", "--tcp-only").port
    script = f"cat file | {SOCKPROTO} echo {LOOPBACK}:{port} - | cat >copy"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert (tmp_path / "copy").read_bytes() == LARGE


def test_an_echo_of_nothing_and_json(serve: Serve) -> None:
    where = f"{LOOPBACK}:{echo_server(serve).port}"
    assert say("echo", where, "-") == b""
    found = json.loads(run("echo", "--json", where, "-", stdin=b"\xff" * 1000).output)
    assert (found["bytes"], found["same"]) == (1000, True)
