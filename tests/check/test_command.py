"""``sockproto check`` as it is typed: what it prints, writes and ends with."""

import asyncio
import json
import re
import resource
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import unescape
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sockproto.check.registry import Judged
from sockproto.check.running import Heard
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.started import Started
from sockproto.cli import checking
from sockproto.cli.commands import run
from tests.check.servers import Loop, Served, Server
from tests.hanging import TIMEOUT


class Shouts(Server):
    """Gives back something else."""

    async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data.upper())


class ReadsLines(Server):
    """Greets nobody whose name has no newline."""

    async def read(self, reader: asyncio.StreamReader, seconds: float | None) -> bytes | None:
        return await super().read(reader, None)


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


@pytest.fixture
def right(loop: Loop) -> Iterator[str]:
    with Served(Server("echo"), loop) as served:
        yield f"127.0.0.1:{served.port}"


@pytest.fixture
def wrong(loop: Loop) -> Iterator[str]:
    with Served(Shouts("echo"), loop) as served:
        yield f"127.0.0.1:{served.port}"


Capture = pytest.CaptureFixture[str]


def test_a_right_server(right: str, capfd: Capture) -> None:
    assert run(["check", "echo", right, "--only", "meaning"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "pass  meaning.a-dialogue"
    assert lines[-1].startswith(f"echo at {right}: 2 pass, in ")


def test_a_wrong_server(wrong: str, capfd: Capture) -> None:
    assert run(["check", "echo", wrong, "--only", "meaning.a-dialogue"]) == 1
    out, errors = capfd.readouterr()
    assert out.splitlines()[:10] == [
        "FAIL  meaning.a-dialogue: another answer came, from byte 1 on",
        "",
        "1 of 1 case fails.",
        "habit: gives back what comes",
        "To mend first:",
        "  1. 'Hello\\r\\n' is answered by 'HELLO\\r\\n', where 'Hello\\r\\n' is due. (meaning.a-dialogue)",
        "",
        "FAIL  meaning.a-dialogue",
        "      another answer came, from byte 1 on",
        "      Messages that are sent one after the other's answer are answered, each by what is due and no"
        " more. (RFC 862)",
    ]
    assert errors == ""


def test_json_is_an_object_a_line(wrong: str, capfd: Capture) -> None:
    arguments = ["check", "echo", wrong, "--only", "meaning", "--json", "--label", "a 'b'"]
    assert run(arguments) == 1
    *results, found = map(json.loads, capfd.readouterr().out.splitlines())
    assert [each["verdict"] for each in results] == ["fail", "pass"]
    assert (found["command"], found["label"], found["version"]) == ("check", "a 'b'", version("sockproto"))
    assert shlex.split(found["typed"]) == ["sockproto", *arguments]


def test_each_report_says_who_is_judged_and_with_what(wrong: str, tmp_path: Path, capfd: Capture) -> None:
    page, suite = tmp_path / "report.html", tmp_path / "junit.xml"
    arguments = ["check", "echo", wrong, "--only", "meaning", "--label", "<of mine>\x1b"]
    assert run([*arguments, "--html", str(page), "--junit", str(suite)]) == 1
    out = capfd.readouterr().out
    properties = {each.get("name"): each.get("value") for each in ElementTree.parse(suite).iter("property")}
    told = f"{properties['label']} sockproto {properties['version']}: {properties['command']}"
    for text in (out, unescape(re.sub("<[^>]*>", "", page.read_text("utf-8"))), told):
        for each in ("<of mine>\\x1b", f"sockproto {version('sockproto')}: sockproto check echo {wrong}"):
            assert each in text
    assert properties["headline"] == "1 of 2 cases fails."
    assert str(properties["to mend 1"]).startswith("'Hello\\r\\n' is answered by 'HELLO")
    assert "\x1b" not in out + page.read_text("utf-8") + suite.read_text("utf-8")


def test_junit_is_written(wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert run(["check", "echo", wrong, "--only", "meaning", "--junit", str(file)]) == 1
    [suite] = ElementTree.parse(file).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_a_file_that_can_t_be_written(right: str, capfd: Capture) -> None:
    assert run(["check", "echo", right, "--only", "meaning", "--junit", "/nonesuch/junit.xml"]) == 23
    assert capfd.readouterr() == (  # at once: no case was run
        "",
        "sockproto check: can't write '/nonesuch/junit.xml': No such file or directory\n",
    )
    assert run(["check", "echo", right, "--only", "meaning", "--html", "/dev/full"]) == 23
    assert "can't write '/dev/full': No space left on device" in capfd.readouterr().err


def test_what_is_open_fails_only_if_one_is_strict(loop: Loop, tmp_path: Path, capfd: Capture) -> None:
    page, suite = tmp_path / "report.html", tmp_path / "junit.xml"
    with Served(ReadsLines("greeting"), loop) as served:
        arguments = ["check", "greeting", f"127.0.0.1:{served.port}", "--only", "*.a-bare-name", "--quick"]
        assert run(arguments) == 0
        assert "open  meaning.a-bare-name: a name without a newline gets" in capfd.readouterr().out
        arguments += ["--strict", "--html", str(page), "--junit", str(suite)]
        assert run(arguments) == 1
        assert "FAIL  meaning.a-bare-name" in capfd.readouterr().out
        assert run([*arguments, "--json"]) == 1
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["failed"]
    assert "1 of 1 case fails." in page.read_text("utf-8")
    assert ElementTree.parse(suite).getroot()[0].get("failures") == "1"


def test_two_reports_need_two_files(tmp_path: Path, capfd: Capture) -> None:
    files = ["--html", str(tmp_path / "report"), "--junit", str(tmp_path / "." / "x" / ".." / "report")]
    assert run(["check", "echo", "127.0.0.1:9", *files]) == 2
    assert "--junit and --html name the same file" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_time_is_short_for_is_no_success(right: str, tmp_path: Path, capfd: Capture) -> None:
    page, suite = tmp_path / "report.html", tmp_path / "junit.xml"
    files = ["--html", str(page), "--junit", str(suite)]
    for form in [], ["--quick"]:
        assert run(["check", "echo", right, "--seconds", "0.8", *form, *files]) == 1
        last = capfd.readouterr().out.splitlines()[-1]
        assert re.search(r" pass, .* skipped, in .* s; \d+ not judged for want of time$", last), last
        count = last.split("; ")[1].split()[0]
        told = rf"\b{count} not judged for want of time\.|\({count} for want of time\)\."
        assert re.search(told, page.read_text("utf-8"))
        [report] = ElementTree.parse(suite).getroot()
        assert (report.get("failures"), report.get("errors")) == ("0", count)
        assert len(report.findall("testcase/error")) == int(count)
    assert run(["check", "echo", right, "--seconds", "0.8", "--json"]) == 1
    *results, found = map(json.loads, capfd.readouterr().out.splitlines())
    assert (found["failed"], found["complete"]) == (False, False)
    assert found["unjudged"].endswith(" not judged for want of time")
    assert {"for want of time"} <= {each["unjudged"] for each in results} <= {"", "for want of time"}


def test_no_seconds_are_no_limit(right: str, capfd: Capture) -> None:
    assert run(["check", "echo", right, "--only", "meaning", "--seconds", "0"]) == 0
    assert ": 2 pass, in " in capfd.readouterr().out


def test_the_quick_cases_are_listed(capfd: Capture) -> None:
    assert run(["check", "echo", "--list", "--quick", "--json"]) == 0
    assert all(each["quick"] for each in json.loads(capfd.readouterr().out)["cases"])


@pytest.mark.parametrize("option", ["--html", "--junit"])
@pytest.mark.parametrize("printed", [(), ("--json",)])
def test_a_report_that_can_t_be_written_loses_nothing(
    option: str, printed: tuple[str, ...], right: str, tmp_path: Path, capfd: Capture
) -> None:
    other = tmp_path / "other"
    others = [{"--html": "--junit", "--junit": "--html"}[option], str(other)]
    arguments = ["check", "echo", right, "--only", "meaning", *printed]
    assert run([*arguments, option, "/dev/full", *others]) == 23
    out, errors = capfd.readouterr()
    assert "meaning.a-dialogue" in out
    assert errors == "sockproto check: can't write '/dev/full': No space left on device\n"
    assert b"meaning.a-dialogue" in other.read_bytes()


def test_a_disk_that_is_full_leaves_no_stump(right: str, tmp_path: Path, capfd: Capture) -> None:
    old = tmp_path / "old.html"
    old.write_text("before")
    arguments = ["check", "echo", right, "--only", "meaning"]
    size = resource.getrlimit(resource.RLIMIT_FSIZE)
    taken = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, size[1]))  # what is captured has room
        assert run([*arguments, "--html", str(old)]) == 23
        assert run([*arguments, "--html", str(tmp_path / "new.html")]) == 23
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, size)
        signal.signal(signal.SIGXFSZ, taken)
    assert old.read_text() == "before"
    assert list(tmp_path.iterdir()) == [old]
    assert f"can't write '{old}': File too large" in capfd.readouterr().err


def test_a_check_that_comes_to_nothing_leaves_reports_as_they_were(tmp_path: Path) -> None:
    old = tmp_path / "old.html"
    old.write_text("before")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    new = str(tmp_path / "new.xml")
    assert run(["check", "echo", f"127.0.0.1:{port}", "--html", str(old), "--junit", new]) == 7
    assert old.read_text() == "before"
    assert list(tmp_path.iterdir()) == [old]


def test_a_signal_whose_exception_is_swallowed_ends_it_at_the_next_case(
    right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallowing(context: object, judged: Sequence[Judged], heard: Heard, deadline: object) -> None:
        with suppress(KeyboardInterrupt):  # as in a destructor
            signal.raise_signal(signal.SIGTERM)
        heard(judged[0], None)

    monkeypatch.setattr(checking, "run", swallowing)
    assert run(["check", "echo", right]) == 143


def test_a_server_is_ended_though_it_can_not_be_waited_for() -> None:
    with pytest.MonkeyPatch.context() as patched:

        def waited(popen: object, timeout: float | None = None) -> int:
            assert timeout is not None, "for ever"
            raise subprocess.TimeoutExpired("sleep", timeout)

        # A signal in the midst of a wait() leaves it so.
        patched.setattr(subprocess.Popen, "wait", waited)
        patched.setattr(subprocess.Popen, "poll", lambda popen: None)
        started = Started("sleep 600", port=1, end_seconds=0.01)
        started.end()
    assert started.wait(TIMEOUT) in ("killed by SIGTERM", "killed by SIGKILL")


def test_nothing_judged_is_no_success(right: str, capfd: Capture) -> None:
    assert run(["check", "echo", right, "--only", "resets.no-descriptor-is-lost"]) == 1
    assert "nothing was judged, 1 skipped" in capfd.readouterr().out


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_cases_are_listed_without_a_server(protocol: str, capfd: Capture) -> None:
    assert run(["check", protocol, "--list"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert run(["check", protocol, "--list", "--json", "--udp"]) == 0
    cases = json.loads(capfd.readouterr().out)["cases"]
    assert "resets.at-once" in lines
    assert any("datagram" in each["case"] for each in cases)
    assert set(cases[0]) == {"case", "expectation", "source", "quick"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("echo", "ADDRESS is missing: say whom to judge, or --start 'COMMAND {port}'"),
        ("ehco 127.0.0.1:7", "'ehco' is not one of"),
        ("", "Choose from: greeting, welcome, echo"),
        ("echo --start server", "--start needs a {port} in COMMAND, or ADDRESS"),
        ("echo --unix --start server", "ADDRESS is missing: --unix needs the path of the socket"),
        (
            "echo 127.0.0.1:7 --only splits --skip splits",
            "no case is left: --skip names all that --only does",
        ),
        ("echo 127.0.0.1:7 --json --html -", "only one report can be printed"),
        ("echo 127.0.0.1:7 --only nonesuch", "'nonesuch' names no case of this protocol: --list shows them"),
        ("echo tcp:host=a:port=7", "can't be judged: write HOST:PORT, [IPV6]:PORT or unix:PATH"),
        ("echo 127.0.0.1:7 --udp --tls", "TLS is for streams, not for datagrams"),
        (
            "echo 127.0.0.1:7 --start nonesuch-program",
            "'nonesuch-program' can't be started: No such file or directory",
        ),
        ("echo 127.0.0.1:7 --start '\"'", "No closing quotation"),
    ],
)
def test_wrong_usage(arguments: str, reason: str, capfd: Capture) -> None:
    words = arguments.replace("'\"'", '"').split()
    assert run(["check", *words]) == 2
    out, errors = capfd.readouterr()
    assert reason in errors
    assert (out, errors.count("\n")) == ("", 1)


def test_nobody_is_there(capfd: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert run(["check", "echo", f"127.0.0.1:{port}"]) == 7
    assert capfd.readouterr().err == (
        f"sockproto check: 127.0.0.1:{port}: nothing listens there (Connection refused):"
        " start the server first\n"
    )
