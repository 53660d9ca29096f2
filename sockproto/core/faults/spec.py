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
from typing import Any

from sockproto.core.faults.catalog import FAULTS, SHARED
from sockproto.core.faults.values import probability
from sockproto.core.text import count, raw_bytes
from sockproto.errors import OptionError

_PART = re.compile(r"((?:[^,\\]|\\.|\\$)*)(?:,|$)", re.DOTALL)


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
            _read("share", probability, given.get("share", "1")),
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
