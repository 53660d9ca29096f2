"""The common commands of IEEE 488.2, chapter 10: ``*IDN?``, ``*RST``, ``*OPC?`` and the others.

::

    class Supply(CommonCommands):
        identity = "Example,PSU-1,0,1.0"
"""

from typing import Annotated, ClassVar

from twisted.internet.defer import Deferred

from sockproto.scpi.base import BaseInstrument
from sockproto.scpi.declaration import scpi
from sockproto.scpi.numeric import Numeric
from sockproto.scpi.status import MASTER_SUMMARY, OPERATION_COMPLETE

Byte = Annotated[int, Numeric(minimum=0, maximum=255)]


class CommonCommands(BaseInstrument):
    """What every instrument has that keeps to IEEE 488.2."""

    identity: ClassVar[str] = "sockproto,instrument,0,1.0"
    _completing: "Deferred[None] | None" = None  # of the *OPC that waits

    def reset(self) -> None:
        """Do what ``*RST`` promises, besides ending overlapped commands: set all settings back."""
        for setting in self.settings:
            setting.set_back(self)

    def self_test(self) -> int:
        """Return 0 if all is well, which ``*TST?`` asks for."""
        return 0

    @scpi("*CLS")
    def clear_status(self) -> None:
        """Forget events and errors, and a waiting *OPC (10.3)."""
        self._cancel_complete()
        self.status.clear()

    @scpi("*ESE")
    def set_event_enable(self, mask: Byte) -> None:
        """Choose of which standard events the status byte tells (10.10)."""
        self.status.event_enable = mask

    @scpi("*ESE?")
    def event_enable(self) -> int:
        """Return of which it tells (10.11)."""
        return self.status.event_enable

    @scpi("*ESR?")
    def event(self) -> int:
        """Return the standard events, and forget them (10.12)."""
        return self.status.read_event()

    @scpi("*IDN?")
    def identify(self) -> str:
        """Return maker, model, serial number and version (10.14)."""
        return self.identity

    @scpi("*OPC")
    def complete(self) -> None:
        """Set a standard event when no command is pending any more (10.18)."""
        self._cancel_complete()
        self._completing = self.operations.finished()
        if self._completing is None:
            self._set_complete()
        else:
            self._completing.addCallbacks(self._set_complete, lambda _: None)

    @scpi("*OPC?")
    def completed(self) -> "int | Deferred[int]":
        """Answer 1 when no command is pending any more (10.19)."""
        finished = self.operations.finished()
        return 1 if finished is None else finished.addCallback(lambda _: 1)

    @scpi("*RST")
    def reset_all(self) -> None:
        """Set all back, but not the status; end what is pending (10.32)."""
        self._cancel_complete()
        self.operations.cancel()
        self.reset()

    @scpi("*SRE")
    def set_request_enable(self, mask: Byte) -> None:
        """Choose of what in the status byte its master summary tells (10.34)."""
        self.status.request_enable = mask & ~MASTER_SUMMARY

    @scpi("*SRE?")
    def request_enable(self) -> int:
        """Return of what it tells (10.35)."""
        return self.status.request_enable

    @scpi("*STB?")
    def status_byte(self) -> int:
        """Return the status byte (10.36)."""
        return self.status.byte()

    @scpi("*TST?")
    def test(self) -> int:
        """Return what the self-test finds (10.38)."""
        return self.self_test()

    @scpi("*WAI")
    def wait(self) -> "Deferred[None] | None":
        """Do nothing before no command is pending any more (10.39)."""
        return self.operations.finished()

    def _set_complete(self, result: None = None) -> None:
        self.status.event |= OPERATION_COMPLETE

    def _cancel_complete(self) -> None:
        if self._completing is not None:
            self._completing.cancel()
            self._completing = None
