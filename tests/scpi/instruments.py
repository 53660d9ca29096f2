"""Instruments for tests, and what one says to them."""

from typing import Annotated, Any, Literal

from twisted.internet.defer import Deferred

from sockproto import CommandError
from sockproto.core.conversation import Peer
from sockproto.core.framing.program import ProgramMessages
from sockproto.core.session import Session
from sockproto.scpi import Instrument, InstrumentError, Numeric, Setting, scpi, string_data
from sockproto.scpi.answering import InstrumentConversation

Volts = Annotated[float, Numeric("V", 0, 30, default=5)]
Channel = Annotated[int, Numeric(minimum=1, maximum=3)]


class Supply(Instrument):
    """One of everything."""

    identity = "Example,PSU-1,0,1.0"
    voltage = Setting("[SOURce]:VOLTage[:LEVel][:IMMediate]", Volts, 0.0)
    protection = Setting("[SOURce]:VOLTage:PROTection[:LEVel]", Volts, 30.0)
    current = Setting("[SOURce]:CURRent", Annotated[float, Numeric("A", 0, 3)], 0.0)
    frequency = Setting("FREQuency", Annotated[float, Numeric("HZ")], 50.0)
    points = Setting("POINts", Annotated[int, Numeric(minimum=1, maximum=1000)], 10)
    function = Setting("[SOURce]:FUNCtion", Literal["VOLTage", "CURRent"], "VOLTage")
    output = Setting("OUTPut[:STATe]", bool, False)
    text = Setting("DISPlay:TEXT", str, "")
    data = Setting("DATA", bytes, b"")

    def __init__(self) -> None:
        self.pending: Deferred[Any] = Deferred()
        self.delays = {1: 0, 2: 0, 3: 0}

    @scpi("MEASure[:SCALar]:VOLTage[:DC]?")
    def measure(self, range: float = 10, resolution: float | None = None) -> list[Any]:
        """Say what was asked for."""
        return [self.voltage, range, str(resolution)]

    @scpi("DISPlay:TEXT:QUOTed?")
    def quoted(self) -> str:
        """Say the text in quotes."""
        return string_data(self.text)

    @scpi("TRIGger<channel>:DELay")
    def set_delay(self, channel: Channel, seconds: Annotated[int, Numeric("S")]) -> None:
        """Set one of three delays."""
        self.delays[channel] = seconds

    @scpi("TRIGger<channel>:DELay?")
    def delay(self, channel: Channel) -> int:
        """Say one."""
        return self.delays[channel]

    @scpi("TRIGger<channel>:ALL?")
    def all(self, channel: Channel, *numbers: int) -> list[int]:
        """Say all that was given."""
        return [channel, *numbers]

    @scpi("INITiate", overlapped=True)
    async def initiate(self) -> None:
        """Take some time."""
        await self.pending

    @scpi("FETCh?")
    async def fetch(self) -> int:
        """Take some time, and answer."""
        return int(await self.pending)

    @scpi("FAIL")
    def fail(self, how: Literal["OWN", "NUMBer", "COMMand", "BUG"]) -> None:
        """Fail in one way."""
        raise {
            "OWN": InstrumentError(101, "Fuse blown"),
            "NUMBer": InstrumentError(-221, "no output"),
            "COMMand": CommandError("not now"),
            "BUG": ZeroDivisionError(),
        }[how]

    @scpi("FAIL?")
    def failing(self) -> Any:
        """Answer with what is no answer."""
        return object()


class Talk:
    """A connection to an instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.session = Session(InstrumentConversation(instrument), ProgramMessages())
        self.session.open(Peer("192.0.2.1", 5000))

    def say(self, *messages: str | bytes) -> str:
        """Send messages, each with its newline; return what comes, without the last newline."""
        encoded = (each if isinstance(each, bytes) else each.encode() for each in messages)
        came = self.session.receive(b"".join(each + b"\n" for each in encoded))
        return came.decode("latin-1").removesuffix("\n")

    def errors(self) -> list[int]:
        """Return the numbers of the errors, and forget them."""
        queue, found = self.instrument.status.errors, []
        while (error := queue.next()) != '0,"No error"':
            found.append(int(error.partition(",")[0]))
        return found
