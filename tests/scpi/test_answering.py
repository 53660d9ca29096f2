"""Messages and answers, overlapped commands, the status system."""

import gc
from typing import Any
from weakref import ref

from hypothesis import given, strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto import Caller
from sockproto.core.actions import Wait
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits
from sockproto.scpi import (
    Instrument,
    InstrumentDatagramProtocol,
    InstrumentFactory,
    Setting,
    instrument_definition,
    scpi,
)
from sockproto.scpi.answering import OUTPUT_QUEUE_BYTES
from sockproto.scpi.calls import KEPT_BYTES
from sockproto.scpi.operations import MAX_PENDING
from sockproto.server.validation import flaw
from sockproto.testing import connect, cuts
from tests.scpi.instruments import Channel, Supply, Talk, Volts

UNITS = ["VOLT 5", "VOLT?", "SOUR:CURR?", ":OUTP ON", "*IDN?", "*OPC?", "NONSENSE", "NONSENSE?", "VOLT high",
         "VOLT 99", "VOLT", "VOLT? 5", "MEAS:VOLT?", "DISP:TEXT?", "DATA #14a\n;b", ":DATA?", "#", "*CLS 1",
         "TRIG9:DEL?", "FAIL OWN", "FAIL?", "", " ", "\x00", "\xff", "(@1,2", ":", "?"]  # fmt: skip
QUOTED = ["DISP:TEXT 'a;\nb'", "'", '"', "DISP:TEXT 'a", ':DISP:TEXT "a""']
MESSAGES = st.lists(
    st.lists(st.sampled_from(UNITS + QUOTED), min_size=1, max_size=4).map(";".join), max_size=6
)


class Guarded(Instrument):
    """Keeps who is connected."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []

    @scpi("LOGin")
    def log_in(self, caller: Caller) -> None:
        self.callers.append(caller)


class CallerTests(TestCase):
    def test_a_caller_is_closed_and_the_class_names_the_protocol(self) -> None:
        guarded = Guarded()
        factory = InstrumentFactory(guarded, clock=Clock())
        protocol = factory.buildProtocol(None)
        remote = connect(protocol)
        protocol.dataReceived(b"*OPC?;LOG\n")
        [caller] = guarded.callers
        caller.close()
        self.assertEqual(remote.read(), b"1\n")
        self.assertEqual(remote.ended, "orderly")
        self.assertEqual(factory.name, "guarded")


class Large(Instrument):
    """Answers at length."""

    @scpi("DATA?")
    def data(self) -> bytes:
        """Answer with half a MiB."""
        return bytes(OUTPUT_QUEUE_BYTES // 2)


class AnswerTests(TestCase):
    def setUp(self) -> None:
        self.talk = Talk(Supply())

    def test_the_answers_of_a_message_are_one_line(self) -> None:
        self.assertEqual(self.talk.say("VOLT 5;CURR 1;VOLT?;CURR?"), "5.0;1.0")
        self.assertEqual(self.talk.say("SYST:ERR?;*IDN?"), '0,"No error";Example,PSU-1,0,1.0')
        self.assertEqual(self.talk.say("VOLT 5", "VOLT?", "", "CURR?"), "5.0\n1.0")

    def test_what_is_wrong_is_one_error_and_the_rest_is_done(self) -> None:
        self.assertEqual(self.talk.say("VOLT 99;CURR 2;NONSENSE;VOLT?;CURR?"), "0.0;2.0")
        self.assertEqual(self.talk.errors(), [-222, -113])

    def test_the_limits_of_what_has_a_suffix(self) -> None:
        class Channels(Instrument):
            @scpi("VOLTage<channel>")
            def set_voltage(self, channel: Channel, volts: Volts) -> None:
                """Set one."""

            @scpi("VOLTage<channel>?")
            def voltage(self, channel: Channel) -> float:
                """Return one."""
                return float(channel)

        talk = Talk(Channels())
        self.assertEqual(talk.say("VOLT2? MAX", "VOLT? MIN;VOLT3?", "VOLT4? MAX"), "30.0\n0.0;3.0")
        self.assertEqual(talk.errors(), [-114])

    def test_a_setting_of_another_class_is_asked_for_what_it_is(self) -> None:
        class Rounded(Setting):
            def __get__(self, instrument: Any, owner: type | None = None) -> Any:
                value = super().__get__(instrument, owner)
                return value if instrument is None else round(value)

        class Meter(Instrument):
            level = Rounded("LEVel", float, 0.0)

        self.assertEqual(Talk(Meter()).say("LEV 2.7", "LEV?"), "3")

    def test_a_message_that_is_kept_keeps_no_connection(self) -> None:
        factory = InstrumentFactory(Supply(), clock=Clock())
        protocol = factory.buildProtocol(None)
        remote = connect(protocol)
        protocol.dataReceived(b"TRIG7:DEL 1\nFUNC NONSENSE\nNONSENSE\n")
        remote.lose()
        alive = ref(protocol)
        del protocol, remote
        gc.collect()
        self.assertIsNone(alive())

    def test_a_message_that_comes_again_does_the_same_again(self) -> None:
        for _ in range(2):
            self.assertEqual(self.talk.say("VOLT 99;VOLT?", "NONSENSE", "CURR 2;CURR?"), "0.0\n2.0")
            self.assertEqual(self.talk.errors(), [-222, -113])

    def test_long_messages_are_read_each_time(self) -> None:
        long = "VOLT 5;" * KEPT_BYTES + "VOLT?"
        for _ in range(2):
            self.assertEqual(self.talk.say(long), "5.0")

    def test_what_methods_raise(self) -> None:
        self.talk.say("FAIL OWN", "FAIL NUMB", "FAIL COMM", "*ESR?")
        self.assertEqual(
            self.talk.say("SYST:ERR?;ERR?;ERR:ALL?;COUN?"),
            '101,"Fuse blown";-221,"Settings conflict;no output";-200,"Execution error;not now";0',
        )

    def test_a_bug_is_an_error_and_logged_once_for_each_command(self) -> None:
        self.assertEqual(self.talk.say("FAIL BUG;*OPC?", "FAIL BUG", "FAIL?;*OPC?", "FAIL?"), "1\n1")
        self.assertEqual(self.talk.errors(), [-310] * 4)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_an_instrument_has_one_state_whoever_is_connected(self) -> None:
        other = Talk(self.talk.instrument)
        self.talk.say("VOLT 7;NONSENSE")
        self.assertEqual(other.say("VOLT?;:SYST:ERR?"), '7.0;-113,"Undefined header"')
        self.assertEqual(self.talk.say("SYST:ERR?"), '0,"No error"')

    def test_answers_of_a_message_are_bounded(self) -> None:
        talk = Talk(Large())
        came = talk.say(";".join(["DATA?"] * 5))
        self.assertEqual(len(came), len("#6524288;#6524288") + OUTPUT_QUEUE_BYTES)
        self.assertEqual(talk.errors(), [-430] * 3)

    @given(MESSAGES, st.data())
    def test_whatever_comes_however_split(self, messages: list[str], data: Any) -> None:
        stream = b"".join(each.encode("latin-1") + b"\n" for each in [*messages, "*OPC?"])
        found = []
        for pieces in [stream], data.draw(cuts(stream)):
            talk = Talk(Supply())
            came = b"".join([*map(talk.session.receive, pieces), talk.session.quiet(), talk.session.end()])
            found.append((came, talk.errors()))
        self.assertEqual(found[0], found[1])
        self.assertTrue(found[0][0].endswith(b"1\n"))
        self.flushLoggedErrors(TypeError)

    @given(st.lists(st.sampled_from(UNITS), max_size=4))
    def test_each_query_is_answered_or_one_error(self, units: list[str]) -> None:
        talk = Talk(Supply())
        for unit in units:
            answers = int(talk.say(unit.encode("latin-1")) != "")
            errors = len(talk.errors())
            self.assertLessEqual(answers + errors, 1)
            if "?" in unit:
                self.assertEqual(answers + errors, 1, unit)
        self.flushLoggedErrors(TypeError)


class OverlappedTests(TestCase):
    def setUp(self) -> None:
        self.talk = Talk(Supply())
        self.pending = self.talk.instrument.pending  # type: ignore[attr-defined]  # of the kind that is made here

    def resume(self) -> str:
        """Have what the session waits for be done, as the carrier does; return what comes."""
        need = self.talk.session.need
        came: list[Any] = []
        assert isinstance(need, Wait)
        assert isinstance(need.awaitable, Deferred)
        need.awaitable.addCallback(came.append)
        self.assertEqual(len(came), 1)
        return self.talk.session.resume(came[0]).decode()

    def test_later_commands_are_done_meanwhile(self) -> None:
        self.assertEqual(self.talk.say("*ESR?", "INIT;VOLT 5;VOLT?;*OPC;*ESR?"), "128\n5.0;0")
        self.pending.callback(None)
        self.assertEqual(self.talk.say("*ESR?"), "1")

    def test_wai_and_opc_wait(self) -> None:
        for message, answer in ("INIT;*WAI;VOLT?", "0.0\n"), ("INIT;*OPC?;VOLT?", "1;0.0\n"):
            self.setUp()
            self.assertEqual(self.talk.say(message, "CURR?"), "")
            self.pending.callback(None)
            self.assertEqual(self.resume(), answer + "0.0\n")

    def test_without_any_they_do_not(self) -> None:
        self.assertEqual(self.talk.say("*ESR?;*WAI;*OPC;*OPC?;*ESR?"), "128;1;1")

    def test_rst_ends_them_and_cls_ends_opc(self) -> None:
        self.assertEqual(self.talk.say("*CLS", "INIT;*OPC;*RST;*OPC?;*ESR?"), "1;0")
        self.setUp()
        self.assertEqual(self.talk.say("*CLS", "INIT;*OPC;*CLS"), "")
        self.pending.callback(None)
        self.assertEqual(self.talk.say("*ESR?"), "0")

    def test_its_failure_is_an_error(self) -> None:
        self.talk.say("INIT")
        self.pending.errback(ZeroDivisionError())
        self.assertEqual(self.talk.errors(), [-310])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_is_overlapped_is_bounded(self) -> None:
        class Busy(Supply):
            @scpi("STARt", overlapped=True)
            def start(self) -> "Deferred[None]":
                return Deferred()

        for begins in "INIT", "STAR":
            talk = Talk(Busy())
            talk.say(*[begins] * MAX_PENDING)
            self.assertEqual(talk.errors(), [])
            talk.say(begins, "*RST", begins)
            self.assertEqual(talk.errors(), [-321])

    def test_the_end_of_a_connection_ends_its_waits_only(self) -> None:
        self.talk.say("INIT;*OPC?")
        need = self.talk.session.need
        assert isinstance(need, Wait)
        assert isinstance(need.awaitable, Deferred)
        need.awaitable.addErrback(lambda _: None)
        need.awaitable.cancel()
        self.talk.session.abort(CloseReason.PEER_RESET)
        self.pending.callback(None)
        self.assertEqual(Talk(self.talk.instrument).say("*OPC?"), "1")

    def test_a_query_may_take_time(self) -> None:
        self.talk.instrument.pending = succeed(7)  # type: ignore[attr-defined]  # of the kind that is made here
        self.talk.say("VOLT?;:FETC?;CURR?", "*OPC?")
        need = self.talk.session.need
        assert isinstance(need, Wait)
        self.assertEqual(self.talk.session.resume(7), b"0.0;7;0.0\n1\n")
        need.awaitable.close()  # type: ignore[attr-defined]  # of the kind that is made here


class StatusTests(TestCase):
    def setUp(self) -> None:
        self.talk = Talk(Supply())
        self.talk.say("*CLS")

    def test_standard_events(self) -> None:
        for message, event in ("NONSENSE", 32), ("VOLT 99", 16), ("FAIL OWN", 8), ("*OPC", 1):
            self.assertEqual(self.talk.say(message, "*ESR?", "*ESR?"), f"{event}\n0")

    def test_the_status_byte(self) -> None:
        self.assertEqual(self.talk.say("*STB?"), "0")
        self.assertEqual(self.talk.say("*ESE 32;*SRE 255;*ESE?;*SRE?"), "32;191")
        self.assertEqual(self.talk.say("NONSENSE;*STB?"), str(4 + 32 + 64))
        self.assertEqual(self.talk.say("*ESR?;*STB?"), f"32;{4 + 16 + 64}")
        self.assertEqual(self.talk.say("*CLS;*STB?"), "0")
        self.assertEqual(self.talk.say("*ESE 256", "*SRE -1", "SYST:ERR?"), '-222,"Data out of range"')

    def test_registers(self) -> None:
        questionable = self.talk.instrument.status.questionable
        self.assertEqual(self.talk.say("STAT:QUES:ENAB #H3;PTR 1;NTR 2;ENAB?;PTR?;NTR?"), "3;1;2")
        questionable.condition = 3
        self.assertEqual(self.talk.say("STAT:QUES:COND?;EVEN?;*STB?;*SRE 8"), f"3;1;{16}")
        questionable.condition = 0
        self.assertEqual(self.talk.say("*STB?", "STAT:QUES?", "STAT:QUES?", "*STB?"), "72\n2\n0\n0")
        self.assertEqual(self.talk.say("STAT:PRES;QUES:ENAB?;:STAT:QUES:PTR?;:STAT:OPER:COND?"), "0;32767;0")

    def test_the_error_queue_is_bounded(self) -> None:
        self.talk.say(*["VOLT 99"] * 30)
        self.assertEqual(self.talk.say("SYST:ERR:COUN?"), "20")
        self.assertEqual(self.talk.say("*ESR?"), "24")
        self.assertEqual(self.talk.errors(), [*[-222] * 19, -350])

    def test_other_queries_that_all_have(self) -> None:
        self.assertEqual(self.talk.say("*TST?;:SYST:VERS?"), "0;1999.0")
        headers = self.talk.say("SYST:HELP:HEAD?").split("\n")
        self.assertIn("[SOURce]:VOLTage[:LEVel][:IMMediate]?", headers)


class ServingTests(TestCase):
    def test_a_factory(self) -> None:
        client = connect(InstrumentFactory(Supply(), clock=Clock()).buildProtocol(None))
        client.protocol.dataReceived(b"VOLT 5;VOLT?\r\n")
        self.assertEqual(client.read(), b"5.0\n")
        self.assertRaises(TypeError, InstrumentFactory, Supply)

    def test_a_message_that_is_too_long_is_an_error_too(self) -> None:
        factory = InstrumentFactory(Supply(), clock=Clock(), limits=Limits(max_message_bytes=20))
        client = connect(factory.buildProtocol(None))
        client.protocol.dataReceived(b"VOLT 5\nDATA #9000000100\n" + bytes(20))
        client.half_close()
        self.assertEqual(client.read(), b"")
        client = connect(factory.buildProtocol(None))
        client.protocol.dataReceived(b"VOLT?;:SYST:ERR?\n")
        self.assertEqual(client.read(), b'5.0;-363,"Input buffer overrun"\n')

    def test_datagrams(self) -> None:
        port = InstrumentDatagramProtocol(Supply(), clock=Clock())
        port.transport = transport = FakeDatagramTransport()
        for datagram in b"VOLT 5;VOLT?\n", b"NONSENSE", b"SYST:ERR?;*OPC?":
            port.datagramReceived(datagram, ("192.0.2.7", 5000))
        self.assertEqual(
            [reply for reply, _ in transport.written], [b"5.0\n", b'-113,"Undefined header";1\n']
        )

    def test_a_definition(self) -> None:
        self.assertIsNone(flaw(instrument_definition("supply", "a power supply", Supply)))
