"""What ``sockproto serve`` takes on its command line: twistd sockproto's options, the log, and workers.

::

    options = ForegroundOptions()
    options.parseOptions(["--port", "0", "--logfile", "server.log", "--log-format", "json"])
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from twisted.logger import FileLogObserver, Logger

from sockproto.core.limits import Limits
from sockproto.core.text import count
from sockproto.errors import OptionError
from sockproto.server import tap
from sockproto.server.listeners import Listener
from sockproto.server.logs import FORMATS, LogFile, observer, word
from sockproto.server.service import ServerService
from sockproto.workers.place import WorkerPlace, taken_place
from sockproto.workers.supervisor import Supervisor
from sockproto.workers.worker import WorkerService

MAX_WORKERS = 1_024


class ForegroundOptions(tap.Options):
    """The options of ``sockproto serve``.

    Attributes:
        make_observer: Makes what writes the log, once the options are parsed; None: Twisted does.
        hang_up: What SIGHUP is to call, once the options are parsed; None: it ends the server.
        form: How the log is written, a word of ``FORMATS``.
        workers: How many processes serve, besides this one; 0: this one alone does.
        place: What this process was started with, if it is one of those.
    """

    tapname: ClassVar[str] = "sockproto serve"
    shown: ClassVar[tuple[str, ...]] = (*tap.Options.shown, "log-format", "logfile", "workers")
    optParameters: ClassVar[list[list[Any]]] = [
        ["log-format", None, None, "text, or json: an object a line  [default: text]"],
        ["logfile", None, None, "append the log to this file; SIGHUP then opens it again, and ends nothing"],
        ["workers", None, None, "processes that serve, or auto: one for each core; SIGHUP replaces them"],
    ]

    make_observer: Callable[[], FileLogObserver] | None = None
    form = "text"
    workers = 0
    place: WorkerPlace | None = None

    def __init__(self) -> None:
        super().__init__()
        self.place = taken_place()

    def plan(self) -> list[Listener]:
        """Return what the options ask to listen on; checks first what ``twistd sockproto`` has not."""
        try:
            self.form = word(self["log-format"] or "text", FORMATS)
        except OptionError as error:
            raise OptionError(f"--log-format: {error}") from None
        self.workers = _workers(self["workers"]) if self["workers"] is not None else 0
        if self.workers and any(text.startswith("stdio:") for text in self["listen"]):
            raise OptionError("--workers: stdio: is no socket that they could share; leave one out")
        return super().plan()

    def postOptions(self) -> None:
        """Check the options, and open the log file when all else is well."""
        super().postOptions()
        path = self["logfile"]
        file = self._opened(path) if path not in (None, "-") else None
        if file is not None or self.form != "text":
            self.make_observer = partial(observer, self.form, file)

    def _limits(self) -> Limits:
        limits = super()._limits()
        return limits if self.place is None else self.place.share(limits)

    def make_service(self, **arguments: Any) -> ServerService:
        """Make what serves, or what has others serve."""
        if self.place is not None:
            arguments |= {"lame_duck_seconds": 0.0, "admin": None}  # the supervisor's
            return WorkerService(self.place, self.served(), **arguments)
        if self.workers:
            return Supervisor(self.workers, self.served(), sys.orig_argv, **arguments)
        return super().make_service(**arguments)

    def _opened(self, path: str) -> LogFile:
        try:
            file = LogFile(path)
        except OSError as error:
            raise OptionError(f"--logfile: can't write to {path}: {error.strerror}") from None
        self.hang_up = partial(reopen, file)
        return file


def _workers(text: str) -> int:
    """Return how many workers are asked for."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        return count(text, 1, MAX_WORKERS)
    except OptionError as error:
        raise OptionError(f"--workers: {error}; or say auto") from None


def makeService(options: ForegroundOptions) -> ServerService:
    """Make the service of checked options."""
    return tap.makeService(options)


def reopen(file: LogFile) -> None:
    """Open the log file again, and say so."""
    log = Logger("sockproto")
    try:
        file.reopen()
    except OSError as error:
        text = "received SIGHUP, but can't open the log file {path} again: {reason}"
        log.error(text, event="log_lost", path=file.path, reason=error.strerror)
    else:
        log.info("received SIGHUP: the log file is opened again", event="log_reopened")
