"""The log of a server: for programs, one JSON object a line; and a file that logrotate(8) may rename.

::

    twistd -n --logger sockproto.server.logs.json_lines sockproto --port 9999

    json_lines(LogFile("/var/log/sockproto.log"))       # an observer
"""

import os
import sys
from contextlib import suppress
from datetime import datetime, timezone
from json import dumps
from math import isfinite
from typing import Any

from twisted.logger import FileLogObserver, LogEvent, formatEvent, textFileLogObserver
from twisted.python.reflect import safe_str

from sockproto.carriers.reports import Reports
from sockproto.errors import OptionError

FORMATS = ("text", "json")

CONNECTIONS = tuple(reports.value for reports in Reports)

OURS = ("time", "pid", "level", "event", "message", "system", "traceback")
"""The names that every line may have; a field that is named so gets an underscore behind its name."""

LEGACY = {"message", "isError", "failure", "why", "time", "system", "format", "logLevel"}
"""What an event of ``twisted.python.log``, or one that was told to its observers, has besides."""

MAX_INTEGER = 2**63
"""Beyond this a number is text: few programs that read JSON take longer ones."""


def word(text: str, words: tuple[str, ...]) -> str:
    """Return a word that was typed, if it is one of some.

    Raises:
        OptionError: The text is not one of them.
    """
    if text not in words:
        raise OptionError(f"must be {', '.join(words[:-1])} or {words[-1]}, not {text!r}")
    return text


def connections(text: str) -> str:
    """Return which connections the log tells the end of, as it was typed; see :class:`Reports`."""
    return word(text, CONNECTIONS)


def json_lines(file: Any = None) -> FileLogObserver:
    """Return an observer that writes each event as one JSON object on a separate line.

    Args:
        file: Where to; standard output if None.
    """
    return FileLogObserver(sys.stdout if file is None else file, json_line)


def observer(form: str, file: Any = None) -> FileLogObserver:
    """Make an observer.

    Args:
        form: One of ``FORMATS``; the text is that of twistd.
        file: Where to; standard output if None.
    """
    return json_lines(file) if form == "json" else textFileLogObserver(sys.stdout if file is None else file)


def json_line(event: LogEvent) -> str | None:
    r"""Return an event as one JSON object and a newline; None if it says nothing.

    ``time`` is RFC 3339's, in UTC, with milliseconds; ``level`` is Twisted's; ``event`` is the name of one of
    ours, else null. All of it is ASCII, so that nothing in it can drive a terminal or end the line.
    """
    failure = event.get("log_failure")
    message = formatEvent(event)
    if not message and failure is None:
        return None
    level = event.get("log_level")
    told: dict[str, Any] = {
        "time": _time(event.get("log_time")),
        "pid": os.getpid(),
        "level": getattr(level, "name", None),
        "event": _plain(event.get("event")),
        "message": _plain(message),
        "system": _plain(event.get("log_system") or event.get("log_namespace")),
    }
    legacy = LEGACY if "isError" in event else set()
    for name, value in event.items():
        if name != "event" and name not in legacy and not str(name).startswith("log_"):
            told[f"{name}_" if name in OURS else str(name)] = _plain(value)
    if failure is not None:
        told["traceback"] = _traceback(failure)
    return dumps(told) + "\n"


def _time(seconds: float | None) -> str | None:
    """Return a time in seconds since 1970 as RFC 3339 writes it."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _plain(value: object) -> str | int | float | bool | None:
    """Return what JSON has, and every reader of it takes, for a value: else its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -MAX_INTEGER <= value < MAX_INTEGER:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    # Half of a surrogate pair, as in a path that is not UTF-8, is refused by some readers.
    return str(safe_str(value)).encode("utf-8", "backslashreplace").decode("utf-8")


def _traceback(failure: Any) -> str | int | float | bool | None:
    try:
        return _plain(failure.getTraceback())
    except Exception as error:  # it quotes objects of others'
        return f"no traceback: {type(error).__name__}"


class LogFile:
    """A file that is appended to, and opened again once it was renamed or removed, as by logrotate(8).

    Several processes may have the same one open: each line is one write(2) to its end.

    Args:
        path: Where it is; it is made if it isn't there.

    Raises:
        OSError: It can't be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._descriptor = self._opened(0o666)

    def write(self, text: str) -> None:
        """Append a line."""
        if self._is_elsewhere():
            with suppress(OSError):  # the old one is better than none
                self.reopen()
        os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Do nothing: each line is written at once."""

    def reopen(self) -> None:
        """Open it again, with the permissions that it had.

        Raises:
            OSError: It can't be opened; the old one is written to as before.
        """
        opened = self._opened(os.fstat(self._descriptor).st_mode & 0o777)
        os.dup2(opened, self._descriptor, inheritable=False)  # other threads may be writing
        os.close(opened)

    def close(self) -> None:
        """Write no more."""
        os.close(self._descriptor)

    def _opened(self, mode: int) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)

    def _is_elsewhere(self) -> bool:
        """Return whether the path leads no longer to what is open."""
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return True
