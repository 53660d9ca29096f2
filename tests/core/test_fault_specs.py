"""How faults are written."""

from twisted.trial.unittest import TestCase

from sockproto.core.faults.catalog import FAULTS
from sockproto.core.faults.plan import Faults
from sockproto.core.faults.spec import FaultSpec
from sockproto.core.faults.values import Amount, Span
from sockproto.errors import OptionError

EXAMPLES = {
    "[SECONDS]": ("2.5", Span(2.5, 2.5)),
    "SECONDS": ("0.1..0.5", Span(0.1, 0.5)),
    "BYTES/s": ("10/s", 10),
    "BYTES": ("1", 1),
    "SHARE": ("0.25", 0.25),
    "AMOUNT": ("3messages", Amount(3, True)),
}


class SpecTests(TestCase):
    def test_each_fault_is_read_and_written(self) -> None:
        for fault in FAULTS.values():
            text, value = EXAMPLES.get(fault.form, ("", ""))
            written = f"{fault.name}={text}" if text else fault.name
            spec = FaultSpec.parsed(written)
            self.assertEqual(spec.faults, {fault.name: value})
            self.assertEqual(str(spec), written)

    def test_what_they_share(self) -> None:
        spec = FaultSpec.parsed(r"delay=1,garble=.5,share=0.05,match=a\,b\\c,seed=7,on=tcp:9999")
        self.assertEqual((spec.share, spec.match, spec.seed, spec.on), (0.05, rb"a,b\c", 7, "tcp:9999"))
        self.assertEqual(str(spec), r"delay=1,garble=0.5,share=0.05,match=a\,b\\c,seed=7")
        self.assertEqual(FaultSpec.parsed(str(spec)).match, spec.match)

    def test_amounts_rates_and_segments(self) -> None:
        for text, value in [
            ("close-after=10", Amount(10, False)),
            ("close-after=10bytes", Amount(10, False)),
            ("close-after=1 message", Amount(1, True)),
            ("drip=10", 10),
            ("split=random", 0),
            ("no-read", None),
        ]:
            [found] = FaultSpec.parsed(text).faults.values()
            self.assertEqual(found, value, text)

    def test_what_is_wrong_is_said_in_one_line(self) -> None:
        for text, words in [
            ("", "no fault is named; one of delay,"),
            ("delay", "delay needs a value: delay=SECONDS"),
            ("delay=", "delay needs a value"),
            ("no-read=", "no-read needs a value"),
            ("delay=soon", "delay must be a number of seconds"),
            ("delay=2..1", "delay must be SECONDS or LEAST..MOST"),
            ("delay=-1", "delay must be a number of seconds"),
            ("close-at-open=1", "close-at-open has no value"),
            ("garble=2", "garble must be a share from 0 to 1"),
            ("garble=nan", "garble must be a share"),
            ("drip=0", "drip must be a whole number, 1 or more"),
            ("split=0", "split must be a whole number, 1 or more"),
            ("close-after=3x", "close-after must be a number of bytes, or of messages"),
            ("dely=1", "there is no 'dely'; one of delay,"),
            ("delay=1,delay=2", "delay is given twice"),
            ("share=0.5", "no fault is named; one of delay,"),
            ("delay=1,", "nothing before or after a comma"),
            (",delay=1", "nothing before or after a comma"),
            ("first-byte=1,match=x", "match does not go with first-byte"),
            ("delay=1,seed=x", "seed must be a whole number"),
        ]:
            with self.assertRaises(OptionError) as caught:
                FaultSpec.parsed(text)
            self.assertIn(words, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_where_they_are(self) -> None:
        for on, description, is_there in [
            ("", "tcp:9999", True),
            ("tcp", "tcp:9999", True),
            ("tcp:", "tcp:9999", True),
            ("TCP:9999", "tcp:9999:interface=::1", True),
            ("tcp:99", "tcp:9999", False),
            ("tcp", "tcp6:9999", False),
            ("udp", "tcp:9999", False),
            ("unix:/run/a", "unix:/run/a:mode=660", True),
            ("tcp", "haproxy:tcp:9999", True),
            ("haproxy", "haproxy:tcp:9999", True),
            ("haproxy:tcp:9999", "haproxy:tcp:9999", True),
            ("haproxy", "tcp:9999", False),
            ("systemd", "systemd:domain=INET:index=0", True),
            (r"unix:/run/a\:b", r"unix:/run/a\:b:mode=660", True),
            ("unix:/run/a", r"unix:/run/a\:b", False),
            ("stdio", "stdio:", True),
        ]:
            self.assertEqual(
                FaultSpec.parsed(f"delay=1,on={on}" if on else "delay=1").is_on(description), is_there
            )

    def test_streams_and_datagrams_have_what_they_can(self) -> None:
        faults = Faults("delay=1,drop=0.5,drip=1/s", "close-at-open")
        self.assertEqual(str(faults.fitting("tcp:9", False)), "delay=1,drip=1/s and close-at-open")
        self.assertEqual(str(faults.fitting("udp:9", True)), "delay=1,drop=0.5")
        self.assertIsNone(Faults("drop=1").fitting("tcp:9", False))

    def test_what_may_be_given(self) -> None:
        self.assertIsNone(Faults.given(None))
        self.assertIsNone(Faults.given([]))
        self.assertEqual(str(Faults.given("delay=1")), "delay=1")
        self.assertEqual(str(Faults.given(["delay=1", "drop=1"])), "delay=1 and drop=1")
        faults = Faults("delay=1")
        self.assertIs(Faults.given(faults), faults)
        for wrong in 1, [1], b"delay=1":
            with self.assertRaises(TypeError):
                Faults.given(wrong)  # type: ignore[arg-type]  # so it is meant
