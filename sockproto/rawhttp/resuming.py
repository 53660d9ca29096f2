"""Resuming a file of which a part is there already (``-C``).

The part that is there must be of the file that the server has now. What tells is kept with it: the server's
``ETag`` in an extended attribute, or its ``Last-Modified`` as the file's time, and the request makes the
range depend on that (``If-Range``), so that a file that has changed comes as a whole. ::

    with ResumedFile("large.iso") as file:
        fetch_resumed(url, file, FetchOptions())

Source: RFC 9110, 13.1.5 (If-Range), 8.8.2.2 (when a date is a strong validator).
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Final

from sockproto.core.text import escape
from sockproto.errors import HTTPErrorStatus, OptionError, RangeRefused, WriteFailed, WrongReply
from sockproto.plain.deadline import Deadline
from sockproto.rawhttp.dates import http_date, seconds_of
from sockproto.rawhttp.events import Headers, Status
from sockproto.rawhttp.fetching import fetch
from sockproto.rawhttp.options import Destination, FetchOptions, Observer, Response, SupportsWrite
from sockproto.rawhttp.ranges import content_range
from sockproto.rawhttp.saving import BUFFER_BYTES, WholeFile
from sockproto.rawhttp.url import URL

ATTRIBUTE: Final = "user.sockproto.etag"


class Unresumable(Exception):
    """The part that is there can't be resumed."""


class AlreadyWhole(Exception):
    """The file that is there is all of it."""


class ResumedFile:
    """A file that goes on where it ends; after a failure it keeps what came, to go on from there.

    What came from the beginning, because the file has changed, takes the old one's place at the end; after a
    failure only if it is the longer one, or the old one is known to be of another version.

    Args:
        path: The file.
        offset: Where to go on; None: at its end.
        tell: Called with a text on how it is written.

    Attributes:
        modified: The file's modification time at the end, in seconds since 1970; None: now.

    Raises:
        OptionError: The file is shorter than *offset*.
    """

    def __init__(
        self, path: str, offset: int | None = None, tell: Callable[[str], object] = lambda text: None
    ) -> None:
        self._path, self._tell = path, tell
        self._whole = WholeFile(path, tell=tell)
        self._file: BinaryIO | None = None
        self._headers = Headers()
        self.modified: float | None = None
        try:
            old = os.stat(path)
        except FileNotFoundError:
            old = None
        except (OSError, ValueError) as error:
            raise self._failed(error) from error
        if old is not None and not stat.S_ISREG(old.st_mode):
            raise OptionError(f"{escape(path)} is no file that can be gone on with: leave out -C")
        self._there = old.st_size if old else 0
        self._offset = self._there if offset is None else offset
        if self._offset > self._there:
            raise OptionError(f"{escape(path)} has {self._there} bytes: nothing can go on at {offset}")
        self._validator, self._known = self._kept(old) if old else ("", False)

    def __enter__(self) -> "ResumedFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: object) -> None:
        if self._file is None:
            return
        whole = kind is None
        if not self._appending and not whole and not (self._known or self._file.tell() > self._there):
            self._whole.__exit__(kind, value, trace)
            return
        try:
            self._remember(self._file.fileno(), whole)
            if self._appending:
                self._file.close()
            else:
                self._whole.__exit__(None)
        except OSError as error:
            if whole:
                raise self._failed(error) from error

    @property
    def header_lines(self) -> list[str]:
        """What is asked for: what is not there, if what is there is of the same version."""
        if not self._offset:
            return []
        return [f"Range: bytes={self._offset}-", f"If-Range: {self._validator}"]

    def restart(self) -> None:
        """Ask for all of it from now on."""
        self._offset = 0

    def opened(self, status: Status, headers: Headers) -> BinaryIO:
        """Return where the body goes.

        Raises:
            Unresumable: It is a part of another version.
            AlreadyWhole: There is no more.
            CallFailed: It is no page.
        """
        self._headers, self._appending = headers, status.code == 206
        if status.code == 416 and self._offset:
            came = content_range(headers)
            raise AlreadyWhole if came is not None and came.total == self._there else Unresumable
        if status.code >= 400:
            raise HTTPErrorStatus(f"the server says {status.code} {ascii(status.reason)[2:-1]}")
        if status.code not in (200, 206):
            raise WrongReply(f"status {status.code} is nothing to go on with")
        if self._appending and not self._is_of_the_same(headers):
            raise Unresumable
        if self._appending:
            self._file = self._append()
        else:
            if self._there:
                self._tell(f"{escape(self._path)} is fetched from the beginning")
            self._file = self._whole.__enter__()
        return self._file

    def _append(self) -> BinaryIO:
        try:
            file = open(self._path, "r+b", BUFFER_BYTES)  # noqa: SIM115  # __exit__ closes it
            file.truncate(self._offset)
            file.seek(self._offset)
        except OSError as error:
            raise self._failed(error) from error
        return file

    def _kept(self, old: os.stat_result) -> tuple[str, bool]:
        """Return the validator of what is there, and whether it is known to be that of its version."""
        if hasattr(os, "getxattr"):
            with suppress(OSError):
                size, _, etag = os.getxattr(self._path, ATTRIBUTE).decode("latin-1").partition(" ")
                if size == str(old.st_size):
                    return etag, True
        return http_date(old.st_mtime), old.st_mtime_ns % 1_000_000_000 == 0

    def _is_of_the_same(self, headers: Headers) -> bool:
        """See to a server that disregards If-Range."""
        if self._validator.startswith('"'):
            etag = headers.get(b"ETag")
            return etag is not None and etag.decode("latin-1") == self._validator
        modified = headers.get(b"Last-Modified")
        return modified is None or (self._known and modified.decode("latin-1") == self._validator)

    def _remember(self, descriptor: int, whole: bool) -> None:
        """Keep with the file which version it is of."""
        assert self._file is not None
        self._file.flush()
        size, etag = self._file.tell(), self._headers.get(b"ETag") or b""
        if hasattr(os, "setxattr"):
            with suppress(OSError):  # not on every file system
                if etag.startswith(b'"'):
                    os.setxattr(descriptor, ATTRIBUTE, b"%d %b" % (size, etag))
                elif not whole:
                    os.removexattr(descriptor, ATTRIBUTE)
        stamp = self.modified if whole else strong_date(self._headers)
        self._whole.modified = stamp
        if self._appending and stamp is not None:
            with suppress(OSError, OverflowError):
                os.utime(descriptor, (stamp, stamp))

    def _failed(self, error: Exception) -> WriteFailed:
        return WriteFailed(f"can't write {escape(self._path)}: {getattr(error, 'strerror', None) or error}")


def strong_date(headers: Headers) -> float | None:
    """Return the time of a response's ``Last-Modified`` if it can tell two versions apart; else None.

    It can't if the file was sent in the second in which it was written: it may have changed again.
    """
    modified, now = (seconds_of(headers.get(name)) for name in (b"Last-Modified", b"Date"))
    return modified if modified is not None and now is not None and now > modified else None


def fetch_resumed(
    url: URL | str, file: ResumedFile, options: FetchOptions, observer: Observer | None = None
) -> Response | None:
    """Fetch what is not there yet, or all of it where the server has another version.

    Returns:
        The response; None: the file was whole already.

    Raises:
        LocalError: As :func:`fetch`.
        CallFailed: As :func:`fetch`.
    """
    deadline = Deadline(options.max_seconds)
    try:
        asking = options._replace(headers=[*options.headers, *file.header_lines])
        return fetch(url, file.opened, asking, observer)
    except AlreadyWhole:
        return None
    except Unresumable:
        file.restart()
        return fetch(url, file.opened, options._replace(max_seconds=deadline.timeout()), observer)


def only_a_part(into: SupportsWrite) -> Destination:
    """Return where a part of a page goes, and nothing else does.

    Raises:
        RangeRefused: Raised by what it returns, if the server sends the whole.
    """

    def opened(status: Status, headers: Headers) -> SupportsWrite:
        if status.code >= 400:
            raise HTTPErrorStatus(f"the server says {status.code} {ascii(status.reason)[2:-1]}")
        if status.code != 206:
            raise RangeRefused("the server sends no parts of the page: leave out -C to fetch all of it")
        return into

    return opened
