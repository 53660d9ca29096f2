"""The listings of docs/howto/testing.md: each file is written, each command run, and prints what is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted  # type: ignore[import-untyped]  # it has none

from sockproto.protocols.echo import EchoFactory
from sockproto.testing import Expect, ExpectEnd, HalfClose, Send, play_everywhere
from tests.hanging import TIMEOUT

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "testing.md").read_text("utf-8")
FILES = dict(re.findall(r"`(\w+\.py)`[^`]*:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```sh\n\.venv/bin/python (.*?)\n```\n\n```text\n(.*?)\n```$", PAGE, re.MULTILINE)


def test_every_listing_is_a_file_or_a_command() -> None:
    assert len(FILES) == PAGE.count("```python\n") == 6
    assert len(COMMANDS) == PAGE.count("```sh\n") - PAGE.count("pip install") == 5


@pytest.mark.parametrize(
    ("command", "printed"), COMMANDS, ids=[command.split()[-1] for command, _ in COMMANDS]
)
def test_each_command_prints_what_is_shown(command: str, printed: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    # Nothing of this run of pytest is theirs; of its plugins one is enough, and some are slow.
    arguments = [sys.executable, *command.split()]
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "pytest_twisted"}
    ran = subprocess.run(
        arguments,
        cwd=tmp_path,
        env={**os.environ, **plugins},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert printed in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == (1 if "AssertionError" in printed else 0)


def test_the_loss_is_found_by_five_lines() -> None:
    body = FILES["test_echo.py"].partition("():\n")[2]
    assert len(body.splitlines()) + 1 == 5


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]  # likewise
async def test_under_pytest_twisted() -> None:
    script = [Send(b"hello"), Expect(b"hello"), HalfClose(), ExpectEnd()]
    outcome = await play_everywhere(lambda clock: EchoFactory(clock=clock), script)
    assert outcome == (b"hello", "orderly")
