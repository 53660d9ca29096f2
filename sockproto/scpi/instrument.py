"""An instrument: a class whose methods are SCPI's commands, with all that every instrument has.

::

    class Supply(Instrument):
        identity = "Example,PSU-1,0,1.0"
        voltage = Setting("[SOURce]:VOLTage", Annotated[float, Numeric("V", 0, 30)], 0.0)

        @scpi("MEASure:VOLTage[:DC]?")
        def measure(self) -> float:
            return self.voltage

    endpoint.listen(InstrumentFactory(Supply()))

Source:
    SCPI-99, volume 1, chapter 4 (required commands), volume 2, chapters 20 (STATus) and 21 (SYSTem).
"""

import inspect
from typing import Any

from sockproto.errors import DeclarationError
from sockproto.scpi.common import CommonCommands
from sockproto.scpi.declaration import declared_headers, scpi
from sockproto.scpi.setting import RegisterCommands, Setting


class Instrument(CommonCommands):
    """A simulated instrument: subclass it, decorate methods with ``scpi``, add ``Setting`` attributes.

    One object is one instrument. As IEEE 488.2 has it, it has one state, one status and one error queue,
    whoever is connected; a connection's own is only the path of the message that is read. A method answers a
    query with what it returns (see ``response_data``); it may be ``async``, and raise ``InstrumentError``,
    whose number is queued. Any other ``CommandError`` is -200, and any other exception is a bug: -310, and a
    traceback in the log.

    Attributes:
        identity: What ``*IDN?`` answers: maker, model, serial number and version, with commas between them.
        caller: The class of who sends commands, for a method that has an argument with that annotation.
        headers: All headers; made with the class.
        parse_message: Reads a message; made with the class.
        settings: All settings; made with the class.
        status: Its status registers and error queue.
        operations: Its overlapped commands that are not over.

    Raises:
        DeclarationError: When the class is made: a method can't be a command, or a command or setting has the
            name of what every instrument has.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name, attribute in vars(cls).items():
            headers = declared_headers(attribute)
            if not headers and not isinstance(attribute, Setting):
                continue
            own = inspect.getattr_static(Instrument, name, None)
            overrides = inspect.isfunction(own) and bool(headers) and declared_headers(own) <= headers
            if own is not None and not overrides:
                raise DeclarationError(f"{cls.__name__}.{name}: every instrument has that name; take another")
        super().__init_subclass__(**kwargs)

    operation_commands = RegisterCommands("STATus:OPERation", lambda instrument: instrument.status.operation)
    questionable_commands = RegisterCommands(
        "STATus:QUEStionable", lambda instrument: instrument.status.questionable
    )

    @scpi("STATus:PRESet")
    def preset_status(self) -> None:
        """Set the enable registers and transition filters back."""
        self.status.operation.preset()
        self.status.questionable.preset()

    @scpi("SYSTem:ERRor[:NEXT]?")
    def next_error(self) -> str:
        """Take the oldest error (21.8)."""
        return self.status.errors.next()

    @scpi("SYSTem:ERRor:ALL?")
    def all_errors(self) -> str:
        """Take all errors."""
        return self.status.errors.all()

    @scpi("SYSTem:ERRor:COUNt?")
    def error_count(self) -> int:
        """Count the errors."""
        return len(self.status.errors)

    @scpi("SYSTem:VERSion?")
    def version(self) -> str:
        """Return the year of the standard."""
        return "1999.0"

    @scpi("SYSTem:HELP:HEADers?")
    def list_headers(self) -> bytes:
        """List all headers."""
        return "\n".join(sorted(str(declared.header) for declared in self.headers.declared)).encode()
