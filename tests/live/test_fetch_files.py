"""Files on mounts, on full disks, and with the server's time: where only a real file system shows it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.server import need, require
from tests.rawhttp.fetching.behaviours.answers import HELLO, ok
from tests.rawhttp.fetching.server import KEEP_OPEN, Script, Server

OLD = b"what was there before"
LARGE = bytes(3_000_000)
DATED = ok(HELLO, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT")
SCRIPTS: dict[str, Script] = {
    "hello": [ok(), KEEP_OPEN],
    "large": [ok(LARGE), KEEP_OPEN],
    "short": [ok(LARGE)[:-1]],
    "dated": [DATED, KEEP_OPEN],
    "undated": [ok(HELLO, "Last-Modified: yesterday"), KEEP_OPEN],
}
MOUNTS = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Server(lambda name, rest: SCRIPTS.get(name), tmp_path_factory.mktemp("authority")) as server:
        yield f"http://127.0.0.1:{server.ports['plain']}"


def fetch(place: Path, mount: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Fetch where something is mounted that nobody else sees; look at what is there afterwards."""
    need("unshare")
    tried = subprocess.run([*MOUNTS, "true"], capture_output=True, timeout=TIMEOUT, check=False)
    require(tried.returncode == 0, "the right to have mounts of its own")
    script = f'{mount}; "$@"; status=$?; ls -A disk; cat disk/page 2>/dev/null | cksum; exit $status'
    program = [sys.executable, "-m", "sockproto.rawhttp", "-s", *words]
    return subprocess.run(
        [*MOUNTS, "sh", "-ec", script.replace('"$@"', 'set +e; "$@"'), "sh", *program],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "no_proxy": "*"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "page").write_bytes(OLD)
    (tmp_path / "real").write_bytes(OLD)
    return tmp_path


def test_a_file_that_is_a_mount(url: str, place: Path) -> None:
    ran = fetch(place, "mount --bind real disk/page", "-v", "-o", "disk/page", f"{url}/hello")
    assert (ran.returncode, ran.stdout.split("\n")[0]) == (0, "page"), ran.stderr
    assert "* disk/page is written in place: Device or resource busy\n" in ran.stderr
    assert (place / "real").read_bytes() == HELLO
    assert (place / "disk" / "page").read_bytes() == OLD  # which the mount has hidden


def test_a_file_that_is_a_mount_stays_after_a_failure(url: str, place: Path) -> None:
    ran = fetch(place, "mount --bind real disk/page", "-o", "disk/page", f"{url}/short")
    assert (ran.returncode, ran.stderr.count("\n")) == (18, 1), ran.stderr
    assert (place / "real").read_bytes() == OLD


def test_a_mount_that_can_only_be_read(url: str, place: Path) -> None:
    mount = "mount --bind real disk/page; mount -o remount,bind,ro disk/page"
    ran = fetch(place, mount, "-o", "disk/page", f"{url}/hello")
    assert (ran.returncode, ran.stderr.count("\n")) == (23, 1), ran.stderr
    assert (place / "real").read_bytes() == OLD


@pytest.mark.parametrize("link", ["", "; ln disk/page disk/other"], ids=["renamed", "in place"])
def test_a_full_disk_keeps_what_was_there(link: str, url: str, place: Path) -> None:
    mount = f"mount -t tmpfs -o size=1m tmpfs disk; cp real disk/page{link}"
    before = subprocess.run(["cksum"], input=OLD, capture_output=True, check=True).stdout.decode()
    ran = fetch(place, mount, "-o", "disk/page", f"{url}/large")
    names = "other\npage\n" if link else "page\n"
    assert (ran.returncode, ran.stdout) == (23, names + before), ran.stderr
    assert ran.stderr.endswith("No space left on device\n") or "No space left" in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["dated", "undated", "hello"])
def test_the_time_of_the_page(name: str, url: str, tmp_path: Path) -> None:
    """-R as curl's; an old time is the only one that both can have without being the same by chance."""
    need("curl")
    times: list[int | None] = []
    for program in (["curl", "-q", "-sS"], [sys.executable, "-m", "sockproto.rawhttp", "-s"]):
        out = tmp_path / f"out-{len(times)}"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "no_proxy": "*"}
        subprocess.run([*program, "-R", "-o", str(out), f"{url}/{name}"], check=True, env=environment)
        assert out.read_bytes() == HELLO
        times.append(int(out.stat().st_mtime) if out.stat().st_mtime < 1e9 else None)
    assert times == ([784_111_777] * 2 if name == "dated" else [None, None])


def test_no_file_is_replaced(url: str, tmp_path: Path) -> None:
    need("curl")
    found: list[dict[str, bytes]] = []
    for program in (["curl", "-q", "-sS"], [sys.executable, "-m", "sockproto.rawhttp", "-s"]):
        place = tmp_path / str(len(found))
        place.mkdir()
        (place / "page").write_bytes(OLD)
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "no_proxy": "*"}
        for _ in range(2):
            command = [*program, "--no-clobber", "-o", "page", f"{url}/hello"]
            subprocess.run(command, check=True, env=environment, cwd=place)
        found.append({path.name: path.read_bytes() for path in place.iterdir()})
    assert found[0] == found[1] == {"page": OLD, "page.1": HELLO, "page.2": HELLO}
