"""The files of deploy/ for haproxy, containers and Kubernetes, as they stand."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from tests.hanging import TIMEOUT
from tests.live.containerfile import Image, instructions
from tests.live.machine import ROOT
from tests.live.namespaces import Namespace, namespace
from tests.live.peers import SOCKPROTO, wait_until
from tests.live.server import Output, need

DEPLOY = ROOT / "deploy"
CONTAINERFILE = DEPLOY / "Containerfile"
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
BY_KIND = {manifest["kind"]: manifest for manifest in MANIFESTS}
POD = BY_KIND["Deployment"]["spec"]["template"]
[CONTAINER] = POD["spec"]["containers"]
PORTS = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}


@contextmanager
def serving(place: Namespace, *command: str) -> Iterator[tuple["subprocess.Popen[str]", Output]]:
    """Run a server in a network of its own."""
    process = subprocess.Popen(
        [*place.prefix, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    log = Output(process.stdout)
    try:
        log.wait_for(r" on UDP ")
        yield process, log
    finally:
        process.kill()
        process.wait(TIMEOUT)
        said = log.wait_for_end()
    assert "Traceback" not in said, said


def greets(place: Namespace) -> bool:
    return place.run(SOCKPROTO, "greet", "127.0.0.1:9999", "Michael") == "Welcome!\nHello, Michael!\n"


def probed(place: Namespace, probe: str) -> bool:
    """Tell whether a probe of the manifest succeeds."""
    get = CONTAINER[probe]["httpGet"]
    url = f"http://127.0.0.1:{PORTS[get['port']]}{get['path']}"
    return not subprocess.run(
        [*place.prefix, SOCKPROTO, "fetch", "-sfo", "/dev/null", url], check=False
    ).returncode


def option(name: str) -> float:
    """Return the number that an option of the container has."""
    return float(
        next(value for value in CONTAINER["args"] if value.startswith(f"--{name}=")).partition("=")[2]
    )


def test_haproxy_finds_no_fault() -> None:
    need("haproxy")
    subprocess.run(["haproxy", "-c", "-f", str(DEPLOY / "haproxy.cfg")], timeout=TIMEOUT, check=True)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=BY_KIND)
def test_kubernetes_would_take_it(manifest: Any) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_what_kubernetes_selects_is_there() -> None:
    labels = POD["metadata"]["labels"]
    for kind in "Deployment", "PodDisruptionBudget":
        assert BY_KIND[kind]["spec"]["selector"]["matchLabels"] == labels
    assert BY_KIND["Service"]["spec"]["selector"] == labels
    assert {port["targetPort"] for port in BY_KIND["Service"]["spec"]["ports"]} <= set(PORTS)


def test_kubernetes_waits_for_the_lame_duck_and_the_drain() -> None:
    stops = option("lame-duck-seconds") + option("drain-seconds")
    assert stops < POD["spec"]["terminationGracePeriodSeconds"]


def test_a_pod_is_probed_and_stopped_as_kubernetes_does() -> None:
    entrypoint = dict(instructions(CONTAINERFILE))["ENTRYPOINT"]
    with (
        namespace() as place,
        serving(place, SOCKPROTO, *yaml.safe_load(entrypoint)[1:], *CONTAINER["args"]) as (process, _),
    ):
        assert all(probed(place, probe) for probe in ("startupProbe", "readinessProbe", "livenessProbe"))
        assert greets(place)
        process.terminate()
        wait_until(lambda: not probed(place, "readinessProbe"), "it is ready for ever")
        assert probed(place, "livenessProbe")
        assert greets(place)
        process.wait(POD["spec"]["terminationGracePeriodSeconds"])


@pytest.mark.long
def test_the_image_serves_and_knows_whether_it_is_well(tmp_path: Path) -> None:
    """Its instructions are done in bare directories, since no engine is here that would build it."""
    image = Image(CONTAINERFILE, ROOT, tmp_path)
    with namespace() as place:
        inside = ("unshare", "--mount", *image.inside(()))
        healthcheck = [*place.prefix, *inside, *image.healthcheck]
        with serving(place, *inside, *image.command):
            assert greets(place)
            subprocess.run(healthcheck, timeout=TIMEOUT, check=True)
        assert subprocess.run(healthcheck, timeout=TIMEOUT, check=False).returncode
