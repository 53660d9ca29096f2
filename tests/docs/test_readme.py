"""Every command and every listing of the READMEs, and of the pages for which they have made room, is run.

They run as they stand but for the ports. Commands that install are run in test_packaging.
"""

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.readme import PERFORMANCE, READMES, figures as measured, rewritten
from sockproto.server.options import DEFAULT_PORT, LOOPBACK
from sockproto.server.tap import Options
from tests.docs.test_docs import anchors
from tests.hanging import TIMEOUT
from tests.listings import Listing, Server, ask, exchange, figures, lacking, listings, local, start
from tests.plugins import ours

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh.md").read_text("utf-8")
PAGES = {
    "README": README,
    **{
        name: (ROOT / "docs" / "howto" / f"{name}.md").read_text("utf-8")
        for name in ("embed", "clients", "tutorial-clients")
    },
}
PORTS = {
    "README": ["9999", "7777", "9998", "7776"],
    "embed": ["7777", "7778", "7776"],
    "clients": ["9999"],
    "tutorial-clients": ["9999", "9998"],
}


def rows(page: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is *first*, without the headings."""
    found = re.search(rf"^\| {re.escape(first)} \|.*\n\|.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert found is not None, first
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()]


LISTINGS = {name: listings(page) for name, page in PAGES.items()}
INSTALLS = [listing.text.strip() for listing in LISTINGS["README"] if listing.kind == "install"]
FIRST = Listing("sh", INSTALLS[0].rpartition(" && ")[2], None)
[PLUGIN] = [each.text for each in LISTINGS["README"] if "conversation_definition" in each.text]
CLIENTS = [
    (name, listing)
    for name, found in LISTINGS.items()
    for listing in found
    if listing.kind == "client" and listing.text != PLUGIN
]
TUTORIALS = [row[1].strip("`") for row in rows(PAGES["tutorial-clients"], "the client")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Server]]:
    """The servers of the pages, by the pages and the ports that they have there."""
    with contextlib.ExitStack() as stack:
        started = {}
        for name, found in LISTINGS.items():
            serving = [listing for listing in found if listing.kind == "server"]
            for listing in ([FIRST] if name == "README" else []) + serving:
                folder = tmp_path_factory.mktemp("server")
                if "shout" in listing.text:
                    save_plugin(folder)
                started[name, listing.port] = stack.enter_context(start(listing, folder))
        for server in started.values():
            exchange((LOOPBACK, server.tcp_port()), b"")  # once it answers it stops in an orderly way
        yield started


def save_plugin(folder: Path) -> None:
    """Save the README's protocol where the README says."""
    assert "`twisted/plugins/shout.py`" in README
    plugins = folder / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "shout.py").write_text(PLUGIN)


def test_every_listing_is_of_a_kind_that_is_run(servers: dict[tuple[str, str], Server]) -> None:
    assert len(INSTALLS) == 2
    assert list(servers) == [(name, port) for name, ports in PORTS.items() for port in ports]
    assert [name for name, _ in CLIENTS] == ["README"] * 2 + ["embed"] * 3 + ["clients"] * 3 + [
        "tutorial-clients"
    ] * 4
    assert all(listing.output for _, listing in CLIENTS)
    assert len(TUTORIALS) > 8


@pytest.mark.parametrize(
    ("name", "listing"), CLIENTS, ids=[f"{name}: {each.text.splitlines()[0]}" for name, each in CLIENTS]
)
def test_a_listing_prints_what_the_page_shows(
    servers: dict[tuple[str, str], Server], name: str, listing: Listing
) -> None:
    server = servers[name, listing.port]
    ran = listing.run(server)
    assert (figures(ran.stdout), ran.stderr, ran.returncode) == (listing.expected(server), "", 0)


def test_the_first_server_says_what_the_page_says(servers: dict[tuple[str, str], Server]) -> None:
    said = re.findall(r"`(greeting on \w+ 127\.0\.0\.1:9999)`", PAGES["tutorial-clients"])
    assert len(said) == 2
    server = servers["tutorial-clients", "9999"]
    for line in said:
        server.wait_for(line.replace("9999", str(server.tcp_port())) + "$")


def test_a_program_says_when_it_is_ready(servers: dict[tuple[str, str], Server]) -> None:
    programs = [
        (name, listing)
        for name, found in LISTINGS.items()
        for listing in found
        if listing.kind == "server" and listing.language == "python"
    ]
    assert len(programs) == 5
    for name, listing in programs:
        assert f'print("ready: 127.0.0.1:{listing.port}")' in listing.text
        servers[name, listing.port].wait_for(r"ready: 127\.0\.0\.1:0$")


def test_the_embedded_echo_answers_datagrams(servers: dict[tuple[str, str], Server]) -> None:
    datagram = bytes(range(256)) * 250
    assert ask((LOOPBACK, servers["embed", "7777"].udp_port()), datagram) == datagram


def test_the_embedded_echo_of_the_readme_returns_all_after_a_half_close(
    servers: dict[tuple[str, str], Server],
) -> None:
    sent = bytes(1 << 20)
    assert exchange((LOOPBACK, servers["README", "7777"].tcp_port()), sent) == sent


def test_the_protocol_of_the_readme_is_served(servers: dict[tuple[str, str], Server]) -> None:
    server = servers["README", "9998"]
    assert exchange((LOOPBACK, server.tcp_port()), b"hello\nworld\n") == b"HELLO\nWORLD\n"
    assert ask((LOOPBACK, server.udp_port()), b"hello") == b"HELLO"


def test_the_protocol_of_ones_own_answers_in_order_and_survives_an_error(
    servers: dict[tuple[str, str], Server],
) -> None:
    replies = exchange((LOOPBACK, servers["embed", "7778"].tcp_port()), b"localhost\r\n\xff\nlocalhost\n")
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
    page = (ROOT / "docs" / "reference" / "protocols.md").read_text("utf-8")
    table = {row[0].strip("`"): row for row in rows(page, "name")}
    assert set(table) == set(ours())
    for name, definition in ours().items():
        rfc = re.search(r"RFC \d+", definition.description)
        ours_alone = "none: it is for tests" if name == "faults" else "the socket tutorials"
        assert (rfc[0] if rfc else ours_alone) in table[name][3]


def test_the_readme_is_short_and_its_port_is_the_default() -> None:
    assert len(README.splitlines()) <= 140
    assert len(CHINESE.splitlines()) <= 150
    assert FIRST.port == str(DEFAULT_PORT)


def test_the_chinese_readme_has_the_same_listings() -> None:
    known = [each for each in listings(README) if each.kind != "picture"]
    assert [each for each in listings(CHINESE) if each.kind != "picture"] == known
    assert CHINESE.count("\n## ") == README.count("\n## ")
    assert "](README.zh.md)" in README.split("\n## ")[0]
    assert "](README.md)" in CHINESE.split("\n## ")[0]


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_speeds_are_those_of_the_page(path: Path) -> None:
    known = measured(PERFORMANCE.read_text("utf-8"))
    text = path.read_text("utf-8")
    assert rewritten(text, READMES[path], known) == text, "python -m benchmarks.readme"
    assert all(f"| {' | '.join(known[name])} |" in text for name in READMES[path])


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = ROOT / (path or name)
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def test_the_applications_that_are_named_exist() -> None:
    for path in (ROOT / "docs").rglob("*.md"):
        named = re.findall(r"tac/\w+\.tac", path.read_text("utf-8"))
        assert [file for file in named if not (ROOT / file).exists()] == []
