"""The command: ``python -m sockproto.rawhttp URL``, with curl's options and exit statuses.

::

    main(["-o", "page.html", "http://example.com/"])    # gives the exit status
"""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn, TextIO

from sockproto.core.text import EMPTY, count, escape, seconds
from sockproto.errors import CallFailed, LocalError, OptionError, WriteFailed
from sockproto.plain.deadline import LONGEST_SECONDS
from sockproto.plain.streams import occupy
from sockproto.rawhttp.connection import ConnectOptions
from sockproto.rawhttp.fetching import MAX_REDIRECTS, FetchOptions, SupportsWrite, fetch
from sockproto.rawhttp.reporting import Output, Reporter
from sockproto.rawhttp.saving import WholeFile
from sockproto.rawhttp.url import URL

USAGE = 2
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.actions: list[argparse.Action] = []
        super().__init__(*args, **kwargs)

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        """Keep what was added, for those who ask for it; a value may only be empty with ``type=str``."""
        action = super().add_argument(*args, **kwargs)
        if action.nargs != 0 and action.type is None:
            action.type = _filled
        self.actions.append(action)
        return action

    def parse_words(self, words: Sequence[str]) -> argparse.Namespace:
        """Take the command line; as everywhere, an option's value may begin with a hyphen."""
        valued = {name for action in self.actions if action.nargs != 0 for name in action.option_strings}
        joined: list[str] = []
        for word in words:
            if word and joined and joined[-1] in valued and "--" not in joined:
                joined[-1] += f"={word}" if joined[-1].startswith("--") else word
            else:
                joined.append(word)
        wanted, rest = self.parse_known_args(joined)
        if unknown := [word for word in rest if word.startswith("-")]:
            self.error(f"No such option {unknown[0]!r}")
        if rest:
            self.error(f"there is no use for {rest[0]!r}")
        if wanted.url is None:
            self.error("Missing argument 'URL'")
        return wanted

    def print_help(self, file: Any = None) -> None:
        """Print the help; unlike argparse's own, fail where that can't be done."""
        try:
            print(self.format_help(), end="", file=file, flush=True)
        except OSError as error:
            _give_up(sys.stdout)
            raise WriteFailed(f"can't write to standard output: {error.strerror}") from error

    def error(self, message: str) -> NoReturn:
        """One line, as every error."""
        text = escape(message.removeprefix("argument "))
        self.exit(USAGE, f"{self.prog}: {text} ({self.prog} --help tells more)\n")


def _filled(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError(EMPTY)
    return text


def _number(convert: Callable[..., Any], *bounds: int) -> Callable[[str], Any]:
    """Return what reads a number for argparse, which tells only of its own errors."""

    def number(text: str) -> Any:
        try:
            return convert(text, *bounds)
        except OptionError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return number


def _seconds(text: str) -> float:
    return min(seconds(text), LONGEST_SECONDS)


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
        wanted = _parser(prog, epilog).parse_words(sys.argv[1:] if argv is None else argv)
        with _terminable():
            _run(wanted)
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


def _run(wanted: argparse.Namespace) -> None:
    url = URL.parse(wanted.url)
    output = Output(sys.stdout)
    path = wanted.output or ("-" if wanted.head else os.path.join(".", url.file_name))
    with ExitStack() as stack:
        try:
            body: SupportsWrite = output if path == "-" else stack.enter_context(WholeFile(path))
            quiet = path == "-" or wanted.silent
            headers: Callable[[bytes], object] | None = None if quiet else output.write
            if wanted.head or wanted.include:
                headers = body.write
            bar = sys.stderr.isatty() and not (wanted.silent or wanted.verbose or path == "-")
            reporter = Reporter(headers, wanted.verbose, bar)
            try:
                fetch(url, body, _options(wanted), reporter)
            finally:
                reporter.over()
            _close(output, reporter, wanted)
        except CallFailed:
            _close(output, reporter, wanted)
            raise
        except (KeyboardInterrupt, SystemExit):
            _give_up(sys.stdout)  # a reader that has stopped must not be waited for
            raise
        except WriteFailed:
            if path == "-":
                _give_up(sys.stdout)
            raise
        except OSError as error:
            _give_up(sys.stdout)
            raise WriteFailed(f"can't write to standard output: {error.strerror or error}") from error


def _close(output: Output, reporter: Reporter, wanted: argparse.Namespace) -> None:
    """Print what was asked for afterwards."""
    if wanted.write_out:
        output.write(reporter.written_out(wanted.write_out))
    output.flush()


def _options(wanted: argparse.Namespace) -> FetchOptions:
    return FetchOptions(
        method="HEAD" if wanted.head else "GET",
        headers=wanted.header,
        compressed=wanted.compressed,
        follow=wanted.location,
        max_redirects=wanted.max_redirs,
        fail=wanted.fail,
        max_bytes=wanted.max_filesize or None,
        max_seconds=wanted.max_time or None,
        connect=ConnectOptions(
            connect_seconds=wanted.connect_timeout or None,
            read_seconds=wanted.read_timeout or None,
            family=wanted.family,
            authorities=wanted.cacert,
            insecure=wanted.insecure,
        ),
    )


def _parser(prog: str, epilog: str | None) -> _Parser:
    description = "Fetch a page over a bare socket."
    parser = _Parser(prog, description=description, epilog=epilog, allow_abbrev=False)
    add = parser.add_argument
    add("url", metavar="URL", nargs="?", type=str)  # an empty one is no URL, which has a status of its own
    add("-o", "--output", metavar="FILE", help="where the body goes; -: standard output")
    add("-I", "--head", action="store_true", help="ask for the headers alone")
    add("-i", "--include", action="store_true", help="put the headers before the body")
    add("-H", "--header", metavar="LINE", action="append", default=[], help="send 'Name: value'; repeatable")
    add("-f", "--fail", action="store_true", help="status 400 and more is a failure (22)")
    add("-s", "--silent", action="store_true", help="print no headers and no progress bar")
    add("-S", "--show-error", action="store_true", help="errors are always shown")
    add("-v", "--verbose", action="store_true", help="show the conversation on standard error")
    add("-w", "--write-out", metavar="FORMAT", help="print %%{http_code}, %%{time_total} … afterwards")
    add("-L", "--location", action="store_true", default=True, help="follow redirects (the default)")
    add("--no-location", action="store_false", dest="location", help="follow no redirects")
    add("--max-redirs", metavar="N", type=_number(count, -1), default=MAX_REDIRECTS, help="-1: any number")
    add("--max-filesize", metavar="BYTES", type=_number(count), help="longest body, decompressed")
    add("--max-time", metavar="SECONDS", type=_number(_seconds), help="for all of it")
    add("--connect-timeout", metavar="SECONDS", type=_number(_seconds), default=60.0, help="(60)")
    add("--read-timeout", metavar="SECONDS", type=_number(_seconds), default=60.0, help="of silence (60)")
    add("--compressed", action="store_true", help="ask for gzip and deflate, and undo them")
    add("--cacert", metavar="FILE", help="trust these certificates, not the system's")
    add("-k", "--insecure", action="store_true", help="trust any certificate")
    four, six = socket.AF_INET, socket.AF_INET6
    add("-4", "--ipv4", action="store_const", const=four, default=0, dest="family", help="IPv4 alone")
    add("-6", "--ipv6", action="store_const", const=six, dest="family", help="IPv6 alone")
    return parser


def actions() -> list[argparse.Action]:
    """Return all options and arguments."""
    return _parser("", None).actions


def options() -> dict[str, str]:
    """Return the names of all options, each with the name of what it sets."""
    return {name: action.dest for action in actions() for name in action.option_strings}


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
