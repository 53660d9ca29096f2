"""A server for all tests, and the fetcher as a function and as a program."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.fetching.behaviours import find, ok
from tests.fetching.checks import Fetched, Run
from tests.fetching.server import Script, Server

ROOT = Path(__file__).parent.parent.parent


def answer(name: str, rest: str) -> Script | None:
    """Give the script of a behaviour; any other page is there too."""
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
        status = main(list(arguments))
        return Fetched(status, *capfdbinary.readouterr())

    return run_here


@pytest.fixture
def run_program() -> Run:
    """Run the fetcher as people do, with Python's warnings on."""

    def run_there(arguments: Sequence[str], place: Path) -> Fetched:
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        command = [sys.executable, "-X", "dev", "-m", "sockproto.rawhttp", *arguments]
        environment = {**kept, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=15)
        return Fetched(ran.returncode, ran.stdout, ran.stderr)

    return run_there
