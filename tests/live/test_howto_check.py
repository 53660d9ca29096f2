"""The how-to of ``sockproto check``: its servers, judged, get the reports that it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sockproto.check.script.reading import parse
from sockproto.cli.commands import sockproto
from sockproto.errors import OptionError
from tests.hanging import TIMEOUT
from tests.listings import installed, listings

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "check.md"


def plain(report: str) -> str:
    """Return a report without its measured figures."""
    report = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9999", report)
    # A thread of the naive server may complain of a client that was quicker than it.
    report = re.sub(r"^ +(last|it) said .*\n", "", report, flags=re.MULTILINE)
    report = re.sub(r"in \d+\.\d s$", "in 0.0 s", report, flags=re.MULTILINE)
    report = re.sub(r"^sockproto \S+: ", "sockproto 0.0.0: ", report, flags=re.MULTILINE)
    report = re.sub(r"\d+\.\d MB", "0.0 MB", report)
    report = report.replace("'Hello, A!Hello, nn!'", "'Hello, A!'")  # which of its answers had come by then
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
        option
        for each in sockproto.all_commands()["check"].params
        for option in each.opts
        if option[:2] == "--"
    }
    told = set(re.findall(r"`(--\w+)", PAGE.read_text("utf-8")))
    assert options - shared <= told <= options


@pytest.mark.parametrize("number", [0, 1])
def test_the_listings_for_python_run(number: int, tmp_path: Path) -> None:
    found = [each for each in listings(PAGE.read_text("utf-8")) if "from sockproto.check" in each.text]
    code = found[number].text.replace("9999", "1")  # where nobody is
    write_script(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert "sockproto.errors.Refused: 127.0.0.1:1: nothing listens there" in ran.stderr


def write_script(directory: Path) -> None:
    """Write the page's script."""
    [script] = [each.text for each in listings(PAGE.read_text("utf-8")) if each.language == "toml"]
    (directory / "counter.toml").write_text(script)


def test_its_script_has_the_cases_of_what_it_says(tmp_path: Path) -> None:
    found = [each for each in listings(PAGE.read_text("utf-8")) if each.language == "sh"]
    [command] = [each.text for each in found if "--list" in each.text]
    write_script(tmp_path)
    ran = subprocess.run(
        ["sh", "-c", installed(command)], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {"meaning.the-close-ends-it", "pipelining.every-answer-in-order"} <= set(ran.stdout.splitlines())
    assert "long-messages.the-longest" not in ran.stdout


def test_its_keys_are_those_of_scripts() -> None:
    table = PAGE.read_text("utf-8").partition("| key |")[2].partition("\n\n")[0]
    found = re.findall(r"^\| `\[*(\w+)", table, re.MULTILINE)
    with pytest.raises(OptionError, match=f"write {', '.join(sorted(found))}$"):
        parse("nonesuch = 1", "page")
