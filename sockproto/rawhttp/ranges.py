"""Ranges of bytes: what is asked for, and whether that is what came (pure).

::

    ranges = parse_ranges("0-499")                  # [ByteRange(0, 499)]
    length = check_part(ranges, response.headers)   # 500; raises WrongReply if it is of another range

Source: RFC 9110, 14 (ranges) and 15.3.7 (status 206).
"""

import re
from typing import NamedTuple

from sockproto.errors import OptionError, WrongReply
from sockproto.rawhttp.events import Headers

_RANGE = re.compile(r"([0-9]{0,18})(-?)([0-9]{0,18})")
_CONTENT_RANGE = re.compile(rb"bytes[ \t]+(?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)", re.IGNORECASE)


class ByteRange(NamedTuple):
    """What is asked for.

    Attributes:
        first: Number of the first byte, from 0; None: only the last *last* bytes are wanted.
        last: Number of the last byte; None: all up to the end.
    """

    first: int | None
    last: int | None

    def __str__(self) -> str:
        return "-".join("" if end is None else str(end) for end in self)


class ContentRange(NamedTuple):
    """What came.

    Attributes:
        first: Number of the first byte, None where no byte came (status 416).
        last: Number of the last byte.
        total: How many bytes the whole has; None: the server doesn't say.
    """

    first: int | None
    last: int | None
    total: int | None


def parse_ranges(text: str) -> list[ByteRange]:
    """Read ``0-499``, ``500-``, ``-500`` or several between commas; ``500`` alone is ``500-`` (as curl).

    Raises:
        OptionError: The text is not a range.
    """
    ranges = []
    for word in text.split(","):
        match = _RANGE.fullmatch(word.strip(" "))
        if match is None or not (match[1] or match[3]) or not (match[2] or not match[3]):
            raise OptionError(f"not a range of bytes: {text[:100]!r}; write 0-499, 500- or -500")
        ranges.append(ByteRange(*(int(end) if end else None for end in (match[1], match[3]))))
        first, last = ranges[-1]
        if (first is not None and last is not None and first > last) or ranges[-1] == (None, 0):
            raise OptionError(f"a range without a byte: {text[:100]!r}")
    return ranges


def asked_ranges(value: bytes | None) -> list[ByteRange] | None:
    """Return what the field ``Range`` of a request asks for; None: a unit or form that only its user knows.

    Args:
        value: Its value; None: there is no such header, so no range is asked for.
    """
    if value is None:
        return []
    unit, _, ranges = value.decode("latin-1").partition("=")
    try:
        return parse_ranges(ranges) if unit.strip(" \t").lower() == "bytes" else None
    except OptionError:
        return None


def content_range(headers: Headers) -> ContentRange | None:
    """Return what the field ``Content-Range`` says; None: nothing, or nothing that makes sense."""
    found = {value.strip(b" \t") for value in headers.all(b"Content-Range")}
    match = _CONTENT_RANGE.fullmatch(found.pop()) if len(found) == 1 else None
    if match is None:
        return None
    first, last, total = (int(number) if number and number != b"*" else None for number in match.groups())
    if first is not None and last is not None and not first <= last < (last + 1 if total is None else total):
        return None
    return ContentRange(first, last, total)


def check_part(asked: list[ByteRange] | None, headers: Headers) -> int | None:
    """See that a response 206 is what was asked for.

    Args:
        asked: As :func:`asked_ranges` returns it.
        headers: The response's.

    Returns:
        How many bytes the body must have; None: that is not known.

    Raises:
        WrongReply: No range was asked for, or another one came.
    """
    if asked is None:
        return None
    if not asked:
        raise WrongReply("a part of the page (status 206), where all of it was asked for")
    kind = (headers.get(b"Content-Type") or b"").lower()
    if len(asked) > 1 and kind.startswith(b"multipart/byteranges") and not headers.all(b"Content-Range"):
        return None
    came = content_range(headers)
    if came is None or came.first is None or came.last is None:
        raise WrongReply("a part of the page (status 206) without a right Content-Range")
    if not any(_is_all_of(each, came) for each in [*asked, *_joined(asked, came.total)]):
        wanted = ", ".join(map(str, asked))
        raise WrongReply(f"bytes {came.first}-{came.last} of the page, where {wanted[:100]} was asked for")
    return came.last - came.first + 1


def _is_all_of(asked: ByteRange, came: ContentRange) -> bool:
    """Tell whether it is that range, as far as the page has it (RFC 9110, 14.1.2)."""
    first, last, total = came
    assert first is not None
    assert last is not None
    if total is not None:
        return (first, last) == _clipped(asked, total)
    if asked.first is None:  # a suffix: the last N bytes
        assert asked.last is not None
        return last - first < asked.last
    return first == asked.first and (asked.last is None or last <= asked.last)


def _clipped(asked: ByteRange, total: int) -> tuple[int, int]:
    """Return the first and the last byte of a range, as far as a page of *total* bytes has it.

    The last one is before the first if it has none of it.
    """
    if asked.first is None:  # a suffix: the last N bytes
        assert asked.last is not None
        return max(0, total - asked.last), total - 1
    return asked.first, total - 1 if asked.last is None else min(total - 1, asked.last)


def _joined(asked: list[ByteRange], total: int | None) -> list[ByteRange]:
    """Return the one range that a server may make of several (RFC 9110, 14.2)."""
    clipped = [] if total is None else [_clipped(each, total) for each in asked]
    there = [(first, last) for first, last in clipped if first <= last]
    if not there:
        return []
    return [ByteRange(min(first for first, _ in there), max(last for _, last in there))]
