"""Greeting servers of Python, Node and Go, as people write them, are judged rightly, each in its habit."""

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import run
from sockproto.check.started import Started
from sockproto.check.target import find, free_port
from sockproto.check.timing import Patience
from sockproto.check.verdict import Report, Verdict
from tests.hanging import TIMEOUT, attempts
from tests.live.peers import SOCKPROTO
from tests.live.server import need

SOURCES = Path(__file__).with_name("habits")
PATIENT = Patience(answer=3, silence=0.1, case=30, run=300)
HURRIED = Patience(answer=1, silence=0.1, case=10, run=100)  # where much is waited for in vain

LINES = "reads lines; ends its answers with LF"
INSIDE = "takes bare sends; keeps newlines inside the name"
GOOD = {
    "good_socketserver.py": "reads lines; keeps newlines",
    "good_asyncio.py": LINES,
    "good_threads.py": INSIDE,
    "good.js": "takes bare sends and lines; keeps newlines",
    "good_go": LINES,
}
"""The habit of each."""

SPLITS = {"splits.each-two-way-split", "splits.byte-by-byte", "splits.random-cuts"}
ENDS = {"half-close.the-end-is-answered-by-the-end", "half-close.a-last-line-without-a-newline"}
FLOODS = {"never-reads.it-stops-reading"}
ALONE = {"never-reads.others-are-served"}
NAIVE = {
    "naive_socketserver.py": ("takes bare sends; strips newlines", SPLITS | ALONE, FLOODS | ENDS),
    "naive_asyncio.py": (INSIDE, SPLITS | FLOODS, ENDS | ALONE),
    "naive_threads.py": (INSIDE, SPLITS | ENDS, FLOODS | ALONE),
    "naive.js": (INSIDE, SPLITS | FLOODS | ENDS, ALONE),
    "naive_go": (
        "takes bare sends; ends its answers with LF; adds a newline to the answer to a bare send",
        SPLITS | FLOODS | {"splits.all-in-one-segment"},
        ALONE,
    ),
}
"""The habit of each, what it must fail, and what it must pass."""


ECHOES = {
    "echo_text.js": (
        "gives back what comes; takes only UTF-8",
        {"meaning.a-dialogue", "binary.every-byte", "binary.invalid-utf-8"},
    ),
    "echo_lines.py": ("reads lines", {"meaning.a-dialogue"}),
}
"""The habit of each echo, and what it must fail."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the servers in Go, once."""
    need("go")
    directory = tmp_path_factory.mktemp("go")
    for name in "good_go", "naive_go":
        command = ["go", "build", "-o", str(directory / name), str(SOURCES / name / "main.go")]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
    return directory


@pytest.fixture
def command(request: pytest.FixtureRequest, name: str) -> str:
    """How a server is started."""
    if name.endswith(".js"):
        need("node")
    if name.endswith("_go"):
        words = [str(request.getfixturevalue("built") / name)]
    else:
        words = ["node" if name.endswith(".js") else sys.executable, str(SOURCES / name)]
    return f"{shlex.join(words)} {{port}}"


def judge(
    command: str, patience: Patience, only: list[str], skip: list[str], protocol: str = "greeting"
) -> Report:
    """Start a server, judge it by the quick form and end it."""
    port = free_port()
    with Started(command, port) as started:
        started.wait_until_up("tcp", "127.0.0.1", port)
        context = CheckContext(protocol, find("tcp", "127.0.0.1", port), patience, True, started)
        return run(context, chosen(cases(protocol), only, skip))


def verdicts(report: Report, verdict: Verdict) -> set[str]:
    return {each.case.identifier for each in report.results if each.verdict is verdict}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_one_fails_nothing(name: str, command: str) -> None:
    report = judge(command, PATIENT, [], ["many.descriptors-run-out"])
    assert [each for each in report.results if each.verdict in (Verdict.FAIL, Verdict.SKIP)] == []
    assert report.known == {"habit": GOOD[name]}


@pytest.mark.parametrize("name", NAIVE)
def test_what_a_naive_one_gets_wrong_is_found_and_nothing_else(name: str, command: str) -> None:
    habit, wrong, right = NAIVE[name]
    for _ in attempts():  # on a busy machine it may read at once what was sent apart, and be right
        report = judge(command, HURRIED, ["splits", *sorted(FLOODS | ENDS | ALONE)], [])
        if wrong <= verdicts(report, Verdict.FAIL):
            break
    assert report.known == {"habit": habit}
    assert wrong <= verdicts(report, Verdict.FAIL)
    assert right <= verdicts(report, Verdict.PASS)


@pytest.mark.parametrize("name", ECHOES)
def test_an_echo_that_can_t_take_all_is_judged_by_what_it_can(name: str, command: str) -> None:
    habit, wrong = ECHOES[name]
    report = judge(command, replace(PATIENT, answer=2), [], ["many.descriptors-run-out"], "echo")
    assert report.known == {"habit": habit}
    assert verdicts(report, Verdict.FAIL) == wrong
    assert verdicts(report, Verdict.SKIP) == set()


@pytest.mark.parametrize(("name", "framing"), [("good.js", "auto"), ("good_threads.py", "bare")])
def test_the_command_has_another_framing_be_a_failure(name: str, framing: str, command: str) -> None:
    for stated in "auto", "lines", "bare":
        words = [SOCKPROTO, "check", "greeting", "--start", command, "--framing", stated, "--quick"]
        ran = subprocess.run(
            [*words, "--only", "meaning.a-bare-name"], capture_output=True, text=True, timeout=TIMEOUT
        )
        assert ran.returncode == (stated != framing), ran.stdout
        assert (f"its framing is {framing}, not {stated}: " in ran.stdout) is (stated != framing)


@pytest.mark.parametrize("words", [["echo", "127.0.0.1:7"], ["greeting", "127.0.0.1:7", "--udp"]])
def test_only_the_greeting_on_streams_has_a_framing(words: list[str]) -> None:
    command = [SOCKPROTO, "check", *words, "--framing", "bare"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert ran.returncode == 2
    assert "--framing is for the greeting on streams: other servers have one" in ran.stderr
