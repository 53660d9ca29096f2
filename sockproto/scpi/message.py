r"""How a program message is taken apart: its units, the header of each, its elements of program data.

Pure; knows nothing of what they mean::

    list(units(b'VOLT 5;DISP "a;b"'))       # [(b"VOLT", b"5"), (b"DISP", b'"a;b"')]
    elements(b"5 , 'a,b', #13\n,;")         # [b"5", b"'a,b'", b"#13\n,;"]

Source:
    IEEE 488.2-1992, sections 7.3 (units), 7.4 (separators), 7.7 (program data).
"""

import re
from collections.abc import Iterator

from sockproto.core.framing.program import OPENING, block_end
from sockproto.errors import InstrumentError

WHITE = bytes(range(33))
"""IEEE 488.2, 7.4.1.2: all codes up to the blank are white space. One that is LF ends the message before."""

_HEADER = re.compile(rb"[^\x00-\x20]+")
_OPENING = OPENING + rb"|(?:\A|(?<=[\x00-\x20,]))(?:\(|#0)"
_STOPS = {separator: re.compile(separator + b"|" + _OPENING) for separator in (b";", b",")}


def units(message: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the units of a message, each as its header and its data; empty ones mean nothing."""
    for unit in _split(message, b";"):
        match = _HEADER.search(unit)
        if match is not None:
            yield match[0], unit[match.end() :].lstrip(WHITE)


def elements(data: bytes) -> list[bytes]:
    """Return the elements of the program data of a unit, without the white space around them."""
    return [_stripped(part) for part in _split(data, b",")] if data else []


def _split(text: bytes, separator: bytes) -> list[bytes]:
    """Split a text where a separator stands outside of strings, blocks and expressions."""
    if b'"' not in text and b"'" not in text and b"#" not in text and b"(" not in text:
        return text.split(separator)
    parts, begin, at = [], 0, 0
    while (stop := _STOPS[separator].search(text, at)) is not None:
        if stop[0] == separator:
            parts.append(text[begin : stop.start()])
            begin = at = stop.end()
        else:
            at = _end(text, stop.start())
    return [*parts, text[begin:]]


def _end(text: bytes, at: int) -> int:
    """Tell where a string, block or expression ends that begins at a place; the end if it doesn't."""
    opening = text[at : at + 1]
    if text.startswith(b"#0", at):
        return len(text)
    if opening == b"#":
        return block_end(text, at) or at + 1
    end = text.find(b")" if opening == b"(" else opening, at + 1)
    return end + 1 or len(text)


def _stripped(part: bytes) -> bytes:
    """Take the white space around an element away, but none that a block ends in."""
    part = part.lstrip(WHITE)
    if part.startswith(b"#0"):
        return part
    end = block_end(part, 0) if part.startswith(b"#") else 0
    return part[: end or 0] + part[end or 0 :].rstrip(WHITE)


def not_allowed(element: bytes) -> InstrumentError:
    """Return the error for an element of a type that the parameter does not take.

    Source:
        SCPI-99, volume 2, section 21.8: -128, -148, -158, -168 and -178 say of which type it is.
    """
    first = element[:1]
    if not element:
        return InstrumentError(-109)
    if first.isdigit() or first in b"+-." or element[:2].upper() in (b"#H", b"#Q", b"#B"):
        return InstrumentError(-128)
    if first.isalpha():
        return InstrumentError(-148)
    return InstrumentError({b'"': -158, b"'": -158, b"#": -168, b"(": -178}.get(first, -101))
