"""What goes wrong with workers: new ones that can't serve, and those that die at a bad time."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO
from tests.live.test_workers import greeted, supervised, until


def test_the_only_new_worker_that_cannot_serve_replaces_nobody(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    with supervised("--port", "0", "--logfile", str(directory / "log"), workers=1) as process:
        log = directory / "log"
        until(lambda: log.exists() and " on TCP" in log.read_text())
        port = int(log.read_text().partition(" on TCP ")[2].split()[0].rpartition(":")[2])
        greeted(port)
        [before] = process.workers()
        log = directory.rename(tmp_path / "moved") / "log"
        process.popen.send_signal(signal.SIGHUP)
        until(lambda: "those before them go on" in log.read_text() or "new workers serve" in log.read_text())
        assert "those before them go on" in log.read_text()
        greeted(port)
        assert process.workers() == [before]
        process.end()


def test_ctrl_c_while_workers_start_is_no_traceback() -> None:
    terminal, inside = os.openpty()
    command = [SOCKPROTO, "serve", "--workers", "2", "--port", "0"]
    popen = subprocess.Popen(
        ["setsid", "--ctty", *command], stdin=inside, stdout=inside, stderr=inside, close_fds=True
    )
    os.close(inside)
    text = b""
    with suppress(OSError):  # how Linux says that nobody has the terminal open any more
        while data := os.read(terminal, 4096):
            text += data
            if b" on TCP " in text and b"^C" not in text:
                until(lambda: any(handles_interrupts(each) for each in children(popen.pid)))
                os.write(terminal, b"\x03")
                text += b"^C"
    os.close(terminal)
    assert popen.wait(TIMEOUT) == -signal.SIGINT
    assert b"Traceback" not in text, text


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def handles_interrupts(pid: str) -> bool:
    """Return whether Python has begun there: SIGINT is caught or ignored."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [
        int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigCgt", "SigIgn"))
    ]
    return any(mask & 1 << signal.SIGINT - 1 for mask in masks)
