"""The files of deploy/prometheus and deploy/grafana, with a real Prometheus that reads a real server."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, tcp_client, udp_client
from tests.live.machine import ROOT
from tests.live.peers import free_ports, program, wait_until
from tests.live.server import Server, need

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "sockproto.json").read_text())
PANELS = {panel["title"] + " " + panel["type"]: panel for panel in DASHBOARD["panels"]}
CHOSEN = {"$job": "sockproto", "$instance": ".*", "$protocol": ".*", "$__rate_interval": "10s"}
ANSWERED_BY_NOTHING = b"Hello, Michael!"  # has the shape of a reply


@pytest.mark.parametrize("command", ["check config prometheus.yml", "test rules alerts_test.yml"])
def test_promtool_finds_no_fault(command: str) -> None:
    need("promtool")
    subprocess.run(["promtool", *command.split()], cwd=PROMETHEUS, timeout=TIMEOUT, check=True)


def test_every_alert_has_an_example() -> None:
    alerts, tests = ((PROMETHEUS / name).read_text() for name in ("alerts.yml", "alerts_test.yml"))
    names = [line.partition("alert: ")[2] for line in alerts.splitlines() if "- alert: " in line]
    assert len(names) > 4
    for name in names:
        assert f"{{alertname: {name}," in tests, f"{name}: no example in which it doesn't come"
        assert f"- alertname: {name}\n" in tests, f"{name}: no example in which it comes"


class Prometheus:
    """A Prometheus that answers."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, what: str, **arguments: str) -> Any:
        """Ask its API."""
        with urlopen(f"{self._url}/api/v1/{what}?{urlencode(arguments)}", timeout=TIMEOUT) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Any]:
        """Return the series that an expression gives now."""
        found: list[Any] = self.get("query", query=expression)["result"]
        return found


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run it on our configuration, which reads the server more often than every 15 seconds."""
    need("prometheus")
    directory = tmp_path_factory.mktemp("prometheus")
    [admin] = free_ports(1)
    server = Server("--admin", str(admin), directory=directory)
    try:
        shutil.copy(PROMETHEUS / "alerts.yml", directory)
        text = (PROMETHEUS / "prometheus.yml").read_text()
        assert "127.0.0.1:9990" in text
        assert "_interval: 15s" in text
        configuration = directory / "prometheus.yml"
        configuration.write_text(
            text.replace("127.0.0.1:9990", f"127.0.0.1:{admin}").replace("_interval: 15s", "_interval: 500ms")
        )

        def command(port: int) -> list[str]:
            return [
                *("prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'data'}"),
                f"--web.listen-address=127.0.0.1:{port}",
            ]

        with program(command, "Server is ready to receive web requests") as port:
            yield Prometheus(port)
    finally:
        server.stop()
