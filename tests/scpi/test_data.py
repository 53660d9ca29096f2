"""Program data and response data: how values are written."""

import math
import struct
from typing import Annotated, Any, Literal

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.errors import DeclarationError, InstrumentError
from sockproto.scpi import Numeric, string_data
from sockproto.scpi.message import elements, units
from sockproto.scpi.program_data import kind_of
from sockproto.scpi.response_data import block_data, response
from tests.scpi.instruments import Supply, Talk, Volts

BLANKS = st.text(" \t\r", max_size=3).map(str.encode)

RIGHT: list[tuple[Any, bytes, Any]] = [
    # IEEE 488.2-1992, 7.7.2: decimal numeric program data.
    (float, b"5", 5.0), (float, b"-.5", -0.5), (float, b"+5.", 5.0), (float, b"1e-3", 1e-3),
    (float, b"1 E +3", 1e3),
    # 7.7.3: with a unit and a multiplier; table 7-2 and 7.7.3.4.
    (Volts, b"500 mV", 0.5), (Volts, b"500MV", 0.5), (Volts, b"2.5 v", 2.5), (Volts, b"1e4 UV", 0.01),
    (Volts, b"1E-3 KV", 1.0), (Annotated[float, Numeric("HZ")], b"1 MHZ", 1e6),
    (Annotated[float, Numeric("HZ")], b"1 kHz", 1e3), (Annotated[float, Numeric("OHM")], b"2 MOHM", 2e6),
    (Annotated[float, Numeric("A")], b"1 MAA", 1e6), (Annotated[float, Numeric("S")], b"1 NS", 1e-9),
    # 7.7.4: other bases.
    (Volts, b"#hf", 15.0), (Volts, b"#Q17", 15.0), (int, b"#B101", 5),
    # SCPI-99, volume 1, 7.2.1: words for numbers.
    (Volts, b"MIN", 0.0), (Volts, b"maximum", 30.0), (Volts, b"DEF", 5.0), (float, b"INF", math.inf),
    (float, b"NINFinity", -math.inf),
    (int, b"2.6", 3), (int, b"-2.6", -3),
    # 7.3: booleans.
    (bool, b"on", True), (bool, b"OFF", False), (bool, b"1", True), (bool, b"0.4", False),
    (bool, b"-7", True),
    # IEEE 488.2-1992, 7.7.5: strings. 7.7.6: blocks.
    (str, b'"a""b"', 'a"b'), (str, b"'a\"b'", 'a"b'), (str, b"'it''s'", "it's"), (str, b"''", ""),
    (bytes, b"#15hello", b"hello"), (bytes, b"#210hello,hell", b"hello,hell"), (bytes, b"#0a,\nb", b"a,\nb"),
    # 7.7.1: character data.
    (Literal["VOLTage", "CURRent"], b"volt", "VOLTage"),
    (Literal["VOLTage", "CURRent"], b"CURRENT", "CURRent"),
    (Literal[1, 2], b"2", 2), (Literal["A4", "low"], b"LOW", "low"),
]  # fmt: skip

WRONG: list[tuple[Any, bytes, int]] = [
    (float, b"5 V", -138), (Volts, b"5 A", -131), (Volts, b"31", -222), (Volts, b"-1mV", -222),
    (Volts, b"HIGH", -141), (float, b"MAX", -141), (Volts, b"5..5", -121), (Volts, b"+", -121),
    (Volts, b"1e99999", -123), (Volts, b"1e" + b"0" * 300, -123), (Volts, b"0" * 300, -124),
    (Volts, b"'5'", -158), (Volts, b"#15hello", -168), (Volts, b"(@1)", -178), (Volts, b"", -109),
    (Volts, b"#HXY", -121), (Volts, b"#Q8", -121), (int, b"INF", -222), (Volts, b"$", -101),
    (bool, b"YES", -141), (bool, b"'ON'", -158), (bool, b"1 V", -138),
    (str, b"abc", -148), (str, b"5", -128), (str, b'"abc', -151), (str, b'"', -151), (str, b'"a"b"', -151),
    (bytes, b"#15hell", -161), (bytes, b"#15hello!", -161), (bytes, b"#1x", -161), (bytes, b"'a'", -158),
    (Literal["VOLTage"], b"VOLTA", -141), (Literal["VOLTage"], b"5", -128), (Literal[1, 2], b"3", -224),
]  # fmt: skip


class ProgramDataTests(TestCase):
    def test_what_is_right(self) -> None:
        for annotation, element, value in RIGHT:
            self.assertEqual(kind_of(annotation).parse(element), value, element)

    def test_what_is_wrong(self) -> None:
        for annotation, element, number in WRONG:
            error = self.assertRaises(InstrumentError, kind_of(annotation).parse, element)
            self.assertEqual(error.number, number, element)

    def test_what_is_no_parameter(self) -> None:
        for annotation in list, None, Literal["a b"], Literal["VOLT", "VOLTage"], Literal[()]:
            self.assertRaises(DeclarationError, kind_of, annotation)

    @given(st.floats(0, 30), BLANKS)
    def test_numbers(self, volts: float, blanks: bytes) -> None:
        for written in repr(volts), f"{volts:e}", f"{volts:+.20g}":
            parsed = kind_of(Volts).parse(written.encode() + blanks.strip(b"\r") + b"V")
            self.assertAlmostEqual(parsed, volts, 4)

    @given(st.text(st.characters(max_codepoint=255)), st.sampled_from("\"'"), st.binary())
    def test_strings_and_blocks(self, text: str, quote: str, data: bytes) -> None:
        string = (quote + text.replace(quote, quote * 2) + quote).encode()
        block = block_data(data)
        self.assertEqual(elements(string + b" ," + block + b", " + string), [string, block, string])
        self.assertEqual(list(units(b"A " + string + b";B " + block)), [(b"A", string), (b"B", block)])
        self.assertEqual(kind_of(str).parse(string), text)
        self.assertEqual(kind_of(bytes).parse(block), data)

    @given(st.binary(max_size=40), st.sampled_from([each[0] for each in RIGHT]))
    def test_whatever_comes_is_a_value_or_an_error(self, element: bytes, annotation: Any) -> None:
        try:
            value = kind_of(annotation).parse(element)
        except InstrumentError as error:
            self.assertTrue(-199 <= error.number <= -101 or error.number in (-222, -224))
        else:
            self.assertIsNotNone(value)


class ResponseDataTests(TestCase):
    def test_values(self) -> None:
        for value, written in [
            (1, b"1"), (-2, b"-2"), (True, b"1"), (False, b"0"), (4.2, b"4.2"), (1e-07, b"1.0E-07"),
            (1e22, b"1.0E+22"),
            (1.5e-7, b"1.5E-07"), (math.inf, b"9.9E+37"), (-math.inf, b"-9.9E+37"), (math.nan, b"9.91E+37"),
            ("a,b", b"a,b"), (string_data('a"b'), b'"a""b"'), (b"hello", b"#15hello"), (b"", b"#10"),
            (b"x" * 12, b"#212" + b"x" * 12), ([1, 2.5, "x"], b"1,2.5,x"),
            ((1, (2, 3)), b"1,2,3"), ("é", "é".encode()),
        ]:  # fmt: skip
            self.assertEqual(response(value), written)

    def test_what_is_none(self) -> None:
        self.assertRaises(TypeError, response, None)
        self.assertRaises(TypeError, response, object())
        self.assertRaises(ValueError, response, "a\nb")
        self.assertRaises(ValueError, response, '"a"\n"b"')
        self.assertEqual(response(string_data("a\nb")), b'"a\nb"')

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_a_number_comes_back(self, value: float) -> None:
        self.assertEqual(kind_of(float).parse(response(value)), value)


class ConversationTests(TestCase):
    def test_settings(self) -> None:
        talk = Talk(Supply())
        self.assertEqual(talk.say("VOLT 500 mV;VOLT?;CURR 1;CURR?;FREQ 1 kHz;FREQ?"), "0.5;1.0;1000.0")
        self.assertEqual(talk.say("FUNC curr;FUNC?;:OUTP ON;:OUTP?;:POIN 2.5;:POIN?"), "CURR;1;2")
        self.assertEqual(talk.say("DISP:TEXT 'a;\"b';TEXT?;TEXT:QUOT?"), '"a;""b";"a;""b"')
        self.assertEqual(talk.say(b"DATA #15a\n;,b;DATA?"), "#15a\n;,b")
        self.assertEqual(talk.say(b"DATA #0a;b,c", b"DATA?"), "#15a;b,c")
        self.assertEqual(talk.say("*RST;VOLT?;FUNC?;:OUTP?;:DISP:TEXT?"), '0.0;VOLT;0;""')
        self.assertEqual(talk.errors(), [])

    def test_a_query_is_asked_for_limits(self) -> None:
        talk = Talk(Supply())
        self.assertEqual(talk.say("VOLT? MAX;VOLT? MINimum;VOLT? DEF;VOLT?"), "30.0;0.0;5.0;0.0")
        self.assertEqual(talk.say("POIN? MAX"), "1000")
        self.assertEqual(talk.say("VOLT? 5;CURR? DEF;:FREQ? MAX;:OUTP? MAX"), "")
        self.assertEqual(talk.errors(), [-108, -141, -108, -108])

    def test_parameters(self) -> None:
        talk = Talk(Supply())
        self.assertEqual(talk.say("MEAS:VOLT?;VOLT? 5;VOLT? 5 , 0.1"), "0.0,10,None;0.0,5.0,None;0.0,5.0,0.1")
        self.assertEqual(talk.say("VOLT", "VOLT ,", "VOLT 1,2", "MEAS:VOLT? ,1", "*RST 1", "TRIG:ALL? x"), "")
        self.assertEqual(talk.errors(), [-109, -109, -108, -109, -108, -141])

    def test_a_waveform(self) -> None:
        talk = Talk(Supply())
        wave = struct.pack(">4h", 10, -10, 2609, 0)  # with newlines among its bytes
        self.assertEqual(talk.say(b"DATA " + block_data(wave), b"DATA?").encode("latin-1"), block_data(wave))
