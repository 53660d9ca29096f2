"""Two servers behind haproxy are restarted in turn, and no client notices it.

The configuration is deploy/haproxy.cfg, with other ports and a shorter interval between health checks.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.haproxy import LOOPBACK, haproxy
from tests.live.machine import ROOT
from tests.live.peers import free_ports
from tests.live.server import Serve, Server

CLIENTS = 200
QUESTIONS = 3
THINK_SECONDS = 0.2
INTERVAL = "100ms"
LAME_DUCK_SECONDS = 1.5, 6.0
"""Some health checks, and the longest conversation; on a busy machine both take longer."""


class Clients:
    """Many clients at once, each of which connects, asks, checks each answer, and comes again.

    Attributes:
        served: The conversations that went as they should.
        busy: Set once all clients are in the middle of one.
        faults: What became of the others.
    """

    def __init__(self, port: int) -> None:
        self.served = 0
        self.faults: list[str] = []
        self.busy = threading.Event()
        self._port = port
        self._leaving = False

    async def run(self) -> None:
        """Talk until they are told to leave."""
        await asyncio.gather(*(self._come_and_go(number) for number in range(CLIENTS)))

    def leave(self) -> None:
        """Have them end the conversations that they are in, and begin no other."""
        self._leaving = True

    async def _come_and_go(self, number: int) -> None:
        while not self._leaving:
            try:
                await asyncio.wait_for(self._talk(number), TIMEOUT)
            except (OSError, EOFError, AssertionError) as fault:
                self.faults.append(repr(fault))
            else:
                self.served += 1
                if self.served >= CLIENTS:
                    self.busy.set()

    async def _talk(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
        try:
            assert await reader.readexactly(8) == b"Welcome!"
            for question in range(QUESTIONS):
                name = b"client %d, question %d" % (number, question)
                writer.write(name + b"\n")
                answer = await reader.readuntil(b"\n")
                assert answer == b"Hello, %b!\n" % name, answer
                await asyncio.sleep(THINK_SECONDS)
            writer.write(b"exit\n")
            assert await reader.read() == b""
        finally:
            writer.close()


@contextmanager
def talking(port: int) -> Iterator[Clients]:
    """Have clients talk meanwhile."""
    clients = Clients(port)
    thread = threading.Thread(target=lambda: asyncio.run(clients.run()))
    thread.start()
    try:
        yield clients
    finally:
        clients.leave()
        thread.join(TIMEOUT)
    assert not thread.is_alive()


def restarted_in_turn(serve: Serve, directory: Path, times: int, lame_duck_seconds: float) -> Clients:
    """Restart each of two servers so often while clients talk; return them."""
    ports = dict(zip(("9101", "9102", "9191", "9192"), map(str, free_ports(4)), strict=True))
    text = (ROOT / "deploy" / "haproxy.cfg").read_text()
    assert "inter 1s" in text
    configuration = re.sub(r"\b91\d\d\b", lambda found: ports[found[0]], text).replace(
        "inter 1s", f"inter {INTERVAL}"
    )

    def started(port: str, admin: str) -> Server:
        return serve(
            *("--tcp-only", "--port", port, "--admin", admin, "--proxy-protocol"),
            *("--lame-duck-seconds", str(lame_duck_seconds)),
        )

    places = [(ports["9101"], ports["9191"]), (ports["9102"], ports["9192"])]
    servers = [started(*place) for place in places]
    with haproxy(directory, configuration) as port, talking(port) as clients:
        assert clients.busy.wait(TIMEOUT)
        for number in [0, 1] * times:
            servers[number].stop()
            servers[number] = started(*places[number])
            servers[number].wait_for(
                r"greeting connection \d+ from .* closed"
            )  # haproxy knows that it is back
    return clients


def test_nothing_is_lost_in_a_rolling_restart(serve: Serve, tmp_path: Path) -> None:
    for lame_duck_seconds in LAME_DUCK_SECONDS:
        directory = tmp_path / str(lame_duck_seconds)
        directory.mkdir()
        clients = restarted_in_turn(serve, directory, times=5, lame_duck_seconds=lame_duck_seconds)
        if not clients.faults:
            break
    assert clients.faults == []
    assert clients.served > 10 * CLIENTS


def test_without_a_lame_duck_answers_are_lost(serve: Serve, tmp_path: Path) -> None:
    """The clients would notice."""
    assert restarted_in_turn(serve, tmp_path, times=1, lame_duck_seconds=0).faults
