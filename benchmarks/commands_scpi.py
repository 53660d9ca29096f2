"""An instrument declared with ``sockproto.scpi``, and one written by hand that answers the same lines alike.

For ``benchmarks.commands``. The one written by hand has what every instrument needs: headers in any case and
with a leading colon, several commands in a message, units, limits, an error queue, events. It has no long
forms, optional nodes, default paths, blocks, other common commands or registers.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Annotated, ClassVar

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import Conversation
from sockproto.core.framing.lines import Lines
from sockproto.scpi import Instrument, Numeric, Setting, scpi

LINES = {
    "a query": b"MEAS:VOLT?",
    "the identity": b"*IDN?",
    "a setting": b"VOLT 500 mV",
    "asking for it": b"VOLT?",
    "two in a message": b"VOLT 5;MEAS:VOLT?",
    "an error of SCPI": b"VOLT 99",
}
"""The lines that are answered, and what is measured with each."""

IDENTITY = "Example,PSU-1,0,1.0"
READING = 4.25
COMMAND_ERROR, EXECUTION_ERROR = 32, 16


class DeclaredSupply(Instrument):
    """The instrument, declared."""

    identity = IDENTITY
    voltage = Setting("[SOURce]:VOLTage[:LEVel]", Annotated[float, Numeric("V", 0, 30, default=5)], 0.0)

    @scpi("MEASure[:SCALar]:VOLTage[:DC]?")
    def measure(self) -> float:
        """Return what is measured."""
        return READING


class WrittenSupply(Conversation):
    """The same, written by hand."""

    def __init__(self) -> None:
        self.voltage = 0.0
        self.event = 0
        self.errors: deque[str] = deque(maxlen=20)

    def received(self, message: bytes) -> bytes | None:
        """Do what a message says."""
        answers = []
        for unit in message.split(b";"):
            header, _, data = unit.strip().partition(b" ")
            method = self.methods.get(header.upper().removeprefix(b":"))
            if method is None:
                self._fail(COMMAND_ERROR, '-113,"Undefined header"')
                continue
            answer = method(self, data.strip())
            if answer is not None:
                answers.append(answer)
        return b";".join(answers) if answers else None

    def _fail(self, event: int, error: str) -> None:
        self.event |= event
        self.errors.append(error)

    def _answer(self, data: bytes, value: str) -> bytes | None:
        if data:
            self._fail(COMMAND_ERROR, '-108,"Parameter not allowed"')
            return None
        return value.encode()

    def _identify(self, data: bytes) -> bytes | None:
        return self._answer(data, IDENTITY)

    def _measure(self, data: bytes) -> bytes | None:
        return self._answer(data, repr(READING))

    def _ask(self, data: bytes) -> bytes | None:
        return self._answer(data, repr(self.voltage))

    def _set(self, data: bytes) -> None:
        number, scale = data.upper(), 1.0
        if number.endswith(b"V"):
            number = number[:-1]
            if number.endswith(b"M"):
                number, scale = number[:-1], 1e-3
        try:
            value = float(number) * scale
        except ValueError:
            self._fail(COMMAND_ERROR, '-121,"Invalid character in number"')
            return
        if not 0 <= value <= 30:
            self._fail(EXECUTION_ERROR, '-222,"Data out of range"')
            return
        self.voltage = value

    methods: ClassVar[dict[bytes, Callable[["WrittenSupply", bytes], bytes | None]]] = {
        b"*IDN?": _identify,
        b"MEAS:VOLT?": _measure,
        b"VOLT?": _ask,
        b"VOLT": _set,
    }


class WrittenSupplyProtocol(ConversationProtocol):
    """It on a stream."""

    conversation, framing = WrittenSupply, partial(Lines, newline=b"\n")


class WrittenSupplyFactory(ConversationFactory):
    """Makes it."""

    protocol = WrittenSupplyProtocol
