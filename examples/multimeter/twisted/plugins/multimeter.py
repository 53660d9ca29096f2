"""A multimeter that speaks as SCPI instruments do (SCPI-99, IEEE 488.2), in one plugin file.

::

    PYTHONPATH=examples/multimeter twistd -n sockproto --protocol multimeter --port 5025

Commands have no prefix and any case, arguments have commas between them, only queries are answered, and what
went wrong is asked for with ``SYST:ERR?``. Left out: several commands in one line (``;``), units, ``MIN`` and
``MAX``.
"""

import re
from collections import deque
from collections.abc import Iterator
from itertools import product
from typing import Any

from sockproto import (
    Caller,
    CommandError,
    CommandSet,
    ExtraArgument,
    MissingArgument,
    UnknownCommand,
    WrongArgument,
    WrongQuoting,
    command,
    command_definition,
)

VOLTS = 4.2  # what is always measured here
RANGES = {0.1: 1e-7, 1.0: 1e-6, 10.0: 1e-5, 100.0: 1e-4, 1000.0: 1e-3}  # and how fine each can be, in volts
OVERLOAD = 9.9e37  # what SCPI has instead of infinity
MAX_SAMPLES, MAX_ERRORS = 1000, 20

# The classes of errors (SCPI-99, volume 2, chapter 21) and their bits in the event status register.
EVENTS = {"-1": 1 << 5, "-2": 1 << 4, "-3": 1 << 3}

# What sockproto finds wrong with a line, and what SCPI calls it.
ERRORS = {
    UnknownCommand: '-113,"Undefined header"',
    MissingArgument: '-109,"Missing parameter"',
    ExtraArgument: '-108,"Parameter not allowed"',
    WrongArgument: '-104,"Data type error"',
    WrongQuoting: '-102,"Syntax error"',
}


def forms(header: str) -> Iterator[str]:
    """Give every way to write a header, the shortest first.

    ``MEASure:VOLTage[:DC]?`` is ``MEAS:VOLT?``, ``MEASURE:VOLT:DC?`` and so on.
    """
    nodes = [
        {shown, re.sub("[a-z]", "", shown), *([""] if optional else [])}
        for optional, shown in re.findall(r"(\[?)(:?\*?\w+)", header)
    ]
    mark = "?" if header.endswith("?") else ""
    found = {"".join(form).upper() + mark for form in product(*nodes)}
    yield from sorted(found, key=lambda form: (len(form), form))


class Session(Caller):
    """One connection: what it has configured, and what went wrong on it."""

    def __init__(self, peer: Any) -> None:
        super().__init__(peer)
        self.errors: deque[str] = deque()
        self.events = 0
        self.reset()

    def reset(self) -> None:
        """Go back to what ``*RST`` promises."""
        self.range, self.resolution, self.samples = 10.0, RANGES[10.0], 1

    def blame(self, error: str) -> None:
        """Queue an error; the last place says that there were more."""
        self.events |= EVENTS[error[:2]]
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(error)
        else:
            self.errors[-1] = '-350,"Queue overflow"'


class Multimeter(CommandSet):
    """The instrument, for all who connect."""

    prefix = ""
    separator = ","
    case_sensitive = False
    done = None
    caller = Session

    def failed(self, caller: Any, error: CommandError) -> None:
        """Queue an error; nothing is sent."""
        caller.blame(ERRORS.get(type(error), str(error)))

    # What every instrument has.

    @command("*IDN?")
    def identify(self) -> str:
        """Say maker, model, serial number and version."""
        return "sockproto,MULTIMETER,0,1.0"

    @command("*RST")
    def reset(self, session: Session) -> None:
        """Forget the configuration."""
        session.reset()

    @command("*CLS")
    def clear(self, session: Session) -> None:
        """Forget the errors."""
        session.errors.clear()
        session.events = 0

    @command("*ESR?")
    def events(self, session: Session) -> int:
        """Say which kinds of errors there were since it was last asked."""
        events, session.events = session.events, 0
        return events

    @command("*OPC?")
    def completed(self) -> int:
        """Say 1 when all before it is done."""
        return 1

    @command(*forms("SYSTem:ERRor[:NEXT]?"))
    def error(self, session: Session) -> str:
        """Say the oldest error, and forget it."""
        return session.errors.popleft() if session.errors else '+0,"No error"'

    @command(*forms("SYSTem:HELP?"))
    def help(self, name: bytes | None = None) -> str:
        """List the commands, or explain one."""
        return super().help(name)

    # What a multimeter has.

    @command(*forms("CONFigure:VOLTage[:DC]"))
    def configure(self, session: Session, range: float = 10, resolution: float | None = None) -> None:
        """Choose the range for a voltage, and how fine it is to be measured, in volts."""
        chosen = next((each for each in RANGES if abs(range) <= each), None)
        if chosen is None or (resolution is not None and not RANGES[chosen] <= resolution <= chosen):
            raise CommandError('-222,"Data out of range"')
        session.range, session.resolution, session.samples = chosen, resolution or RANGES[chosen], 1

    @command(*forms("SAMPle:COUNt"))
    def sample(self, session: Session, count: int) -> None:
        """Choose how many values READ? gives."""
        if not 1 <= count <= MAX_SAMPLES:
            raise CommandError('-222,"Data out of range"')
        session.samples = count

    @command("READ?")
    def read(self, session: Session) -> str:
        """Measure as configured."""
        value = round(VOLTS / session.resolution) * session.resolution
        if session.range < VOLTS:
            value = OVERLOAD
        return ",".join([f"{value:+.8E}"] * session.samples)

    @command(*forms("MEASure:VOLTage[:DC]?"))
    def measure(self, session: Session, range: float = 10, resolution: float | None = None) -> str:
        """Configure and measure."""
        self.configure(session, range, resolution)
        return self.read(session)


DEFINITION = command_definition(
    "multimeter", "*IDN?, CONF:VOLT, READ?, SYST:ERR? …: a multimeter that speaks SCPI", Multimeter
)
