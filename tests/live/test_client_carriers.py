"""The clients, as commands and as calls in Python, against our servers on every carrier."""

import re
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.greeting import GREETED, WELCOMED
from tests.live.peers import (
    LOOPBACK,
    all_at_once,
    authority,
    echo_back,
    first_of_chargen,
    ncat_echo,
    say,
    stream_server,
)
from tests.live.server import Serve

CALLS = """
import sys, json
from twisted.internet.task import react
from sockproto.client import TLS, command, echo, greet, welcome

async def main(reactor):
    {body}

react(main)
"""


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
        said, said, "command", "/version", "/echo a  b", "/unknown", "/help"
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
        replies = (b"Demo version",), None, (b"/echo /help /version",)
        assert found == ((), (b"/version", b"x", b"/help"), replies, ()), found
        print("all well")
        """
        assert calls(body) == "all well\n"


def calls(body: str) -> str:
    """Run a program that calls the clients; return what it prints."""
    code = CALLS.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip())
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout
