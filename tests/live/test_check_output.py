"""What ``sockproto check`` prints while it goes on, and what it does where that can't be written."""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from sockproto.check.spoken import PROTOCOLS
from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO


def typed(protocol: str, *arguments: str) -> list[str]:
    start = f"{SOCKPROTO} serve --protocol {protocol} --port {{port}}"
    return [SOCKPROTO, "check", protocol, "--start", start, *arguments]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_quick_form_judges_all_its_cases(protocol: str) -> None:
    ran = subprocess.run(typed(protocol, "--quick"), capture_output=True, text=True, timeout=4 * TIMEOUT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert "not judged" not in lines[-1]
    assert {line for line in lines if line.startswith("skip")} <= {
        "skip  many.descriptors-run-out: not part of the quick form"
    }


def test_a_pipe_has_each_verdict_as_it_comes() -> None:
    with subprocess.Popen(typed("echo", "--quick"), stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "pass  meaning.a-dialogue\n"
            assert process.poll() is None
        finally:
            process.terminate()
        assert process.wait(TIMEOUT) == 143
        last = process.stdout.read().splitlines()[-1]
    assert last.endswith(" not judged as the check was stopped"), last


@pytest.mark.parametrize("kept", [False, True])
def test_a_reader_that_has_had_enough(kept: bool, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    more = ["--html", str(page)] if kept else []
    only = ["--only", "meaning", "--only", "binary", "--only", "shutdown"]
    with subprocess.Popen(typed("echo", *only, *more), stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "pass  meaning.a-dialogue\n"
        process.stdout.close()
        assert process.wait(TIMEOUT) == 23
        assert process.stderr.read() == "sockproto check: can't write: Broken pipe\n"
    if kept:  # all of it was judged
        assert "pass" in page.read_text("utf-8")
        assert "shutdown" in page.read_text("utf-8")
        assert "Not judged" not in page.read_text("utf-8")


@pytest.mark.parametrize("printed", [(), ("--json",), ("--html", "-"), ("--junit", "-")])
@pytest.mark.parametrize("output", ["/dev/full", None])
def test_what_can_t_be_printed_is_told_on_standard_error(
    output: str | None, printed: tuple[str, ...]
) -> None:
    command = typed("echo", "--only", "meaning", *printed)
    if output is None:  # a closed one
        code = f"import os, sys\nos.close(1)\nos.execv({SOCKPROTO!r}, sys.argv[1:])"
        ran = subprocess.run(
            [sys.executable, "-c", code, *command], stderr=PIPE, text=True, timeout=TIMEOUT, check=False
        )
    else:
        with open(output, "wb") as full:
            ran = subprocess.run(command, stdout=full, stderr=PIPE, text=True, timeout=TIMEOUT, check=False)
    assert ran.returncode == 23
    lines = ran.stderr.splitlines()
    assert lines[:2] == ["pass  meaning.a-dialogue", "pass  meaning.nothing-comes-unasked"]
    reason = os.strerror(9 if output is None else 28)
    assert lines[-1] == f"sockproto check: can't write: {reason}"
