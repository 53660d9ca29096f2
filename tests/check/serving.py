"""Servers of the tests as processes of their own, which can be asked to end.

They are forked from a process that has imported all they need: that takes milliseconds::

    with Process("Server", "echo", 12345) as started:
        started.wait_until_up("tcp", "127.0.0.1", 12345)
"""

import asyncio
import collections
import multiprocessing
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from sockproto.check.started import Started
from tests.check.faults import FAULTS
from tests.check.servers import Served, Server

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Process(Started):
    """A server of the tests that was started for the check.

    Args:
        name: Its class.
        protocol: What it speaks.
        port: Its port.
    """

    def __init__(self, name: str, protocol: str, port: int) -> None:
        self.command, self.port = f"{name} {protocol} {{port}}", port
        self.most_bytes, self._last, self._end_seconds = 0, collections.deque(), 3.0
        self._process: Any = _Forked(name, protocol, port)


class Here(Started):
    """This process, in which servers run, as if it had been started for the check.

    Args:
        server: The server that is judged.
    """

    def __init__(self, server: Server) -> None:
        self._name, self._protocol = type(server).__name__, server.protocol
        self.command = f"{self._name} {self._protocol} {{port}}"
        self.most_bytes, self._last = 0, collections.deque()

    @property
    def exit(self) -> str:
        return ""

    def another(self, port: int) -> Started:
        return Process(self._name, self._protocol, port)

    def _processes(self) -> list[tuple[Path, list[str]]]:
        process = Path("/proc/self")
        return [(process, (process / "stat").read_text().rpartition(") ")[2].split())]


class _Forked:
    """What ``subprocess.Popen`` is, of a process that was forked."""

    def __init__(self, *given: Any) -> None:
        self._process = _context.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> None:
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("", seconds or 0)

    def terminate(self) -> None:
        self._process.terminate()


def _serve(name: str, protocol: str, port: int) -> None:
    """Serve until SIGTERM comes, in a process of its own."""
    os.setsid()
    kinds: list[type[Server]] = [Server, *FAULTS]
    [kind] = [each for each in kinds if each.__name__ == name]
    asyncio.run(_serve_until_asked(kind(protocol), port))


async def _serve_until_asked(server: Server, port: int) -> None:
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.terminated, asked)
    served = Served(server)
    await served.open(port)
    await asked.wait()
    server.ending = True
    await served.close()
