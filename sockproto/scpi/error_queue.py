"""The error queue of an instrument, and SCPI's numbers and texts.

Pure::

    queue = ErrorQueue()
    queue.add(InstrumentError(-222, "31 V"))
    queue.next()        # '-222,"Data out of range;31 V"'

Source:
    SCPI-99, volume 2, section 21.8 (SYSTem:ERRor: the queue, numbers and texts).
"""

from collections import deque

from sockproto.errors import (
    CommandError,
    ExtraArgument,
    InstrumentError,
    MissingArgument,
    UnknownCommand,
    WrongArgument,
    WrongQuoting,
)
from sockproto.scpi.response_data import string_data

MAX_ERRORS = 20
"""So many wait; the standard wants two at least."""

MAX_TEXT_CHARACTERS = 255
"""The text and the detail behind it have no more."""

NO_ERROR = '0,"No error"'

ERROR_TEXTS = {
    -100: "Command error", -101: "Invalid character", -102: "Syntax error", -103: "Invalid separator",
    -104: "Data type error", -105: "GET not allowed", -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error", -111: "Header separator error", -112: "Program mnemonic too long",
    -113: "Undefined header", -114: "Header suffix out of range", -115: "Unexpected number of parameters",
    -120: "Numeric data error", -121: "Invalid character in number", -123: "Exponent too large",
    -124: "Too many digits", -128: "Numeric data not allowed", -130: "Suffix error", -131: "Invalid suffix",
    -134: "Suffix too long", -138: "Suffix not allowed", -140: "Character data error",
    -141: "Invalid character data", -144: "Character data too long", -148: "Character data not allowed",
    -150: "String data error", -151: "Invalid string data", -158: "String data not allowed",
    -160: "Block data error", -161: "Invalid block data", -168: "Block data not allowed",
    -170: "Expression error", -171: "Invalid expression", -178: "Expression data not allowed",
    -180: "Macro error", -200: "Execution error", -201: "Invalid while in local",
    -202: "Settings lost due to rtl", -203: "Command protected", -210: "Trigger error",
    -211: "Trigger ignored", -212: "Arm ignored", -213: "Init ignored", -214: "Trigger deadlock",
    -215: "Arm deadlock", -220: "Parameter error", -221: "Settings conflict", -222: "Data out of range",
    -223: "Too much data", -224: "Illegal parameter value", -225: "Out of memory",
    -226: "Lists not same length",
    -230: "Data corrupt or stale", -231: "Data questionable", -233: "Invalid version", -240: "Hardware error",
    -241: "Hardware missing", -250: "Mass storage error", -251: "Missing mass storage", -252: "Missing media",
    -253: "Corrupt media", -254: "Media full", -255: "Directory full", -256: "File name not found",
    -257: "File name error", -258: "Media protected", -260: "Expression error",
    -261: "Math error in expression",
    -270: "Macro error", -280: "Program error", -290: "Memory use error", -300: "Device-specific error",
    -310: "System error", -311: "Memory error", -312: "PUD memory lost", -313: "Calibration memory lost",
    -314: "Save/recall memory lost", -315: "Configuration memory lost", -320: "Storage fault",
    -321: "Out of memory", -330: "Self-test failed", -340: "Calibration failed", -350: "Queue overflow",
    -360: "Communication error", -361: "Parity error in program message",
    -362: "Framing error in program message", -363: "Input buffer overrun", -365: "Time out error",
    -400: "Query error", -410: "Query INTERRUPTED", -420: "Query UNTERMINATED", -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response", -500: "Power on", -600: "User request",
    -700: "Request control", -800: "Operation complete",
}  # fmt: skip

_NUMBERS = {
    UnknownCommand: -113,
    MissingArgument: -109,
    ExtraArgument: -108,
    WrongArgument: -224,
    WrongQuoting: -151,
}
"""The numbers of what a ``CommandSet`` knows to be wrong; another ``CommandError`` is an execution error."""


def as_instrument_error(error: CommandError) -> InstrumentError:
    """Return an error with its number: of any other than an ``InstrumentError`` its type decides."""
    if isinstance(error, InstrumentError):
        return error
    number = next((number for kind, number in _NUMBERS.items() if isinstance(error, kind)), -200)
    return InstrumentError(number, "" if type(error) in _NUMBERS else str(error))


class ErrorQueue:
    """What went wrong, the oldest first. Past its capacity the last says so: -350."""

    def __init__(self) -> None:
        self._errors: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, error: InstrumentError) -> None:
        """Add an error."""
        if len(self._errors) >= MAX_ERRORS:
            self._errors[-1] = error_message(-350)
        else:
            self._errors.append(error_message(error.number, error.detail))

    def next(self) -> str:
        """Take the oldest error."""
        return self._errors.popleft() if self._errors else NO_ERROR

    def all(self) -> str:
        """Take all errors."""
        errors = ",".join(self._errors) or NO_ERROR
        self._errors.clear()
        return errors

    def clear(self) -> None:
        """Forget all errors."""
        self._errors.clear()


def error_message(number: int, detail: str = "") -> str:
    """Return an error as SYSTem:ERRor? answers it."""
    text = ERROR_TEXTS.get(number, "")
    if detail:
        text = f"{text};{detail}" if text else detail
    return f"{number},{string_data(text[:MAX_TEXT_CHARACTERS])}"
