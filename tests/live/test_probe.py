"""``sockproto probe`` against real servers: what it says of them, how long it waits, how often it asks."""

import json
import re
import socket
import time

import pytest

from tests.hanging import TIMEOUT
from tests.live.failing import probes, refusals
from tests.live.peers import LOOPBACK, end, run, start, stream_server, unused_port, wait_until
from tests.live.server import Serve


def test_probe_a_server_that_speaks_first(serve: Serve) -> None:
    port = serve().port
    found = probes(0, "replied", f"localhost:{port}")
    assert found["attempts"][-1]["reply"] == "Welcome!"
    udp = probes(0, "replied", "--udp", f"{LOOPBACK}:{port}", "--data", "x")
    assert udp["attempts"][-1]["reply"] == "Hello, x!"


@pytest.mark.parametrize(("wait", "interval"), [("8", "0.1"), ("4", "4"), ("4", "60")])
def test_probe_waits_until_the_server_is_up(wait: str, interval: str) -> None:
    with unused_port() as port:
        pass
    with start("probe", "--wait", wait, "--interval", interval, f"{LOOPBACK}:{port}") as process:
        try:
            wait_until(lambda: refusals(process.pid), "it never tried")
            with socket.create_server((LOOPBACK, port)) as listener:
                listener.settimeout(TIMEOUT)
                client, _ = listener.accept()
                with client:
                    client.sendall(b"up")
                    ended = end(process)
        finally:
            process.kill()
    assert (ended.status, ended.errors) == (0, "")
    assert re.fullmatch(rf"{LOOPBACK}:{port}: replied: b'up' \(.*\)\n", ended.output.decode())


def test_probe_gives_up_waiting() -> None:
    with unused_port() as port:
        began = time.monotonic()
        ended = run("probe", "--wait", "0.5", "--interval", "0.1", f"{LOOPBACK}:{port}")
        assert 0.3 < time.monotonic() - began < 20
    assert ended.status == 7
    assert len(ended.output.splitlines()) == 1


def test_probe_counts() -> None:
    seen: list[socket.socket] = []

    def handle(client: socket.socket) -> None:
        seen.append(client)
        if len(seen) != 2:
            client.sendall(b"Hi")

    with stream_server(handle) as where:
        ended = run("probe", "--json", "--count", "3", "--interval", "0.05", where)
    outcomes = [json.loads(line)["outcome"] for line in ended.output.splitlines()]
    assert (outcomes, ended.status) == (["replied", "closed", "replied"], 52)
