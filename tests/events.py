"""What is written to the log while a test runs.

::

    events = observe(self)
"""

from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, eventAsText, globalLogPublisher
from twisted.trial.unittest import TestCase


def observe(test: TestCase, observer: Any = None) -> list[LogEvent]:
    """Have the log observed until the test is over.

    Args:
        test: The test.
        observer: Told of each event too.

    Returns:
        The events of the log, those to come too.
    """
    events: list[LogEvent] = []
    for each in events.append, observer:
        if each is not None:
            globalLogPublisher.addObserver(cast("ILogObserver", each))
            test.addCleanup(globalLogPublisher.removeObserver, cast("ILogObserver", each))
    return events


def take_texts(events: list[LogEvent]) -> list[str]:
    """Return events as text, without when and whence, and forget them."""
    texts = [eventAsText(event, includeTimestamp=False, includeSystem=False) for event in events]
    events.clear()
    return texts
