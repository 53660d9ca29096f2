"""Mistakes and exceptions of the protocol under test, even if they are caught and logged.

Twisted's transports and Deferreds log what a protocol raises, and our carriers log what a conversation
raises. Of the test runners only trial reads the log, so the kit observes it too::

    noted = FaultNotes(owns=lambda carrier: carrier is protocol, at_work=lambda: False)
    noted.said()    # ["EchoProtocol raised ZeroDivisionError: division by zero (shout.py, line 12)"]
"""

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Any
from weakref import WeakSet

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider

import sockproto
from sockproto.reactor.observers import is_flushed

LIBRARIES = [str(Path(sockproto.__file__).parent), *sysconfig.get_paths().values()]
"""Where the lines are not that a test is about."""


class FaultNotes:
    """The faults of one that is under test.

    Args:
        owns: Tells whether a carrier of ours is part of it.
        at_work: Tells whether it is running now: what is logged meanwhile without a carrier is its own.
        protocol: The protocol that such is said of; None: it isn't known.
        said: Where they are noted, a sentence each; others are noted there too.

    Attributes:
        errors: The exceptions that were noted, with what is said of each.
    """

    def __init__(
        self,
        owns: Callable[[Any], bool],
        at_work: Callable[[], bool],
        protocol: Any = None,
        said: list[str] | None = None,
    ) -> None:
        self.owns, self.at_work, self._protocol = owns, at_work, protocol
        self._said = [] if said is None else said
        self.errors: list[tuple[BaseException, str]] = []
        if not _kept:
            globalLogPublisher.addObserver(_observe)
        _kept.add(self)

    def said(self) -> list[str]:
        """Return them; not the exceptions that a test of trial's has flushed from the log, as expected."""
        expected = {said for error, said in self.errors if is_flushed(error)}
        return [said for said in self._said if said not in expected]

    def raised(self) -> list[str]:
        """Return those that are exceptions."""
        return [said for error, said in self.errors if not is_flushed(error)]

    def note(self, error: BaseException, carrier: Any = None) -> None:
        """Take note of an exception: its text, escaped, and the line of the test's own code that led to it.

        Args:
            error: The exception.
            carrier: Whose it is, if it is a carrier's of ours.
        """
        who = carrier or self._protocol
        name = "a protocol" if who is None else type(who).__name__
        text = f": {repr(str(error))[1:-1][:200]}" if str(error) else ""
        said = f"{name} raised {type(error).__name__}{text}{_place(error, who)}"
        self.errors.append((error, said))
        self._said.append(said)


_kept: WeakSet[FaultNotes] = WeakSet()


@provider(ILogObserver)
def _observe(event: LogEvent) -> None:
    """Return what was logged to whom it belongs; if nobody knows, it is everybody's."""
    kept = list(_kept)
    if not kept:
        globalLogPublisher.removeObserver(_observe)
    failure = event.get("log_failure") or event.get("failure")  # by log.err()
    error = getattr(failure, "value", None)
    if error is None or any(error is known for faults in kept for known, _ in faults.errors):
        return
    carrier = event["log_source"] if event.get("event") == "conversation_error" else None
    owners = [faults for faults in kept if (faults.at_work() if carrier is None else faults.owns(carrier))]
    for faults in owners or (kept if carrier is None else ()):
        faults.note(error, carrier)


def _place(error: BaseException, who: Any) -> str:
    """Return where that was: in the file of who raised it, else in no library, else at all."""
    frames = list(extract_tb(error.__traceback__))
    home = getattr(sys.modules.get(type(who).__module__), "__file__", None)
    at_home = [frame for frame in frames if frame.filename == home]
    places = at_home or [frame for frame in frames if not _in_library(frame)] or frames
    return f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""


def _in_library(frame: FrameSummary) -> bool:
    return frame.filename.startswith(tuple(LIBRARIES))
