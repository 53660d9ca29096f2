"""A real haproxy, which listens on a port that it is given."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hanging import TIMEOUT
from tests.live.server import Output, need

LOOPBACK = "127.0.0.1"
BIND = f"bind {LOOPBACK}:9999"
"""Where a configuration says that it listens; a free port is taken instead."""


@contextmanager
def haproxy(directory: Path, configuration: str) -> Iterator[int]:
    """Run haproxy; yield its port, where it can be connected to at once."""
    need("haproxy")
    assert BIND in configuration
    with socket.create_server((LOOPBACK, 0), backlog=1024) as listener:
        file = directory / "haproxy.cfg"
        file.write_text(configuration.replace(BIND, f"bind fd@{listener.fileno()}"))
        process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(file)],
            pass_fds=(listener.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        port: int = listener.getsockname()[1]
    assert process.stderr
    errors = Output(process.stderr)
    try:
        yield port
        assert process.poll() is None, errors.text
    finally:
        process.kill()
        process.wait(TIMEOUT)
        errors.wait_for_end()
