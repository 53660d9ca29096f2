"""What a command is given, and what is wrong with it; how it is explained."""

import json

from hypothesis import given, strategies as st

from sockproto import CommandSet, command, quote
from sockproto.commands.words import Splitter
from tests.commands.talking import Everything, Instrument, TalkTests


class ArgumentTests(TalkTests):
    def test_each_type(self) -> None:
        self.answers(
            Everything(),
            **{
                "/typed -7": b"(-7, 0.5, False, 'OFF', 2)",
                '/typed "7" +.5e1 ON  "cool down"\tleft': b"(7, 5.0, True, 'COOL', 'left')",
                "/typed 7 1. off off 2 ": b"(7, 1.0, False, 'OFF', 2)",
                r'/text "a \"b\" \\ \n"': b"('a \"b\" \\\\ \\\\n', None)",
                "/text it's x\"y": b"(\"it's\", b'x\"y')",
                '/text "" \xff'.encode("latin-1").decode("latin-1"): b"('', b'\\xc3\\xbf')",
                "/plain x": b"'x'",
                "/add": b"0",
                "/add 1 2 -4": b"-1",
                '/tell Bob  say "hi"  there ': b'Bob: say "hi"  there ',
                '/tell "Big Bob" x': b"Big Bob: x",
            },
        )

    def test_what_is_wrong_is_told(self) -> None:
        usage = b"/typed WHOLE [NUMBER] [FLAG] [MODE] [SIDE]"
        self.answers(
            Everything(),
            **{
                "/typed": b"error: WHOLE is missing; write " + usage,
                "/typed 1.0": b"error: WHOLE must be a whole number",
                "/typed 1_0": b"error: WHOLE must be a whole number",
                "/typed \u0661": b"error: WHOLE must be a whole number",
                "/typed " + "9" * 5000: b"error: WHOLE must be a whole number",
                "/typed 1 nan": b"error: NUMBER must be a number",
                "/typed 1 1e999": b"error: NUMBER must be a number",
                "/typed 1 1 maybe": b"error: FLAG must be on or off",
                "/typed 1 1 on HEAT": b"error: MODE must be heat, cool down or off",
                "/typed 1 1 on heat 3": b"error: SIDE must be left or 2",
                "/typed 1 1 on heat 2 x": b"error: too many arguments; write " + usage,
                "/tell Bob ": b"error: TEXT is missing; write /tell WHO TEXT...",
                "/add 1 two": b"error: NUMBERS must be a whole number",
                '/plain "x': b"error: a quote is not closed, or something follows it without a separator",
                '/plain "x"y': b"error: a quote is not closed, or something follows it without a separator",
                "/nope": b"error: unknown command, see /help",
                "/": b"error: unknown command, see /help",
                "/TYPED 1": b"error: unknown command, see /help",
            },
        )
        self.assertEqual(self.say(b"/plain \xff"), b"error: WORD must be text in UTF-8\n")
        self.assertEqual(self.say(b"no command", b"", b" /add"), b"")

    def test_an_instruments_rules(self) -> None:
        self.answers(
            Instrument(),
            **{
                "meas:volt?": b"1.0 V",
                " MEASURE:Voltage? 2": b"2.0 V",
                'MEAS:VOLT? 2 , "mv"': b"2.0 mV",
                "MEAS:VOLT? 2,mV,": b"error: too many arguments; write MEAS:VOLT? [SCALE],[UNIT]",
                "MEAS:VOLT? ,mV": b"error: SCALE must be a number",
                "nope": b"error: unknown command, see help",
                "help": b"*RST MEAS:VOLT? help",
            },
        )
        self.assertEqual(self.say(b"*rst", b"", b"  "), b"")
        self.assertEqual(self.say(b"MEAS:VOLT?\r"), b"1.0 V\r\n")

    @given(st.lists(st.binary().filter(lambda word: b"\n" not in word)), st.sampled_from(" ,"))
    def test_what_is_quoted_comes_back(self, words: list[bytes], separator: str) -> None:
        line = separator.encode().join(map(quote, words))
        self.assertEqual(Splitter(separator).split(line, len(words)), (words, None))

    def test_a_newline_can_not_be_quoted(self) -> None:
        self.assertRaises(ValueError, quote, "a\nb")
        self.assertEqual(quote("plain-1.5"), b"plain-1.5")


class HelpTests(TalkTests):
    def test_words_and_one_word(self) -> None:
        self.answers(
            Everything(),
            **{
                "/help": b"/add /count /deferred /give /help /later /plain /refuse /tell /text /typed"
                b"\n/where",
                "/help typed": b"/typed WHOLE [NUMBER] [FLAG] [MODE] [SIDE]: Show what came. (WHOLE is a "
                b"whole number; NUMBER is a number; FLAG is on or off; MODE is heat, cool down or off; "
                b"SIDE is left or 2)",
                "/help /c": b"/count",
                "/help add": b"/add [NUMBERS...] (NUMBERS is a whole number)",
                "/help nope": b"error: unknown command, see /help",
                "/help a b": b"error: too many arguments; write /help [NAME]",
            },
        )

    def test_for_programs(self) -> None:
        self.connect(Everything())
        described = json.loads(self.say(b"/help json"))
        self.assertEqual((described["prefix"], described["separator"]), ("/", " "))
        commands = {one["name"]: one for one in described["commands"]}
        self.assertEqual(commands["/count"]["aliases"], ["/c"])
        first, second = commands["/text"]["parameters"]
        self.assertEqual((first["name"], first["type"], first["required"]), ("FIRST", "text", True))
        self.assertEqual((second["name"], second["type"], second["required"]), ("SECOND", "bytes", False))
        self.assertTrue(commands["/tell"]["parameters"][1]["rest"])
        self.assertTrue(commands["/add"]["parameters"][0]["repeated"])
        self.assertEqual(commands["/typed"]["parameters"][3]["choices"], ["heat", "cool down", "off"])

    def test_a_command_called_json_is_explained(self) -> None:
        class Set(CommandSet):
            @command
            def json(self) -> None:
                """Mine."""

        self.answers(Set(), **{"/help json": b"/json: Mine."})

    def test_a_set_without_help(self) -> None:
        class Set(CommandSet):
            help = None  # type: ignore[assignment]

        self.answers(Set(), **{"/help": b"error: unknown command"})
