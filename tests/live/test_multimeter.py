"""The multimeter of examples/, driven by PyVISA as laboratories drive theirs."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import pyvisa
from pyvisa.constants import StatusCode

from tests.examples import EXAMPLES
from tests.live.clients import ask, udp_client
from tests.live.server import Server

TIMEOUT_MS = 10_000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a multimeter, whose one file is served from a copy: Twisted writes a cache beside it."""
    root = tmp_path_factory.mktemp("multimeter")
    plugins = EXAMPLES / "multimeter" / "twisted" / "plugins"
    (root / "twisted").mkdir()
    shutil.copytree(plugins, root / "twisted" / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    server = Server("--protocol", "multimeter", directory=root, environment={"PYTHONPATH": str(root)})
    try:
        yield server.port_of("TCP")
    finally:
        server.stop()


@pytest.fixture
def meter(port: int) -> Iterator[Any]:
    """A multimeter as PyVISA has it."""
    manager = pyvisa.ResourceManager("@py")
    with manager.open_resource(
        f"TCPIP::127.0.0.1::{port}::SOCKET",
        read_termination="\n",
        write_termination="\n",
        timeout=TIMEOUT_MS,
    ) as resource:
        yield resource
    manager.close()


def test_it_says_what_it_is(meter: Any) -> None:
    assert meter.query("*IDN?").split(",")[1] == "MULTIMETER"
    assert meter.query("*OPC?") == "1"


def test_it_measures_as_configured(meter: Any) -> None:
    meter.write("*RST")
    meter.write("CONF:VOLT:DC 10,0.5")
    meter.write("SAMP:COUN 1000")
    assert meter.query_ascii_values("READ?") == [4.0] * 1000
    assert meter.query_ascii_values("MEASURE:VOLTAGE:DC? 10, 0.1") == [pytest.approx(4.2)]
    assert meter.query_ascii_values("meas:volt? 1") == [9.9e37]


def test_what_goes_wrong_is_queued_in_its_order(meter: Any) -> None:
    assert meter.query("SYST:ERR?") == '+0,"No error"'
    for command in "NONSENSE", "CONF:VOLT:DC high", "CONF:VOLT:DC 5000":
        meter.write(command)
    assert [meter.query("SYSTem:ERRor:NEXT?") for _ in range(4)] == [
        '-113,"Undefined header"',
        '-104,"Data type error"',
        '-222,"Data out of range"',
        '+0,"No error"',
    ]
    assert meter.query("*ESR?") == "48"
    meter.write("NONSENSE")
    meter.write("*CLS")
    assert meter.query("SYST:ERR?") == '+0,"No error"'


def test_a_command_that_is_no_query_is_not_answered(meter: Any) -> None:
    meter.timeout = 100
    with pytest.raises(pyvisa.VisaIOError) as caught:
        meter.query("*CLS")
    assert caught.value.error_code == StatusCode.error_timeout
    meter.timeout = TIMEOUT_MS
    assert meter.query("*OPC?") == "1"  # and nothing was left over


def test_it_answers_datagrams(port: int) -> None:
    with udp_client(port) as client:
        ask(client, b"MEAS:VOLT?\n", b"+4.20000000E+00\n")
