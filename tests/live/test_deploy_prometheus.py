"""The files of deploy/prometheus and deploy/grafana, with a real Prometheus that reads a real server."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from math import isfinite
from typing import Any, NamedTuple
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
CHOSEN = {"$job": "sockproto", "$instance": ".*", "$protocol": ".*", "$__rate_interval": "10s"}
NOT_ANSWERED = b"Hello, Michael!"  # it has the shape of an answer


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


class Prometheus(NamedTuple):
    """A Prometheus that reads one of our servers.

    Attributes:
        url: Of its API.
        server: Whom it reads.
    """

    url: str
    server: Server

    def get(self, what: str, **arguments: str) -> Any:
        """Ask its API."""
        with urlopen(f"{self.url}/{what}?{urlencode(arguments)}", timeout=TIMEOUT) as answer:
            return json.load(answer)["data"]

    def knows(self, expression: str) -> bool:
        """Have the server do something, and tell whether an expression has a number by now."""
        with tcp_client(self.server.port) as client:
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        with udp_client(self.server.port_of("UDP")) as client:
            client.send(NOT_ANSWERED)
            ask(client, b"Michael", b"Hello, Michael!")
        found = self.get("query", query=expression)["result"]
        return any(isfinite(float(series["value"][1])) for series in found)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run it on our configuration, but for the port and the time between its looks."""
    need("prometheus")
    directory = tmp_path_factory.mktemp("prometheus")
    shutil.copy(PROMETHEUS / "alerts.yml", directory)
    [admin] = free_ports(1)
    configuration = directory / "prometheus.yml"
    text = (PROMETHEUS / "prometheus.yml").read_text()
    for as_it_stands, here in (
        ("127.0.0.1:9990", f"127.0.0.1:{admin}"),
        ("_interval: 15s", "_interval: 500ms"),
    ):
        assert as_it_stands in text
        text = text.replace(as_it_stands, here)
    configuration.write_text(text)

    def command(port: int) -> list[str]:
        return [
            *("prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'data'}"),
            f"--web.listen-address=127.0.0.1:{port}",
        ]

    server = Server("--admin", str(admin), directory=directory)
    try:
        with program(command, "Server is ready to receive web requests") as port:
            yield Prometheus(f"http://127.0.0.1:{port}/api/v1", server)
    finally:
        server.stop()


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_each_query_of_the_dashboard_has_an_answer(prometheus: Prometheus, panel: Any) -> None:
    for target in panel["targets"]:
        expression = target["expr"]
        for variable, value in CHOSEN.items():
            expression = expression.replace(variable, value)
        wait_until(lambda: prometheus.knows(expression), f"no answer to {expression}")  # noqa: B023  # called at once


def test_the_choices_of_the_dashboard(prometheus: Prometheus) -> None:
    for variable in DASHBOARD["templating"]["list"]:
        query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable.get("definition", ""))
        if query:
            selector, label = query[1].replace("$job", "sockproto"), query[2]
            wait_until(lambda: prometheus.knows(selector), f"no answer to {selector}")  # noqa: B023  # called at once
            [*series] = prometheus.get("query", query=selector)["result"]
            assert all(label in one["metric"] for one in series)
    assert {f"${variable['name']}" for variable in DASHBOARD["templating"]["list"]} >= CHOSEN.keys() - {
        "$__rate_interval"
    }


def test_nothing_alarms_where_all_is_well(prometheus: Prometheus) -> None:
    def rules() -> list[Any]:
        [group] = prometheus.get("rules")["groups"]
        return [(rule["health"], rule["state"]) for rule in group["rules"]]

    wait_until(lambda: "unknown" not in dict(rules()), "the rules are not looked at")
    assert {health for health, _ in rules()} == {"ok"}
    assert "firing" not in {
        state for _, state in rules()
    }  # one may wait for its time: datagrams are dropped here


def test_what_an_alert_looks_at_is_there_before_it_comes(prometheus: Prometheus) -> None:
    """A counter that comes into being with its first event does not grow by it."""
    alerts = (PROMETHEUS / "alerts.yml").read_text()
    selectors = set(re.findall(r'\w+\{job="sockproto"[^}]*\}', alerts))
    assert len(selectors) > 7
    for selector in selectors:
        wait_until(lambda: prometheus.knows(selector), f"no {selector}")  # noqa: B023  # called at once


def test_the_dashboard_is_laid_out() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        fields = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not fields & taken, panel["title"]
        assert all(x < 24 for x, _ in fields), panel["title"]
        taken |= fields
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
