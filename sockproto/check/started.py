"""A server that is started for the check: its process group, its memory, its descriptors, its end.

::

    with Started("python server.py {port}", port=12345) as started:
        started.wait_until_up("tcp", "127.0.0.1", 12345)
        started.memory_bytes()
"""

import collections
import contextlib
import os
import re
import resource
import secrets
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sockproto.check.verdict import shown
from sockproto.core.text import Address
from sockproto.errors import CallFailed, OptionError, Refused
from sockproto.plain.connecting import connect_first
from sockproto.plain.deadline import Deadline
from sockproto.plain.resolving import resolve

UP_SECONDS = 10.0
"""How long the server may take until it listens."""

UP_FOR_SECONDS = 0.03
"""How long it must still run once it listens: what goes into the background ends then."""

KEPT_LINES = 20
"""How many lines of what it prints are kept."""

SHOWN_LINES = 3
"""How many of them are shown."""

LISTENS_SECONDS = 1.0
"""How long it may take to accept a connection, to be held to listen."""

PAGE_BYTES = os.sysconf("SC_PAGESIZE")
PROCESSES = Path("/proc")
MASKS = re.compile(r"^Sig(?:Cgt|Ign):\s*([0-9a-f]+)$", re.MULTILINE)
"""The signals that a process handles and ignores, proc(5)."""

_running: "set[Started]" = set()


def kill_all() -> None:
    """End by force all that was started and has not been ended: for the end of this process."""
    for each in tuple(_running):
        each.kill()


class Started:
    """A server's process, and all that it starts.

    Args:
        command: What to run, as typed in a shell but without one; ``{port}`` stands for the port.
        port: The port.
        end_seconds: How long it may take to end once the check is over.

    Raises:
        OptionError: It can't be run.

    Attributes:
        command: As it was given.
        port: As it was given.
        most_bytes: The most memory that was seen.
        lines: How many lines it has printed.
    """

    lines = 0
    _listening: threading.Thread | None = None
    _mark = ""
    """What nothing but its processes has in its environment, to know those that left its group."""

    def __init__(self, command: str, port: int, end_seconds: float = 3.0) -> None:
        self.command, self.port, self._end_seconds = command, port, end_seconds
        self.most_bytes = self._first_bytes = 0
        self._last: collections.deque[bytes] = collections.deque(maxlen=KEPT_LINES)
        self._mark = secrets.token_hex(16)
        self._run()

    def _run(self) -> None:
        command = self.command
        _running.add(self)  # first: a signal may end this process as soon as it runs
        try:
            words = [word.replace("{port}", str(self.port)) for word in shlex.split(command)]
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a new process group, which is ended as a whole
                env={**os.environ, "SOCKPROTO_CHECK": self._mark},
            )
        except (OSError, ValueError, IndexError) as error:
            _running.discard(self)
            reason = getattr(error, "strerror", None) or error
            raise OptionError(f"{command!r} can't be started: {reason}") from error
        assert self._process.stdout is not None
        self._listening = threading.Thread(target=self._listen, args=[self._process.stdout], daemon=True)
        self._listening.start()

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def exit(self) -> str:
        """How it has ended; empty while it runs."""
        status = self._process.poll()
        if status is None:
            return ""
        if status >= 0:
            return f"status {status}"
        try:
            return f"killed by {signal.Signals(-status).name}"
        except ValueError:  # real-time signals have no names
            return f"killed by signal {-status}"

    @property
    def ended(self) -> str:
        """How it has ended, if nothing of what it started runs on, as of a server that detaches itself."""
        if (how := self.exit) and not self.processes():
            return how
        return ""

    def said(self, since: int = 0) -> tuple[str, ...]:
        """Return the last lines that it has printed after that many lines, escaped."""
        if self._listening is not None and self.exit:
            self._listening.join(0.2)  # it may have been quicker than we
        new = list(self._last)[-(self.lines - since) :] if self.lines > since else []
        return tuple(shown(line.strip(), 200) for line in new if line.strip())[-SHOWN_LINES:]

    def last_words(self, since: int = 0) -> str:
        """Return what it printed last, to stand at the end of a sentence."""
        said = self.said(since)
        return f"; it said {said[-1]}" if said else ""

    def again(self, kind: str, host: str, seconds: float) -> None:
        """Start it again, once it has ended, on the same port.

        Raises:
            Refused: It does not come up.
        """
        self.kill()
        self._run()
        first = self._first_bytes
        self.wait_until_up(kind, host, self.port, seconds)
        self._first_bytes = first

    def another(self, port: int) -> "Started":
        """Start it again, on another port."""
        return Started(self.command, port)

    def wait_until_up(self, kind: str, host: str, port: int, seconds: float = UP_SECONDS) -> None:
        """Wait until it listens.

        Raises:
            Refused: It ends, or does not listen in time.
        """
        where, deadline = str(Address(kind, host, port)), Deadline(min(seconds, UP_SECONDS))
        while True:
            if up := listens(kind, host, port):
                self.wait(UP_FOR_SECONDS)
            if how := self.ended:  # if something listens, it is not it
                before = "when it was connected to" if up else "before it listened"
                last = self.last_words() or "; it must stay in the foreground" * (how == "status 0")
                raise Refused(f"the server ended {before} ({how}){last}", where)
            if up:
                break
            if not deadline.left:
                late = f"the server does not listen there after {deadline.seconds:.3g} s"
                raise Refused(late + self.last_words(), where)
            time.sleep(0.02)
        self._first_bytes = self.memory_bytes()

    def memory_bytes(self) -> int:
        """Return how much memory it and what it started have in use; 0 where that is not known."""
        size = sum(_memory(process, stat) for process, stat in self._processes())
        self.most_bytes = max(self.most_bytes, size)
        return size

    def descriptors(self) -> int:
        """Return how many descriptors it and what it started have open; 0 where that is not known."""
        count = 0
        for process, _ in self._processes():
            with contextlib.suppress(OSError):
                count += len(os.listdir(process / "fd"))
        return count

    def processes(self) -> int:
        """Return how many processes it is."""
        return sum(stat[0] != "Z" for _, stat in self._processes())

    @contextlib.contextmanager
    def few_descriptors(self, count: int) -> Iterator[None]:
        """Limit each of its processes to that many further descriptors."""
        before: list[tuple[int, tuple[int, int]]] = []
        try:
            for process, _ in self._processes():
                number = int(process.name)
                highest = max((int(entry) for entry in os.listdir(process / "fd")), default=0)
                if not highest:  # it has ended
                    continue
                hard = resource.prlimit(number, resource.RLIMIT_NOFILE)[1]
                before.append(
                    (number, resource.prlimit(number, resource.RLIMIT_NOFILE, (highest + 1 + count, hard)))
                )
            yield
        finally:
            for number, limits in before:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(number, resource.RLIMIT_NOFILE, limits)

    def minds(self, number: signal.Signals) -> bool:
        """Say whether any of its processes handles, or ignores, a signal; False where that is not known."""
        for process, _ in self._processes():
            with contextlib.suppress(OSError):
                status = (process / "status").read_text("utf-8", "replace")
                if any(int(mask, 16) >> (number - 1) & 1 for mask in MASKS.findall(status)):
                    return True
        return False

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), it alone."""
        self._process.terminate()

    def wait(self, seconds: float) -> str:
        """Wait until it ends; return how, empty if it has not."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.exit

    def end(self) -> None:
        """End it and all that it started, at last by force."""
        if not self.exit:
            self.terminate()
            self.wait(self._end_seconds)
        self.kill()
        # Not for ever: an exception raised by a signal in the midst of a wait() may leave Popen's lock held.
        self.wait(self._end_seconds)
        _running.discard(self)

    def kill(self) -> None:
        """End it and all that it started by force, at once."""
        # No attribute: it may run already, and nothing but its mark is known.
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if not self._mark:
            return
        for process in PROCESSES.glob("[0-9]*"):  # what has left its group, as daemons do
            with contextlib.suppress(OSError):
                if f"SOCKPROTO_CHECK={self._mark}".encode() in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

    def known(self) -> dict[str, str]:
        """Return what is known of it, for the report."""
        memory = self.memory_bytes()
        found = {"command": self.command, "exit": self.exit or "none: it was still running"}
        if memory:
            first, most = self._first_bytes / 1e6, self.most_bytes / 1e6
            found["memory"] = f"{first:.1f} MB at first, {most:.1f} MB at most, the sum of its processes"
            found["descriptors"] = str(self.descriptors())
        if said := self.said():
            found["last said"] = " | ".join(said)
        return found

    def _processes(self) -> "list[tuple[Path, list[str]]]":
        """Return each process of its group: directory, and what follows its name in ``stat`` (proc(5))."""
        found = []
        for process in PROCESSES.glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                stat = (process / "stat").read_text("utf-8", "replace").rpartition(") ")[2].split()
                if int(stat[2]) == self._process.pid:
                    found.append((process, stat))
        return found

    def _listen(self, output: IO[bytes]) -> None:
        """Read what it prints, of which the last lines are kept."""
        with output:
            while line := output.readline(1_000):
                self._last.append(line)
                self.lines += 1


def _memory(process: Path, stat: "list[str]") -> int:
    """Return a process's share of the memory in use: what several have in common counts once (proc(5))."""
    with contextlib.suppress(OSError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1_024
    return int(stat[21]) * PAGE_BYTES if process.exists() else 0


def listens(kind: str, host: str, port: int) -> bool:
    """Say whether somebody listens there."""
    if kind == "udp":
        suffix = f":{port:04X}"
        return any(
            line.split()[1].endswith(suffix)
            for table in (PROCESSES / "net" / "udp", PROCESSES / "net" / "udp6")
            if table.exists()
            for line in table.read_text().splitlines()[1:]
        )
    try:
        connect_first(resolve(Address(kind, host, port), LISTENS_SECONDS), Deadline(LISTENS_SECONDS)).close()
    except CallFailed:
        return False
    return True
