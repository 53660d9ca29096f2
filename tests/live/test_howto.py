"""Every listing of docs/howto is run, as it stands but for the ports."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sockproto.server.addressing import has_address
from tests.hanging import TIMEOUT
from tests.listings import Server, figures, installed, lacking, listings, start
from tests.live.peers import authority

# They write files first, or need a network: test_protocols_of_others.py, test_howto_check.py,
# test_howto_testing.py, test_howto_operate.py, test_howto_faults.py, test_examples.py, test_lab.py,
# test_packaging.py; test_readme.py walks through the pages for which the README has made room.
OF_THE_README = {"clients", "embed", "tutorial-clients"}
OF_THEIR_OWN = {
    "protocols",
    "check",
    "testing",
    "operate",
    "faults",
    "examples",
    "index",
    "lab",
    "install",
} | OF_THE_README
PAGES = {path.stem: path for path in (Path(__file__).parents[2] / "docs" / "howto").glob("*.md")}


def test_there_is_one_for_each_client_and_for_what_one_writes_oneself() -> None:
    clients = {"greet", "echo", "welcome", "command", "converse", "probe", "fetch"}
    assert set(PAGES) == {*clients, "commands", "instruments", "serve", "trouble", *OF_THEIR_OWN}


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OF_THEIR_OWN])
def test_its_listings_print_what_it_shows(page: str, tmp_path: Path) -> None:
    [serving, *clients] = (
        listing for listing in listings(PAGES[page].read_text("utf-8")) if listing.kind != "picture"
    )
    assert serving.kind == "server"
    with start(serving, tmp_path) as server:
        server.tcp_port()
        for listing in clients:
            assert listing.kind == "client", listing.text
            assert listing.output is not None, listing.text
            ran = listing.run(server)
            assert (ran.stderr, ran.returncode) == ("", 0)
            # What ends without a newline is shown with one.
            assert figures(ran.stdout).rstrip("\n") == listing.expected(server).rstrip("\n")


PAIRS = re.findall(r"\| `sockproto (serve .+?)` \| `sockproto (.+?)`", PAGES["serve"].read_text("utf-8"))


@pytest.mark.parametrize(("serving", "asking"), PAIRS, ids=[asking.split()[-2] for _, asking in PAIRS])
def test_each_server_of_the_table_replies_to_its_client(serving: str, asking: str, tmp_path: Path) -> None:
    if "::1" in serving and not has_address("::1"):
        lacking("IPv6 is off here")
    if "--tls" in asking:
        made = authority(tmp_path, "localhost")
        for file, name in (made.server, "key.pem"), (made.server, "cert.pem"):
            shutil.copy(file, tmp_path / name)
        asking = asking.replace("cert.pem", made.issuer)  # as that which signs itself is
    with Server(installed(f".venv/bin/sockproto {serving.replace('9994', '0')}"), tmp_path) as server:
        server.wait_for(r"greeting on .*$")
        if "9994" in asking:
            port = server.udp_port() if "--udp" in asking else server.tcp_port()
            asking = asking.replace("9994", str(port))
        command = ["sh", "-c", installed(f".venv/bin/sockproto {asking}")]
        ran = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    welcome = "" if "--udp" in asking else "Welcome!\n"
    assert (ran.stdout, ran.stderr, ran.returncode) == (f"{welcome}Hello, Michael!\n", "", 0)


def test_the_table_has_a_server_of_each_kind() -> None:
    assert len(PAIRS) == 5
