"""The command: ``python -m sockproto.rawhttp URL``, with curl's options and exit statuses.

::

    main(["-o", "page.html", "http://example.com/"])    # returns the exit status
"""

import argparse
import os
import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NoReturn, TextIO

from sockproto.core.text import escape
from sockproto.errors import CallFailed, LocalError, WriteFailed
from sockproto.plain.streams import occupy
from sockproto.rawhttp.arguments import USAGE, check_together, fetch_options, parser
from sockproto.rawhttp.dates import seconds_of
from sockproto.rawhttp.fetching import fetch
from sockproto.rawhttp.options import Destination, FetchOptions, Response, SupportsWrite
from sockproto.rawhttp.reporting import Output, Reporter
from sockproto.rawhttp.resuming import ResumedFile, fetch_resumed, only_a_part
from sockproto.rawhttp.saving import WholeFile
from sockproto.rawhttp.url import URL

INTERRUPTED: Final = 130
STANDARD_OUTPUT: Final = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def main(argv: Sequence[str] | None = None, prog: str = "rawhttp", epilog: str | None = None) -> int:
    """Run the command.

    Args:
        argv: Its arguments; None: the process's.
        prog: What it is called in its messages.
        epilog: The last line of its help.

    Returns:
        The exit status, curl's.
    """
    occupy()
    try:
        wanted = parser(prog, epilog).parse_args(argv)
        with _terminable():
            _run(wanted, prog)
            return 0
    except SystemExit as error:
        return int(error.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (LocalError, CallFailed) as error:
        try:
            print(f"{prog}: {escape(str(error))}", file=sys.stderr, flush=True)
        except OSError:  # nobody listens
            _give_up(sys.stderr)
        return getattr(error, "status", USAGE)
    finally:
        for stream in sys.stdout, sys.stderr:
            try:
                stream.flush()
            except OSError:  # which was told of, where it matters
                _give_up(stream)


def _run(wanted: argparse.Namespace, prog: str) -> None:
    check_together(wanted)
    url, output = URL.parse(wanted.url), Output(sys.stdout)
    path = wanted.output or ("-" if wanted.head else os.path.join(".", url.file_name))
    to_stdout = path in STANDARD_OUTPUT
    bar = sys.stderr.isatty() and not (wanted.silent or wanted.verbose or to_stdout)
    reporter = Reporter(None if to_stdout or wanted.silent else output.write, wanted.verbose, bar)
    said = ""
    try:
        try:
            if to_stdout:
                _print(wanted, url, output, reporter)
            elif _goes_on(wanted, path):
                said = _go_on(wanted, url, path, reporter)
            else:
                said = _save(wanted, url, path, reporter)
        finally:
            reporter.over()
        _close(output, reporter, wanted)
    except CallFailed:
        _close(output, reporter, wanted)
        raise
    except (KeyboardInterrupt, SystemExit):
        _give_up(sys.stdout)  # don't wait for a reader that has stopped
        raise
    except WriteFailed:
        if to_stdout:
            _give_up(sys.stdout)
        raise
    except OSError as error:
        _give_up(sys.stdout)
        raise WriteFailed(f"can't write to standard output: {error.strerror or error}") from error
    if said and not wanted.silent:
        with suppress(OSError):  # nobody listens
            print(f"{prog}: {said}", file=sys.stderr, flush=True)


def _print(wanted: argparse.Namespace, url: URL, output: Output, reporter: Reporter) -> None:
    """Fetch to standard output."""
    if wanted.head or wanted.include:
        reporter.headers_to(output.write)
    into, options = _part(wanted, output)
    fetch(url, into, options, reporter)


def _save(wanted: argparse.Namespace, url: URL, path: str, reporter: Reporter) -> str:
    """Fetch into a file; return a message about its name, if that is not the one given."""
    file = WholeFile(path, not wanted.no_clobber, reporter.note)
    with file as body:
        if wanted.head or wanted.include:
            reporter.headers_to(body.write)
        into, options = _part(wanted, body)
        response = fetch(url, into, options, reporter)
        file.modified = _time(wanted, response)
    if file.name == wanted.output:
        return ""
    if file.replaced:
        return f"replaced {escape(file.name)}, {response.size} bytes now; --no-clobber keeps the old one"
    return f"saved {escape(file.name)}, {response.size} bytes"


def _part(wanted: argparse.Namespace, into: SupportsWrite) -> tuple[Destination, FetchOptions]:
    """Return where the body goes and what is asked for: with ``-C OFFSET`` only what follows."""
    options = fetch_options(wanted)
    if (wanted.continue_at or 0) < 1:
        return into, options
    return only_a_part(into), options._replace(
        headers=[*options.headers, f"Range: bytes={wanted.continue_at}-"]
    )


def _goes_on(wanted: argparse.Namespace, path: str) -> bool:
    """Tell whether to resume a file; it may not exist yet."""
    if wanted.continue_at is None:
        return False
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return bool(wanted.continue_at < 1)


def _go_on(wanted: argparse.Namespace, url: URL, path: str, reporter: Reporter) -> str:
    """Resume a file; return a message about it."""
    offset = None if wanted.continue_at < 0 else wanted.continue_at
    with ResumedFile(path, offset, reporter.note) as file:
        response = fetch_resumed(url, file, fetch_options(wanted), reporter)
        if response is None:
            return f"{escape(path)} is whole already"
        file.modified = _time(wanted, response)
    more = " more" if response.status.code == 206 else ""
    return "" if path == wanted.output else f"saved {escape(path)}, {response.size} bytes{more}"


def _time(wanted: argparse.Namespace, response: Response) -> float | None:
    return seconds_of(response.headers.get(b"Last-Modified")) if wanted.remote_time else None


def _close(output: Output, reporter: Reporter, wanted: argparse.Namespace) -> None:
    """Print what was asked for afterwards."""
    if wanted.write_out:
        output.write(reporter.written_out(wanted.write_out))
    output.flush()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind, so that no temporary file is left."""

    def leave(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = {}
    for number in signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup's
            with suppress(ValueError):  # not in the main thread
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _give_up(stream: TextIO) -> None:
    """Nobody reads a stream any more: let Python not try again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
