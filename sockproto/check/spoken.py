r"""What each protocol says: written from the specifications, apart from the servers of this package. Pure.

A message is given as it stands on the wire, its newline with it::

    answer("greeting", b"Michael\r\n")              # b"Hello, Michael!\r\n"
    wrong("daytime", b"", time.time())              # "it says nothing"
"""

import re
import time

from sockproto.check.verdict import shown

PROTOCOLS = ("greeting", "welcome", "echo", "command", "discard", "chargen", "daytime", "time", "qotd")
TALKERS = ("echo", "greeting", "command")
"""Those that answer what they are sent."""

LINES = ("greeting", "command")
"""Those that answer lines."""

SAYERS = ("welcome", "daytime", "time", "qotd")
"""Those that say something, whatever comes, and close."""

SCRIPTS = {
    "echo": (b"Hello\r\n", b"\r\n", b"caf\xc3\xa9\n", b"\xff\x00\r", b"bye"),
    "greeting": (b"Ann\n", b"\r\n", b"caf\xc3\xa9\r\n", b"A B\n"),
    "command": (b"/version\n", b"talk\r\n", b"/echo Repeat this\r\n", b"\n", b"/echo caf\xc3\xa9\n"),
}
"""A short dialogue with each talker: messages of every kind."""

_RING = bytes(range(32, 127)) * 2
CHARGEN = b"".join(_RING[start : start + 72] + b"\r\n" for start in range(95))
"""The pattern that RFC 864 recommends."""

SECONDS_1900_TO_1970 = 2_208_988_800  # RFC 868
DAY = 86_400
CLOCK_SECONDS = 5
"""How far another machine's clock may be off without a word."""


def answer(protocol: str, message: bytes) -> bytes:
    """Return what a talker answers on a stream; empty if nothing."""
    if protocol == "echo":
        return message
    line = message.removesuffix(b"\n")
    newline = message[len(line) :]
    if line.endswith(b"\r"):
        line, newline = line[:-1], b"\r\n" if newline else b""
    if protocol == "greeting":
        return b"Hello, " + line + b"!" + newline if line else b""
    if line == b"/version":
        return b"Demo version\n"
    if line.startswith(b"/echo"):
        return line[5:] + b"\n"
    if line.startswith(b"/"):
        raise ValueError(f"the answer to {message!r} is not fixed to the byte")
    return b""


def name(protocol: str, number: int) -> bytes:
    """Return a message, with its newline, that no other number has; each has an answer."""
    if protocol == "command":
        return b"/echo client %d\n" % number
    return b"client %d\n" % number


def wrong(protocol: str, said: bytes, now: float) -> str:
    """Say what is wrong about what a sayer said; empty if nothing is.

    Args:
        protocol: Which.
        said: All it said.
        now: The time, in seconds since 1970.
    """
    if not said:
        return "it says nothing"
    if protocol == "time":
        return _wrong_time(said, now)
    if protocol == "daytime":
        if not re.fullmatch(rb"[\x20-\x7e\r\n]*[\r\n]", said) or not re.search(rb"\d", said):
            return f"{shown(said)} is no line of text with a date and time, ended by a newline"
        return "" if b"\n" not in said.strip() else "it says more than one line"
    return ""


def unusual(protocol: str, said: bytes, now: float) -> str:
    """Say what is allowed, but not usual, about what a sayer said; empty if nothing is."""
    if protocol == "time" and abs(_clock(said, now)) > CLOCK_SECONDS:
        return f"its clock differs from ours by {_clock(said, now):+,.0f} s"
    if protocol == "daytime":
        return _unusual_daytime(said, now)
    if protocol == "qotd" and len(said) > 512:
        return f"its text has {len(said):,} bytes: the RFC asks for at most 512 characters"
    return ""


def _clock(said: bytes, now: float) -> float:
    """Return how many seconds it is ahead of us; its count begins again in 2036."""
    said_now = int.from_bytes(said, "big") - SECONDS_1900_TO_1970
    return (said_now - now + 2**31) % 2**32 - 2**31


def _wrong_time(said: bytes, now: float) -> str:
    if len(said) != 4:
        return f"{shown(said)} has {len(said)} bytes, not 4"
    if abs(_clock(said, now)) > DAY:
        since_1970 = abs(int.from_bytes(said, "big") - now) < DAY
        reason = ": it counts from 1970, not from 1900" if since_1970 else ""
        return f"{said.hex(' ')} is not the time{reason}"
    return ""


def _unusual_daytime(said: bytes, now: float) -> str:
    text = said.decode("ascii").strip()
    for zone in time.localtime, time.gmtime:
        for second in range(-CLOCK_SECONDS, CLOCK_SECONDS + 1):
            if text == time.asctime(zone(now + second)):
                return ""
    if re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}", text):
        return f"{text!r} is not our time, neither local nor UTC"
    return f"{text!r} is not in the form of ctime, which is the usual one"
