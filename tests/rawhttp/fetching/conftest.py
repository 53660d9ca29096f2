"""A server for all tests, and the fetcher as a function and as a program."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.rawhttp.fetching.behaviours import find
from tests.rawhttp.fetching.behaviours.answers import ok
from tests.rawhttp.fetching.checks import Fetched, Run
from tests.rawhttp.fetching.server import PATIENCE, Script, Server

LIMIT = 2 * int(PATIENCE)  # seconds after which it hangs
ROOT = Path(__file__).parents[3]


class Hung(BaseException):
    """The fetcher doesn't come to an end."""


def hung(*_: object) -> None:
    """Interrupt a fetcher, wherever it is."""
    raise Hung


def answer(name: str, rest: str) -> Script | None:
    """Return the script of a behaviour; any other page is there too."""
    return find(name, rest) if "-" in name else [ok()]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that plays all behaviours."""
    with Server(answer, tmp_path_factory.mktemp("authority")) as server:
        yield server


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the fetcher in this process."""
    from sockproto.rawhttp import main

    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)

    def run_here(arguments: Sequence[str], place: Path) -> Fetched:
        capfdbinary.readouterr()
        monkeypatch.chdir(place)
        before = signal.signal(signal.SIGALRM, hung)
        signal.alarm(LIMIT)
        try:
            status = main(list(arguments))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        return Fetched(status, *capfdbinary.readouterr())

    return run_here


@pytest.fixture
def run_program() -> Run:
    """Run the fetcher as people do, with Python's warnings on."""

    def run_there(arguments: Sequence[str], place: Path) -> Fetched:
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        command = [sys.executable, "-X", "dev", "-m", "sockproto.rawhttp", *arguments]
        environment = {**kept, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=LIMIT)
        return Fetched(ran.returncode, ran.stdout, ran.stderr)

    return run_there
