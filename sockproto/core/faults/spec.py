r"""Fault specs as people write them: ``delay=0.1..0.5,share=0.05,seed=7``.

A spec is one or more faults and their common settings, separated by commas; ``\,`` is a comma inside a
value::

    spec = FaultSpec.parsed("delay=0.2,garble=0.01,match=PING")
    spec.faults         # {"delay": Span(0.2, 0.2), "garble": 0.01}
    str(spec)           # "delay=0.2,garble=0.01,match=PING"
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sockproto.core.text import count, raw_bytes, seconds
from sockproto.errors import OptionError

FOR_GOOD_SECONDS = 300.0
"""How long ``no-read`` without a time lasts, before the connection is closed: ``Limits.idle_seconds``."""

_PART = re.compile(r"((?:[^,\\]|\\.|\\$)*)(?:,|$)", re.DOTALL)
_AMOUNT = re.compile(r"([0-9]+) ?(messages?|bytes?)?")


class Span(NamedTuple):
    """A time, or a range from which a time is chosen at random.

    Attributes:
        least: The shortest time, in seconds.
        most: The longest time, in seconds.
    """

    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.least:g}" if self.least == self.most else f"{self.least:g}..{self.most:g}"


class Amount(NamedTuple):
    """A number of bytes that were sent, or of messages that were handled.

    Attributes:
        number: How many.
        messages: Whether they are messages.
    """

    number: int
    messages: bool

    def __str__(self) -> str:
        return f"{self.number}messages" if self.messages else f"{self.number}"


def _span(text: str) -> Span:
    least, between, most = text.partition("..")
    span = Span(seconds(least), seconds(most if between else least))
    if span.most < span.least:
        raise OptionError(f"must be SECONDS or LEAST..MOST, such as 0.1..0.5, not {text!r}")
    return span


def _probability(text: str) -> float:
    if not re.fullmatch(r"0?\.[0-9]{1,9}|[01](\.0{1,9})?", text):
        raise OptionError(f"must be a share from 0 to 1, such as 0.05, not {text[:40]!r}")
    return float(text)


def _rate(text: str) -> int:
    return count(text.removesuffix("/s"), 1, 10**9)


def _segment(text: str) -> int:
    """Return the size of a segment, 0 for any."""
    return 0 if text == "random" else count(text, 1, 65_536)


def _amount(text: str) -> Amount:
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise OptionError(f"must be a number of bytes, or of messages as in 3messages, not {text[:40]!r}")
    return Amount(count(match[1]), (match[2] or "").startswith("m"))


def _time_or_for_good(text: str) -> Span | None:
    return _span(text) if text else None


@dataclass(frozen=True)
class Fault:
    """One thing that can go wrong.

    Attributes:
        name: Its name in a spec.
        form: What its value is, for people; empty if it has none; in brackets if it may be left out.
        help: What it does.
        convert: Returns the value that a text means.
        streams: Whether streams can have it.
        datagrams: Whether datagrams can have it.
        of_messages: Whether it concerns single messages, so that ``share`` is a share of messages.
        at_open: Whether it happens before any message, so that there is nothing to ``match``.
    """

    name: str
    form: str
    help: str
    convert: Callable[[str], Any] = str
    streams: bool = True
    datagrams: bool = False
    of_messages: bool = False
    at_open: bool = False


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("delay", "SECONDS", "wait before each answer", _span, datagrams=True, of_messages=True),
        Fault(
            "first-byte",
            "SECONDS",
            "wait this long before the first byte of the connection",
            _span,
            at_open=True,
        ),
        Fault("drip", "BYTES/s", "send no more than this many bytes a second", _rate),
        Fault("split", "BYTES", "send segments of this many bytes; random: of any size", _segment),
        Fault(
            "truncate",
            "BYTES",
            "send no more than this many bytes of each message",
            count,
            datagrams=True,
            of_messages=True,
        ),
        Fault(
            "garble",
            "SHARE",
            "change this share of the bytes that are sent",
            _probability,
            datagrams=True,
            of_messages=True,
        ),
        Fault(
            "no-answer", "", "read and handle messages, and answer nothing", datagrams=True, of_messages=True
        ),
        Fault(
            "no-read",
            "[SECONDS]",
            "read nothing for this long; without a time: for 300 s, then close",
            _time_or_for_good,
            at_open=True,
        ),
        Fault("accept-delay", "SECONDS", "ignore each new connection for this long", _span, at_open=True),
        Fault("close-at-open", "", "close each new connection at once", at_open=True),
        Fault("close-after", "AMOUNT", "close the connection after this many bytes or messages", _amount),
        Fault("reset-after", "AMOUNT", "reset the connection after this many bytes or messages", _amount),
        Fault("half-close-after", "AMOUNT", "end our half after this many bytes or messages", _amount),
        Fault(
            "drop", "SHARE", "lose this share of the datagrams", _probability, streams=False, datagrams=True
        ),
        Fault(
            "duplicate",
            "SHARE",
            "send this share of the answers twice",
            _probability,
            streams=False,
            datagrams=True,
        ),
        Fault(
            "reorder",
            "SHARE",
            "send this share of the answers 50 ms late, after others",
            _probability,
            streams=False,
            datagrams=True,
        ),
    )
}
"""All faults. AMOUNT is a number of bytes sent, or of messages handled (``3messages``); SECONDS may be a
range."""

SHARED = {
    "share": (
        "SHARE",
        "only this share of connections or messages has the faults",
    ),
    "match": ("BYTES", "only answers to messages that contain this have the faults"),
    "seed": ("NUMBER", "make other random choices; the same number makes the same ones again"),
    "on": (
        "LISTENER",
        "on tcp, udp or unix, or where a description begins so: tcp:9999",
    ),
}
"""The settings that all faults of a spec have in common."""


@dataclass(frozen=True)
class FaultSpec:
    """Faults that happen together.

    Attributes:
        faults: The value of each fault, by its name.
        share: The share of connections that have them, 0 to 1; of messages, if all faults concern messages.
        match: What a message must contain to have them; empty: anything.
        seed: The seed of the random choices.
        on: Which listeners have them: the beginning of a description; empty: all.
    """

    faults: Mapping[str, Any]
    share: float = 1.0
    match: bytes = b""
    seed: int = 0
    on: str = ""

    @classmethod
    def parsed(cls, text: str) -> "FaultSpec":
        """Make a spec of *text*.

        Raises:
            OptionError: The text is not a spec; the message says what a spec is.
        """
        given: dict[str, str] = {}
        for part in _parts(text) if text else ():
            if not part:
                raise OptionError("nothing before or after a comma; write \\, for a comma in a value")
            name, _, value = part.partition("=")
            if name in given:
                raise OptionError(f"{name} is given twice: repeat --fault to have both")
            if name not in FAULTS and name not in SHARED:
                raise OptionError(f"there is no {name!r}; one of {', '.join([*FAULTS, *SHARED])}")
            _require_value(name, "=" in part, value)
            given[name] = value
        spec = cls(
            {name: _read(name, FAULTS[name].convert, text) for name, text in given.items() if name in FAULTS},
            _read("share", _probability, given.get("share", "1")),
            raw_bytes(given.get("match", "")),
            _read("seed", count, given.get("seed", "0")),
            given.get("on", ""),
        )
        spec._check()
        return spec

    def __str__(self) -> str:
        parts = [
            name if value in ("", None) else f"{name}={_shown(name, value)}"
            for name, value in self.faults.items()
        ]
        parts += [f"share={self.share:g}"] if self.share != 1 else []
        parts += [f"match={_escaped(self.match.decode('utf-8', 'backslashreplace'))}"] if self.match else []
        parts += [f"seed={self.seed}"] if self.seed else []
        return ",".join(parts)

    @property
    def of_messages(self) -> bool:
        """Whether ``share`` is a share of messages."""
        return all(FAULTS[name].of_messages for name in self.faults)

    def fitting(self, datagrams: bool) -> "FaultSpec | None":
        """Return the part of the spec that streams, or datagrams, can have; None if there is nothing."""
        fit = {
            name: value
            for name, value in self.faults.items()
            if (FAULTS[name].datagrams if datagrams else FAULTS[name].streams)
        }
        return replace(self, faults=fit) if fit else None

    def is_on(self, description: str) -> bool:
        """Return whether the listener with this description has these faults."""
        wanted, where = (f"{text.lower().removesuffix(':')}:" for text in (self.on, description))
        return not self.on or where.startswith(wanted) or where.removeprefix("haproxy:").startswith(wanted)

    def _check(self) -> None:
        if not self.faults:
            raise OptionError(f"no fault is named; one of {', '.join(FAULTS)}")
        if self.match:
            for name in self.faults:
                if FAULTS[name].at_open:
                    raise OptionError(f"match does not go with {name}, which comes before any message")


def _parts(text: str) -> list[str]:
    found, place = [], 0
    while place <= len(text):
        match = _PART.match(text, place)
        assert match is not None  # it matches anything
        found.append(re.sub(r"\\([\\,])", r"\1", match[1]))
        place = match.end() + (match.end() == len(text) and not match[0].endswith(","))
    return found


def _require_value(name: str, marked: bool, value: str) -> None:
    """Check that a name has a value if it needs one, and has none if it takes none."""
    form, help = SHARED[name] if name in SHARED else (FAULTS[name].form, FAULTS[name].help)
    if not form and marked:
        raise OptionError(f"{name} has no value; write {name} alone")
    if form and not value and (marked or not form.startswith("[")):
        raise OptionError(f"{name} needs a value: {name}={form.strip('[]')} ({help})")


def _read(name: str, convert: Callable[[str], Any], text: str) -> Any:
    try:
        return convert(text)
    except OptionError as error:
        raise OptionError(f"{name} {error}") from None


def _shown(name: str, value: Any) -> str:
    if name == "drip":
        return f"{value}/s"
    if name == "split":
        return str(value or "random")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    return re.sub(r"([\\,])", r"\\\1", text)
