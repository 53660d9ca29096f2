"""What is checked of everything, and what is counted."""

from collections import Counter

from twisted.logger import LogEvent, eventAsText


class Fault(AssertionError):
    """Something that must not be."""


class Tally:
    """What a run has counted."""

    def __init__(self) -> None:
        self.inputs = self.conversations = 0
        self.reasons: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()


def check(right: object, what: str) -> None:
    """Raise a Fault unless all is right."""
    if not right:
        raise Fault(what)


def check_log(logged: list[LogEvent]) -> None:
    """Check that no error was logged, and that no event is anything but a line."""
    for event in logged:
        if "log_failure" in event:
            raise Fault(f"logged: {event['log_failure'].getErrorMessage()}") from event["log_failure"].value
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        check(text.isprintable(), f"a log line that is none: {text!r}")
    logged.clear()
