"""The how-to of ``sockproto check``: its servers, judged, get the reports that it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sockproto.cli.commands import sockproto
from tests.hanging import TIMEOUT
from tests.listings import installed, listings

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "check.md"


def plain(report: str) -> str:
    """Give a report without its measured figures."""
    report = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9999", report)
    # A thread of the naive server may complain of a client that was quicker than it.
    report = re.sub(r"^ +(last|it) said .*\n", "", report, flags=re.MULTILINE)
    report = re.sub(r"in \d+\.\d s$", "in 0.0 s", report, flags=re.MULTILINE)
    report = re.sub(r"\d+\.\d MB", "0.0 MB", report)
    return re.sub(r"descriptors +\d+", "descriptors 0", report)


@pytest.mark.parametrize(("number", "status"), [(0, 1), (1, 0)])
def test_its_servers_get_the_reports_that_it_shows(number: int, status: int, tmp_path: Path) -> None:
    found = listings(PAGE.read_text("utf-8"))
    servers = [
        listing for listing in found if listing.language == "python" and "create_server" in listing.text
    ]
    checks = [listing for listing in found if listing.language == "sh"]
    for name, listing in zip(["naive.py", "mended.py"], servers, strict=True):
        (tmp_path / name).write_text(listing.text)
    command = checks[number].text
    ran = subprocess.run(
        ["sh", "-c", installed(command)], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (ran.returncode, ran.stderr) == (status, "")
    shown = checks[number].output
    assert shown is not None
    assert plain(ran.stdout).replace(str(Path(sys.executable).parent) + "/", ".venv/bin/") == plain(shown)


def test_it_tells_of_every_option() -> None:
    shared = {
        "--udp",
        "--unix",
        "--tls",
        "--cacert",
        "--insecure",
        "--connect-timeout",
        "--json",
        "--cert",
        "--key",
    }
    options = {
        option for each in sockproto.commands["check"].params for option in each.opts if option[:2] == "--"
    }
    told = set(re.findall(r"`(--\w+)", PAGE.read_text("utf-8")))
    assert options - shared <= told <= options


def test_the_listing_for_python_runs(tmp_path: Path) -> None:
    [listing] = [each for each in listings(PAGE.read_text("utf-8")) if "from sockproto.check" in each.text]
    code = listing.text.replace("9999", "1")  # where nobody is
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT)
    assert "sockproto.errors.Refused: 127.0.0.1:1: nothing listens there" in ran.stderr
