"""What ``sockproto serve`` takes on its command line: twistd sockproto's options, and where the log goes.

::

    options = ForegroundOptions()
    options.parseOptions(["--port", "0", "--logfile", "server.log", "--log-format", "json"])
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from twisted.logger import FileLogObserver, Logger

from sockproto.errors import OptionError
from sockproto.server.logs import FORMATS, LogFile, observer, word
from sockproto.server.tap import Options


class ForegroundOptions(Options):
    """The options of ``sockproto serve``.

    Attributes:
        make_observer: Makes what writes the log, once the options are parsed; None: Twisted does.
        hang_up: What SIGHUP is to call, once the options are parsed; None: it ends the server.
    """

    tapname: ClassVar[str] = "sockproto serve"
    optParameters: ClassVar[list[list[Any]]] = [
        ["log-format", None, None, "text, or json: an object a line  [default: text]"],
        ["logfile", None, None, "append the log to this file; SIGHUP then opens it again, and ends nothing"],
    ]

    make_observer: Callable[[], FileLogObserver] | None = None
    hang_up: Callable[[], object] | None = None

    def postOptions(self) -> None:
        """Check the options, and open the log file when all else is well."""
        try:
            form = word(self["log-format"] or "text", FORMATS)
        except OptionError as error:
            raise OptionError(f"--log-format: {error}") from None
        super().postOptions()
        path = self["logfile"]
        file = self._opened(path) if path not in (None, "-") else None
        if file is not None or form != "text":
            self.make_observer = partial(observer, form, file)

    def _opened(self, path: str) -> LogFile:
        try:
            file = LogFile(path)
        except OSError as error:
            raise OptionError(f"--logfile: can't write to {path}: {error.strerror}") from None
        self.hang_up = partial(reopen, file)
        return file


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
