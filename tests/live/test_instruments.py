"""The instruments of examples/, driven as laboratories drive theirs: PyVISA, easy-scpi, nc, bare sockets."""

import math
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import easy_scpi  # type: ignore[import-untyped]  # it has none
import pytest
import pyvisa
from pyvisa.constants import StatusCode

from tests.examples import EXAMPLES
from tests.hanging import TIMEOUT
from tests.listings import need_nc
from tests.live.clients import ask, udp_client
from tests.live.server import Server, need

TIMEOUT_MS = 10_000
SOON_MS = 100
LINES = {"read_termination": "\n", "write_termination": "\n"}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the instruments: Twisted writes a cache beside them."""
    root = tmp_path_factory.mktemp("instruments")
    (root / "twisted").mkdir()
    shutil.copytree(
        EXAMPLES / "instruments" / "twisted" / "plugins",
        root / "twisted" / "plugins",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return root


@contextmanager
def served(name: str, root: Path) -> Iterator[int]:
    """Serve an instrument; return its port."""
    server = Server("--protocol", name, directory=root, environment={"PYTHONPATH": str(root)})
    try:
        yield server.port_of("TCP")
    finally:
        server.stop()


@pytest.fixture(scope="module")
def multimeter(plugins: Path) -> Iterator[int]:
    """The port of a multimeter."""
    with served("multimeter", plugins) as port:
        yield port


@pytest.fixture(scope="module")
def powersupply(plugins: Path) -> Iterator[int]:
    """The port of a power supply."""
    with served("powersupply", plugins) as port:
        yield port


@pytest.fixture(scope="module")
def oscilloscope(plugins: Path) -> Iterator[int]:
    """The port of an oscilloscope."""
    with served("oscilloscope", plugins) as port:
        yield port


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    """Open a port as PyVISA does; every instrument is as after power on, but for its power."""
    manager = pyvisa.ResourceManager("@py")

    def open_port(port: int, **options: Any) -> Any:
        options = {"timeout": TIMEOUT_MS, **options}
        resource: Any = manager.open_resource(f"TCPIP::127.0.0.1::{port}::SOCKET", **options)
        termination, resource.read_termination = resource.read_termination, "\n"
        assert resource.query("*RST;*CLS;*OPC?") == "1"  # done before another connection says anything
        resource.read_termination = termination
        return resource

    yield open_port
    manager.close()


class TestMultimeter:
    def test_it_says_what_it_is(self, multimeter: int, connect: Any) -> None:
        meter = connect(multimeter, **LINES)
        assert meter.query("*IDN?") == "sockproto,MULTIMETER,0,1.0"
        assert meter.query("*OPC?") == "1"

    def test_it_measures_as_configured(self, multimeter: int, connect: Any) -> None:
        meter = connect(multimeter, **LINES)
        meter.write("CONF:VOLT:DC 10,0.5")
        meter.write("SAMP:COUN 1000")
        assert meter.query_ascii_values("READ?") == [4.0] * 1000
        assert meter.query_ascii_values("MEASURE:VOLTAGE:DC? 10, 100 mV") == [4.2]
        assert meter.query_ascii_values("meas:volt? 1") == [9.9e37]
        assert meter.query_ascii_values(":CONF:VOLT MAX;:SAMP:COUN 2;:READ?;COUN?") == [4.2, 4.2]

    def test_what_goes_wrong_is_queued_in_its_order(self, multimeter: int, connect: Any) -> None:
        meter = connect(multimeter, **LINES)
        assert meter.query("SYST:ERR?") == '0,"No error"'
        for command in "NONSENSE", "CONF:VOLT:DC high", "CONF:VOLT:DC 5000":
            meter.write(command)
        assert [meter.query("SYSTem:ERRor:NEXT?") for _ in range(4)] == [
            '-113,"Undefined header"',
            '-141,"Invalid character data"',
            '-222,"Data out of range"',
            '0,"No error"',
        ]
        assert meter.query("*ESR?") == "48"

    def test_a_command_that_is_no_query_is_not_answered(self, multimeter: int, connect: Any) -> None:
        meter = connect(multimeter, **LINES)
        meter.timeout = SOON_MS
        with pytest.raises(pyvisa.VisaIOError) as caught:
            meter.query("*CLS")
        assert caught.value.error_code == StatusCode.error_timeout
        meter.timeout = TIMEOUT_MS
        assert meter.query("*OPC?") == "1"  # and nothing was left over

    def test_it_answers_datagrams(self, multimeter: int) -> None:
        with udp_client(multimeter) as client:
            ask(client, b"MEAS:VOLT?\n", b"4.2\n")


class TestPowerSupply:
    def test_what_drivers_send(self, powersupply: int, connect: Any) -> None:
        supply = connect(powersupply, **LINES)
        supply.write("VOLT 5;CURR 1")
        assert supply.query("VOLT?;CURR?") == "5.0;1.0"
        supply.write(":VOLT 3")
        assert supply.query(":source1:voltage:level:immediate:amplitude?") == "3.0"
        supply.write("SOUR2:VOLT 500 mV")
        assert supply.query_ascii_values("SOURce2:VOLT?;:VOLT? MAX;:VOLT? MIN", separator=";") == [0.5, 30, 0]
        assert supply.query("OUTP2:STAT ON;:OUTP2?;:OUTP?") == "1;0"
        assert float(supply.query("MEAS2?")) == 0.5
        assert supply.query("DISP:TEXT 'it''s \"on\"';TEXT?") == '"it\'s ""on"""'

    def test_its_status(self, powersupply: int, connect: Any) -> None:
        supply = connect(powersupply, **LINES)
        supply.write("STAT:QUES:ENAB 2;:*SRE 8")
        supply.write("*SRE 8")
        supply.write("VOLT MAX;CURR 100 MA;:OUTP ON")
        assert int(supply.query("*STB?")) == 64 + 8 + 4  # an error besides: no header begins with :*
        assert supply.query("STAT:QUES:COND?;EVEN?;*STB?") == "2;2;20"
        assert supply.query("MEAS:CURR?;:MEAS:VOLT?") == "0.1;1.0"

    def test_default_terminations(self, powersupply: int, connect: Any) -> None:
        supply = connect(powersupply)
        assert supply.write_termination == "\r\n"
        supply.write("VOLT 5")
        supply.read_termination = "\n"  # without one PyVISA reads until its time-out, whatever it talks to
        assert supply.query_ascii_values("VOLT?") == [5.0]
        assert supply.query("DISP:TEXT 'hello';TEXT?") == '"hello"'

    def test_easy_scpi(self, powersupply: int) -> None:
        supply = easy_scpi.Instrument(port_match=False, backend="@py", timeout=TIMEOUT_MS, **LINES)
        supply.rid = f"TCPIP::127.0.0.1::{powersupply}::SOCKET"
        supply.connect()
        try:
            assert supply.id == "sockproto,POWER SUPPLY,0,1.0"
            supply.write("*RST;*CLS")
            supply.source.voltage(12)
            supply.sour.curr("2 A")
            supply.outp.stat("ON")
            assert supply.sour.volt() == "12.0"
            assert supply.source.voltage("MAX", query=True) == "30.0"
            assert supply.measure.current() == "1.2"
            supply.syst.nonsense("")
            assert supply.syst.err() == '-113,"Undefined header"'
        finally:
            supply.disconnect()

    def test_nc(self, powersupply: int) -> None:
        need_nc()
        said = "*RST;*CLS\nvolt 5;volt?\nNONSENSE\nDISP:TEXT 'oops\nSYST:ERR?;ERR?;ERR?"
        ran = subprocess.run(
            ["nc", "-N", "127.0.0.1", str(powersupply)],
            input=said,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert ran.stdout == '5.0\n-113,"Undefined header";-151,"Invalid string data";0,"No error"\n'

    def test_plink(self, powersupply: int) -> None:
        need("plink")
        ran = subprocess.run(
            ["plink", "-batch", "-raw", "-P", str(powersupply), "127.0.0.1"],
            input="*RST;*CLS\nSYST:ERR?;*IDN?\n",
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert ran.stdout.replace("\r", "") == '0,"No error";sockproto,POWER SUPPLY,0,1.0\n'


class TestOscilloscope:
    WAVE = tuple(2 * math.sin(math.tau * n / 100) for n in range(100))

    def test_a_waveform(self, oscilloscope: int, connect: Any) -> None:
        scope = connect(oscilloscope, **LINES)
        assert scope.query("ACQ:POIN 100;:INIT;*OPC?") == "1"
        assert scope.query_ascii_values("FETC?") == pytest.approx(self.WAVE)
        scope.write("FORM REAL")
        floats = scope.query_binary_values("FETC?", datatype="f", is_big_endian=True)
        assert floats == pytest.approx(self.WAVE, abs=1e-6)
        scope.write("FORM INT;FORM:BORD SWAP")
        integers = scope.query_binary_values("FETCH:WAVEFORM?", datatype="h")
        assert integers == [round(1000 * volts) for volts in self.WAVE]
        assert scope.query("FORM?;FORM:BORD?;*OPC?") == "INT;SWAP;1"  # nothing was left over

    def test_a_large_one_with_newlines_in_it(self, oscilloscope: int, connect: Any) -> None:
        scope = connect(oscilloscope, **LINES)
        scope.write("ACQ:POIN 100000;:FORM INT;:INIT;*WAI")
        integers = scope.query_binary_values("FETC?", datatype="h", is_big_endian=True)
        assert len(integers) == 100_000
        assert 10 in integers
        assert scope.query("SYST:ERR?") == '0,"No error"'

    def test_without_one(self, oscilloscope: int, connect: Any) -> None:
        scope = connect(oscilloscope, **LINES)
        scope.write("FETC?")
        assert scope.query("SYST:ERR?") == '-230,"Data corrupt or stale"'

    def test_what_goes_on_is_seen_by_others(self, oscilloscope: int, connect: Any) -> None:
        scope, other = connect(oscilloscope, **LINES), connect(oscilloscope, **LINES)
        assert scope.query("RANG 10;:INIT;:STAT:OPER:COND?") == "16"
        assert other.query("STAT:OPER:COND?") == "16"
        scope.write("*OPC?")
        other.write("*RST")
        assert scope.read() == "1"
        assert other.query("STAT:OPER:COND?") == "0"


MESSAGE = b"""*RST;*CLS
DISP:TEXT "a;
b";TEXT?\r
VOLT 500 mV;VOLT?
NONSENSE
VOLT "5";VOLT #H10;VOLT?
SYST:ERR:ALL?
"""
ANSWER = b'"a;\nb"\n0.5\n16.0\n-113,"Undefined header",-158,"String data not allowed"\n'


def test_at_each_split_of_the_bytes(powersupply: int) -> None:
    with socket.create_connection(("127.0.0.1", powersupply), TIMEOUT) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(1, len(MESSAGE)):
            client.sendall(MESSAGE[:place])
            client.sendall(MESSAGE[place:])
            came = b""
            while len(came) < len(ANSWER):
                came += client.recv(4096)
            assert came == ANSWER
