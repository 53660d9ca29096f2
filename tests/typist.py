"""Types lines for a command set of which it knows no more than what ``/help json`` says.

What the documentation says of words and lines is written down here once more, without the code under test.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.commandsets import Mode, answer

CHOICES: dict[tuple[str, ...], dict[bytes, Any]] = {
    ("heat", "Cool", "off"): {b"heat": Mode.HEAT, b"Cool": Mode.COOL, b"off": Mode.OFF},
    ("low", "very high", "3"): {b"low": "low", b"very high": "very high", b"3": 3},
}
"""What the choices that help lists mean."""

TRUTHS = {b"on": True, b"true": True, b"yes": True, b"1": True,
          b"off": False, b"false": False, b"no": False, b"0": False}  # fmt: skip
BLANKS = b" \t\r\x0b\x0c"
NOTHING = object()
"""What a word means that means nothing."""

# What the documentation says.


def meaning(parameter: dict[str, Any], word: bytes, folds: bool) -> Any:
    """Return what a word means as an argument; ``NOTHING`` if it may not stand there."""
    kind = parameter["type"]
    if kind == "bytes":
        return word
    if kind == "choice":
        known = CHOICES[tuple(parameter["choices"])]
        return next((known[each] for each in known if each == word or (folds and same(each, word))), NOTHING)
    if kind == "boolean":  # on, true, yes, 1, and their opposites, in upper or lower case
        return TRUTHS.get(word.lower(), NOTHING)
    try:
        text = word.decode()
    except UnicodeDecodeError:
        return NOTHING
    if kind == "text":
        return text
    if kind == "integer":  # ASCII digits, a thousand at most, maybe with a sign
        return int(text) if re.fullmatch("[+-]?[0-9]{1,1000}", text) else NOTHING
    # A number: decimal, with a point and an exponent or without, and not too large.
    decimal = re.fullmatch(r"[+-]?(?=[0-9]|\.[0-9])[0-9]*(\.[0-9]*)?([eE][+-]?[0-9]+)?", text)
    value = float(text) if decimal else math.inf
    return value if math.isfinite(value) else NOTHING


def same(one: bytes, two: bytes) -> bool:
    """Tell whether two words are the same but for the case of their letters."""
    return one.lower() == two.lower()


def split(text: bytes, separator: bytes, most: int) -> tuple[list[bytes], bytes | None] | None:
    """Split a line into so many words at most, character by character; None if its quotes are wrong.

    What follows them is None if nothing does, ``b""`` if only a separator does.
    """
    words: list[bytes] = []
    promised = False  # a separator promises a word
    while (text := text.lstrip(BLANKS)) or promised:
        if len(words) == most:
            return words, text
        if text[:1] == b'"':
            end = text_end = 1
            while text[end : end + 1] != b'"':
                end += 2 if text[end : end + 1] == b"\\" else 1
                if end >= len(text):
                    return None
            text_end = end + 1
            words.append(re.sub(rb'\\(["\\])', rb"\1", text[1:end]))
            if separator == b" " and text[text_end : text_end + 1].strip(BLANKS):
                return None
            text = text[text_end:].lstrip(BLANKS)
            if separator != b" " and text and not text.startswith(separator):
                return None
        elif separator == b" ":
            words.append(text.split(None, 1)[0])
            text = text[len(words[-1]) :]
        else:
            words.append(text.partition(separator)[0].strip(BLANKS))
            text = text[text.index(separator) :] if separator in text else b""
        promised = separator != b" " and text.startswith(separator)
        text = text[promised:]
    return words, None


def expected(described: dict[str, Any], text: bytes, separator: bytes, folds: bool) -> list[Any] | None:
    """Return what a command is to be called with for what follows its word; None: it gets an error line."""
    parameters = described["parameters"]
    single = [p for p in parameters if not p["rest"] and not p["repeated"]]
    tail = parameters[len(single) :]
    splitted = split(text, separator, len(text) + 1 if tail and tail[0]["repeated"] else len(single))
    if splitted is None:
        return None
    words, rest = splitted
    values = [meaning(p, word, folds) for p, word in zip(single, words, strict=False)]
    for parameter in single[len(words) :]:
        values.append(NOTHING if parameter["required"] else None)
    if tail and tail[0]["repeated"]:
        values += [meaning(tail[0], word, folds) for word in words[len(single) :]]
    elif tail:
        absent = NOTHING if tail[0]["required"] else None
        if rest is not None and tail[0]["type"] not in ("text", "bytes"):
            rest = rest.strip(BLANKS)
        values.append(absent if rest is None else meaning(tail[0], rest, folds))
    elif rest is not None:
        return None
    return None if any(value is NOTHING for value in values) else values


# What is typed.

INTEGERS = ["7", "-0", "+12", "0012", "9" * 1000]
NUMBERS = ["21.5", ".5", "-3.", "1e3", "+2E-7", "1e308", "-0"]
RIGHT_WORDS = [word.encode() for word in [*INTEGERS, *NUMBERS]] + [*TRUTHS, b"On", b"heat", b"very high"]
WRONG_WORDS = [
    *(b"x", b"1x", b"0x10", b"1_000", "٣".encode(), b"", b"-", b"+-1", b"9" * 1001, b"nan", b"inf", b"1e999"),
    *(b".", b"e5", b"1 2", b"1.5", b"onn", b"oui", b"2", b"hea", b"heat cool", b"\xff"),
]
"""Nearly right for one type or another."""

WORDS: dict[str, st.SearchStrategy[bytes]] = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12).map(
        lambda word: word.replace("\r\0", "\r").encode()  # which ends a line, as CR LF does
    ),
    "bytes": st.binary(max_size=12).map(lambda word: word.replace(b"\n", b"").replace(b"\r\0", b"\r")),
    "integer": st.one_of(st.sampled_from(INTEGERS), st.integers().map(str)).map(str.encode),
    "number": st.one_of(
        st.sampled_from(NUMBERS), st.floats(allow_nan=False, allow_infinity=False).map(repr)
    ).map(str.encode),
    "boolean": st.sampled_from([*sorted(TRUTHS), b"On", b"FALSE", b"yEs"]),
}
"""How values may be written, by what help calls their types; choices are listed there."""

JUNK = [b" ", b",", b'"', b"\\", b"\t", b"\r", b"1", b"heat", b"ON", b".5", b"\xff"]


@dataclass
class Line:
    """A line, and what must come of it.

    Attributes:
        text: What is sent, without its newline.
        name: The command's first name, without the prefix.
        values: What it is to be called with; None: there must be an error line.
        streams: Whether its answer is streamed.
    """

    text: bytes
    name: str
    values: list[Any] | None
    streams: bool = False

    def replies(self) -> list[bytes] | None:
        """Return the reply's lines, None for an error line."""
        return None if self.values is None else [line.encode() for line in answer(self.name, self.values)]


class Typist:
    """Knows no more of commands than what ``/help json`` says of them, and types lines.

    Args:
        described: That.
        draw: Draws from a strategy.
    """

    def __init__(self, described: dict[str, Any], draw: Any) -> None:
        self._draw = draw
        self.prefix: str = described["prefix"]
        self.folds = not described["case_sensitive"]
        self.separator = described["separator"].encode()
        self.commands = [each for each in described["commands"] if self.bare(each) not in ("help", "refuse")]

    def bare(self, described: dict[str, Any]) -> str:
        return str(described["name"]).removeprefix(self.prefix)

    def valid(self) -> Line:
        """Type a line that must be accepted."""
        described = self._draw(st.sampled_from(self.commands))
        words, values = self._arguments(described)
        return self._line(described, self._joined(words), values)

    def invalid(self) -> Line:
        """Type one that must not be: of the wrong type, too short or too long, or with bad quotes."""
        described = self._draw(st.sampled_from(self.commands))
        words, _ = self._arguments(described)
        parameters = described["parameters"]
        needed = sum(each["required"] for each in parameters)
        takes_all = any(each["rest"] or each["repeated"] for each in parameters)
        wrong = [
            index
            for index, parameter in enumerate(self._each(parameters, len(words)))
            if parameter["type"] != "bytes"
        ]
        ways = ["type"] * bool(wrong) + ["few"] * bool(needed) + ["many"] * (not takes_all)
        if not any(each["rest"] for each in parameters):
            ways.append("quotes")
        way = self._draw(st.sampled_from(ways)) if ways else "none"
        if way == "type":
            index = self._draw(st.sampled_from(wrong))
            parameter = self._each(parameters, len(words))[index]
            words[index] = self._written(self._wrong(parameter), parameter["rest"])
        elif way == "few":
            words = words[: self._draw(st.integers(0, needed - 1))]
        elif way == "many":
            words = [self._written(self._value(each)[0], False) for each in parameters]
            words += self._draw(st.lists(st.sampled_from([b"1", b'"x"', b'""']), min_size=1, max_size=3))
        elif way == "quotes":
            words.append(self._draw(st.sampled_from([b'"', b'"a', b'"a"b', b'"a\\"', b'"a""b"'])))
        else:
            return self._unknown()
        return self._line(described, self._joined(words), None)

    def random(self) -> Line:
        """Type nearly what is right, with anything put between; what comes of it is worked out."""
        described = self._draw(st.sampled_from(self.commands))
        words, _ = self._arguments(described)
        text = self._joined(words) or b" "
        for junk in self._draw(st.lists(st.sampled_from([self.separator, *JUNK]), max_size=4)):
            place = self._draw(st.one_of(st.just(len(text)), st.integers(1, len(text))))
            text = text[:place] + junk + text[place:]
        text = text.replace(b"\r\0", b"\r").rstrip(b"\r")  # which end a line, or belong to none
        return self._line(described, text, expected(described, text, self.separator, self.folds))

    def refused(self) -> Line:
        """Type a command that says no."""
        name = self._draw(st.sampled_from(["refuse", "deny"]))
        return Line((self.prefix + name).encode(), "refuse", None)

    def lines(self) -> list[Line]:
        """Type some."""
        kinds = [self.valid, self.invalid, self.random, self.random, self.refused]
        return [kind() for kind in self._draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))]

    def _unknown(self) -> Line:
        return Line(self.prefix.encode() + b"nosuch", "", None)

    def _line(self, described: dict[str, Any], text: bytes, values: list[Any] | None) -> Line:
        name = self._draw(st.sampled_from([described["name"], *described["aliases"]]))
        if self.folds:
            name = self._draw(st.sampled_from([name, name.upper(), name.swapcase()]))
        before = b"" if self.prefix else self._draw(st.sampled_from([b"", b" "]))
        return Line(before + name.encode() + text, self.bare(described), values, described["streams"])

    def _each(self, parameters: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
        """Return whose each of so many words is."""
        return [parameters[min(index, len(parameters) - 1)] for index in range(count)]

    def _arguments(self, described: dict[str, Any]) -> tuple[list[bytes], list[Any]]:
        """Write arguments that must be accepted; return them, and what the method is to get."""
        parameters = described["parameters"]
        needed = sum(each["required"] for each in parameters)
        count = self._draw(st.integers(needed, len(parameters)))
        more = self._draw(st.integers(0, 2)) if count and parameters[count - 1]["repeated"] else 0
        words, values = [], []
        for parameter in self._each(parameters, count + more):
            word, value = self._value(parameter)
            words.append(self._written(word, parameter["rest"]))
            values.append(value)
        return words, values + [None for each in parameters[count:] if not each["repeated"]]

    def _value(self, parameter: dict[str, Any]) -> tuple[bytes, Any]:
        """Write a value that must be accepted; return what it means too."""
        if parameter["type"] == "choice":
            word = self._draw(st.sampled_from(sorted(CHOICES[tuple(parameter["choices"])])))
            word = self._draw(st.sampled_from([word, word.swapcase()])) if self.folds else word
        else:
            word = self._draw(WORDS[parameter["type"]])
        if parameter["rest"]:  # taken as it is, from its first character to the end of the line
            word = word.lstrip(BLANKS).rstrip(b"\r") or b"1"
            if parameter["type"] == "choice" and meaning(parameter, word, self.folds) is NOTHING:
                word = parameter["choices"][0].encode()
        return word, meaning(parameter, word, self.folds)

    def _wrong(self, parameter: dict[str, Any]) -> bytes:
        wrong = [word for word in WRONG_WORDS if meaning(parameter, word, self.folds) is NOTHING]
        if parameter["rest"]:
            wrong.remove(b"") if b"" in wrong else None
        return bytes(self._draw(st.sampled_from(wrong)))

    def _written(self, word: bytes, rest: bool) -> bytes:
        """Write a word, in quotes where it needs them, and sometimes where it doesn't."""
        if rest:
            return word
        special = not word or word.startswith(b'"') or any(blank in word for blank in BLANKS)
        if special or self.separator in word or self._draw(st.booleans()):
            return b'"%b"' % word.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return word

    def _joined(self, words: list[bytes]) -> bytes:
        """Put words behind a command's, with more blanks than there need be."""
        blanks = st.sampled_from([b" ", b" ", b"  ", b"\t"])
        text = b""
        for index, word in enumerate(words):
            comma = self.separator if index and self.separator != b" " else b""
            text += comma + self._draw(blanks) + word
        return text
