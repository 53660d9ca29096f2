"""The examples that are served as they stand, and their page; the installed one: test_packaging.py."""

import os
import shutil
import signal
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples import EXAMPLES, SECTIONS, page
from tests.hanging import TIMEOUT
from tests.listings import Server, local, need_nc
from tests.live.clients import receive, receive_all, unix_client
from tests.live.peers import say
from tests.live.server import need


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A directory with a copy of the examples: Twisted writes a cache beside plugins."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "*.cache"))
    return tmp_path


@pytest.fixture
def site(copied: Path) -> Iterator[Server]:
    """The site with its admin port, at any free port."""
    tac = copied / "examples" / "adminport" / "site.tac"
    tac.write_text(tac.read_text("utf-8").replace("tcp:8080:", "tcp:0:"), "utf-8")
    [serving] = [listing for listing in page("admin") if listing.kind == "server"]
    with Server(local(serving.text), copied) as server:
        server.wait_for(r"admin on unix:admin\.sock:mode=600$")
        yield server


def url(site: Server, path: str = "/") -> str:
    port = site.wait_for(r"Site starting on (\d+)$")[1]
    return f"http://127.0.0.1:{port}{path}"


def get(site: Server, path: str = "/") -> tuple[int, bytes]:
    """Get a page; return its status and what it says."""
    try:
        with urllib.request.urlopen(url(site, path), timeout=TIMEOUT) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_page_tells_of_each_example() -> None:
    assert list(SECTIONS) == ["thermostat", "instruments", "admin"]
    # Scripts of docs/howto/check.md; docs/howto/lab.md, tested by test_lab.py.
    folders = {each.name for each in EXAMPLES.iterdir()} - {"check", "lab"}
    assert len(folders) == len(SECTIONS)


def test_what_the_page_shows_of_the_instruments(copied: Path) -> None:
    serving, client = page("instruments")
    assert (serving.kind, client.language) == ("server", "python")
    with Server(f"env {local(serving.text)}", copied) as server:
        ran = client.run(server)
        assert (ran.stdout, ran.stderr) == (client.output, "")


def test_what_the_page_shows_of_the_admin_port(copied: Path, site: Server) -> None:
    need("curl")
    need_nc()
    _, *clients = page("admin")
    [following] = [listing for listing in clients if "/log" in listing.text]
    for listing in clients:
        command = ["sh", "-c", local(listing.text).replace("http://127.0.0.1:8080/", url(site))]
        with subprocess.Popen(
            command, cwd=copied, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            assert process.stdout
            if listing is following:
                said = process.stdout.readline()  # so /log has begun
                get(site, "/robots.txt")
                assert said + process.stdout.readline() == listing.output
                os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
            else:
                assert process.communicate(timeout=TIMEOUT)[0] == listing.output
    assert site.process.wait(TIMEOUT) == 0


def test_the_socket_is_its_owners_alone_and_goes_with_the_program(copied: Path, site: Server) -> None:
    path = copied / "admin.sock"
    assert stat.filemode(path.stat().st_mode) == "srw-------"
    with unix_client(path) as follower, unix_client(path) as client:
        follower.sendall(b"/hits\n/log\n")
        assert receive(follower, 2) == b"0\n"  # so /log has begun
        client.sendall(b"/hits\n/stop\n/hits\n")
        assert receive_all(client) == b"0\nok\n0\n"
        assert receive_all(follower) == b""
    site.wait_for(r"stopped in 0\.\d seconds: 2 connections closed, 0 cut")
    assert site.process.wait(TIMEOUT) == 0
    assert [each.name for each in copied.iterdir()] == ["examples"]


def test_maintenance_and_log_over_two_connections(copied: Path, site: Server) -> None:
    path = copied / "admin.sock"
    with unix_client(path) as follower:
        follower.sendall(b"/hits\n/log\n")
        assert receive(follower, 2) == b"0\n"  # so /log has begun
        assert get(site, "/a") == (200, b"You are visitor 1.\n")
        assert say("command", f"unix:{path}", "/maintenance on") == b"on\n"
        assert get(site, "/b") == (503, b"Back soon.\n")
        assert say("command", f"unix:{path}", "/maintenance off", "/hits") == b"off\n1\n"
        said = b"200 GET '/a'\n503 GET '/b'\n"
        assert receive(follower, len(said)) == said
        follower.sendall(b"\n/hits\n")
        assert receive(follower, 2) == b"1\n"
