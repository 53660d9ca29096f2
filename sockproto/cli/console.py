"""Standard output and error as a well-behaved command uses them, and the end of the process.

Bytes go to a pipe as they are and to a terminal escaped; nothing waits in a buffer; whatever was changed
of the terminal is put back at the end::

    console = Console(sys.stdout.fileno())
    console.write(b"...")
"""

import codecs
import contextlib
import os
import select
import shutil
import stat
import sys
import termios
import textwrap
import threading
from collections.abc import Callable
from typing import NoReturn

from sockproto.core.text import escape
from sockproto.errors import WriteFailed

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the number of the signal, as shells say it of every signal."""

USUAL_COLUMNS = 80
"""How many a terminal has if nothing is known of it."""

_undo: list[Callable[[], object]] = []


def at_exit(undo: Callable[[], object]) -> None:
    """Have *undo* called before the process ends, whichever way it ends."""
    _undo.append(undo)


def keep_terminal() -> None:
    """Have the terminal at the end as it is now, for a command that changes it."""
    with contextlib.suppress(termios.error, OSError):
        saved = termios.tcgetattr(0)
        at_exit(lambda: termios.tcsetattr(0, termios.TCSADRAIN, saved))


def leave(status: int) -> NoReturn:
    """End the process, with the terminal as it was.

    A signal, and a name server that doesn't answer (its thread can't be ended), must not wait for anything:
    then the process ends without unwinding.
    """
    while _undo:
        with contextlib.suppress(Exception):
            _undo.pop()()
    for stream in sys.stdout, sys.stderr:
        with contextlib.suppress(Exception):
            stream.flush()
    if status > 128 or threading.active_count() > 1:
        os._exit(status)
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what can't be flushed was told of already
    sys.exit(status)


class Console:
    """Standard output, or standard error.

    Args:
        descriptor: Its number.

    Attributes:
        is_terminal: Whether a person reads it.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._line_begun = False
        self._carriage = ""
        try:
            self.is_terminal = os.isatty(descriptor)
        except OSError:
            self.is_terminal = False

    def write(self, data: bytes) -> None:
        """Write bytes: as they are, but on a terminal so that they can't do anything to it.

        Raises:
            WriteFailed: They can't be written.
        """
        if self.is_terminal:
            text = self._carriage + self._decoder.decode(data)
            self._carriage = text[len(text.rstrip("\r")) :]  # the LF may still come
            data = printable(text.rstrip("\r").replace("\r\n", "\n")).encode()
        self._line_begun = bool(data) and not data.endswith(b"\n")
        self._write(data)

    def line(self, data: bytes) -> None:
        """Write a line.

        Raises:
            WriteFailed: It can't be written.
        """
        self.write(data + b"\n")

    def write_over(self, text: str) -> None:
        """On a terminal, write a line in place of the one before; an empty one takes it away.

        Raises:
            WriteFailed: It can't be written.
        """
        self._write(f"\r{text}\x1b[K".encode())

    def end_line(self) -> None:
        """On a terminal, end a line that has begun: the shell's prompt follows."""
        if not self.is_terminal:
            return
        rest = printable(self._carriage + self._decoder.decode(b"", True)).encode()
        self._carriage = ""
        if rest or self._line_begun:
            self._write(rest + b"\n")
            self._line_begun = False

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:  # somebody who shares the terminal set it so
                select.select([], [self._descriptor], [])
            except OSError as error:
                raise WriteFailed(f"can't write: {os.strerror(error.errno or 0)}") from error


class ProgressLine:
    """A line on a terminal's standard error that is written over again and again, and gone at the end.

    Args:
        wanted: Whether to show it at all; where there is no terminal it is not shown.

    Attributes:
        enabled: Whether it is shown.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._console, self._shown = Console(2), False
        self.enabled = wanted and self._console.is_terminal
        if self.enabled:
            at_exit(self.clear)

    def show(self, text: str) -> None:
        """Show *text* in place of what was there.

        Raises:
            WriteFailed: It can't be written.
        """
        if self.enabled:
            self._shown = True
            self._console.write_over(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._shown = False
            with contextlib.suppress(WriteFailed):
                self._console.write_over("")


def printable(text: str) -> str:
    """Return *text* so that it can't do anything to a terminal; newlines and tabs stay."""
    return escape(text, keep="\n\t")


def columns() -> int:
    """Return how many columns there are on standard output, 0 where that doesn't matter.

    ``COLUMNS`` counts in a pipe too, but for the 80 that libraries such as readline set there of themselves.
    """
    found = shutil.get_terminal_size((0, 0)).columns
    return found if found < USUAL_COLUMNS or Console(1).is_terminal else 0


def wrapped(text: str, indent: str, width: int | None = None) -> str:
    """Return a text in lines that fit the terminal; as one line without a terminal.

    Args:
        text: Words.
        indent: What stands before each line; a first line that begins otherwise is the caller's to begin.
        width: Columns; the terminal's if None.
    """
    if width is None:
        width = columns()
    if not width:
        return indent + text
    least = len(indent) + 20  # where there is no room at all
    return textwrap.fill(
        text,
        max(width, least),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def complain(text: str) -> None:
    """Say on standard error, in one line, what is wrong."""
    with contextlib.suppress(WriteFailed):
        Console(2)._write(
            printable(" ".join(text.replace("\n\t", " ").split("\n"))).encode("utf-8", "backslashreplace")
            + b"\n"
        )


def size_of(descriptor: int) -> int | None:
    """Return how many bytes are left of a regular file; None if it is not a regular file."""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        return max(0, found.st_size - os.lseek(descriptor, 0, os.SEEK_CUR))
    except OSError:
        return None
