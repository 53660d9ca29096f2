"""The real command as a subprocess; its log is waited for, never guessed at."""

import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import IO, Any, Protocol

import pytest

from tests.hanging import TIMEOUT
from tests.live.forked import Forked

TWISTD = str(Path(sys.executable).with_name("twistd"))


def require(there: bool, what: str) -> None:
    """Skip the test where something is missing, or fail it where nothing may be."""
    if there:
        return
    if os.environ.get("SOCKPROTO_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def need(program: str) -> None:
    """Skip or fail the test if *program* is not installed."""
    require(shutil.which(program) is not None, f"the program {program}")


class Output:
    """What a process writes to a pipe, read by a thread as it comes."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._text = ""
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._pipe:
            with self._changed:
                self._text += line
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def text(self) -> str:
        """What was written so far."""
        with self._changed:
            return self._text

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Wait until a line has *pattern* in it; fail if none has in time, or none will."""
        regex = re.compile(pattern, re.MULTILINE)
        with self._changed:
            self._changed.wait_for(lambda: self._ended or regex.search(self._text), TIMEOUT)
            found = regex.search(self._text)
            assert found, f"no {pattern!r} in:\n{self._text}"
            return found

    def wait_for_end(self) -> str:
        """Wait until the pipe is closed, and give all that was written."""
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "the pipe is still open"
        self._pipe.close()
        return self._text


class Server:
    """One ``twistd -n`` on loopback, from its first listening port to :meth:`stop`.

    Args:
        options: The plugin's; a free port is taken if they don't say where to listen.
        directory: Where it runs.
        plugin: Which one.
        script: A file for ``twistd -y`` instead, which takes no options.
        twistd: Options of twistd's own.
        prefix: What comes before the command.
        pidfile: Where its pid goes; nowhere if empty.
        environment: Variables besides ours.
    """

    def __init__(
        self,
        *options: str,
        directory: Path,
        plugin: str = "sockproto",
        script: Path | None = None,
        twistd: tuple[str, ...] = (),
        prefix: tuple[str, ...] = (),
        pidfile: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        where = () if {"--port", "--listen"} & set(options) else ("--port", "0")
        what = ("-y", str(script)) if script else (plugin, *where, *options)
        start: Any = Popen if prefix or environment else Forked
        self._process: Popen[str] = start(
            [*prefix, TWISTD, "-n", f"--pidfile={pidfile}", *twistd, *what],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            errors="backslashreplace",
        )
        assert self._process.stdout
        assert self._process.stderr
        self._log = Output(self._process.stdout)
        self._errors = Output(self._process.stderr)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.text

    @property
    def port(self) -> int:
        """The port of the first TCP or UDP listener."""
        return int(self.wait_for(r" on (?:TCP|UDP) \S+:(\d+)$")[1])

    def port_of(self, protocol: str, address: str = "127.0.0.1") -> int:
        """Return the port that the log names for TCP or UDP on an address."""
        return int(self.wait_for(rf"\w on {protocol} {re.escape(address)}:(\d+)$")[1])

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Wait for a line of the log."""
        return self._log.wait_for(pattern)

    def resident_bytes(self) -> int:
        """Return how much memory it has in use now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, status
        return int(found[1]) * 1024

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Stop it by a signal, in time and without a traceback; return its exit status."""
        if self._process.returncode is not None:
            return self._process.returncode
        self._process.send_signal(with_signal)
        try:
            status = self._process.wait(TIMEOUT)
        except TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"still there after {with_signal.name}:\n{self.log}") from None
        finally:
            log, errors = self._log.wait_for_end(), self._errors.wait_for_end()
        assert "Traceback" not in log + errors, log + errors
        assert status == -with_signal, f"{status}: {log}{errors}"
        assert errors == ""
        return status

    def kill(self) -> None:
        """End it as a crash does: it can't tidy up."""
        self._process.kill()
        self._process.wait()
        self._log.wait_for_end()
        self._errors.wait_for_end()


class Serve(Protocol):
    """Starts a server that is stopped at the end of the test."""

    def __call__(
        self,
        *options: str,
        plugin: str = ...,
        script: Path | None = ...,
        twistd: tuple[str, ...] = ...,
        prefix: tuple[str, ...] = ...,
        pidfile: str = ...,
        environment: Mapping[str, str] | None = ...,
    ) -> Server: ...


def run_twistd(
    *arguments: str, directory: Path, prefix: tuple[str, ...] = (), pass_fds: tuple[int, ...] = ()
) -> "CompletedProcess[str]":
    """Run a twistd that ends by itself, in time, or leaves a daemon."""
    start: Any = Forked if "-n" in arguments and not prefix and not pass_fds else Popen
    command = [*prefix, TWISTD, *arguments]
    streams = {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE, "text": True}
    with start(command, cwd=directory, pass_fds=pass_fds, **streams) as process:
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except BaseException:
            process.kill()
            raise
    return CompletedProcess(command, process.returncode, output, errors)
