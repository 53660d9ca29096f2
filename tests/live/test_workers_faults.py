"""What goes wrong with workers: new ones that can't serve, and those that die at a bad time."""

import os
import signal
import subprocess
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO, wait_until
from tests.live.server import Output
from tests.live.test_workers import PORT, greeted, supervised


def test_the_only_new_worker_that_cannot_serve_replaces_nobody(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    with supervised("--port", "0", "--logfile", str(directory / "log"), workers=1) as process:
        log = directory / "log"
        wait_until(lambda: log.exists() and " on TCP" in log.read_text(), "it does not come")
        port = int(log.read_text().partition(" on TCP ")[2].split()[0].rpartition(":")[2])
        greeted(port)
        [before] = process.workers()
        log = directory.rename(tmp_path / "moved") / "log"
        process.popen.send_signal(signal.SIGHUP)
        wait_until(
            lambda: "those before them go on" in log.read_text() or "new workers serve" in log.read_text(),
            "it does not come",
        )
        assert "those before them go on" in log.read_text()
        greeted(port)
        assert process.workers() == [before]
        process.end()


def test_ctrl_c_while_workers_start_is_no_traceback(tmp_path: Path) -> None:
    started, released = tmp_path / "started", tmp_path / "released"
    (tmp_path / "sitecustomize.py").write_text(SLOW_START)
    variables = {"PYTHONPATH": str(tmp_path), "STARTED": str(started), "RELEASED": str(released)}
    popen = subprocess.Popen(
        [SOCKPROTO, "serve", "--workers", "1", "--port", "0"],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(started.exists, "it does not come")
        os.killpg(popen.pid, signal.SIGINT)  # as a terminal does
        released.touch()
        text, _ = popen.communicate(timeout=TIMEOUT)
    finally:
        popen.kill()
    assert popen.returncode == -signal.SIGINT
    assert "Traceback" not in text, text


SLOW_START = """
import os, pathlib, time
if "SOCKPROTO_WORKER" in os.environ:
    pathlib.Path(os.environ["STARTED"]).touch()
    while not pathlib.Path(os.environ["RELEASED"]).exists():
        time.sleep(0.01)
"""


def test_one_that_leaves_a_process_behind_is_started_again(tmp_path: Path) -> None:
    released = tmp_path / "released"
    (tmp_path / "sitecustomize.py").write_text(LEAVES_A_PROCESS)
    with subprocess.Popen(
        [SOCKPROTO, "serve", "--workers", "1", "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "RELEASED": str(released)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as popen:
        assert popen.stdout
        log = Output(popen.stdout)
        try:
            greeted(int(log.wait_for(PORT)[1]))
            [worker] = children(popen.pid)
            os.kill(worker, signal.SIGKILL)
            log.wait_for("worker 1 was ended by SIGKILL; started again")
            popen.terminate()
            assert popen.wait(TIMEOUT) == -signal.SIGTERM
        finally:
            released.touch()
            popen.kill()
            log.wait_for_end()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


LEAVES_A_PROCESS = """
import os, pathlib, time
if "SOCKPROTO_WORKER" in os.environ and not os.fork():
    while not pathlib.Path(os.environ["RELEASED"]).exists():
        time.sleep(0.01)
    os._exit(0)
"""
