"""The framings whose messages begin with their length, and what is malformed to netstrings."""

from sockproto.core.framing.prefixed import Int8Prefixed, Int16Prefixed, Int32Prefixed, Netstrings, Prefixed

FRAMINGS: list[type[Prefixed]] = [Netstrings, Int8Prefixed, Int16Prefixed, Int32Prefixed]
MALFORMED = {
    b"x": "doesn't begin with its length",
    b":": "doesn't begin with its length",
    b",": "doesn't begin with its length",
    b"-1:": "doesn't begin with its length",
    b"01:": "begins with a zero",
    b"00": "begins with a zero",
    b"1x": "no colon",
    b"1 :a,": "no colon",
    b"0,": "no colon",
    b"1:ab": "no comma",
    b"0:\n": "no comma",
}
