"""The status system: the status byte and what it sums up.

Pure::

    status = StatusSystem()
    status.questionable.condition |= 1      # STATus:QUEStionable:CONDition? answers 1 from now on
    status.byte()                           # *STB?

Source:
    IEEE 488.2-1992, chapter 11; SCPI-99, volume 1, chapter 9, and volume 2, chapter 20 (STATus).
"""

from sockproto.errors import CommandError, InstrumentError
from sockproto.scpi.error_queue import ErrorQueue, as_instrument_error

# The standard event status register: IEEE 488.2, 11.5.1.1.
OPERATION_COMPLETE, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 8, 16, 32, 128

# The status byte: IEEE 488.2, 11.2, and SCPI-99, volume 1, section 9.1.
ERROR_AVAILABLE, QUESTIONABLE, MESSAGE_AVAILABLE, EVENT_STATUS, MASTER_SUMMARY, OPERATION = (
    4,
    8,
    16,
    32,
    64,
    128,
)

_EVENTS = {1: COMMAND_ERROR, 2: EXECUTION_ERROR, 3: DEVICE_ERROR, 4: QUERY_ERROR, 5: POWER_ON, 6: 64, 7: 2,
           8: OPERATION_COMPLETE}  # fmt: skip
"""The event of each hundred of error numbers: SCPI-99, volume 2, section 21.8."""

ALL = 0x7FFF
"""SCPI-99, volume 1, 9.1: the highest of a register's 16 bits is never used."""


class StatusRegister:
    """Condition, transition filters, event and enable: SCPI-99, volume 1, section 9.2.

    Attributes:
        event: What has changed since it was last read.
        enable: Which events the status byte tells of.
        positive: Which conditions are events when they begin.
        negative: Which are when they end.
    """

    def __init__(self) -> None:
        self._condition = self.event = 0
        self.preset()

    @property
    def condition(self) -> int:
        """What is the case now, a bit for each."""
        return self._condition

    @condition.setter
    def condition(self, condition: int) -> None:
        condition &= ALL
        begun, ended = condition & ~self._condition, self._condition & ~condition
        self.event |= begun & self.positive | ended & self.negative
        self._condition = condition

    def preset(self) -> None:
        """Go back to what STATus:PRESet promises: SCPI-99, volume 2, chapter 20."""
        self.enable, self.positive, self.negative = 0, ALL, 0

    def read_event(self) -> int:
        """Return the events, and forget them."""
        event, self.event = self.event, 0
        return event

    @property
    def is_raised(self) -> bool:
        """Whether an event happened that is enabled."""
        return bool(self.event & self.enable)


class StatusSystem:
    """The status of one instrument, for all who are connected to it.

    Attributes:
        errors: The error queue.
        event: The standard event status register; it begins with power on.
        event_enable: Which of it the status byte tells of.
        request_enable: Which of the status byte the master summary tells of.
        operation: STATus:OPERation.
        questionable: STATus:QUEStionable.
        message_available: Whether an answer waits to be sent, behind that of the command under way.
    """

    def __init__(self) -> None:
        self.errors = ErrorQueue()
        self.event = POWER_ON
        self.message_available = False
        self.event_enable = self.request_enable = 0
        self.operation, self.questionable = StatusRegister(), StatusRegister()

    def report(self, error: CommandError) -> None:
        """Queue an error, and note its kind in the standard event status register."""
        found: InstrumentError = as_instrument_error(error)
        overflows = len(self.errors)
        self.errors.add(found)
        self.event |= _EVENTS.get(-found.number // 100, DEVICE_ERROR)
        if len(self.errors) == overflows:
            self.event |= DEVICE_ERROR  # of -350

    def read_event(self) -> int:
        """Return the standard events, and forget them."""
        event, self.event = self.event, 0
        return event

    def byte(self) -> int:
        """Return the status byte."""
        byte = (
            ERROR_AVAILABLE * bool(self.errors)
            | QUESTIONABLE * self.questionable.is_raised
            | MESSAGE_AVAILABLE * self.message_available
            | EVENT_STATUS * bool(self.event & self.event_enable)
            | OPERATION * self.operation.is_raised
        )
        return byte | MASTER_SUMMARY * bool(byte & self.request_enable & ~MASTER_SUMMARY)

    def clear(self) -> None:
        """Do what *CLS does: forget events and errors; what is enabled stays (IEEE 488.2, 10.3)."""
        self.errors.clear()
        self.event = self.operation.event = self.questionable.event = 0
