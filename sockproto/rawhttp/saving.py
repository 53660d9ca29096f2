"""A file that appears whole or not at all.

::

    with WholeFile("page.html") as file:    # an old page.html is still there
        file.write(data)
                                            # now it is replaced; after an error it is as it was
"""

import errno
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

from sockproto.core.text import escape
from sockproto.errors import WriteFailed

BUFFER_BYTES: Final = 262_144
"""Small chunks are written together."""

MAX_NAMES: Final = 100
"""Numbers that are tried behind a name that must not be replaced; as curl's ``--no-clobber``."""

_OPEN_FILE = re.compile(r"/dev/(stdin|stdout|stderr)|/(?:dev|proc/self)/fd/([0-9]+)")
_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class WholeFile:
    """Collects what is written, and puts it in place at the end.

    Usually that is a file beside the real one, and a rename. Where a rename can't be (the directory can't be
    written, the file is a mount) or would cost the file its owner, its hard links or its access list, what
    was collected is copied into the file. What is no regular file (``/dev/null``, a pipe), or open already
    (``/dev/fd/3``), is written at once. A symbolic link is followed. A file without write permission is
    refused.

    Args:
        path: The file.
        replace: Whether it may replace an older one; else a dot and a number are added to its name.
        tell: Called with a text when the file can't be replaced by a rename.

    Attributes:
        name: Where it is, which may differ from *path* unless it may *replace*.
        replaced: Whether an older file was replaced.
        modified: The file's modification time, in seconds since 1970; None: now.

    Raises:
        WriteFailed: It can't be written; from ``with`` and from its end.
    """

    def __init__(
        self, path: str, replace: bool = True, tell: Callable[[str], object] = lambda text: None
    ) -> None:
        self.name, self.replaced = path, False
        self.modified: float | None = None
        self._path = path
        self._replace, self._tell = replace, tell
        self._aside: str | None = None
        self._collected = self._in_place = False

    def __enter__(self) -> BinaryIO:
        try:
            self._file = self._open()
        except (OSError, ValueError) as error:
            self._forget()
            raise self._failed(error) from error
        except BaseException:
            self._forget()
            raise
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
            self._file.close()
        except OSError as error:
            if kind is None:
                raise self._failed(error) from error
        finally:
            with suppress(OSError):  # what is left in its buffer, after a failure
                self._file.close()
            self._forget()

    def _open(self) -> BinaryIO:
        number = _OPEN_FILE.fullmatch(self.name)
        if number is not None:
            return open(os.dup(_STANDARD[number[1]] if number[1] else int(number[2])), "wb")
        old = None
        with suppress(FileNotFoundError):
            old = os.stat(self.name)
        if old is not None and not stat.S_ISREG(old.st_mode):
            return open(self.name, "wb")
        if not self._replace:
            old = None
        elif old is not None and not os.access(self.name, os.W_OK, effective_ids=_EFFECTIVE):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            self._path = os.path.realpath(self.name)
        self.replaced, self._collected = old is not None, True
        try:
            return self._open_beside(old)
        except OSError as error:
            if old is None:
                raise
            self._in_place = True
            self._tell(f"{escape(self.name)} is written in place: its directory says {error.strerror}")
        try:
            return tempfile.TemporaryFile()  # __exit__ closes it
        except OSError:  # there is no place at all to collect it
            self._collected = False
            return open(self._path, "wb")

    def _open_beside(self, old: os.stat_result | None) -> BinaryIO:
        aside = os.path.join(os.path.dirname(self._path), f".rawhttp-{os.urandom(8).hex()}.part")
        self._aside = aside  # first: a signal may come behind any step
        descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        file = open(descriptor, "w+b", BUFFER_BYTES)  # noqa: SIM115  # __exit__ closes it
        if old is not None and not _made_alike(descriptor, old, self._path):
            self._in_place = True
            self._tell(f"{escape(self.name)} is written in place: it keeps its owner and links")
        return file

    def _finish(self) -> None:
        """Put what was collected in its place."""
        self._file.flush()
        if not self._collected:
            return
        if self._aside and not self._in_place:
            self._stamp(self._file.fileno())
            try:
                self._rename(self._aside)
                self._aside = None
                return
            except OSError as error:
                if not self.replaced:
                    raise
                self._tell(f"{escape(self.name)} is written in place: {error.strerror}")
        with _uninterrupted(), open(os.open(self._path, os.O_WRONLY | os.O_CLOEXEC), "wb") as target:
            _copy(self._file, target)
            self._stamp(target.fileno())

    def _rename(self, aside: str) -> None:
        if self._replace:
            os.replace(aside, self._path)
            return
        for name in (self.name, *(f"{self.name}.{number}" for number in range(1, MAX_NAMES + 1))):
            with suppress(FileExistsError):
                os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # now the name is ours
                os.replace(aside, name)
                self.name = name
                return
        raise FileExistsError(errno.EEXIST, f"it is there, and so are {MAX_NAMES} with a number")

    def _stamp(self, descriptor: int) -> None:
        if self.modified is not None:
            try:
                os.utime(descriptor, (self.modified, self.modified))
            except (OSError, OverflowError, ValueError) as error:
                self._tell(f"the time of {escape(self.name)} can't be set: {error}")

    def _forget(self) -> None:
        if self._aside:
            with suppress(OSError):
                os.unlink(self._aside)

    def _failed(self, error: Exception) -> WriteFailed:
        reason = getattr(error, "strerror", None) or error
        return WriteFailed(f"can't write {escape(self.name)}: {reason}; -o names another file")


_EFFECTIVE: Final = os.access in os.supports_effective_ids


def _made_alike(descriptor: int, old: os.stat_result, path: str) -> bool:
    """Copy the old file's owner and mode to the new one; return whether it may take its place."""
    new = os.fstat(descriptor)
    if old.st_nlink > 1 or _has_attributes(path):
        return False
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except OSError:
            return False
    os.fchmod(descriptor, old.st_mode & 0o777)  # no setuid: what was written is another program
    return True


def _has_attributes(path: str) -> bool:
    """Return whether a file has an access list, or notes of its user, that a new one would lack."""
    if not hasattr(os, "listxattr"):
        return False
    try:
        return any(not name.startswith(("security.", "user.sockproto.")) for name in os.listxattr(path))
    except OSError:
        return False


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a whole file over another one; what is there is touched only once there is room for all."""
    size, before = source.seek(0, os.SEEK_END), os.fstat(target.fileno()).st_size
    if size > before and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(target.fileno(), before, size - before)
        except OSError as error:
            if error.errno in _NO_SPACE:
                os.ftruncate(target.fileno(), before)
                raise
    source.seek(0)
    shutil.copyfileobj(source, target, BUFFER_BYTES)
    target.truncate()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait: half of a copy would be neither the old file nor the new one."""
    waiting = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
