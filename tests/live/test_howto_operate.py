"""What docs/howto/operate.md tells its reader to run, each section in a network and on ports of its own."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.listings import Listing, Server, figures, installed, listings
from tests.live.machine import ROOT, machine
from tests.live.namespaces import Namespace, namespace
from tests.live.peers import wait_until
from tests.live.server import need

PAGE = (ROOT / "docs" / "howto" / "operate.md").read_text("utf-8")
SECTIONS = {
    title: listings(text) for title, text in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE)
}
NOT_HERE = r"podman|kubectl|pip install"  # no engine, no cluster, and the code is there already
PORT = r"--port (\d+)|--web\.listen-address=\S+:(\d+)"


def run(prefix: tuple[str, ...], listing: Listing, directory: Path) -> None:
    """Run what ends by itself; it prints what the page shows."""
    for program in re.findall(r"\b(curl|promtool)\b", listing.text):
        need(program)
    command = [*prefix, "sh", "-c", installed(listing.text)]
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert figures(ran.stdout).rstrip("\n") == (listing.output or "").rstrip("\n"), ran.stdout + ran.stderr


@contextmanager
def serving(place: Namespace, listing: Listing, directory: Path) -> Iterator[Server]:
    """Run what serves, until the section ends."""
    program = listing.text.split()[0]
    if program in {"haproxy", "prometheus"}:
        need(program)
    found = re.search(PORT, listing.text)
    port = (found[1] or found[2]) if found else "9999"
    with Server([*place.prefix, "sh", "-c", f"exec {installed(listing.text)}"], directory) as server:
        listens = ("ss", "--no-header", "--tcp", "--listening", "--numeric", f"sport = :{port}")
        wait_until(lambda: place.run(*listens), f"nobody listens on {port}")
        yield server


@pytest.mark.parametrize("section", [section for section in SECTIONS if section != "systemd"])
def test_its_listings_print_what_it_shows(section: str, tmp_path: Path) -> None:
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    with namespace() as place, ExitStack() as stack:
        servers = []
        for listing in SECTIONS[section]:
            if re.search(NOT_HERE, listing.text):
                continue
            if listing.kind == "server":
                servers.append(stack.enter_context(serving(place, listing, tmp_path)))
            else:
                run(place.prefix, listing, tmp_path)
        for server in servers:
            server.process.terminate()  # and once more at the end, which cuts a lame duck short


def test_its_listings_for_systemd(tmp_path: Path) -> None:
    with machine(tmp_path, []) as there:
        for listing in SECTIONS["systemd"]:
            if not re.search(NOT_HERE, listing.text):
                run((*there.prefix, "env", "--chdir=/opt/tree"), listing, tmp_path)


def test_every_file_of_deploy_is_explained() -> None:
    for file in (ROOT / "deploy").rglob("*"):
        if file.is_file():
            assert f"](../../{file.relative_to(ROOT)})" in PAGE, file


def test_its_table_of_alerts_is_the_files() -> None:
    alerts = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    assert re.findall(r"^\| `(Sockproto\w+)` \|", PAGE, re.MULTILINE) == re.findall(r"- alert: (\w+)", alerts)
