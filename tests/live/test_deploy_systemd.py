"""The units of deploy/systemd, judged by systemd-analyze and run by a systemd of the test's own."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.machine import ROOT, UNITS, Machine, machine
from tests.live.peers import wait_until
from tests.live.server import need

UNIT_FILES = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICE = "sockproto.service"
SOCKPROTO = "/opt/sockproto/bin/sockproto"
ADDRESS = "127.0.0.1:9999"
MOST_EXPOSURE = 12
"""Tenths of what systemd-analyze says, 10.0 at the worst; half of it is the network that a server needs."""


def analyze(*arguments: str) -> str:
    need("systemd-analyze")
    command = ["systemd-analyze", "--no-pager", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert not ran.returncode, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_systemd_finds_no_fault_in_them(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS, tmp_path / "usr/lib/systemd/system", symlinks=True)
    units.mkdir(parents=True)
    for program in SOCKPROTO, "/bin/kill":
        there = tmp_path / program.strip("/")
        there.parent.mkdir(parents=True)
        there.touch(0o755)
    for unit in UNIT_FILES:
        shutil.copy(unit, units)
    names = [unit.name for unit in UNIT_FILES]
    assert analyze("verify", "--man=no", f"--root={tmp_path}", *names) == ""


def test_the_service_may_do_little() -> None:
    service = str(ROOT / "deploy" / "systemd" / SERVICE)
    analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSURE}", service)


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("machine"), UNIT_FILES) as there:
        there.run("systemctl", "start", "sockproto.socket")
        there.run("systemctl", "start", SERVICE)  # returns once it has said that it is ready
        yield there


def test_it_serves_the_sockets_of_the_unit(booted: Machine) -> None:
    assert booted.run(SOCKPROTO, "greet", ADDRESS, "Michael") == "Welcome!\nHello, Michael!\n"
    assert booted.run(SOCKPROTO, "greet", "--udp", ADDRESS, "Michael") == "Hello, Michael!\n"
    assert booted.run(SOCKPROTO, "fetch", "-sfo", "-", "http://127.0.0.1:9990/readyz")


def test_it_tells_systemd_what_it_does(booted: Machine) -> None:
    assert booted.property_of(SERVICE, "ActiveState") == "active"
    assert "connections" in booted.property_of(SERVICE, "StatusText")
    assert booted.property_of(SERVICE, "WatchdogTimestampMonotonic") != "0"


def test_nobody_is_refused_while_it_is_restarted(booted: Machine) -> None:
    before = booted.property_of(SERVICE, "MainPID")
    booted.run("systemctl", "restart", "--no-block", SERVICE)
    asked = 0
    while booted.property_of(SERVICE, "MainPID") in (before, "0") or asked < 3:
        assert booted.run(SOCKPROTO, "greet", ADDRESS, "Michael") == "Welcome!\nHello, Michael!\n"
        asked += 1
    assert booted.property_of(SERVICE, "Result") == "success"


def workers(booted: Machine) -> set[str]:
    pid = booted.property_of(SERVICE, "MainPID")
    return set(booted.run("cat", f"/proc/{pid}/task/{pid}/children").split())


def test_a_reload_replaces_the_workers(booted: Machine) -> None:
    supervisor, before = booted.property_of(SERVICE, "MainPID"), workers(booted)
    booted.run("systemctl", "reload", SERVICE)
    assert booted.run(SOCKPROTO, "greet", ADDRESS, "Michael") == "Welcome!\nHello, Michael!\n"
    wait_until(lambda: workers(booted) and not workers(booted) & before, "the old workers stay")
    assert booted.property_of(SERVICE, "MainPID") == supervisor


def test_one_that_was_killed_is_started_again(booted: Machine) -> None:
    before = booted.property_of(SERVICE, "MainPID")
    booted.run("systemctl", "kill", "--signal=SIGKILL", SERVICE)
    assert booted.run(SOCKPROTO, "greet", ADDRESS, "Michael") == "Welcome!\nHello, Michael!\n"
    assert booted.property_of(SERVICE, "MainPID") not in (before, "0")


def test_connections_that_ended_in_order_leave_no_line(booted: Machine) -> None:
    booted.run(SOCKPROTO, "greet", ADDRESS, "Michael")
    booted.run("systemctl", "stop", SERVICE)
    log = booted.log_of(SERVICE)
    wait_until(lambda: "stopped in" in booted.log_of(SERVICE), "it does not stop")
    assert "greeting connection" not in log
    assert "Traceback" not in log
