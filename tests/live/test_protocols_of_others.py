"""A protocol of somebody else's is one file: it is served, listed, or told of with the reason why not."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.hanging import TIMEOUT
from tests.listings import Server as ListingServer, listings, local
from tests.live.clients import ask, receive_all, tcp_client, udp_client
from tests.live.peers import SOCKPROTO, Ended, all_at_once, run
from tests.live.server import TWISTD, Output, Serve, Server, run_twistd
from tests.plugins import shout, write_plugin

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "protocols.md"
BROKEN = "twisted.plugins.broken can't be imported: ModuleNotFoundError: No module named 'nonesuch'"


@pytest.fixture
def path(tmp_path: Path) -> dict[str, str]:
    """Variables that put the test's directory on Python's path."""
    return {"PYTHONPATH": str(tmp_path)}


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def assert_shouts(port: int, marks: int = 1) -> None:
    reply = b"HELLO" + b"!" * marks
    with tcp_client(port) as client:
        ask(client, b"hello\n", reply + b"\n")
    with udp_client(port) as client:
        ask(client, b"hello", reply)


# One file.


def test_one_file_is_served_with_its_options(serve: Serve, tmp_path: Path, path: dict[str, str]) -> None:
    plugin = write_plugin(tmp_path, "theirs", shout())
    assert files(tmp_path) == [plugin]
    server = serve("--protocol", "shout", "--marks", "3", environment=path)
    server.wait_for(rf"\] shout on UDP 127\.0\.0\.1:{server.port}$")
    assert_shouts(server.port, 3)


def test_its_framings(serve: Serve, tmp_path: Path, path: dict[str, str]) -> None:
    write_plugin(tmp_path, "theirs", shout())
    with tcp_client(serve("--protocol", "shout", environment=path).port) as client:
        ask(client, b"hello", b"HELLO!")  # bare
    with tcp_client(serve("--protocol", "shout", "--framing", "strict", environment=path).port) as client:
        client.sendall(b"hel")
        client.sendall(b"lo\nyou\n")
        client.shutdown(1)
        assert receive_all(client) == b"HELLO!\nYOU!\n"


def test_the_help_has_its_options_and_framings(tmp_path: Path) -> None:
    write_plugin(tmp_path, "theirs", shout())
    shown = run_twistd("sockproto", "--help", directory=tmp_path, prefix=("env", f"PYTHONPATH={tmp_path}"))
    text = " ".join(shown.stdout.split())
    assert "welcome, shout" in text
    assert "--marks= how many exclamation marks [default: 1]" in text
    assert "greeting: auto or lines; shout: bare or strict]" in text
    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_page_that_shows_how(tmp_path: Path) -> None:
    made, *rest = [each for each in listings(HOWTO.read_text("utf-8")) if each.language in ("sh", "python")]
    assert made.text == "mkdir -p twisted/plugins\n"
    plugin, serving, *clients = rest
    write_plugin(tmp_path, "shout", plugin.text)
    with ListingServer(f"env {local(serving.text)}", tmp_path) as server:
        *clients, dice, embedding = clients
        assert len(clients) == 2
        for client in clients:
            ran = client.run(server)
            assert (ran.stdout.rstrip("\n"), ran.stderr) == ((client.output or "").rstrip("\n"), "")
    write_plugin(tmp_path, "dice", dice.text)
    command = serving.text.replace("shout --marks 3", "dice --sides 1")
    with (
        ListingServer(f"env {local(command)}", tmp_path) as server,
        tcp_client(server.tcp_port()) as stream,
        udp_client(server.udp_port()) as datagrams,
    ):
        ask(stream, b"/roll 3\n", b"1 1 1\n")
        ask(datagrams, b"/roll 2\n", b"1 1\n")
    names: dict[str, Any] = {"__name__": "shout"}
    exec(plugin.text + embedding.text, names)
    assert names["factory"].protocol.__qualname__ == "ShoutProtocol"
    for made in names["ShoutFactory"], names["ShoutDatagramProtocol"]:
        assert names[made.__qualname__] is made
    listed = run("protocols", environment={"PYTHONPATH": str(tmp_path)})
    assert re.search(
        rb"^shout +each line comes back in capitals +twisted\.plugins\.shout, ", listed.output, re.M
    )


# Its code runs when it is served.

every_server = pytest.mark.parametrize(
    "command", [(SOCKPROTO, "serve"), (TWISTD, "-n", "--pidfile=", "sockproto")], ids=["serve", "twistd"]
)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Return the file in which a protocol notes that it was imported, and each time that it was prepared."""
    path = tmp_path / "notes"
    path.touch()
    note = f"open({str(path)!r}, 'a').write"
    source = shout(prepare=f"lambda **given: {note}('prepared ') and given")
    write_plugin(tmp_path, "theirs", f"{note}('imported ')\n{source}")
    return path


@every_server
def test_it_is_prepared_once_for_all_listeners(
    command: tuple[str, ...], notes: Path, tmp_path: Path, path: dict[str, str]
) -> None:
    words = ["env", f"PYTHONPATH={path['PYTHONPATH']}", *command, "--protocol", "shout", "--port", "0"]
    with ListingServer(words, tmp_path) as server:
        port = server.udp_port()
        assert notes.read_text() == "imported prepared "
        assert_shouts(port)
        assert_shouts(port)
    assert notes.read_text() == "imported prepared "


@every_server
@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_it_is_not_prepared_to_show_something(
    command: tuple[str, ...], asked: str, notes: Path, path: dict[str, str]
) -> None:
    ended = subprocess.run(
        [*command, "--protocol", "shout", asked],
        env={**os.environ, **path},
        cwd=notes.parent,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert ended.returncode == 0
    assert notes.read_text() == "imported "


def test_none_of_our_modules_imports_it(notes: Path, path: dict[str, str]) -> None:
    code = """
import pkgutil, sys, sockproto
for module in pkgutil.walk_packages(sockproto.__path__, "sockproto."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
assert "sockproto.server.tap" in sys.modules
"""
    python = [sys.executable, "-c", code]
    ended = subprocess.run(
        python, env={**os.environ, **path}, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert notes.read_text() == ""


# Beside a broken one.


@pytest.fixture
def foreground(tmp_path: Path, path: dict[str, str]) -> Iterator[Output]:
    """A good plugin beside a broken one, served by ``sockproto serve``, which says nothing wrong."""
    write_plugin(tmp_path, "theirs", shout())
    write_plugin(tmp_path, "broken", "import nonesuch\n")
    process = subprocess.Popen(
        [SOCKPROTO, "serve", "--port", "0", "--protocol", "shout"],
        env={**os.environ, **path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    output, errors = Output(process.stdout), Output(process.stderr)
    try:
        yield output
    finally:
        process.terminate()
        process.wait(TIMEOUT)
        assert (output.wait_for_end().count("Traceback"), errors.wait_for_end()) == (0, "")


def test_serve_serves_the_good_one_without_a_word_of_the_broken(foreground: Output) -> None:
    assert_shouts(int(foreground.wait_for(r" on TCP \S+:(\d+)$")[1]))


def test_twistd_serves_the_good_one(tmp_path: Path, path: dict[str, str]) -> None:
    write_plugin(tmp_path, "theirs", shout())
    write_plugin(tmp_path, "broken", "import nonesuch\n")
    server = Server("--protocol", "shout", directory=tmp_path, environment=path)
    try:
        assert_shouts(server.port)
    finally:
        server.kill()  # Twisted has printed a traceback of its own, which stop() would mind


def test_who_asks_for_a_broken_one_is_told_why(tmp_path: Path, path: dict[str, str]) -> None:
    write_plugin(tmp_path, "broken", "import nonesuch\n")
    write_plugin(tmp_path, "unfit", shout(name="'Shout'"))
    said = (
        "sockproto serve: --protocol: there is no 'shout'; one of chargen, .*, welcome; "
        + re.escape(BROKEN)
        + r"; twisted\.plugins\.unfit has a definition that can't be used: the name 'Shout' must be [^\n]*\n"
    )
    ended = run("serve", "--protocol", "shout", environment=path)
    assert (ended.status, ended.output) == (2, b"")
    assert re.fullmatch(said, ended.errors), ended.errors
    by_twistd = run_twistd(
        *("-n", "--pidfile=", "sockproto", "--protocol", "shout"),
        directory=tmp_path,
        prefix=("env", f"PYTHONPATH={tmp_path}"),
    )
    assert by_twistd.returncode == 1
    last = by_twistd.stderr.splitlines(keepends=True)[-1]
    assert re.fullmatch(said.replace("sockproto serve", "sockproto"), last), last


# The list.


def test_the_list_of_ours() -> None:
    text, listed = all_at_once([("protocols",), ("protocols", "--json")])
    lines = text.output.decode().splitlines()
    assert (text.status, text.errors, len(lines)) == (0, "", 10)
    ours = f"sockproto {version('sockproto')}"
    assert len({line.index(ours) for line in lines}) == 1  # a column
    assert re.fullmatch(rf"echo +every byte comes back \(RFC 862\) +{re.escape(ours)}", lines[4])
    found = json.loads(listed.output)
    assert (listed.status, listed.errors, found["broken"]) == (0, "", [])
    by_name = {each["name"]: each for each in found["protocols"]}
    assert [*by_name] == [line.split()[0] for line in lines]
    greeting = by_name["greeting"]
    assert Path(greeting.pop("file")).name == "greeting.py"
    assert greeting == {
        "name": "greeting",
        "description": "Welcome!, then Hello, NAME! for each name, until exit",
        "distribution": "sockproto",
        "version": version("sockproto"),
        "module": "sockproto.protocols.greeting",
        "framings": ["auto", "lines"],
        "options": [
            {"name": "think-seconds", "default": "0", "help": "how long to think about each name"},
        ],
    }


def list_both(path: dict[str, str]) -> tuple[Ended, Ended]:
    """Return the list as text and as JSON, which say the same on standard error."""
    text, listed = (run("protocols", *options, environment=path) for options in ((), ("--json",)))
    assert (text.status, text.errors) == (listed.status, listed.errors)
    return text, listed


def test_the_list_with_others_and_what_is_broken(tmp_path: Path, path: dict[str, str]) -> None:
    plugin = write_plugin(tmp_path, "theirs", shout())
    broken = write_plugin(tmp_path, "broken", "import nonesuch\n")
    text, listed = list_both(path)
    assert (text.status, text.errors) == (1, f"sockproto protocols: {BROKEN}\n")
    last = text.output.decode().splitlines()[-1]
    assert re.fullmatch(rf"shout +each line comes back in capitals +twisted\.plugins\.theirs, {plugin}", last)
    found = json.loads(listed.output)
    module, reason = BROKEN.split(" ", 1)
    assert found["broken"] == [{"module": module, "file": str(broken), "reason": reason}]
    theirs = found["protocols"][-1]
    assert (theirs["name"], theirs["file"], theirs["distribution"]) == ("shout", str(plugin), None)
    assert (theirs["framings"], theirs["options"][0]["name"]) == (["bare", "strict"], "marks")
    assert not list(tmp_path.rglob("dropin.cache"))


def test_the_distribution_that_a_protocol_comes_with(tmp_path: Path, path: dict[str, str]) -> None:
    write_plugin(tmp_path, "theirs", shout())
    about = tmp_path / "megaphone-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: megaphone\nVersion: 1.2\n")
    (about / "RECORD").write_text("twisted/plugins/theirs.py,,\n")
    text, listed = list_both(path)
    assert (text.status, text.errors) == (0, "")
    assert re.search(rb" megaphone 1\.2, twisted\.plugins\.theirs, /", text.output)
    theirs = json.loads(listed.output)["protocols"][-1]
    assert (theirs["distribution"], theirs["version"]) == ("megaphone", "1.2")


def test_clashes_of_names(tmp_path: Path, path: dict[str, str]) -> None:
    write_plugin(tmp_path, "alpha", shout())
    write_plugin(tmp_path, "beta", shout())
    write_plugin(tmp_path, "gamma", shout(name="'echo'"))
    write_plugin(
        tmp_path, "delta", shout(name="'port'", options="(ProtocolOption('port', count, '1', 'x'),)")
    )
    ended, _ = list_both(path)
    assert ended.status == 1
    assert ended.output.decode().splitlines()[-1].split(", ")[0].endswith(" twisted.plugins.alpha")
    reasons = [
        ("beta", "the name 'shout' is taken by twisted.plugins.alpha"),
        ("delta", "the option 'port' is twistd sockproto's own; name it otherwise"),
        ("gamma", "the name 'echo' is taken by sockproto.protocols.echo"),
    ]
    assert ended.errors.splitlines() == [
        f"sockproto protocols: twisted.plugins.{module} has a definition that can't be used: {reason}"
        for module, reason in reasons
    ]


def test_nothing_of_others_does_anything_to_a_terminal(tmp_path: Path) -> None:
    root = tmp_path / "a\x1b[31m\nb"
    write_plugin(root, "theirs", shout())
    write_plugin(root, "bro\x1b[2Jken", "raise ValueError('two\\nlines \\x1b[31m')\n")
    text, listed = list_both({"PYTHONPATH": str(root)})
    assert text.errors == (
        r"sockproto protocols: twisted.plugins.bro\x1b[2Jken can't be imported: "
        r"ValueError: two\nlines \x1b[31m" + "\n"
    )
    assert b"\x1b" not in text.output + listed.output
    assert len(text.output.splitlines()) == 11
    assert json.loads(listed.output)["protocols"][-1]["file"].startswith(str(root))


def test_the_help_tells_the_exit_statuses() -> None:
    shown = run("protocols", "--help")
    assert b"Exit status: 0 if all protocols could be loaded, 1 if one could not." in shown.output
