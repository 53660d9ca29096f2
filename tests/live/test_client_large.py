"""Large inputs to ``sockproto echo``: all comes back, and little memory is needed; an input of nothing."""

import json
import random
import select
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.peers import LOOPBACK, SOCKPROTO, end, memory, run, say, socat, start
from tests.live.server import Serve, Server

MB = 1_000_000
LARGE = random.Random(862).randbytes(20 * MB)
MAX_GROWTH = 12 * MB


def echo_server(serve: Serve) -> Server:
    return serve("--protocol", "echo")


def test_a_large_file_comes_back_and_costs_little(serve: Serve, tmp_path: Path) -> None:
    server = echo_server(serve)
    where = f"{LOOPBACK}:{server.port}"
    assert say("echo", where, "x") == b"x"
    before = memory(server.pid)
    small = peak(where, b"x", tmp_path)
    large = peak(where, LARGE, tmp_path)
    assert large - small < MAX_GROWTH
    assert memory(server.pid) - before < MAX_GROWTH
    server.wait_for(rf"closed: .*; {len(LARGE)} bytes and \d+ messages in")


def peak(where: str, data: bytes, directory: Path) -> int:
    """Have a file echoed into another one; return the most memory that the client had in use."""
    source, copy = directory / "file", directory / "copy"
    source.write_bytes(data)
    with source.open("rb") as read, copy.open("wb") as write:
        process = start("echo", where, "-", stdin=read, stdout=write)
        most = 0
        try:
            while process.poll() is None:
                most = max(most, memory_until_end(process.pid))
                select.select([], [], [], 0.01)
        finally:
            process.kill()
            ended = end(process)
    assert (ended.status, ended.errors) == (0, "")
    assert copy.read_bytes() == data
    return most


def memory_until_end(pid: int) -> int:
    """Return the most memory in use, 0 if the process is ending and has none any more."""
    try:
        return memory(pid)
    except (AssertionError, FileNotFoundError):
        return 0


@pytest.mark.parametrize("peer", ["ours", "socat"])
def test_a_large_input_to_a_reader_that_stalls(serve: Serve, peer: str) -> None:
    """All is sent that anybody takes before any of it is read; then all is read."""
    with ExitStack() as stack:
        if peer == "ours":
            server = echo_server(serve)
            port, pid = server.port, server.pid
        else:
            port, pid = stack.enter_context(socat("TCP-LISTEN:{port},bind=127.0.0.1,fork")), 0
        before = memory(pid) if pid else 0
        process = stack.enter_context(start("echo", f"{LOOPBACK}:{port}", "-"))
        stack.callback(process.kill)
        assert process.stdin
        assert process.stdout
        process.stdin.write(LARGE[:1])
        process.stdin.flush()
        assert process.stdout.read(1) == LARGE[:1]
        small = memory(process.pid)
        sent = 1 + write_until_stalled(process.stdin.fileno(), memoryview(LARGE)[1:])
        assert 0 < sent < len(LARGE)
        rest = threading.Thread(target=write_rest, args=(process, sent))
        rest.start()
        assert process.stdout.read(len(LARGE) - 1) == LARGE[1:]
        assert memory(process.pid) - small < MAX_GROWTH
        assert not pid or memory(pid) - before < MAX_GROWTH
        rest.join(TIMEOUT)
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(TIMEOUT) == 0
        assert process.stderr
        assert process.stderr.read() == b""


def write_until_stalled(descriptor: int, data: memoryview) -> int:
    """Write until nothing is taken for half a second; return how much was."""
    import os

    os.set_blocking(descriptor, False)
    sent = 0
    while sent < len(data) and select.select([], [descriptor], [], 0.5)[1]:
        sent += os.write(descriptor, data[sent : sent + 65_536])
    os.set_blocking(descriptor, True)
    return sent


def write_rest(process: "subprocess.Popen[bytes]", sent: int) -> None:
    assert process.stdin
    process.stdin.write(memoryview(LARGE)[sent:])
    process.stdin.flush()


def test_a_large_file_through_a_shell_pipe(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    port = serve("--protocol", "echo", "--tcp-only").port
    script = f"cat file | {SOCKPROTO} echo {LOOPBACK}:{port} - | cat >copy"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert (tmp_path / "copy").read_bytes() == LARGE


def test_an_echo_of_nothing_and_json(serve: Serve) -> None:
    where = f"{LOOPBACK}:{echo_server(serve).port}"
    assert say("echo", where, "-") == b""
    found = json.loads(run("echo", "--json", where, "-", stdin=b"\xff" * 1000).output)
    assert (found["bytes"], found["same"]) == (1000, True)
