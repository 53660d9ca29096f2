"""The examples, without processes; with them: tests/live/test_examples.py and test_packaging.py."""

import subprocess
import sys
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport, StringTransport
from twisted.trial.unittest import TestCase
from twisted.web.server import Site

from sockproto import CommandFactory, OptionError
from sockproto.scpi import InstrumentFactory
from sockproto.server.validation import flaw
from sockproto.testing import Remote, connect
from tests.examples import EXAMPLES, load
from tests.hanging import TIMEOUT

thermostat = load("thermostat", "thermostat/thermostat/__init__.py")
multimeter, powersupply, oscilloscope = (
    load(name, f"instruments/twisted/plugins/{name}.py")
    for name in ("multimeter", "powersupply", "oscilloscope")
)
adminport = load("adminport", "adminport/site.tac")


def connected(factory: Any) -> Remote:
    """Connect to a factory."""
    return connect(factory.buildProtocol(None))


def say(client: Remote, *lines: str) -> list[str]:
    """Send lines; return those that come back."""
    client.protocol.dataReceived("".join(f"{line}\n" for line in lines).encode())
    return client.read().decode().splitlines()


def ask(port: Any, datagram: bytes) -> list[bytes]:
    """Send a datagram to a port; return those that come back."""
    transport = FakeDatagramTransport()
    port.transport = transport
    port.datagramReceived(datagram, ("127.0.0.1", 5000))
    return [reply for reply, _ in transport.written]


class ThermostatTests(TestCase):
    def setUp(self) -> None:
        self.room, self.carrier = Clock(), Clock()
        self.factory = CommandFactory(thermostat.Thermostat(20.0, self.room), clock=self.carrier)
        self.client = connected(self.factory)

    def test_the_target_is_set_within_bounds(self) -> None:
        self.assertEqual(say(self.client, "/target", "/target 21.5"), ["20.0 C", "21.5 C"])
        self.assertEqual(say(self.client, "/target 5", "/target 30"), ["5.0 C", "30.0 C"])
        refused = "error: DEGREES must be between 5.0 C and 30.0 C"
        self.assertEqual(say(self.client, "/target 4.9", "/target 30.1"), [refused, refused])
        self.assertEqual(say(self.client, "/target warm"), ["error: DEGREES must be a number"])
        self.assertEqual(say(self.client, "/target"), ["30.0 C"])

    def test_the_units_are_those_of_one_connection_and_the_target_is_for_all(self) -> None:
        other = connected(self.factory)
        self.assertEqual(say(self.client, "/units fahrenheit", "/target 68"), ["ok", "68.0 F"])
        self.assertEqual(say(other, "/target 25"), ["25.0 C"])
        self.assertEqual(say(self.client, "/target", "/get"), ["77.0 F", "64.4 F"])
        refused = "error: DEGREES must be between 41.0 F and 86.0 F"
        self.assertEqual(say(self.client, "/target 20"), [refused])
        self.assertEqual(say(other, "/units kelvin"), ["error: UNITS must be celsius or fahrenheit"])

    def test_the_mode_moves_the_room(self) -> None:
        self.assertEqual(say(self.client, "/mode", "/get"), ["heat", "18.0 C"])
        self.room.advance(5)
        self.assertEqual(say(self.client, "/get"), ["18.5 C"])
        self.room.advance(100)
        self.assertEqual(say(self.client, "/get", "/mode off"), ["20.0 C", "off"])
        self.room.advance(10)
        self.assertEqual(say(self.client, "/get", "/mode cool", "/target 6"), ["19.0 C", "cool", "6.0 C"])
        self.room.advance(1000)
        self.assertEqual(
            say(self.client, "/get", "/mode dry"), ["6.0 C", "error: MODE must be heat, cool or off"]
        )

    def test_a_heater_does_not_cool_nor_a_cooler_heat(self) -> None:
        say(self.client, "/target 10")
        self.room.advance(1000)
        self.assertEqual(say(self.client, "/get", "/mode cool", "/target 25"), ["12.0 C", "cool", "25.0 C"])
        self.room.advance(1000)
        self.assertEqual(say(self.client, "/get"), ["12.0 C"])

    def test_watch_says_each_change_once(self) -> None:
        self.assertEqual(say(self.client, "/watch"), ["18.0 C"])
        self.room.advance(1)
        self.assertEqual(self.client.read(), b"18.1 C\n")
        self.room.advance(0.75)
        self.assertEqual(self.client.read(), b"")
        self.assertEqual(say(connected(self.factory), "/get", "/target 18.2"), ["18.1 C", "18.2 C"])
        self.room.pump([1] * 5)
        self.assertEqual(self.client.read(), b"18.2 C\n")

    def test_an_empty_line_ends_watch_and_so_do_a_drain_and_the_end(self) -> None:
        say(self.client, "/watch")
        self.assertEqual(len(self.room.getDelayedCalls()), 1)
        self.assertEqual(say(self.client, "", "/target"), ["20.0 C"])
        self.assertEqual(self.room.getDelayedCalls(), [])
        say(self.client, "/watch")
        self.factory.drain()
        self.assertEqual(self.room.getDelayedCalls(), [])
        self.client = connected(self.factory)
        say(self.client, "/watch")
        self.client.lose()
        self.assertEqual(self.room.getDelayedCalls(), [])

    def test_the_ports_of_one_server_share_it(self) -> None:
        prepared = thermostat.DEFINITION.prepare(target=23.5)
        stream = connected(thermostat.DEFINITION.factory(**prepared, clock=self.carrier))
        datagrams = thermostat.DEFINITION.datagram_protocol(**prepared, clock=self.carrier)
        self.assertEqual(say(stream, "/target", "/mode off"), ["23.5 C", "off"])
        self.assertEqual(ask(datagrams, b"/mode"), [b"off\n"])
        self.assertEqual(ask(datagrams, b"/watch"), [b"error: not over datagrams\n"])

    def test_the_definition_is_sound(self) -> None:
        self.assertIsNone(flaw(thermostat.DEFINITION))
        [option] = thermostat.DEFINITION.options
        self.assertEqual((option.convert("5"), option.convert("30.0")), (5, 30))
        for text in "4.9", "30.1", "nan", "warm":
            self.assertRaises(OptionError, option.convert, text)

    def test_it_chooses_no_reactor(self) -> None:
        made = "thermostat.DEFINITION.factory(**thermostat.DEFINITION.prepare())"
        code = f"import sys, thermostat; {made}; print(*sys.modules)"
        where = EXAMPLES / "thermostat"
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=where, capture_output=True, text=True, timeout=TIMEOUT
        )
        self.assertIn("thermostat.room", ran.stdout.split())
        self.assertNotIn("twisted.internet.reactor", ran.stdout.split())


class InstrumentTests(TestCase):
    def connected(self, instrument: Any) -> Remote:
        """Connect to an instrument."""
        return connected(InstrumentFactory(instrument, clock=Clock()))

    def test_the_multimeter_measures_as_configured(self) -> None:
        meter = self.connected(multimeter.Multimeter())
        self.assertEqual(say(meter, "*CLS", "CONF:VOLT:DC 10,0.5", "SAMP:COUN 2", "", "NONSENSE"), [])
        self.assertEqual(say(meter, "READ?", "*RST;READ?", "MEAS:VOLT?"), ["4.0,4.0", "4.2", "4.2"])
        self.assertEqual(say(meter, "CONF:VOLT 1;:READ?", "CONF:VOLT -5;:READ?"), ["9.9E+37", "4.2"])
        say(meter, "*CLS", "CONF:VOLT 1001", "CONF:VOLT 10,0.000001", "CONF:VOLT 10,11", "SAMP:COUN 0")
        self.assertEqual(
            say(meter, "SYST:ERR:ALL?"),
            [
                '-222,"Data out of range",-222,"Data out of range;resolution",'
                '-222,"Data out of range;resolution",-222,"Data out of range"'
            ],
        )

    def test_the_power_supply_limits_its_current(self) -> None:
        supply = self.connected(powersupply.PowerSupply())
        self.assertEqual(say(supply, "VOLT 5;CURR 1;:OUTP ON", "MEAS:CURR?;:MEAS?"), ["0.5;5.0"])
        self.assertEqual(say(supply, "SOUR:CURR 100 MA", "MEAS?;:STAT:QUES:COND?"), ["1.0;2"])
        self.assertEqual(say(supply, "OUTP OFF", "MEAS?;:STAT:QUES:COND?;EVEN?"), ["0.0;0;2"])
        self.assertEqual(
            say(supply, "SOUR2:VOLT 7;:SOUR:VOLT?;:SOUR2:VOLT?", "*RST;VOLT?"), ["5.0;7.0", "0.0"]
        )
        self.assertEqual(
            say(supply, "*CLS", "SOUR3:VOLT 1", "SYST:ERR?"), ['-114,"Header suffix out of range"']
        )

    def test_the_oscilloscope_takes_its_time(self) -> None:
        clock = Clock()
        scope = self.connected(oscilloscope.Oscilloscope(clock))
        self.assertEqual(say(scope, "ACQ:POIN 10;:RANG 1;:INIT;:STAT:OPER:COND?;*OPC?"), [])
        clock.advance(1)
        self.assertEqual(scope.read(), b"16;1\n")
        self.assertEqual(len(say(scope, "FETC?")[0].split(",")), 10)
        self.assertEqual(
            say(scope, "FORM INT;*RST;FORM?;FETC?", "SYST:ERR?"), ["ASC", '-230,"Data corrupt or stale"']
        )

    def test_the_definitions_are_sound(self) -> None:
        for module in multimeter, powersupply, oscilloscope:
            self.assertIsNone(flaw(module.DEFINITION))
        definition = multimeter.DEFINITION
        datagrams = definition.datagram_protocol(**definition.prepare(), clock=Clock())
        self.assertEqual(ask(datagrams, b"*IDN?"), [b"sockproto,MULTIMETER,0,1.0\n"])
        self.assertEqual(ask(datagrams, b"NONSENSE"), [])


class AdminPortTests(TestCase):
    def setUp(self) -> None:
        self.page = adminport.Page()
        self.stops: list[None] = []
        self.admin = adminport.Admin(self.page, lambda: self.stops.append(None))
        self.client = connected(CommandFactory(self.admin, clock=Clock()))

    def get(self, path: str = "/") -> list[str]:
        """Get a page; return its status and what it says."""
        channel: Any = Site(self.page, reactor=Clock()).buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        status, *_, said = transport.value().decode().splitlines()
        return [status.split()[1], said]

    def test_hits_are_counted(self) -> None:
        self.assertEqual(say(self.client, "/hits"), ["0"])
        self.assertEqual(
            [self.get(), self.get()], [["200", "You are visitor 1."], ["200", "You are visitor 2."]]
        )
        self.assertEqual(say(self.client, "/hits"), ["2"])

    def test_the_site_is_closed_and_opened(self) -> None:
        self.assertEqual(say(self.client, "/maintenance", "/maintenance on"), ["off", "on"])
        self.assertEqual(self.get(), ["503", "Back soon."])
        self.assertEqual(say(self.client, "/maintenance", "/hits", "/maintenance off"), ["on", "0", "off"])
        self.assertEqual(self.get(), ["200", "You are visitor 1."])

    def test_log_says_each_request_to_each_follower_until_it_ends(self) -> None:
        other = connected(CommandFactory(self.admin, clock=Clock()))
        self.assertEqual([say(client, "/log") for client in (self.client, other)], [[], []])
        self.get("/a")
        self.assertEqual([client.read() for client in (self.client, other)], [b"200 GET '/a'\n"] * 2)
        self.assertEqual(say(other, "", "/hits"), ["1"])
        say(other, "/maintenance on")
        self.get("/b")
        self.assertEqual((self.client.read(), other.read()), (b"503 GET '/b'\n", b""))
        self.client.lose()
        self.assertEqual(self.page.followers, set())

    def test_a_follower_that_does_not_read_is_kept_a_bounded_log(self) -> None:
        say(self.client, "/log")
        self.client.protocol.pauseProducing()  # as its transport does
        for _ in range(3 * adminport.MAX_UNREAD):
            self.get()
        [requests] = self.page.followers
        self.assertEqual(len(requests.pending), adminport.MAX_UNREAD)

    def test_stop(self) -> None:
        self.assertEqual(say(self.client, "/stop"), ["ok"])
        self.assertEqual(self.stops, [None])
