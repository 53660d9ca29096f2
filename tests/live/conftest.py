"""Servers for the end-to-end tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.server import Serve, Server


@pytest.fixture
def serve(tmp_path: Any) -> Iterator[Serve]:
    """Start servers in the test's own directory; stop them all, without a traceback, at its end."""
    servers: list[Server] = []

    def start(*options: str, **kwargs: Any) -> Server:
        server = Server(*options, directory=tmp_path, **kwargs)
        servers.append(server)
        server.wait_for(r"\] [\w-]+ on \S")
        return server

    try:
        yield start
    finally:
        failures = []
        for server in servers:
            try:
                server.stop()
            except AssertionError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
