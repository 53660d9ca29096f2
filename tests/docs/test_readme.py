"""Every command and every listing of the README is run, as it stands but for the ports.

The two that install are run in test_packaging, those of tac/ in test_tac.
"""

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproto.server.tap import DEFAULT_PORT, DEFAULT_PROTOCOL, LOOPBACK, Options, options_for
from tests.docs.test_docs import anchors
from tests.hanging import TIMEOUT
from tests.listings import Listing, Server, ask, exchange, figures, lacking, listings, local, start
from tests.plugins import ours

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """Return the text under a heading, up to the next one of the same depth."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without the table's own heading."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


LISTINGS = listings(README)
INSTALLS = [listing.text.strip() for listing in LISTINGS if listing.kind == "install"]
SERVERS = [listing for listing in LISTINGS if listing.kind == "server"]
CLIENTS = [listing for listing in LISTINGS if listing.kind == "client"]
TUTORIALS = [row[1].strip("`") for row in rows("Which command serves which tutorial's client")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """The servers of the README, by the ports that they have there."""
    first = Listing("sh", INSTALLS[0].rpartition(" && ")[2], None)
    with contextlib.ExitStack() as stack:
        started = {
            listing.port: stack.enter_context(start(listing, tmp_path_factory.mktemp("server")))
            for listing in (first, *SERVERS)
        }
        for server in started.values():
            exchange((LOOPBACK, server.tcp_port()), b"")  # once it answers it stops in an orderly way
        yield started


def test_every_listing_is_of_a_kind_that_is_run() -> None:
    assert len(INSTALLS) == 2
    assert [listing.port for listing in SERVERS] == ["9998", "7777", "7778", "7776"]
    assert len(CLIENTS) == 10
    assert all(listing.output for listing in CLIENTS)
    assert README.count("\n```") == 2 * sum(1 + (listing.output is not None) for listing in LISTINGS)
    assert len(TUTORIALS) > 8


@pytest.mark.parametrize("listing", CLIENTS, ids=lambda listing: listing.text.split("\n")[0])
def test_a_listing_prints_what_the_readme_shows(servers: dict[str, Server], listing: Listing) -> None:
    server = servers[listing.port]
    ran = listing.run(server)
    assert (figures(ran.stdout), ran.stderr, ran.returncode) == (listing.expected(server), "", 0)


def test_the_first_server_says_what_the_readme_says(servers: dict[str, Server]) -> None:
    said = re.findall(r"`(greeting on \w+ 127\.0\.0\.1:9999)`", README)
    assert len(said) == 2
    for line in said:
        servers["9999"].wait_for(line.replace("9999", str(servers["9999"].tcp_port())) + "$")


def test_the_embedded_echo_answers_datagrams(servers: dict[str, Server]) -> None:
    datagram = bytes(range(256)) * 250
    assert ask((LOOPBACK, servers["7777"].udp_port()), datagram) == datagram


def test_the_protocol_of_ones_own_answers_in_order_and_survives_an_error(servers: dict[str, Server]) -> None:
    replies = exchange((LOOPBACK, servers["7778"].tcp_port()), b"localhost\r\n\xff\nlocalhost\n")
    assert replies == b"127.0.0.1\r\nerror: no such host\n127.0.0.1\n"


def speaks(protocol: str, message: str, host: str, port: int) -> None:
    """Check that a TCP port speaks a protocol."""
    address = (host, port)
    if protocol == "greeting":
        assert exchange(address, b"Sarah") == b"Welcome!Hello, Sarah!"
    elif protocol == "echo":
        assert exchange(address, b"Hello, World!") == b"Hello, World!"
    elif protocol == "command":
        assert exchange(address, b"message\r\n/version\r\n") == b"Demo version\n"
    elif protocol == "daytime":
        assert re.fullmatch(rb"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n", exchange(address, b""))
    else:
        assert protocol == "welcome"
        assert exchange(address, b"Hello?") == message.encode()


@pytest.mark.parametrize("command", TUTORIALS)
def test_a_tutorials_command_serves_its_protocol(command: str, tmp_path: Path) -> None:
    if "$(hostname)" in command:
        need_hostname()
    expand = command.replace(".venv/bin/twistd", r"printf '%s\0'")
    words = subprocess.run(["sh", "-c", expand], capture_output=True, text=True, timeout=TIMEOUT).stdout
    options = Options()
    options.parseOptions(words.split("sockproto\0")[1].split("\0")[:-1])
    assert options["port"] in command  # as it stands it parses, ports below 1024 too
    with Server(local(command), tmp_path) as server:
        if options["udp-only"]:
            answer = ask((LOOPBACK, server.udp_port()), b"Michael")
            assert answer == b"Hello, Michael!"
        else:
            where = server.wait_for(r" on TCP \[?([^\]\s]+)\]?:(\d+)$")
            speaks(options["protocol"], options["message"] or "Welcome!\r\n", where[1], int(where[2]))
    assert not list(tmp_path.iterdir())  # no pid file for two to collide on


def need_hostname() -> None:
    """Skip the test where this machine's name has no address."""
    if shutil.which("hostname") is None:
        lacking("there is no hostname")
    try:
        socket.getaddrinfo(socket.gethostname(), None)
    except OSError as error:
        lacking(f"this machine's host name has no address: {error}")


def test_the_table_of_protocols_is_the_catalog() -> None:
    table = {row[0].strip("`"): row for row in rows("The protocols")}
    assert set(table) == set(ours())
    for name, definition in ours().items():
        rfc = re.search(r"RFC \d+", definition.description)
        ours_alone = "none: it is for tests" if name == "faults" else "the socket tutorials"
        assert (rfc[0] if rfc else ours_alone) in table[name][3]


def test_the_table_of_options_is_what_twistd_takes() -> None:
    table = {row[0]: row[2] for row in rows("Options of `twistd sockproto`")}
    written = set(re.findall(r"--([\w-]+)", " ".join(table)))
    assert written == {option.rstrip("=") for option in Options().longOpt}
    defaults = {cells.split("`")[1].split()[0]: value.strip("` ") for cells, value in table.items()}
    assert defaults["--port"] == str(DEFAULT_PORT)
    assert defaults["--protocol"] == DEFAULT_PROTOCOL
    assert defaults["--interface"] == LOOPBACK
    for name in "backlog", "think-seconds", "message":
        assert f"[default: {defaults['--' + name]}]" in " ".join(str(Options()).split())


def test_the_plugins_of_one_protocol_that_are_named_exist() -> None:
    names = re.findall(r"`(?:twistd )?sockproto-(\w+)`", README)
    assert names == ["echo", "greeting", "command"]
    for name in names:
        options_for(name)().parseOptions(["--port", "0"])


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 8
    here = {f"#{anchor}" for anchor in anchors(README)}
    assert [link for link in links if link not in here and not (ROOT / link).exists()] == []
    assert [path for path in re.findall(r"tac/\w+\.tac", README) if not (ROOT / path).exists()] == []
