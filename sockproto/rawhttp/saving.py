"""A file that appears whole or not at all.

::

    with WholeFile("page.html") as file:    # an old page.html is still there
        file.write(data)
                                            # now it is replaced; after an error it is as it was
"""

import os
import stat
from contextlib import suppress
from typing import BinaryIO, Final

from sockproto.core.text import escape
from sockproto.errors import WriteFailed

OPEN_FILES: Final = ("/dev/fd/", "/dev/std", "/proc/self/fd/")
"""Names of files that are open already."""

BUFFER_BYTES: Final = 262_144
"""Small chunks are written together."""


class WholeFile:
    """Writes beside the file, and renames at the end.

    What is no regular file (``/dev/null``, a pipe) is written as it is; a symbolic link is followed.

    Args:
        path: The file.

    Raises:
        WriteFailed: It can't be written; from ``with`` and from its end.
    """

    def __init__(self, path: str) -> None:
        self._path = self._shown = path
        self._aside: str | None = None

    def __enter__(self) -> BinaryIO:
        try:
            there = os.path.exists(self._shown)
            mode = os.stat(self._shown).st_mode if there else None
            self._path = os.path.realpath(self._shown)
            # What is no regular file, or an open one (/dev/stdout), can't be replaced.
            if mode is not None and not (stat.S_ISREG(mode) and not self._shown.startswith(OPEN_FILES)):
                self._file: BinaryIO = open(self._shown, "wb")  # closed in __exit__
                return self._file
            aside = os.path.join(os.path.dirname(self._path), f".rawhttp-{os.urandom(8).hex()}.part")
            self._aside = aside  # first: a signal may come behind any step
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            self._file = open(descriptor, "wb", BUFFER_BYTES)
            if mode is not None:
                os.fchmod(descriptor, mode & 0o777)  # the owner may be another: no setuid, then
        except (OSError, ValueError) as error:
            self._forget()
            raise self._failed(error) from error
        except BaseException:
            self._forget()
            raise
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
            if kind is None and self._aside:
                os.replace(self._aside, self._path)
                self._aside = None
        except OSError as error:
            if kind is None:
                raise self._failed(error) from error
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._aside:
            with suppress(OSError):
                os.unlink(self._aside)

    def _failed(self, error: Exception) -> WriteFailed:
        reason = getattr(error, "strerror", None) or error
        return WriteFailed(f"can't write {escape(self._shown)}: {reason}; -o names another file")
