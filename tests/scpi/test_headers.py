"""Headers: their spellings, their paths, their suffixes."""

import math
from itertools import product
from typing import Annotated, Any, Literal

from hypothesis import assume, given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto import DeclarationError
from sockproto.scpi import Instrument, InstrumentError, Numeric, Setting, scpi
from sockproto.scpi.headers import HeaderTree
from sockproto.scpi.notation import ProgramHeader, parse_header, short_form
from tests.scpi.instruments import Supply, Talk

PATHS: list[tuple[str, str, list[str | int]]] = [
    # IEEE 488.2-1992, appendix A.1.2 and SCPI-99, volume 1, 6.2.4: a message, and the headers that it means.
    ("*IDN?", "the first header of a message begins at the root", ["*IDN"]),
    ("VOLT 1;CURR 2", "the next is looked up where the last node before it was", ["VOLT", "CURR"]),
    ("SOUR:VOLT 1;CURR 2", "the same below a node", ["VOLT", "CURR"]),
    ("SOUR:VOLT 1;:CURR 2", "a colon goes back to the root", ["VOLT", "CURR"]),
    (":SOUR:VOLT 1;FUNC CURR", "also at the beginning", ["VOLT", "FUNC"]),
    ("VOLT:LEV 1;PROT 2", "the path goes as deep as nodes are written", ["VOLT", "PROT"]),
    ("VOLT:LEV 1;PROT:LEV 2;:CURR 3", "and deeper with each header", ["VOLT", "PROT", "CURR"]),
    ("SOUR:VOLT:LEV:IMM 1;IMM 2", "down to the last", ["VOLT", "VOLT"]),
    ("VOLT 1;VOLT 2;VOLT 3", "a node that is not written is not in the path", ["VOLT"] * 3),
    ("VOLT 1;PROT 2", "nor is what could have been written", ["VOLT", -113]),
    ("VOLT:LEV 1;CURR 2", "what is elsewhere needs its path", ["VOLT", -113]),
    ("VOLT:LEV 1;VOLT:LEV 2", "a path is not written twice", ["VOLT", -113]),
    ("VOLT:LEV 1;*CLS;PROT 2", "a common command leaves the path (488.2, A.1.3)", ["VOLT", "*CLS", "PROT"]),
    ("VOLT:LEV 1;NONSENSE;PROT 2", "so does what is not known", ["VOLT", -113, "PROT"]),
    ("VOLT:LEV 1\nPROT 2", "the end of a message does not", ["VOLT", -113]),
    ("VOLT:LEV 1;;PROT 2;", "nothing between semicolons is nothing (488.2, 7.3.2)", ["VOLT", "PROT"]),
    (" VOLT:LEV\t1 ; PROT 2 ", "white space (488.2, 7.4.1)", ["VOLT", "PROT"]),
]  # fmt: skip

SHORT_AND_LONG = st.sampled_from([str.upper, str.lower, str.title, str.swapcase])


def spellings(header: ProgramHeader) -> Any:
    """Return a strategy for all ways to write a header."""
    nodes = []
    for mnemonic in header.mnemonics:
        words = [short_form(mnemonic.long), mnemonic.long]
        words += [f"{word}1" for word in words if not header.is_common]
        nodes.append(st.sampled_from([*words, *([""] if mnemonic.optional else [])]))
    colon = st.sampled_from(["", "" if header.is_common else ":"])

    def join(drawn: tuple[str, Any, tuple[str, ...]]) -> str:
        colon, case, words = drawn
        return f"{colon}{case(':'.join(filter(None, words)))}{'?' * header.is_query}"

    return st.tuples(colon, SHORT_AND_LONG, st.tuples(*nodes)).map(join)


WORDS = st.sampled_from(["A", "AA", "Ab", "ABc", "B", "B2", "B2c", "Bc"])
NODES = st.tuples(WORDS, st.sampled_from(["", "", "<n>"])).map("".join)
HEADERS = st.tuples(
    st.lists(st.tuples(NODES, st.booleans()), min_size=1, max_size=3), st.sampled_from(["", "?"])
).map(lambda drawn: "".join(f"[:{node}]" if left else f":{node}" for node, left in drawn[0]) + drawn[1])
PIECES = st.sampled_from(["a", "AA", "AB", "Abc", "B", "b2", "bc", "1", "2", ":", "?"])
RECEIVED = st.lists(PIECES, max_size=6).map("".join)


class Named:
    """What stands for a header."""

    overlapped = False

    def __init__(self, header: ProgramHeader) -> None:
        self.header = header

    def parse_suffixes(self, suffixes: tuple[int, ...]) -> tuple[object, ...]:
        """Take one or two where there is a parameter, one elsewhere."""
        for mnemonic, suffix in zip(self.header.mnemonics, suffixes, strict=True):
            if suffix not in ((1, 2) if mnemonic.suffix else (1,)):
                raise InstrumentError(-114)
        return suffixes

    def call(self, *args: Any) -> None:
        """Do nothing."""

    def answer(self, value: Any) -> Any:
        """Answer nothing."""


def declare(headers: list[str]) -> HeaderTree:
    """Make a tree of headers."""
    tree = HeaderTree()
    for header in headers:
        tree.add(Named(parse_header(header)))
    tree.require_unambiguous()
    return tree


def all_spellings(header: ProgramHeader) -> set[str]:
    """Return all ways to write a header, in capital letters, without a colon before it."""
    nodes = []
    for mnemonic in header.mnemonics:
        forms = [form.decode() for form in mnemonic.forms]
        suffixes = ["", "1", "2"] if mnemonic.suffix else ["", "1"]
        written = [
            form + suffix for form in forms for suffix in suffixes if not (suffix and form[-1].isdigit())
        ]
        nodes.append(written + [""] * mnemonic.optional)
    return {":".join(filter(None, words)) + "?" * header.is_query for words in product(*nodes)}


class HeaderTests(TestCase):
    def test_paths(self) -> None:
        for message, why, meant in PATHS:
            talk = Talk(Supply())
            called: list[str | int] = []
            find = talk.instrument.headers.find

            for unit in message.split("\n"):
                path = talk.instrument.headers.root
                for header in unit.split(";"):
                    if not header.strip():
                        continue
                    try:
                        found = find(header.split()[0].encode(), path)
                    except InstrumentError as error:
                        called.append(error.number)
                    else:
                        path = found.path
                        mnemonics = found.declared.header.mnemonics
                        named = [m for m in mnemonics if not m.optional][-1].long
                        called.append(short_form(named))
            self.assertEqual(
                called, [each.rstrip("?") if isinstance(each, str) else each for each in meant], why
            )
            talk.say(message)
            self.assertEqual(talk.errors(), [each for each in meant if isinstance(each, int)], why)

    @given(st.data())
    def test_every_spelling_means_the_same(self, data: Any) -> None:
        declared = data.draw(st.sampled_from(Supply.headers.declared))
        spelling = data.draw(spellings(declared.header))
        found = Supply.headers.find(spelling.encode(), Supply.headers.root)
        self.assertIs(found.declared, declared)

    @given(st.lists(HEADERS, min_size=1, max_size=4), st.data())
    def test_whatever_is_declared(self, headers: list[str], data: Any) -> None:
        try:
            tree = declare(headers)
        except DeclarationError:
            assume(False)
        meant = {each: declared for declared in tree.declared for each in all_spellings(declared.header)}
        for received in data.draw(st.lists(RECEIVED | st.sampled_from(sorted(meant)), max_size=8)):
            expected = meant.get(received.upper().removeprefix(":"))
            try:
                found = tree.find(received.encode(), tree.root)
            except InstrumentError as error:
                self.assertIsNone(expected, received)
                self.assertIn(error.number, (-101, -111, -112, -113, -114))
            else:
                self.assertIs(found.declared, expected, received)
                path, _, last = received.rpartition(":")
                for other in meant:
                    if path.upper().removeprefix(":") == other.rpartition(":")[0]:
                        relative = tree.find(other.rpartition(":")[2].encode(), found.path)
                        self.assertIs(relative.declared, meant[other], f"{received};{last}")

    def test_what_is_wrong_with_a_header(self) -> None:
        wrong = {
            "NONSENSE": -113, "VOLTA?": -113, "VOLTAGES?": -113, "MEAS?": -113, "*RST?": -113, "*IDN": -113,
            "MEAS:VOLT:AC?": -113, "TRIG4:DEL?": -114, "TRIG0:DEL?": -114, "VOLT2?": -114, "SYST:ERR2?": -114,
            "VOLT%?": -101, "VOLT::LEV?": -101, "VOLT?5": -111, "2VOLT?": -101, "\xff": -101,
            "ABCDEFGHIJKLM?": -112,
        }  # fmt: skip
        talk = Talk(Supply())
        for header, number in wrong.items():
            self.assertEqual(talk.say(header), "")
            self.assertEqual(talk.errors(), [number], header)

    def test_numeric_suffixes(self) -> None:
        talk = Talk(Supply())
        self.assertEqual(talk.say("TRIG2:DEL 5;DEL?;:TRIG:DEL?;:TRIGGER1:DEL?;:trig2:delay1?"), "5;0;0;5")
        self.assertEqual(talk.say("TRIG3:ALL? 4,5"), "3,4,5")
        self.assertEqual(talk.errors(), [])

    def test_what_can_not_be_declared(self) -> None:
        def declared(header: str) -> Any:
            def method(self: Any) -> int:
                return 0

            return scpi(header)(method)

        for header in "", "?", "VOLTage:", "::VOLTage", "voltage", "[VOLTage]", "VOLTage??", "VOLTage LEVel",\
                "[VOLTage", "*IDNX", "VOLTage<>", "B2<n>", "B2b<n>", "ABCDEFGHIJKLm":  # fmt: skip
            self.assertRaises(DeclarationError, scpi, header)
        for one, other in (
            ("VOLTage", "VOLTage"),
            ("VOLTage", "VOLT"),
            ("VOLTage:LEVel", "VOLTmeter:LEVel"),
            ("[SOURce]:VOLTage", "[SENSe]:VOLTage"),
            ("VOLTage[:LEVel]", "VOLTage"),
            ("*IDN?", "*IDN?"),
        ):
            made = {"one": declared(one), "other": declared(other)}
            self.assertRaises(DeclarationError, type, "Wrong", (Instrument,), made)

    def test_a_setting_has_a_value_of_its_type_after_reset(self) -> None:
        volts, mode = Annotated[float, Numeric("V", 0, 30)], Literal["LATCh", "FOLLow"]
        wrong: list[tuple[Any, Any]] = [
            (volts, 31.0), (volts, "warm"), (volts, None), (int, 1.5), (bool, "ON"), (str, 5), (mode, "LATC"),
        ]  # fmt: skip
        for annotation, value in wrong:
            made = {"made": Setting("TEMPerature", annotation, value)}
            error = self.assertRaises(DeclarationError, type, "Wrong", (Instrument,), made)
            self.assertIn("Wrong.made: its value after *RST must be ", str(error))
        right: list[tuple[Any, Any]] = [
            (volts, 30), (float, math.inf), (bool, 1), (str, 'a "b"'), (mode, "LATCh"),
        ]  # fmt: skip
        for annotation, value in right:
            type("Right", (Instrument,), {"made": Setting("TEMPerature", annotation, value)})

    def test_names_that_every_instrument_has(self) -> None:
        def version(self: Any) -> str:
            return "1999.0"

        for name in "status", "reset", "settings", "identity", "wait":
            made = {name: Setting("TEMPerature", float, 0.0)}
            error = self.assertRaises(DeclarationError, type, "Wrong", (Instrument,), made)
            self.assertIn(f"Wrong.{name}: every instrument has that name", str(error))
        self.assertRaises(DeclarationError, type, "Wrong", (Instrument,), {"test": scpi("TEST?")(version)})
        type("Right", (Instrument,), {"version": scpi("SYSTem:VERSion?")(version), "test": lambda self: 0})

    def test_what_a_numeric_can_not_be(self) -> None:
        self.assertIn("write Numeric(minimum=0", str(self.assertRaises(DeclarationError, Numeric, 0, 30)))
        self.assertRaises(DeclarationError, Numeric, "V", 30, 0)
        self.assertRaises(DeclarationError, Numeric, "V", 0, 30, default=31)

    def test_a_header_is_shown_as_it_was_declared(self) -> None:
        for header in "[SOURce<n>]:VOLTage[:LEVel]?", "MEASure:VOLTage[:DC]?", "*IDN?", "*RST", "A[:B]":
            self.assertEqual(str(parse_header(header)), header)
        for other in ("[SOURce:]VOLTage", "[SOURce]:VOLTage"), ("A:[B]", "A[:B]"):
            self.assertEqual(str(parse_header(other[0])), other[1])
