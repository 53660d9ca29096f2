"""One measurement: a server on a core of its own, and the load generator on another.

It knows no peer and no table::

    bench = Bench(directory, seconds=2)
    bench.measure(case, command)        # a Measurement; raises Failed
"""

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.pages import ROOT
from benchmarks.speed.cases import VARIANTS, Case, exchanges
from benchmarks.speed.memory import bytes_of_idle
from benchmarks.speed.peers import compiled

GENERATOR = Path(__file__).with_name("load.c")
START_SECONDS = 20.0
WARMUP = 0.2
"""How long the load goes before it is measured, as a part of the time for which it is."""


class Failed(Exception):
    """A server didn't start, or answered wrongly, or not at all."""


@dataclass(frozen=True)
class Measurement:
    """What one run gave.

    Attributes:
        value: In the case's unit.
        per_cpu: The same a second of the server's CPU time, of all its threads, user and system.
        share: The part of a core that the generator used.
        p50: Latency in microseconds: the median of all requests of the run.
        p99: The 99th percentile.
        p999: The 99.9th.
        lost: Datagrams that had to be sent again.
        starved: Connections on which nothing was answered while it was measured.
    """

    value: float
    per_cpu: float = 0
    share: float = 0
    p50: float = 0
    p99: float = 0
    p999: float = 0
    lost: int = 0
    starved: int = 0


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        pid: Its process.
        port: Where it listens, on 127.0.0.1.
    """

    pid: int
    port: int


@contextmanager
def serving(command: Sequence[str], core: int) -> Iterator[Server]:
    """Have a server for a while.

    Raises:
        Failed: It didn't say its port.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=partial(os.sched_setaffinity, 0, {core}),
        )
        assert process.stdout
        try:
            said = b""
            if select.select([process.stdout], [], [], START_SECONDS)[0]:
                said = process.stdout.readline().strip()
            if not said.isdigit():
                errors.seek(0)
                raise Failed(f"did not start: {(errors.read().decode().splitlines() or ['in time'])[-1]}")
            yield Server(process.pid, int(said))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


class Bench:
    """Where it is measured.

    Args:
        directory: For the generator, and for what it sends.
        seconds: How long each load is measured.
    """

    def __init__(self, directory: Path, seconds: float) -> None:
        self._directory = directory
        self._seconds = seconds
        self._generator = compiled(GENERATOR, directory / "load")
        cores = sorted(os.sched_getaffinity(0))
        self._server_core, self._load_core = cores[0], cores[-1]

    @property
    def shared(self) -> bool:
        """Whether there is one core only, for server and generator together."""
        return self._server_core == self._load_core

    def measure(self, case: Case, command: Sequence[str]) -> Measurement:
        """Start a server, load it, end it.

        Raises:
            Failed: That went wrong.
        """
        with serving([*command, case.kind], self._server_core) as server:
            if case.mode == "idle":
                requests, replies = exchanges(case)
                try:
                    return Measurement(
                        bytes_of_idle(server.pid, server.port, case.connections, requests, replies)
                    )
                except OSError as error:
                    raise Failed(str(error)) from error
            return self.load(case, server, {self._load_core})

    def load(self, case: Case, server: Server, cores: set[int]) -> Measurement:
        """Load a server from some cores.

        Raises:
            Failed: That went wrong.
        """
        files = self._directory / "requests", self._directory / "replies"
        for file, data in zip(files, exchanges(case), strict=True):
            file.write_bytes(data)
        options = {
            "-p": server.pid,
            "-c": case.connections,
            "-s": self._seconds,
            "-w": self._seconds * WARMUP,
            "-q": files[0],
            "-r": files[1],
            "-v": VARIANTS,
            "-n": case.lines,
            "-g": case.welcome.decode(),
        }
        arguments = [str(part) for option in options.items() for part in option]
        done = subprocess.run(
            [str(self._generator), *arguments, case.mode, str(server.port)],
            capture_output=True,
            text=True,
            preexec_fn=partial(os.sched_setaffinity, 0, cores),
        )
        if done.returncode:
            raise Failed(done.stderr.strip().removeprefix("load: "))
        told = json.loads(done.stdout)
        return Measurement(
            value=told["requests"] / told["seconds"],
            per_cpu=told["requests"] / told["server_cpu"] if told["server_cpu"] else 0,
            share=told["own_cpu"] / told["seconds"],
            **{name: told[name] for name in ("p50", "p99", "p999", "lost", "starved")},
        )
