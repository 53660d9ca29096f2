"""Sets of commands, and connections in memory to them."""

import enum
from collections.abc import AsyncIterator
from typing import Any, Literal

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto import ABORT, CLOSE, Caller, CommandError, CommandFactory, CommandSet, Sleep, command
from sockproto.core.actions import Script
from sockproto.testing import Remote, assert_no_faults, connect

PEER = ("192.0.2.7", 5000)


class Mode(enum.Enum):
    HEAT = "heat"
    COOL = "cool down"
    OFF = 0


class Session(Caller):
    """Counts its own commands."""

    count = 0


def _script() -> Script:
    yield b"a"
    yield Sleep(1)
    yield b"b"


class Everything(CommandSet):
    """Has a command of each sort."""

    caller = Session

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.waiting: Deferred[Any] = Deferred(lambda _: self.log.append("cancelled"))

    @command
    def typed(
        self,
        whole: int,
        number: float = 0.5,
        flag: bool = False,
        mode: Mode = Mode.OFF,
        side: Literal["left", 2] = 2,
    ) -> str:
        """Show what came."""
        return repr((whole, number, flag, mode.name, side))

    @command
    def text(self, first: str, second: bytes | None) -> str:
        return repr((first, second))

    @command
    def plain(self, word) -> str:  # type: ignore[no-untyped-def]
        return repr(word)

    @command
    def add(self, *numbers: int) -> int:
        return sum(numbers)

    @command
    def tell(self, who: str, *, text: str) -> str:
        return f"{who}: {text}"

    @command("count", "c")
    def counted(self, caller: Session) -> int:
        caller.count += 1
        return caller.count

    @command
    def where(self, *, caller: Caller) -> str:
        return caller.peer.host

    @command
    def give(self, what: str) -> Any:
        return {
            "none": None,
            "yes": True,
            "float": 1.5,
            "mode": Mode.HEAT,
            "bytes": b"\xff",
            "surrogate": "\udcff",
            "two": ("a", b"b"),
            "bye": ("bye", CLOSE),
            "abort": ABORT,
            "script": _script(),
            "set": {1},
            "newline": "a\nb",
        }[what]

    @command
    def refuse(self, reason: str = "no") -> None:
        raise CommandError(f"{reason}\nline\x1b[2J")

    @command
    async def later(self) -> str:
        return f"got {await self.waiting}"

    @command
    def deferred(self) -> "Deferred[Any]":
        return self.waiting


class Instrument(CommandSet):
    prefix, separator, case_sensitive, done, newline = "", ",", False, None, None

    @command("MEAS:VOLT?", "measure:voltage?")
    def measure(self, scale: float = 1.0, unit: Literal["V", "mV"] = "V") -> str:
        return f"{scale} {unit}"

    @command("*RST")
    def reset(self) -> None: ...


class TalkTests(TestCase):
    """Has a connection to a set of commands."""

    def connect(self, commands: CommandSet, **options: Any) -> Remote:
        self.clock = Clock()
        self.factory = CommandFactory(commands, clock=self.clock, **options)
        self.protocol = self.factory.buildProtocol(None)
        self.remote = connect(self.protocol)
        self.addCleanup(assert_no_faults, self.remote)
        return self.remote

    def say(self, *lines: bytes) -> bytes:
        for line in lines:
            self.protocol.dataReceived(line + b"\n")
        return self.remote.read()

    def answers(self, commands: CommandSet, **expected: bytes) -> None:
        self.connect(commands)
        for line, reply in expected.items():
            self.assertEqual(self.say(line.encode()), reply + b"\n", line)


class Streams(CommandSet):
    """Streams rows, as many as are asked for."""

    def __init__(self) -> None:
        self.made = 0
        self.ended: list[str] = []
        self.next: Deferred[None] = Deferred()
        self.cleaning: Deferred[None] = succeed(None)

    @command
    async def rows(self, count: int = 2) -> AsyncIterator[str]:
        """Yield rows."""
        try:
            for number in range(count):
                self.made += 1
                yield f"row {number} " + "x" * 1000
        finally:
            self.ended.append("rows")

    @command
    async def follow(self, wrong: bool = False) -> AsyncIterator[str]:
        """Yield a row whenever there is one."""
        async for row in self._rows(wrong):
            yield row

    @command(endless=True)
    async def watch(self) -> AsyncIterator[str]:
        """Yield a row whenever there is one, for ever."""
        async for row in self._rows(False):
            yield row

    @command
    async def broken(self, how: Literal["refused", "bug"]) -> AsyncIterator[str]:
        """Go wrong."""
        yield "one"
        raise CommandError("no more") if how == "refused" else ZeroDivisionError

    async def _rows(self, wrong: bool) -> AsyncIterator[str]:
        try:
            while True:
                yield "row"
                self.next = Deferred()
                await self.next
        except CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            await self.cleaning
            self.ended.append("clean")

    @command
    def now(self) -> str:
        """Answer at once."""
        return "now"
