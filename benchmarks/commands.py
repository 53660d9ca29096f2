"""What a declared command costs, of a ``CommandSet`` or an ``Instrument``, next to one written by hand.

Both answer the same lines, first alone (calls of ``received``), then on the stream carrier, in memory.
Interleaved; CPU time; medians of some rounds::

    python -m benchmarks.commands
    python -m benchmarks.commands --rounds 15 --write docs/reference/measured/commands-cost.md
"""

import argparse
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from timeit import Timer
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from benchmarks.commands_scpi import (
    LINES as SCPI_LINES,
    DeclaredSupply,
    WrittenSupply,
    WrittenSupplyFactory,
)
from benchmarks.pages import provenance, rows, write_section
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.commands import CommandSet, command
from sockproto.commands.answering import CommandConversation
from sockproto.core.conversation import Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.protocols.command import CommandFactory
from sockproto.scpi import InstrumentFactory
from sockproto.scpi.answering import InstrumentConversation

LINES = {
    "no argument": b"/version",
    "two integers": b"/add 2 3",
    "the rest of the line": b"/echo Repeat this",
    "an error": b"/add 2 x",
}
"""The lines that are answered, and what is measured with each."""

ALL_LINES = LINES | SCPI_LINES

MOST, MOST_OF_SCPI = 1.5, 2.5
"""What a declared command may cost at most on the stream carrier: so many times one written by hand."""

CALLS = 20_000
PIPELINED = 500
INTEGER = re.compile(rb"[+-]?[0-9]{1,1000}")


class Declared(CommandSet):
    """The commands, declared."""

    @command
    def version(self) -> str:
        """Return the version."""
        return "Demo version"

    @command
    def add(self, one: int, two: int) -> int:
        """Add two numbers."""
        return one + two

    @command
    def echo(self, *, text: bytes) -> bytes:
        """Return a text back."""
        return text


class Written(Conversation):
    """The same, written by hand: the same checks, the same answers, but for ``/help`` and quotes."""

    speaks_text = True

    def received(self, line: bytes) -> bytes | None:
        """Answer a line."""
        if not line.startswith(b"/"):
            return None
        word, *texts = line.split(None, 1)
        text = texts[0] if texts else b""
        if word == b"/version":
            return b"error: too many arguments; write /version" if text else b"Demo version"
        if word == b"/add":
            return self._add(text.split())
        if word == b"/echo":
            return text or b"error: TEXT is missing; write /echo TEXT..."
        return b"error: unknown command, see /help"

    def _add(self, words: list[bytes]) -> bytes:
        for name, word in zip((b"ONE", b"TWO"), words, strict=False):
            if not INTEGER.fullmatch(word):
                return b"error: %b must be a whole number" % name
        if len(words) < 2:
            return b"error: %b is missing; write /add ONE TWO" % (b"TWO" if words else b"ONE")
        if len(words) > 2:
            return b"error: too many arguments; write /add ONE TWO"
        return b"%d" % (int(words[0]) + int(words[1]))


class WrittenProtocol(ConversationProtocol):
    """It on a stream, as ``CommandProtocol``."""

    conversation, framing = Written, partial(Lines, newline=b"\n")


class WrittenFactory(ConversationFactory):
    """Makes it."""

    protocol = WrittenProtocol


class Sink(StringTransport):
    """Keeps only what was written last."""

    last = b""

    def write(self, data: bytes) -> None:
        """Forget what was written before."""
        self.last = data


def is_scpi(line: bytes) -> bool:
    """Tell whether it is a line for the instruments."""
    return not line.startswith(b"/")


def conversations(line: bytes) -> tuple[Conversation, Conversation]:
    """Make both that understand a line: the one written by hand, and the one declared."""
    both: tuple[Conversation, Conversation] = Written(), CommandConversation(Declared())
    if is_scpi(line):
        both = WrittenSupply(), InstrumentConversation(DeclaredSupply())
    for conversation in both:
        conversation.opened(Peer("192.0.2.1", 5000))
    return both


def connections(line: bytes) -> tuple[ConversationProtocol, ConversationProtocol]:
    """Connect both that understand a line to a peer that reads all."""
    clock = Clock()
    make_sink: Any = Sink  # Twisted's testing module has no types
    factories: tuple[ConversationFactory, ConversationFactory]
    factories = WrittenFactory(clock=clock), CommandFactory(Declared(), clock=clock)
    if is_scpi(line):
        factories = WrittenSupplyFactory(clock=clock), InstrumentFactory(DeclaredSupply(), clock=clock)
    both = factories[0].buildProtocol(None), factories[1].buildProtocol(None)
    for protocol in both:
        protocol.transport = make_sink()
        protocol.connectionMade()
    return both


def alone(line: bytes, calls: int) -> list[Callable[[], float]]:
    """Return what measures each: the seconds that a line takes."""

    def timed(conversation: Conversation) -> Callable[[], float]:
        timer = Timer(
            "received(line)", timer=process_time, globals={"received": conversation.received, "line": line}
        )
        return lambda: timer.timeit(calls) / calls

    return [timed(conversation) for conversation in conversations(line)]


def carried(line: bytes, calls: int) -> list[Callable[[], float]]:
    """Likewise on the stream carrier, with lines that come many at once."""
    data = (line + b"\n") * PIPELINED
    reads = max(calls // PIPELINED, 1)

    def timed(protocol: ConversationProtocol) -> Callable[[], float]:
        timer = Timer(
            "received(data)", timer=process_time, globals={"received": protocol.dataReceived, "data": data}
        )
        return lambda: timer.timeit(reads) / reads / PIPELINED

    return [timed(protocol) for protocol in connections(line)]


def measure(timers: list[Callable[[], float]], rounds: int) -> list[float]:
    """Return the median of each, measured in turns."""
    seconds = [[timed() for timed in timers] for _ in range(rounds)]
    return [median(column) for column in zip(*seconds, strict=True)]


WAYS = {"alone": alone, "on the stream carrier": carried}
Measured = dict[tuple[str, str], list[float]]
"""The seconds of each way and line: written by hand, and declared."""


def measure_all(rounds: int, calls: int = CALLS) -> Measured:
    """Measure everything."""
    return {
        (way, name): measure(make(line, calls), rounds)
        for way, make in WAYS.items()
        for name, line in ALL_LINES.items()
    }


def finding(measured: Measured) -> str:
    """Return in sentences what a declared command costs on the stream carrier."""
    carried = {name: seconds for (way, name), seconds in measured.items() if way != "alone"}
    ratios = {name: declared / written for name, (written, declared) in carried.items()}
    slash, instrument = ([ratios[name] for name in lines] for lines in (LINES, SCPI_LINES))
    missed = [
        f"{name} ({ratio:.2f})"
        for name, ratio in ratios.items()
        if ratio > (MOST if name in LINES else MOST_OF_SCPI)
    ]
    return (
        f"On the stream carrier a declared command costs {min(slash):.2f} to {max(slash):.2f} times as much "
        f"as one written by hand, a line of SCPI {min(instrument):.2f} to {max(instrument):.2f} times. "
        f"It may be {MOST:g} and {MOST_OF_SCPI:g}; missed: {', '.join(missed) or 'none'}."
    )


def table(measured: Measured) -> str:
    """Return the table."""
    cells = [
        [
            f"{name}, `{ALL_LINES[name].decode()}`, {way}",
            f"{written * 1e6:.2f} µs",
            f"{declared * 1e6:.2f} µs",
            f"{declared / written:.2f}",
        ]
        for (way, name), (written, declared) in measured.items()
    ]
    return rows(["", "written by hand", "declared", "ratio"], cells)


def section(measured: Measured, made_by: str) -> str:
    """Return what stands on the page."""
    return "\n\n".join([finding(measured), table(measured), made_by.replace(", on loopback", ", in memory")])


def main() -> None:
    """Print the table; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured")
    parser.add_argument("--calls", type=int, default=CALLS, help="how many lines each time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this document too")
    arguments = parser.parse_args()
    made_by = provenance(f"python -m benchmarks.commands --rounds {arguments.rounds}")
    text = section(measure_all(arguments.rounds, arguments.calls), made_by)
    print(text)
    if arguments.write:
        write_section(arguments.write, "commands", text)


if __name__ == "__main__":
    main()
